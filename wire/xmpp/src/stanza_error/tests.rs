use nightjar_xml::Element;

use super::*;

fn read(xml: &str) -> StanzaError {
    StanzaError::from_element(Element::parse(&Text::new(xml), ns::CLIENT).unwrap().root())
}

#[test]
fn every_condition_reads_as_it_is_written() {
    for condition in Condition::ALL {
        let error = StanzaError::new(*condition);
        let xml = error.to_xml();
        assert!(xml.contains(&format!("<{} xmlns='{}'", condition.as_str(), ns::STANZA_ERRORS)), "{xml}");
        assert_eq!(read(&xml), error);
    }
    assert_eq!(Condition::ALL.len(), 22, "RFC 6120 §8.3.3.1 to §8.3.3.22");
}

#[test]
fn everything_an_error_carries_is_written() {
    let error = StanzaError {
        lang: Some(Text::new("de")),
        ..StanzaError::gone()
            .with_type(ErrorType::Modify)
            .with_uri("xmpp:a@b?x&y")
            .with_text("weg <dort>")
            .with_application("<too-far xmlns='u:app'/>")
    };
    let xml = error.to_xml();
    assert_eq!(
        xml,
        "<error type='modify'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:a@b?x&amp;y</gone>\
         <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='de'>weg &lt;dort&gt;</text>\
         <too-far xmlns='u:app'/></error>"
    );
    assert_eq!(read(&xml), error);
}

#[test]
fn what_is_not_understood_is_an_undefined_condition() {
    for xml in [
        "<error/>",
        "<error type='mystery'/>",
        "<error type='cancel'><odd xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    ] {
        assert_eq!(read(xml).condition, Condition::UndefinedCondition, "{xml}");
        assert_eq!(read(xml).kind, ErrorType::Cancel, "{xml}");
    }
}
