use super::*;
use XmlErrorKind::{BadFormat, NotWellFormed, RestrictedXml, TooLarge, UnsupportedEncoding};

const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
                    xmlns:stream='http://etherx.jabber.org/streams' to='capulet.lit' version='1.0'>";

const LIMITS: Limits =
    Limits { stanza_bytes: 2000, elements: 60, depth: 5, attributes: 12, bindings: 4, name_bytes: 40 };

/// What one stream said, one line for each event; the last is the error, if there was one.
fn said(parser: &mut StreamParser, pieces: &[&[u8]]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            let (used, event) = match parser.feed(input) {
                Ok(fed) => fed,
                Err(error) => {
                    assert_eq!(parser.feed(input).unwrap_err(), error, "the error stays");
                    lines.push(format!("{:?}", error.kind));
                    return lines;
                }
            };
            input = &input[used..];
            let line = match event {
                Some(Event::Open(open)) => format!("open {}:{}", open.prefix, open.name),
                Some(Event::Frame(frame)) => frame.raw().to_string(),
                // A run of blanks that comes in pieces is several events.
                Some(Event::Whitespace) if lines.last().is_some_and(|line| line == "space") => continue,
                Some(Event::Whitespace) => "space".to_owned(),
                Some(Event::Close) => "close".to_owned(),
                None => break,
            };
            lines.push(line);
        }
        assert_eq!(input, b"", "without an event all bytes are taken");
    }
    lines
}

/// Reads a whole stream in one piece, in two of every length, and byte by byte: all must say the same.
#[track_caller]
fn read(input: &[u8]) -> Vec<String> {
    let lines = said(&mut StreamParser::new(LIMITS), &[input]);
    for split in 0..input.len() {
        let (head, tail) = input.split_at(split);
        assert_eq!(said(&mut StreamParser::new(LIMITS), &[head, tail]), lines, "split at {split}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(said(&mut StreamParser::new(LIMITS), &bytes), lines, "byte by byte");
    lines
}

/// Reads what stands inside a stream; gives the events between its opening and its closing tag.
#[track_caller]
fn inside(content: &[u8]) -> Vec<String> {
    let mut lines = read(&[OPEN.as_bytes(), content, b"</stream:stream>"].concat());
    assert_eq!(lines.remove(0), "open stream:stream");
    if lines.last().is_some_and(|line| line == "close") {
        lines.pop();
    }
    lines
}

#[track_caller]
fn refused(content: impl AsRef<[u8]>, kind: XmlErrorKind) {
    let content = content.as_ref();
    let shown = String::from_utf8_lossy(content);
    assert_eq!(inside(content).last(), Some(&format!("{kind:?}")), "{shown:?}");
}

#[test]
fn reads_a_stream() {
    let input = format!(
        "{OPEN}<message to='a@b'><body>hi</body></message> \r\n<r xmlns='urn:xmpp:sm:3'/></stream:stream >\n"
    );
    let message = "<message to='a@b'><body>hi</body></message>";
    let expected = ["open stream:stream", message, "space", "<r xmlns='urn:xmpp:sm:3'/>", "close"];
    assert_eq!(read(input.as_bytes()), expected);
}

#[test]
fn accepts_as_it_is() {
    for xml in [
        "<a/>",
        "<a />",
        "<a></a>",
        "<a\r\n\t></a \n>",
        "<a b='c'/>",
        "<a b = \"c\" d\n=\t'e'/>",
        "<a b='\"' c=\"'\" d='>'/>",
        "<a b='&amp;&lt;&gt;&apos;&quot;&#65;&#x1F9ff;&#x9;'/>",
        "<a>&amp;&lt;&gt;&apos;&quot;&#65;&#x10FFFF;&#xA;</a>",
        "<a>]] > ]]&gt; ] ></a>",
        "<a><![CDATA[<b>&nope; ]] ]> ]]]></a>",
        "<a><![CDATA[]]></a>",
        "<a><![CDATA[x]]>></a>",
        "<a>\u{e9}\u{2603}\u{1f9ff}\u{fffd}\u{7f}\u{85}</a>",
        "<\u{e9}l\u{b7}\u{300} \u{fc}='\u{1f9ff}'/>",
        "<a.b-c_1/>",
        "<a xml:lang='en' xml:b='c'/>",
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='urn:x'/>",
        "<a xmlns=''/>",
        "<a><b xmlns='urn:x'><c xmlns=''/></b></a>",
        "<a xmlns:b='urn:x' b:c='1' c='2'/>",
        "<a><b:c xmlns:b='urn:x'><b:d/></b:c></a>",
        "<a><b><c><d/></c></b></a>",
        "<a b1='' b2='' b3='' b4='' b5='' b6='' b7='' b8='' b9='' c1='' c2='' c3=''/>",
    ] {
        assert_eq!(inside(xml.as_bytes()), [xml]);
    }
}

/// One to a line.
const NOT_WELL_FORMED: &str = r#"
<a></b>
<a><b></a></b>
</a>
<a
<>
< a/>
<a/ >
</ a>
<a></a
<a></a b>
<1/>
<-a/>
<.a/>
<a b/>
<a b=/>
<a b=c/>
<a b='c'd='e'/>
<a b='c' b='d'/>
<a b='<'/>
<a b='c"/>
<a 'b'/>
<a =''/>
<a /b>
<a/b>
<a>&</a>
<a>& b</a>
<a>&amp</a>
<a>&;</a>
<a>&#;</a>
<a>&#x;</a>
<a>&#0;</a>
<a>&#xD800;</a>
<a>&#x110000;</a>
<a>&#xFFFE;</a>
<a>&#8;</a>
<a>&#a;</a>
<a>&#X41;</a>
<a>&#-1;</a>
<a>&#99999999999;</a>
<a>&#000000000000000000000000000000065;</a>
<a b='&'/>
<a b='&amp'/>
<a b='&#0;'/>
<a>]]></a>
<a>x]]]>y</a>
"#;

/// XML-NAMES; one to a line.
const NOT_NAMESPACE_WELL_FORMED: &str = r#"
<b:a/>
<a b:c='1'/>
<a:/>
<:a/>
<a:b:c/>
<a xmlns:b='u' b:='1'/>
<a :b='1'/>
<a xmlns:b='u'><b:1/></a>
<a xmlns:b=''/>
<a xmlns:='u'/>
<a xmlns:xml='u'/>
<a xmlns:xmlns='u'/>
<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>
<xmlns:a/>
<a xmlns:b='http://www.w3.org/2000/xmlns/'/>
<a xmlns='http://www.w3.org/2000/xmlns/'/>
<a xmlns:b='http://www.w3.org/XML/1998/namespace'/>
<a xmlns='http://www.w3.org/XML/1998/namespace'/>
<a xmlns='u' xmlns='u'/>
<a xmlns:b='u' xmlns:b='v'/>
<a xmlns:b='u' b:d='1' b:d='2'/>
<a xmlns:b='u' xmlns:c='u' b:d='1' c:d='2'/>
<a xmlns:b='u&amp;' xmlns:c='u&#38;' b:d='1' c:d='2'/>
<a><b xmlns:c='u'/><c:d/></a>
<a xmlns:b='u'/><b:c/>
<a xmlns:b='u'></b:a>
<a xmlns:b='u' xmlns:c='u' b:d='' e1='' e2='' e3='' e4='' e5='' e6='' e7='' e8='' e9='' c:d=''/>
"#;

#[test]
fn refuses_what_is_not_well_formed() {
    for xml in
        NOT_WELL_FORMED.lines().chain(NOT_NAMESPACE_WELL_FORMED.lines()).filter(|line| !line.is_empty())
    {
        refused(xml, NotWellFormed);
    }
}

#[test]
fn refuses_characters_that_xml_does_not_allow() {
    for xml in [
        "<a>\u{0}</a>",
        "<a>\u{1}</a>",
        "<a>\u{b}</a>",
        "<a>\u{1f}</a>",
        "<a>\u{fffe}</a>",
        "<a>\u{ffff}</a>",
        "<a b='\u{8}'/>",
        "<a b='\u{ffff}'/>",
        "<a><![CDATA[\u{2}]]></a>",
        "<a\u{0}/>",
        "<a\u{d7}/>",
        "<\u{b7}a/>",
        "<\u{300}/>",
        "<a \u{37e}=''/>",
        "<a\u{a0}b='c'/>",
    ] {
        refused(xml, NotWellFormed);
    }
}

#[test]
fn refuses_what_is_not_utf8() {
    let bad: [&[u8]; 8] = [
        b"\x80",
        b"\xc0\xaf",
        b"\xc0\x80",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\xff",
    ];
    for bytes in bad {
        let places: [(&[u8], &[u8]); 5] = [
            (b"<a>", b"</a>"),
            (b"<a b='", b"'/>"),
            (b"<a", b"/>"),
            (b"<a ", b"='b'/>"),
            (b"<a><![CDATA[", b"]]></a>"),
        ];
        for (before, behind) in places {
            refused([before, bytes, behind].concat(), NotWellFormed);
        }
    }
}

#[test]
fn refuses_what_xmpp_restricts() {
    for xml in [
        "<!-- a -->",
        "<a><!-- b --></a>",
        "<a><!----></a>",
        "<?a b?>",
        "<a><?b c?></a>",
        "<?xml version='1.0'?>",
        "<a><?xml version='1.0'?></a>",
        "<!DOCTYPE a>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]>",
        "<a><!DOCTYPE b></a>",
        "<a><!ELEMENT b></a>",
        "<a><![cdata[]]></a>",
        "<![CDATA[a]]>",
        "<a>&nbsp;</a>",
        "<a b='&c;'/>",
        "<a>&AMP;</a>",
    ] {
        refused(xml, RestrictedXml);
    }
    for xml in ["a", "&amp;", "<a/>b", "]]>", "\u{feff}", " a "] {
        refused(xml, BadFormat);
    }
}

#[test]
fn keeps_to_the_limits() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let attributes = |count: usize| {
        let attrs: String = (0..count).map(|n| format!(" a{n}=''")).collect();
        format!("<a{attrs}/>")
    };
    let bindings = |count: usize| {
        let declared: String = (0..count).map(|n| format!(" xmlns:a{n}='u'")).collect();
        format!("<a{declared}/>")
    };
    let bindings_deep = |count: usize| {
        let opened: String = (0..count).map(|n| format!("<a xmlns:a{n}='u'>")).collect();
        format!("<a>{opened}{}</a>", "</a>".repeat(count))
    };
    let named = |length: usize| format!("<{}/>", "a".repeat(length));
    let prefixed = |length: usize| format!("<a xmlns:{}='u'/>", "b".repeat(length - 6));
    let space_named = |length: usize| format!("<a xmlns='{}'/>", "b".repeat(length));
    let long = |length: usize| format!("<a>{}</a>", "b".repeat(length - 7));
    let valued = |length: usize| format!("<a b='{}'/>", "b".repeat(length - 9));
    let rows: [(&dyn Fn(usize) -> String, usize); 9] = [
        (&nested, 5),
        (&attributes, 12),
        (&bindings, 4),
        (&bindings_deep, 4),
        (&named, 40),
        (&prefixed, 40),
        (&space_named, 40),
        (&long, 2000),
        (&valued, 2000),
    ];
    for (build, limit) in rows {
        assert_eq!(inside(build(limit).as_bytes()), [build(limit)]);
        refused(build(limit + 1), TooLarge);
    }
}

#[test]
fn endless_pieces_end_at_the_limit() {
    for (begin, fill) in [
        ("<a b='", "c"),
        ("<a b='", "&amp;"),
        ("<", "a"),
        ("<a ", "b"),
        ("<a ", " "),
        ("<a ", "b='' "),
        ("<a>", "b"),
        ("<a>", "&lt;"),
        ("<a><![CDATA[", "]"),
        ("<a></a", " "),
        ("</stream:stream", " "),
        ("", "<a>"),
        ("<a>", "<b/>"),
    ] {
        for piece in [1, 7, 100_000] {
            let input = format!("{begin}{}", fill.repeat(100_000 / fill.len()));
            let mut parser = StreamParser::new(LIMITS);
            said(&mut parser, &[OPEN.as_bytes()]);
            let pieces: Vec<&[u8]> = input.as_bytes().chunks(piece).collect();
            let lines = said(&mut parser, &pieces);
            assert_eq!(lines, ["TooLarge"], "{begin} {fill} in pieces of {piece}");
            assert_eq!(parser.pending_bytes(), 0);
        }
    }
}

#[test]
fn reads_the_prolog() {
    let stream = "<s xmlns='u'>";
    for (prolog, expected) in [
        ("", "open :s"),
        ("<?xml version='1.0'?>", "open :s"),
        ("<?xml version=\"1.0\" encoding='utf-8'?>\n", "open :s"),
        ("<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>", "open :s"),
        (" \r\n\t", "open :s"),
        (" <?xml version='1.0'?>", "NotWellFormed"),
        ("<?xml version='1.0'?><?xml version='1.0'?>", "NotWellFormed"),
        ("<?xml?>", "RestrictedXml"),
        ("<?xml ?>", "NotWellFormed"),
        ("<?xml version='1.1'?>", "NotWellFormed"),
        ("<?xml version='2.0'?>", "NotWellFormed"),
        ("<?xml encoding='utf-8'?>", "NotWellFormed"),
        ("<?xml encoding='utf-8' version='1.0'?>", "NotWellFormed"),
        ("<?xml version='1.0' a='b'?>", "NotWellFormed"),
        ("<?xml version='1.0' standalone='maybe'?>", "NotWellFormed"),
        ("<?xml version='1.0'encoding='utf-8'?>", "NotWellFormed"),
        ("<?xml version='1.0' version='1.0'?>", "NotWellFormed"),
        ("<?xml version='1.0'>", "NotWellFormed"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?>", "UnsupportedEncoding"),
        ("<?xml version='1.0' encoding='utf-16'?>", "UnsupportedEncoding"),
        ("<?xmlx a?>", "RestrictedXml"),
        ("<?php ?>", "RestrictedXml"),
        ("<!-- a -->", "RestrictedXml"),
        ("<?xml version='1.0'?><!DOCTYPE a>", "RestrictedXml"),
        ("\u{feff}", "NotWellFormed"),
        ("GET / HTTP/1.1", "NotWellFormed"),
        ("</a>", "NotWellFormed"),
    ] {
        assert_eq!(read(format!("{prolog}{stream}").as_bytes()), [expected], "{prolog}");
    }
    for bytes in [b"\xff\xfe<\0".as_slice(), b"\xfe\xff\0<", b"\0<\0?"] {
        assert_eq!(read(bytes), [format!("{UnsupportedEncoding:?}")]);
    }
}

#[test]
fn refuses_bad_openings_and_closings() {
    for (stream, expected) in [
        ("<a:s>", "NotWellFormed"),
        ("<s a='1' a='1'>", "NotWellFormed"),
        ("<s a='\u{1}'>", "NotWellFormed"),
        ("<s a=>", "NotWellFormed"),
        ("<s></t>", "NotWellFormed"),
        ("<s></stream>", "NotWellFormed"),
        ("<s></s a>", "NotWellFormed"),
        ("<s/></s>", "NotWellFormed"),
        ("<s></s><a/>", "NotWellFormed"),
        ("<s></s>a", "NotWellFormed"),
        ("<s></s> \n", "close"),
        ("<s/>\n", "close"),
        ("<s></s\t>", "close"),
    ] {
        let lines = read(stream.as_bytes());
        assert_eq!(lines.last().map(String::as_str), Some(expected), "{stream}");
    }
    let mut parser = StreamParser::new(Limits { stanza_bytes: 20, ..LIMITS });
    assert_eq!(said(&mut parser, &[b"<s a='", &[b'b'; 100]]), ["TooLarge"]);
    let mut parser = StreamParser::new(Limits { stanza_bytes: 20, ..LIMITS });
    assert_eq!(said(&mut parser, &[b"<?xml version='1.0' encoding='utf-8'?>"]), ["TooLarge"]);
}

#[test]
fn starts_over_and_changes_limits() {
    let mut parser = StreamParser::new(LIMITS);
    assert_eq!(said(&mut parser, &[OPEN.as_bytes(), b"<auth"]), ["open stream:stream"]);
    assert!(parser.is_partial());
    parser.reset();
    assert_eq!((parser.is_partial(), parser.content_ns()), (false, ""));
    assert_eq!(said(&mut parser, &[OPEN.as_bytes()]), ["open stream:stream"]);
    assert_eq!(parser.content_ns(), "jabber:client");
    parser.set_limits(Limits { stanza_bytes: 10, ..LIMITS });
    assert_eq!(said(&mut parser, &[b"<a>", b"bcdefgh"]), Vec::<String>::new());
    assert_eq!(said(&mut parser, &[b"</a>"]), ["TooLarge"]);
}

/// RFC 6120 §4.8.5 shows streams whose default namespace is that of the stream itself.
#[test]
fn stanzas_may_name_their_namespace_themselves() {
    let mut parser = StreamParser::new(LIMITS);
    let open = "<stream xmlns='http://etherx.jabber.org/streams'>";
    assert_eq!(said(&mut parser, &[open.as_bytes()]), ["open :stream"]);
    parser.set_content_ns("jabber:client");
    assert_eq!(parser.content_ns(), "jabber:client");
    let input = "<message xmlns='jabber:client'><body/></message><error/></stream>";
    let expected = [
        "<message xmlns='jabber:client'><body/></message>",
        "<error xmlns='http://etherx.jabber.org/streams'/>",
        "close",
    ];
    assert_eq!(said(&mut parser, &[input.as_bytes()]), expected);
}

#[test]
fn owns_nothing_while_idle() {
    assert!(size_of::<StreamParser>() <= 128, "{}", size_of::<StreamParser>());
    let mut parser = StreamParser::new(LIMITS);
    said(&mut parser, &[OPEN.as_bytes(), b"<a/><b>c</", b"b> "]);
    assert!(parser.partial.is_none());
    assert!(matches!(parser.scope, Scope::Known(_)) && matches!(parser.frame_scope, Scope::Known(_)));
}

#[test]
fn holds_little_more_than_the_bytes() {
    let mut parser = StreamParser::new(Limits::default());
    said(&mut parser, &[OPEN.as_bytes(), b"<"]);
    // What one unfinished byte costs, a hundred thousand times over in an attack.
    assert!(size_of::<Partial>() <= 900, "{}", size_of::<Partial>());
    for (size, _) in [b'a'; 200_000].iter().enumerate() {
        parser.feed(b"a").unwrap_or_default();
        let Some(partial) = &parser.partial else { break };
        let least = APPEND_BYTES_MIN.max(size);
        assert!(partial.bytes.capacity() <= 2 * least + 64, "{} for {size}", partial.bytes.capacity());
    }
}

/// Feeds an element in pieces of one size; gives how many bytes were looked at for each byte fed.
fn steps_per_byte(element: &str, piece: usize) -> f64 {
    let limits = Limits { stanza_bytes: 1 << 24, depth: 20_000, attributes: 20_000, ..Limits::default() };
    let mut parser = StreamParser::new(limits);
    said(&mut parser, &[OPEN.as_bytes()]);
    parser.steps = 0;
    let mut frames = 0;
    for mut bytes in element.as_bytes().chunks(piece) {
        while let (used, Some(event)) = parser.feed(bytes).unwrap() {
            frames += usize::from(matches!(event, Event::Frame(_) | Event::Close));
            bytes = &bytes[used..];
        }
    }
    assert_eq!(frames, 1);
    parser.steps as f64 / element.len() as f64
}

/// Rows 18 and 60 of the attacks: giant tokens in tiny writes, and depth.
#[test]
fn time_is_linear() {
    let size = 1 << 18;
    let fill = |piece: &str| piece.repeat(size / piece.len());
    for element in [
        format!("<a b='{}'/>", fill("c")),
        format!("<a b='{}'/>", fill("&amp;")),
        format!("<a b='{}'/>", fill(">")),
        format!("<a>{}</a>", fill("b")),
        format!("<a>{}</a>", fill("&lt;")),
        format!("<a>{}</a>", fill("]]")),
        format!("<a>{}</a>", fill(">")),
        format!("<a><![CDATA[{}]]></a>", fill("]>")),
        format!("<a{}/>", fill(" ")),
        format!("<a></a{}>", fill(" ")),
        format!("</stream:stream{}>", fill(" ")),
        format!("<a{}/>", (0..20_000).map(|n| format!(" b{n}=''")).collect::<String>()),
        format!("<a>{}</a>", fill("<b/>")),
        format!("{}{}", "<a>".repeat(20_000), "</a>".repeat(20_000)),
    ] {
        let shown: String = element.chars().take(40).collect();
        for piece in [1, 1000, usize::MAX] {
            let steps = steps_per_byte(&element, piece);
            assert!(steps < 6.0, "{steps} steps for each byte of {shown} in pieces of {piece}");
        }
    }
}

#[test]
fn copies_no_more_than_the_element() {
    // Elements cut at every buffer's end must not make the rest of the buffer be copied each time.
    let mut parser = StreamParser::new(Limits::default());
    said(&mut parser, &[OPEN.as_bytes(), b"<a>"]);
    let rest = format!("</a>{}", "<b/>".repeat(10_000));
    parser.steps = 0;
    let (used, event) = parser.feed(rest.as_bytes()).unwrap();
    assert_eq!(used, 4);
    assert!(matches!(event, Some(Event::Frame(_))) && parser.partial.is_none());
    assert!(parser.steps <= APPEND_BYTES_MIN + 16, "{}", parser.steps);
}
