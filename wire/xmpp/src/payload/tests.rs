use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};

use super::*;

fn payload(xml: &str) -> Payload {
    payload_of(xml, ns::CLIENT)
}

fn payload_of(xml: &str, content_ns: &str) -> Payload {
    let limits = Limits { stanza_bytes: 1 << 22, ..Limits::default() };
    Payload::from_frame(&parse_document(&Text::new(xml), &limits, content_ns).unwrap())
}

fn index(payload: &Payload) -> Vec<(&str, &str)> {
    payload.pieces().map(|piece| (piece.name(), piece.ns())).collect()
}

#[test]
fn children_are_named_by_local_name_and_namespace() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("<message/>", &[]),
        ("<message>  just text </message>", &[]),
        ("<message><body>a</body> <x xmlns='u:x'/></message>", &[("body", ns::CLIENT), ("x", "u:x")]),
        ("<message xmlns:p='u:p'><p:x/></message>", &[("x", "u:p")]),
        ("<message><p:x xmlns='u:other' xmlns:p='u:p'/></message>", &[("x", "u:p")]),
        ("<message><x xmlns=''/></message>", &[("x", "")]),
        ("<message><xml:x/></message>", &[("x", ns::XML)]),
        ("<message><x xmlns='a&amp;b'/></message>", &[("x", "a&amp;b")]),
        ("<message><x xmlns = \"u:x\"\n>y</x></message>", &[("x", "u:x")]),
    ];
    for (xml, expected) in cases {
        let payload = payload(xml);
        assert_eq!(index(&payload), *expected, "{xml}");
        let mut appended = Payload::default();
        payload.pieces().for_each(|piece| appended.append(Text::new(piece.as_str())));
        assert_eq!(index(&appended), *expected, "appended: {xml}");
    }
}

#[test]
fn the_content_namespace_of_a_server_stream_is_that_of_clients() {
    let payload = payload_of("<message><body>a</body><x xmlns='u:x'/></message>", ns::SERVER);
    assert_eq!(index(&payload), [("body", ns::CLIENT), ("x", "u:x")]);
}

#[test]
fn pieces_share_the_buffer_they_came_in() {
    let frame = parse_document(&Text::new("<iq><a/><b/></iq>"), &Limits::default(), ns::CLIENT).unwrap();
    let payload = Payload::from_frame(&frame);
    assert!(payload.pieces().all(|piece| piece.raw().shares_buffer(frame.raw())));
    assert!(!payload.entries.spilled() && !payload.sources.spilled());
}

#[test]
fn append_and_remove_leave_the_others_alone() {
    let mut payload = payload("<message><a/><b xmlns='u:b'>1</b><a/></message>");
    payload.append(Text::new("<c xmlns='u:c'/>"));
    payload.append(Text::new("<a/>"));
    let clone = payload.clone();
    assert_eq!(payload.remove(|piece| piece.is("a", ns::CLIENT)), 3);
    assert_eq!(payload.remove(|piece| piece.is("a", ns::CLIENT)), 0);
    let mut xml = String::new();
    payload.write(&mut xml);
    assert_eq!(xml, "<b xmlns='u:b'>1</b><c xmlns='u:c'/>");
    assert_eq!(payload.byte_len(), xml.len());
    assert_eq!(clone.len(), 5);
    assert_eq!(payload.child("c", "u:c").unwrap().as_str(), "<c xmlns='u:c'/>");
    assert!(payload.child("c", ns::CLIENT).is_none());
}

#[test]
fn detaching_keeps_the_children_and_lets_the_buffer_go() {
    let long = "x".repeat(2000);
    let mut small = payload(&format!("<message><a>{long}</a><b xmlns='u:b'>1</b><c xmlns=''/></message>"));
    small.remove(|piece| piece.name() == "a");
    let detached = small.detach();
    assert_eq!(detached, small);
    assert_eq!(index(&detached), [("b", "u:b"), ("c", "")]);
    assert!(detached.pieces().all(|piece| piece.raw().buffer_len() < 100));
}

#[test]
fn appending_without_end_goes_on_in_fewer_buffers() {
    let mut payload = Payload::default();
    for _ in 0..SOURCES_MAX + 10 {
        payload.append(Text::new("<x xmlns='u:x'/>"));
    }
    assert_eq!(payload.len(), SOURCES_MAX + 10);
    assert!(payload.sources.len() < 100);
    assert!(payload.pieces().all(|piece| piece.is("x", "u:x")));
}

#[test]
fn text_and_attributes_are_unescaped() {
    let cases = [
        ("<b>plain</b>", "plain"),
        ("<b/>", ""),
        ("<b></b>", ""),
        ("<b a='>' c=\"/\">x</b>", "x"),
        ("<b>a &amp; b&#33;</b>", "a & b!"),
        ("<b><![CDATA[<i>]]></b>", "<i>"),
        ("<b>a\r\nb</b>", "a\nb"),
        ("<b>a<i>no</i>b</b>", "ab"),
    ];
    for (xml, expected) in cases {
        let payload = payload(&format!("<message>{xml}</message>"));
        assert_eq!(payload.pieces().next().unwrap().text(), expected, "{xml}");
    }
    let payload = payload("<message><x a='&lt;&#x41;&apos;' xml:lang = \"de\" b=''/></message>");
    let piece = payload.pieces().next().unwrap();
    assert_eq!(piece.attr("a").unwrap(), "<A'");
    assert_eq!(piece.attr("xml:lang").unwrap(), "de");
    assert_eq!(piece.attr("b").unwrap(), "");
    assert_eq!(piece.attr("c"), None);
    assert_eq!(piece.parse().attr("a").unwrap(), "<A'");
}
