use nightjar_text::Text;

use super::*;
use crate::Limits;
use crate::frame::{Frame, run_whole};
use crate::index::Index;
use crate::namespace::{Root, Scope};

fn streams() -> Scope {
    Scope::new(Root {
        name: "stream:stream".into(),
        content: "jabber:client".into(),
        default: None,
        prefixes: vec![
            ("stream".into(), "urn:stream".into()),
            ("c".into(), "jabber:client".into()),
            ("q".into(), "urn:q'\"&".into()),
        ]
        .into(),
    })
}

/// The frame that an element becomes inside such a stream; panics unless it had to be rewritten.
fn rewritten(xml: &str, scope: &Scope) -> Result<Frame, XmlErrorKind> {
    let cx = Context { root: scope, limits: &Limits::CHECKED };
    let mut index = Index::default();
    let (_, leans) = run_whole(xml.as_bytes(), cx, &mut index).unwrap();
    assert!(leans, "{xml} stands alone");
    Frame::rewritten(xml, cx, &Scope::document(&scope.content)).map_err(|error| error.kind)
}

#[test]
fn makes_elements_stand_alone() {
    for (xml, expected) in [
        // Prefixes of the stream.
        (
            "<stream:error><a xmlns='urn:a'/></stream:error>",
            "<stream:error xmlns:stream='urn:stream'><a xmlns='urn:a'/></stream:error>",
        ),
        ("<stream:features/>", "<stream:features xmlns:stream='urn:stream'/>"),
        ("<a stream:b='1'/>", "<a xmlns:stream='urn:stream' stream:b='1'/>"),
        (
            "<a><q:b><q:c q:d='1'/></q:b><q:e/></a>",
            "<a><q:b xmlns:q='urn:q&apos;&quot;&amp;'><q:c q:d='1'/></q:b><q:e xmlns:q='urn:q&apos;&quot;&amp;'/></a>",
        ),
        (
            "<q:a><q:b/></q:a>",
            "<q:a xmlns:q='urn:q&apos;&quot;&amp;'><q:b xmlns:q='urn:q&apos;&quot;&amp;'/></q:a>",
        ),
        // Prefixes and defaults of the element itself.
        (
            "<a xmlns:p='urn:p'><p:b><p:c/></p:b></a>",
            "<a xmlns:p='urn:p'><p:b xmlns:p='urn:p'><p:c/></p:b></a>",
        ),
        ("<a xmlns:p='urn:p'><b p:c='1'/></a>", "<a xmlns:p='urn:p'><b xmlns:p='urn:p' p:c='1'/></a>"),
        (
            "<a xmlns='urn:a'><b/><c><d/></c></a>",
            "<a xmlns='urn:a'><b xmlns='urn:a'/><c xmlns='urn:a'><d/></c></a>",
        ),
        (
            "<a xmlns='urn:a'><b xmlns='jabber:client'/><c/></a>",
            "<a xmlns='urn:a'><b xmlns='jabber:client'/><c xmlns='urn:a'/></a>",
        ),
        (
            "<a xmlns='urn:a'><p:b xmlns:p='urn:p'><c/></p:b></a>",
            "<a xmlns='urn:a'><p:b xmlns:p='urn:p'><c xmlns='urn:a'/></p:b></a>",
        ),
        ("<a xmlns=''><b/></a>", "<a xmlns=''><b xmlns=''/></a>"),
        (
            "<a xmlns:p='urn:p'><b xmlns:p='urn:o'><p:c/></b><p:d/></a>",
            "<a xmlns:p='urn:p'><b xmlns:p='urn:o'><p:c/></b><p:d xmlns:p='urn:p'/></a>",
        ),
        // The namespace of stanzas.
        ("<c:a b='1'><c:b>x</c:b></c:a >", "<a b='1'><b>x</b></a>"),
        ("<a><c:b><c:c/></c:b></a>", "<a><b><c/></b></a>"),
        ("<a><b xmlns='urn:b'><c:c/></b></a>", "<a><b xmlns='urn:b'><c:c xmlns:c='jabber:client'/></b></a>"),
        ("<a><b xmlns='jabber:client'><c xmlns='jabber:client'/></b></a>", "<a><b><c/></b></a>"),
        (
            "<a><b xmlns='urn:b'><c xmlns='jabber:client'/></b><c xmlns='jabber:client'/></a>",
            "<a><b xmlns='urn:b'><c xmlns='jabber:client'/></b><c/></a>",
        ),
        ("<c:a xmlns='urn:a'><b/><c:c/></c:a>", "<a><b xmlns='urn:a'/><c/></a>"),
        ("<a xmlns='urn:a'><c:b/></a>", "<a xmlns='urn:a'><c:b xmlns:c='jabber:client'/></a>"),
        ("<a xmlns='jabber:client'><b xmlns='jabber:client'/></a>", "<a><b/></a>"),
        // Namespace names are written one way.
        ("<a xmlns='jabber:&#99;lient'/>", "<a/>"),
        ("<a><b xmlns='urn:&#98;'/></a>", "<a><b xmlns='urn:b'/></a>"),
        ("<a><b:b xmlns:b='&#38;\n'/></a>", "<a><b:b xmlns:b='&amp; '/></a>"),
        // All else stays.
        (
            "<c:a  x = \"1\"\ty='>&lt;' >t&#65;<![CDATA[</c:a>]]>\r\n<b  c='d' ></b\n></c:a>",
            "<a x = \"1\" y='>&lt;'>t&#65;<![CDATA[</c:a>]]>\r\n<b c='d'></b\n></a>",
        ),
        (
            "<c:a xml:lang='en' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='en'/>",
        ),
    ] {
        let frame = rewritten(xml, &streams());
        assert_eq!(frame.map(|frame| frame.raw().to_string()), Ok(expected.to_owned()), "{xml}");
    }
}

#[test]
fn leaves_alone_what_stands_alone() {
    let scope = streams();
    for xml in [
        "<a/>",
        "<a xmlns='jabber:client'><b/></a>",
        "<a xmlns='urn:a'/>",
        "<a xmlns='urn:a'>text</a>",
        "<a><b xmlns='urn:b'><c xmlns='jabber:client'/></b></a>",
        "<p:a xmlns:p='urn:p'><b/></p:a>",
        "<a><p:b xmlns:p='urn:p' p:c='1'><p:d/></p:b></a>",
        "<a xmlns:p='urn:p' p:b='1'/>",
        "<a xml:lang='en'><b xml:lang='de'/></a>",
        "<a><b xmlns='a&amp;b'/></a>",
    ] {
        let cx = Context { root: &scope, limits: &Limits::CHECKED };
        assert_eq!(run_whole(xml.as_bytes(), cx, &mut Index::default()), Ok((xml.len(), false)), "{xml}");
    }
}

#[test]
fn an_element_cannot_grow_out_of_bounds() {
    let long = "u".repeat(500);
    let children = "<p:a/>".repeat(2000);
    let xml = format!("<a xmlns:p='{long}'>{children}</a>");
    assert_eq!(rewritten(&xml, &streams()).map(|_| ()), Err(XmlErrorKind::TooLarge));
    let few = format!("<a xmlns:p='{long}'>{}</a>", "<p:a/>".repeat(8));
    let frame = rewritten(&few, &streams()).unwrap();
    assert_eq!(frame.children().count(), 8);
    assert!(frame.children().all(|child| child.ns == long && child.raw.len() > long.len()));
    assert!(Text::new(&few).len() < frame.raw().len());
}
