use super::*;
use crate::parse_document;

fn frame(xml: &str) -> Frame {
    parse_document(&Text::new(xml), &Limits::default(), "jabber:client").unwrap()
}

const MESSAGE: &str = "<message to='a@b/c' from=\"d&amp;e@f\" xml:lang='en' xmlns:x='urn:x' x:y='z' type='chat'>\
                       <body>1 &lt; 2</body> <active xmlns='urn:chat'/>tail<x:n xmlns:x='urn:n'/></message>";

#[test]
fn tells_name_and_attributes() {
    let frame = frame(MESSAGE);
    assert_eq!((frame.name(), frame.ns(), frame.content_ns()), ("message", "jabber:client", "jabber:client"));
    assert_eq!(frame.attr("to").unwrap(), "a@b/c");
    assert!(frame.attr("to").unwrap().shares_buffer(frame.raw()));
    assert_eq!(frame.attr("from").unwrap(), "d&e@f");
    assert_eq!(frame.attr("xml:lang").unwrap(), "en");
    assert_eq!((frame.attr("lang"), frame.attr("y"), frame.attr("id")), (None, None, None));
    let attrs: Vec<String> = frame.attrs().map(|(ns, name, value)| format!("{ns}|{name}|{value}")).collect();
    let lang = "http://www.w3.org/XML/1998/namespace|lang|en";
    assert_eq!(attrs, ["|to|a@b/c", "|from|d&e@f", lang, "urn:x|y|z", "|type|chat"]);
}

#[test]
fn tells_children_and_text() {
    let frame = frame(MESSAGE);
    let children: Vec<(&str, &str, String)> =
        frame.children().map(|child| (child.name, child.ns, child.raw.to_string())).collect();
    let expected = [
        ("body", "jabber:client", "<body>1 &lt; 2</body>"),
        ("active", "urn:chat", "<active xmlns='urn:chat'/>"),
        ("n", "urn:n", "<x:n xmlns:x='urn:n'/>"),
    ];
    assert_eq!(children, expected.map(|(name, ns, raw)| (name, ns, raw.to_owned())));
    assert!(frame.children().all(|child| child.raw.shares_buffer(frame.raw())));
    assert_eq!(frame.text(), " tail");
    assert_eq!(frame.child("body", "jabber:client").unwrap().text(), "1 < 2");
    assert!(frame.child("body", "urn:chat").is_none());
    assert_eq!(frame.child("active", "urn:chat").unwrap().attr("xmlns").unwrap(), "urn:chat");
}

#[test]
fn finds_what_the_index_does_not_hold() {
    let attrs: String = (0..30).map(|n| format!(" a{n}='{n}'")).collect();
    let children: String = (0..30)
        .map(|n| match n % 4 {
            0 => format!("<c{n} xmlns='urn:{n}' d='&gt;/>'><c{n}/></c{n}>"),
            1 => format!("<c{n}/>text"),
            2 => format!("<p:c{n} xmlns:p='urn:{n}'><![CDATA[<c{n}>]]></p:c{n}>"),
            _ => format!("<c{n}></c{n}><![CDATA[</iq>]]>"),
        })
        .collect();
    let frame = frame(&format!("<iq{attrs}>{children}</iq>"));
    for n in 0..30 {
        assert_eq!(frame.attr(&format!("a{n}")).unwrap(), n.to_string());
    }
    assert_eq!(frame.attrs().count(), 30);
    assert_eq!(frame.children().count(), 30);
    for (n, child) in frame.children().enumerate() {
        let ns = if n % 2 == 0 { format!("urn:{n}") } else { "jabber:client".to_owned() };
        assert_eq!((child.name, child.ns), (format!("c{n}").as_str(), ns.as_str()));
        assert_eq!((child.parse().name(), child.parse().ns()), (child.name, child.ns));
    }
    assert_eq!(frame.text(), "text</iq>".repeat(7) + "text");
}

#[test]
fn nothing_inside_gives_nothing() {
    for xml in ["<a/>", "<a></a>", "<a />", "<a b='/>'/>"] {
        let frame = frame(xml);
        assert_eq!((frame.text().as_ref(), frame.children().count(), frame.raw().as_str()), ("", 0, xml));
    }
}

#[test]
fn is_one_allocation() {
    let text = Text::new(MESSAGE);
    let frame = parse_document(&text, &Limits::default(), "jabber:client").unwrap();
    assert!(frame.raw().shares_buffer(&text));
    assert!(matches!(frame.scope, Scope::Known(_)), "no memory besides the text");
    assert!(size_of::<Frame>() <= 340, "{}", size_of::<Frame>());
}
