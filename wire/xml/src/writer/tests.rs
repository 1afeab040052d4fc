use super::*;

#[test]
fn writes_elements() {
    let mut xml = Writer::with_capacity(64);
    xml.start("message").attr("to", "a@b/'c'").attr_opt("id", None).attr_opt("type", Some("chat"));
    xml.start("body").text("1 < 2").end("body");
    xml.element("thread", "").raw("").raw("<x xmlns='y'/>").end("message");
    let expected = "<message to='a@b/&apos;c&apos;' type='chat'><body>1 &lt; 2</body><thread></thread><x xmlns='y'/></message>";
    assert_eq!(xml.as_str(), expected);
    assert_eq!(xml.finish(), expected);
}

#[test]
fn ends_an_empty_element_in_its_tag() {
    let mut xml = Writer::new();
    xml.start("a").start("b").ns("urn:x").end("b").raw("").end("a");
    assert_eq!(xml.finish(), "<a><b xmlns='urn:x'/></a>");
}

#[test]
fn goes_on_behind_other_text_and_closes_an_open_tag() {
    let mut xml = Writer::append_to("<?xml version='1.0'?>".to_owned());
    xml.start("stream:stream").attr("version", "1.0");
    assert_eq!(xml.finish(), "<?xml version='1.0'?><stream:stream version='1.0'>");
}
