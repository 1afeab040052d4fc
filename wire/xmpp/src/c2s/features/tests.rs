use super::*;
use crate::fuzz;
use nightjar_xml::{Element, escape_attr};

fn check(xml: &str) {
    let wrapped = format!("<stream:stream xmlns:stream='{}'>{xml}</stream:stream>", escape_attr(ns::STREAMS));
    Element::parse(&wrapped.into(), ns::CLIENT).unwrap();
}

#[test]
fn without_tls_only_tls_is_offered_where_it_is_required() {
    let xml = before_authentication(&fuzz::offer(StartTls::Required, false), &Settings::default(), false);
    check(&xml);
    assert_eq!(
        xml,
        "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>\
         <limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>32768</max-bytes></limits></stream:features>"
    );
    let xml = before_authentication(&fuzz::offer(StartTls::Optional, false), &Settings::default(), false);
    check(&xml);
    assert!(xml.contains("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><mechanisms "));
    assert!(!xml.contains("urn:xmpp:sasl:2") && !xml.contains("PLAIN") && !xml.contains("sasl-cb"));
}

/// XEP-0388 example 2, XEP-0386 example 1, XEP-0440 example 2, XEP-0484 example 1, XEP-0480 example 1, XEP-0478
/// example 1.
#[test]
fn over_tls_everything_is_listed() {
    let mut offer = fuzz::offer(StartTls::Required, true);
    offer.idle_seconds = Some(1800);
    offer.features =
        vec!["<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>".into()];
    let xml = before_authentication(&offer, &Settings::default(), true);
    check(&xml);
    assert_eq!(
        xml,
        "<stream:features><sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/>\
         </sasl-channel-binding><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
         <mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-256</mechanism>\
         <mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism><mechanism>EXTERNAL</mechanism></mechanisms>\
         <authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-256-PLUS</mechanism>\
         <mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism>\
         <mechanism>EXTERNAL</mechanism><inline><sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:xmpp:bind:0'><inline>\
         <feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:sm:3'/><feature var='urn:xmpp:csi:0'/></inline>\
         </bind><fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism></fast></inline>\
         <upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade></authentication>\
         <register xmlns='http://jabber.org/features/iq-register'/><auth xmlns='http://jabber.org/features/iq-auth'/>\
         <limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>32768</max-bytes><idle-seconds>1800</idle-seconds></limits>\
         <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/></stream:features>"
    );
}

#[test]
fn binding_is_offered_until_there_is_a_resource() {
    let offer = fuzz::offer(StartTls::Required, true);
    let common = "<sm xmlns='urn:xmpp:sm:2'/><sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/>\
                  <limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>262144</max-bytes></limits>\
                  <ver xmlns='urn:xmpp:features:rosterver'/></stream:features>";
    assert_eq!(
        after_authentication(&offer, FramingKind::Stream, false),
        format!(
            "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>\
             <session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>{common}"
        )
    );
    let bound = after_authentication(&offer, FramingKind::Stream, true);
    assert_eq!(bound, format!("<stream:features>{common}"));
    let alone = after_authentication(&HostOffer::default(), FramingKind::WebSocket, true);
    assert_eq!(alone, "<stream:features xmlns:stream='http://etherx.jabber.org/streams'></stream:features>");
}
