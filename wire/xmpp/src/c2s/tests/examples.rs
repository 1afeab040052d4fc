//! What the specifications print, with their line breaks and indentation, is understood.

use super::*;

/// RFC 6120 §9.1: steps 1 to 14 of a client-to-server stream, as far as the client speaks.
#[test]
fn the_client_of_rfc_6120_gets_its_resource() {
    let open = "<stream:stream
      from='juliet@example.org'
      to='example.org'
      version='1.0'
      xml:lang='en'
      xmlns='jabber:client'
      xmlns:stream='http://etherx.jabber.org/streams'>";
    let mut driven = plain();
    driven.feed(open.as_bytes());
    driven.feed(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n");
    assert!(
        driven.said().ends_with("[starttls][early data]"),
        "not even a line break goes behind <starttls/>"
    );

    let mut driven = plain();
    driven.feed(open.as_bytes());
    driven.feed(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    driven.handshake();
    driven.said();
    let header = header_text("s1", " from='example.org' to='juliet@example.org'");
    let challenge = "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                     cj1jbGllbnRzZXJ2ZXItbm9uY2Uscz1NREV5TXpRMU5qYzRPV0ZpWTJSbFpnPT0saT0x</challenge>";
    let success = "[authenticated juliet@example.org SCRAM-SHA-1]<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                   dj1TOWhtK1ZnTG9ncDJQZ2dYZWJWUzV3VUU0Z0E9</success>";
    let bound = "<iq type='result' id='yhc13a95'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                 <jid>juliet@example.org/balcony</jid></bind></iq>";
    let back = "[stanza message/normal]<message xml:lang='en' to='romeo@example.net' from='juliet@example.org/balcony'>\
                <body>Art thou not Romeo, and a Montague?</body></message>";
    play(
        &mut driven,
        &[
            (open, &format!("[opened]{header}{{secured}}")),
            (
                "
   <auth xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\"
         mechanism=\"SCRAM-SHA-1\">
     biwsbj1qdWxpZXQscj1jbGllbnQ=
   </auth>",
                challenge,
            ),
            (
                "<response xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\">
     Yz1iaXdzLHI9Y2xpZW50c2VydmVyLW5vbmNlLHA9c0pCL1k0b0lCR2VGMzVtTVZSaXhXcWIramlvPQ==
   </response>",
                success,
            ),
            (open, &format!("[opened]{header}{{authenticated}}")),
            (
                "<iq id='yhc13a95' type='set'>
     <bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>
       <resource>balcony</resource>
     </bind>
   </iq>",
                bound,
            ),
            (
                "<message from='juliet@example.org/balcony'
            to='romeo@example.net'
            xml:lang='en'>
     <body>Art thou not Romeo, and a Montague?</body>
   </message>",
                back,
            ),
            ("</stream:stream>", "</stream:stream>[closed]"),
        ],
    );
}

/// XEP-0388 example 4, XEP-0386 example 3, XEP-0198 example 20, XEP-0480 example 2, XEP-0484 example 2 in one element.
#[test]
fn the_clients_of_the_extensions_are_let_in() {
    let sent = "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>
  <initial-response>
    AGp1bGlldABwZW5jaWw=
  </initial-response>
  <user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'>
    <software>AwesomeXMPP</software>
    <device>Kiva's Phone</device>
  </user-agent>
  <resume xmlns=\"urn:xmpp:sm:3\" h=\"5\" previd=\"some-long-sm-id\"/>
  <bind xmlns='urn:xmpp:bind:0'>
    <tag>AwesomeXMPP</tag>
    <enable xmlns='urn:xmpp:carbons:2'/>
    <enable xmlns='urn:xmpp:sm:3'/>
    <inactive xmlns='urn:xmpp:csi:0'/>
  </bind>
  <request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>
</authenticate>";
    let success = "[authenticated juliet@example.org PLAIN]<success xmlns='urn:xmpp:sasl:2'>\
                   <authorization-identifier>juliet@example.org/AwesomeXMPP/1</authorization-identifier>\
                   <failed xmlns='urn:xmpp:sm:3' h='7'>\
                   <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>\
                   <bound xmlns='urn:xmpp:bind:0'><enabled xmlns='urn:xmpp:sm:3'/></bound>\
                   <token xmlns='urn:xmpp:fast:0' expiry='2020-03-12T14:36:15Z' token='new-token'/></success>{bound-sm}";
    play(&mut opened(secured()), &[(sent, success)]);
}
