//! No bytes break the machine, and what it says does not depend on how they were cut.

use proptest::prelude::*;

use super::*;

/// Elements of a client's life, in and out of order.
const ELEMENTS: &[&str] = &[
    OPEN,
    AUTH_PLAIN,
    BIND,
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>biwsbj1qdWxpZXQscj1jbGllbnQ=</auth>",
    "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Yz1iaXdzLHI9Y2xpZW50c2VydmVyLW5vbmNlLHA9c0pCL1k0b0lCR2VGMzVtTVZSaXhXcWIramlvPQ==</response>",
    "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>AGp1bGlldABwZW5jaWw=</initial-response>\
     <bind xmlns='urn:xmpp:bind:0'><enable xmlns='urn:xmpp:sm:3'/></bind></authenticate>",
    "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>AGp1bGlldABwZW5jaWw=</initial-response>\
     <upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade></authenticate>",
    "<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-512'/>",
    "<enable xmlns='urn:xmpp:sm:3' resume='1'/>",
    "<resume xmlns='urn:xmpp:sm:3' previd='sm-old' h='0'/>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    "<a xmlns='urn:xmpp:sm:3' h='1'/>",
    "<message to='a@b' type='chat'><body>x &amp; y</body><x xmlns='u:x'><y/></x></message>",
    "<presence/>",
    "<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>",
    "<iq type='get'/>",
    "<active xmlns='urn:xmpp:csi:0'/>",
    " \n",
    "</stream:stream>",
    "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
];

fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let element = prop_oneof![
        12 => prop::sample::select(ELEMENTS).prop_map(|element| element.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    (any::<u8>(), prop::collection::vec(element, 0..12), any::<prop::sample::Index>(), any::<Option<u8>>())
        .prop_map(|(choice, elements, at, damage)| {
            let websocket = choice & 1 != 0;
            let mut bytes = vec![choice];
            // Most conversations begin as they should.
            bytes.extend_from_slice(OPEN.as_bytes());
            for element in elements {
                if websocket {
                    bytes.push(0);
                }
                bytes.extend(element);
            }
            if let Some(damage) = damage {
                let at = at.index(bytes.len());
                bytes[at] = damage;
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn conversations_do_not_depend_on_how_they_are_cut(bytes in conversation()) {
        fuzz::fuzz_c2s(&bytes);
    }

    #[test]
    fn random_bytes_end_in_an_error_at_worst(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz::fuzz_c2s(&bytes);
    }
}
