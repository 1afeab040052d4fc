use nightjar_xml::Element;

use super::*;

fn write(error: &StreamError) -> String {
    let mut out = String::new();
    error.write(&mut out, true);
    out
}

fn read(xml: &str) -> StreamError {
    StreamError::from_element(Element::parse(&Text::new(xml), ns::CLIENT).unwrap().root())
}

#[test]
fn every_condition_reads_as_it_is_written() {
    for condition in StreamErrorCondition::ALL {
        let error = StreamError::with_text(*condition, "because <so>");
        assert_eq!(read(&write(&error)), error);
    }
    assert_eq!(StreamErrorCondition::ALL.len(), 25, "RFC 6120 §4.9.3.1 to §4.9.3.25");
}

#[test]
fn another_host_and_a_condition_of_ones_own_are_carried() {
    let error = StreamError {
        application: Some(Text::new("<full xmlns='u:app'/>")),
        ..StreamError::see_other_host("[2001:db8::9]:9222")
    };
    assert_eq!(
        write(&error),
        "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>\
         <see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>[2001:db8::9]:9222</see-other-host>\
         <full xmlns='u:app'/></stream:error>"
    );
    assert_eq!(read(&write(&error)), error);
}

#[test]
fn what_is_not_understood_is_an_undefined_condition() {
    let odd = "<s:error xmlns:s='http://etherx.jabber.org/streams'><odd xmlns='u'/></s:error>";
    assert_eq!(read(odd).condition, StreamErrorCondition::UndefinedCondition);
}
