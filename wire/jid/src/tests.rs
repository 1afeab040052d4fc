use proptest::prelude::*;

use super::*;
use JidError::{BadAddressLiteral, Bidirectional, Empty, Forbidden, NotUtf8, TooLong};

/// Parses; gives the parts in normal form, with `-` for a missing one.
fn shown(text: &str) -> Result<(String, String, String), JidError> {
    let jid = Jid::parse(text)?;
    let part = |part: Option<&str>| part.unwrap_or("-").to_owned();
    Ok((part(jid.local()), jid.domain().to_owned(), part(jid.resource())))
}

#[test]
fn is_small() {
    assert_eq!(size_of::<Jid>(), 32);
}

#[test]
fn accepts() {
    // RFC 7622 §3.5 table 1, then what ejabberd's users are called, then the edges.
    let rows = [
        ("juliet@example.com", "juliet", "example.com", "-"),
        ("juliet@example.com/foo", "juliet", "example.com", "foo"),
        ("juliet@example.com/foo bar", "juliet", "example.com", "foo bar"),
        ("juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"),
        ("foo\\20bar@example.com", "foo\\20bar", "example.com", "-"),
        ("fussball@example.com", "fussball", "example.com", "-"),
        ("fu\u{df}ball@example.com", "fussball", "example.com", "-"),
        ("\u{3c0}@example.com", "\u{3c0}", "example.com", "-"),
        ("\u{3a3}@example.com/foo", "\u{3c3}", "example.com", "foo"),
        ("\u{3c3}@example.com/foo", "\u{3c3}", "example.com", "foo"),
        ("\u{3c2}@example.com/foo", "\u{3c3}", "example.com", "foo"),
        ("king@example.com/\u{265a}", "king", "example.com", "\u{265a}"),
        ("example.com", "-", "example.com", "-"),
        ("example.com/foobar", "-", "example.com", "foobar"),
        ("a.example.com/b@example.net", "-", "a.example.com", "b@example.net"),
        // Stringprep normalises what PRECIS refuses (RFC 7622 §3.5 table 2).
        ("juliet@example.com/ foo", "juliet", "example.com", " foo"),
        ("henry\u{2163}@example.com", "henryiv", "example.com", "-"),
        ("\u{265a}@example.com", "\u{265a}", "example.com", "-"),
        ("JULIET@Example.COM/Balcony", "juliet", "example.com", "Balcony"),
        ("Éva@ÉCOLE.example/É", "éva", "école.example", "É"),
        ("a@b/\u{1f9ff}", "a", "b", "\u{1f9ff}"),
        ("\u{1f130}dmin@b", "admin", "b", "-"),
        ("a\u{ad}b@c", "ab", "c", "-"),
        ("a@b/c/d", "a", "b", "c/d"),
        ("a@example.com.", "a", "example.com", "-"),
        ("a@[2001:DB8::1]/x", "a", "[2001:db8::1]", "x"),
        ("192.0.2.1", "-", "192.0.2.1", "-"),
        ("a_b@my_host", "a_b", "my_host", "-"),
        ("\u{5d0}\u{5d1}@b", "\u{5d0}\u{5d1}", "b", "-"),
    ];
    for (input, local, domain, resource) in rows {
        let expected = (local.to_owned(), domain.to_owned(), resource.to_owned());
        assert_eq!(shown(input), Ok(expected), "{input}");
    }
}

#[test]
fn refuses() {
    let rows = [
        // RFC 7622 §3.5 table 2.
        ("\"juliet\"@example.com", Forbidden(Part::Local, '"')),
        ("foo bar@example.com", Forbidden(Part::Local, ' ')),
        ("juliet@", Empty(Part::Domain)),
        ("/foobar", Empty(Part::Domain)),
        ("@example.com", Empty(Part::Local)),
        ("", Empty(Part::Domain)),
        ("a@b/", Empty(Part::Resource)),
        ("a@@b", Forbidden(Part::Domain, '@')),
        ("a@b@c", Forbidden(Part::Domain, '@')),
        ("a@.", Empty(Part::Domain)),
        ("a@b..c", Empty(Part::Domain)),
        ("\u{ad}@b", Empty(Part::Local)),
        ("a@b/\u{200d}", Empty(Part::Resource)),
        ("a&b@c", Forbidden(Part::Local, '&')),
        ("a:b@c", Forbidden(Part::Local, ':')),
        ("a<b@c", Forbidden(Part::Local, '<')),
        ("a'b@c", Forbidden(Part::Local, '\'')),
        ("a\u{0}b@c", Forbidden(Part::Local, '\0')),
        ("a@b c", Forbidden(Part::Domain, ' ')),
        ("a@b\tc", Forbidden(Part::Domain, '\t')),
        ("a@b\"c", Forbidden(Part::Domain, '"')),
        ("a@b/c\u{7}", Forbidden(Part::Resource, '\u{7}')),
        ("a@b/c\u{7f}", Forbidden(Part::Resource, '\u{7f}')),
        ("a@b/\u{fffd}", Forbidden(Part::Resource, '\u{fffd}')),
        ("a@b/\u{e000}", Forbidden(Part::Resource, '\u{e000}')),
        ("a@b/\u{202e}c", Forbidden(Part::Resource, '\u{202e}')),
        ("a\u{2028}@b", Forbidden(Part::Local, '\u{2028}')),
        // Compatibility forms of the separators must not become separators.
        ("a\u{ff20}b@c", Forbidden(Part::Local, '@')),
        ("a\u{ff0f}b@c", Forbidden(Part::Local, '/')),
        ("a@b\u{ff0f}c", Forbidden(Part::Domain, '/')),
        ("a@b\u{ff20}c", Forbidden(Part::Domain, '@')),
        ("a@b\u{2025}c", Empty(Part::Domain)),
        ("\u{5d0}1@b", Bidirectional(Part::Local)),
        ("\u{5d0}a\u{5d1}@b", Bidirectional(Part::Local)),
        ("a@b/\u{5d0}c", Bidirectional(Part::Resource)),
        ("a@b:5222", BadAddressLiteral),
        ("a@[::g]", BadAddressLiteral),
        ("a@[", BadAddressLiteral),
        ("a@[::1].example", BadAddressLiteral),
    ];
    for (input, error) in rows {
        assert_eq!(shown(input), Err(error), "{input:?}");
    }
}

#[test]
fn refuses_malformed_utf8() {
    let rows: [&[u8]; 8] = [
        b"a\xc0\xaf@b",
        b"\xc1\x81@b",
        b"a@b/\xe0\x80\xaf",
        b"a@b/\xf0\x80\x80\xaf",
        b"a@b/\xed\xa0\x80",
        b"a@b/\xf4\x90\x80\x80",
        b"a@b/\xe2\x82",
        b"a\x80@b",
    ];
    for bytes in rows {
        assert_eq!(Jid::from_bytes(bytes), Err(NotUtf8), "{bytes:x?}");
    }
    assert_eq!(Jid::from_bytes("é@b".as_bytes()).map(|jid| jid.to_string()), Ok("é@b".to_owned()));
}

#[test]
fn parts_end_at_1023_bytes() {
    let long = "a".repeat(1023);
    let jid = Jid::parse(&format!("{long}@{long}/{long}")).unwrap();
    assert_eq!((jid.as_str().len(), jid.resource()), (3071, Some(long.as_str())));
    for (part, text) in [
        (Part::Local, format!("{long}a@b")),
        (Part::Domain, format!("a@{long}a")),
        (Part::Resource, format!("a@b/{long}a")),
        (Part::Resource, format!("a@b/{}", "é".repeat(512))),
        (Part::Resource, format!("a@b/{}", "\u{fdfa}".repeat(1023 / 3))),
        (Part::Local, format!("{}@b", "\u{ad}".repeat(1 << 20))),
    ] {
        assert_eq!(Jid::parse(&text), Err(TooLong(part)));
    }
}

#[test]
fn shares_the_buffer_of_normal_text() {
    let stanza = Text::new("<message to='juliet@capulet.lit/balcony' from='Romeo@montague.lit./a'/>");
    let to = stanza.slice(13..39);
    let jid = Jid::from_text(&to).unwrap();
    assert_eq!(jid.as_str(), "juliet@capulet.lit/balcony");
    for shared in [&jid, &jid.bare(), &jid.to_domain()] {
        assert!(shared.as_text().shares_buffer(&stanza), "{shared}");
    }
    let from = Jid::from_text(&stanza.slice(47..68)).unwrap();
    assert_eq!(from.as_str(), "romeo@montague.lit/a");
    assert!(!from.as_text().shares_buffer(&stanza));
    let long = Text::new(&format!("a@b {}", " ".repeat(1000)));
    let kept = Jid::from_text(&long.slice(0..3)).unwrap();
    assert!(!kept.detach().as_text().shares_buffer(&long));
}

#[test]
fn derives_addresses() {
    let full = Jid::parse("juliet@capulet.lit/balcony").unwrap();
    assert_eq!((full.is_full(), full.is_bare(), full.is_domain()), (true, false, false));
    let bare = full.bare();
    assert_eq!((bare.as_str(), full.bare_str()), ("juliet@capulet.lit", "juliet@capulet.lit"));
    assert_eq!((bare.is_full(), bare.is_bare(), bare.is_domain()), (false, true, false));
    assert_eq!((bare.resource(), bare.bare()), (None, bare.clone()));
    let domain = full.to_domain();
    assert_eq!((domain.as_str(), domain.local(), domain.domain()), ("capulet.lit", None, "capulet.lit"));
    assert!(domain.is_domain() && domain.is_bare());
    assert_eq!(bare.with_resource("Chamber").unwrap().as_str(), "juliet@capulet.lit/Chamber");
    assert_eq!(full.with_resource("x").unwrap().local(), Some("juliet"));
    assert_eq!(full.with_resource(""), Err(Empty(Part::Resource)));
    let joined = Jid::from_parts(Some("Juliet"), "capulet.lit", Some("balcony"));
    assert_eq!(joined, Ok(full));
    assert_eq!(Jid::from_parts(Some("a@b"), "c", None), Err(Forbidden(Part::Local, '@')));
    assert_eq!(Jid::from_parts(None, "b/c", None), Err(Forbidden(Part::Domain, '/')));
    assert_eq!(Jid::from_parts(Some(""), "c", None), Err(Empty(Part::Local)));
}

proptest! {
    /// Whatever is accepted is in normal form: reading it again changes nothing and finds the same parts.
    #[test]
    fn normal_form_is_stable(text in "\\PC{0,12}|[a-zA-Z\u{80}-\u{10ffff}]{1,4}@[a-z.A-Z\u{c0}-\u{ffff}]{1,4}(/.{1,4})?") {
        if let Ok(jid) = Jid::parse(&text) {
            let again = Jid::parse(jid.as_str()).unwrap();
            prop_assert_eq!(again.local(), jid.local());
            prop_assert_eq!(again.domain(), jid.domain());
            prop_assert_eq!(again.resource(), jid.resource());
            let joined = Jid::from_parts(jid.local(), jid.domain(), jid.resource()).unwrap();
            prop_assert_eq!(joined.as_str(), jid.as_str());
        }
    }

    /// The fast path for ASCII agrees with the full preparation.
    #[test]
    fn ascii_path_agrees(text in "[ -~]{1,8}") {
        let slow = format!("{text}\u{ad}");
        prop_assert_eq!(nodeprep(&text).ok(), nodeprep(&slow).ok());
        prop_assert_eq!(resourceprep(&text).ok(), resourceprep(&slow).ok());
    }
}
