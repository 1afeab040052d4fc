//! Streams that were opened to us (RFC 6120 §4.7, §5, §6, XEP-0178, XEP-0220 §2.2).

use super::*;

const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>[starttls]";
const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

fn open(attributes: &str) -> String {
    format!(
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' {attributes}>"
    )
}

#[test]
fn headers_are_checked_before_anything_is_offered() {
    let named = header_text(" id='s1' from='montague.example' to='capulet.example' version='1.0'");
    let unnamed = header_text(" id='s1' from='montague.example' version='1.0'");
    let features = "{features required}";
    let cases = [
        ("version='1.0' from='capulet.example' to='montague.example'", format!("[opened]{named}{features}")),
        ("version='1.0' from='CAPULET.example' to='Montague.example'", format!("[opened]{named}{features}")),
        ("version='1.0' to='montague.example'", format!("[opened]{unnamed}{features}")),
        ("version='1.0' to='nowhere.example'", "{early-header}{error host-unknown}".to_owned()),
        ("version='1.0'", "{early-header}{error improper-addressing|Missing 'to' attribute}".to_owned()),
        ("version='1.0' to='a@montague.example'", "{early-header}{error improper-addressing}".to_owned()),
        ("version='1.0' to=''", "{early-header}{error improper-addressing}".to_owned()),
        ("version='1.0' to='montague.example' from='a@b'", "{early-header}{error invalid-from}".to_owned()),
        ("version='1.0' to='montague.example' from='@'", "{early-header}{error invalid-from}".to_owned()),
        (
            "version='1.0' to='montague.example' from='montague.example'",
            "{early-header}{error invalid-from}".to_owned(),
        ),
    ];
    for (attributes, expected) in cases {
        play(&mut plain(), &[(&open(&format!("xmlns='jabber:server' {attributes}")), &expected)]);
    }
    for ns in ["jabber:client", "jabber:component:accept", ""] {
        let sent = open(&format!("xmlns='{ns}' version='1.0' to='montague.example'"));
        play(&mut plain(), &[(&sent, "{early-header}{error invalid-namespace}")]);
    }
}

/// XEP-0220 §2.4.1: servers from before XMPP 1.0 have no features, and may not even say who they are.
#[test]
fn servers_from_before_xmpp_get_dialback_only() {
    let old = |starttls| incoming(Settings::default(), false, s2s::offer(starttls));
    let sent = open("xmlns='jabber:server'");
    let header = header_text(" id='s1'");
    play(
        &mut old(StartTls::Optional),
        &[
            (&sent, &format!("[opened]{header}")),
            (
                "<db:result from='capulet.example' to='montague.example'>good</db:result>",
                "[key capulet.example montague.example]\
                 <db:result from='montague.example' to='capulet.example' type='valid'/>",
            ),
            ("<message from='a@capulet.example' to='b@montague.example'/>", "[stanza message/normal]"),
        ],
    );
    play(
        &mut old(StartTls::Required),
        &[
            (&sent, &format!("[opened]{header}")),
            (
                "<db:result from='capulet.example' to='montague.example'>good</db:result>",
                "<db:result from='montague.example' to='capulet.example' type='error'><error type='modify'>\
                 {condition policy-violation}<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>\
                 Use of STARTTLS required</text></error></db:result>",
            ),
            (
                "<message from='a@capulet.example' to='b@montague.example'/>",
                "{error policy-violation|Use of STARTTLS required}",
            ),
        ],
    );
    let without = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server'>";
    play(&mut old(StartTls::Optional), &[(without, "{early-header}{error unsupported-version}")]);
}

/// RFC 6120 §9.2 and XEP-0178 §3, steps 1 to 11.
#[test]
fn a_certificate_lets_a_server_in() {
    let mut driven = plain();
    play(&mut driven, &[(OPEN, "[opened]{header s1}{features required}"), (STARTTLS, PROCEED)]);
    assert!(driven.handshake());
    let success = "[external capulet.example]<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
    play(
        &mut driven,
        &[
            (OPEN, "[opened]{header s2}{features external dialback bidi sm}"),
            ("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>", success),
            (OPEN, "[opened]{header s3}{features dialback sm}"),
            (
                "<message from='juliet@capulet.example/balcony' to='romeo@montague.example'><body>Hi</body></message>",
                "[stanza message/normal]",
            ),
            ("</stream:stream>", "</stream:stream>[closed]"),
        ],
    );
}

#[test]
fn the_authorisation_identity_is_the_domain_of_the_header() {
    let auth = |text: &str| {
        format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>{text}</auth>")
    };
    let success = "[external capulet.example]<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
    let cases = [
        ("=", success),
        ("", success),
        ("Y2FwdWxldC5leGFtcGxl", success),
        (" \n Y2FwdWxldC5leGFtcGxl \n", success),
        ("bW9udGFndWUuZXhhbXBsZQ==", "{sasl invalid-authzid}"),
        ("anVsaWV0QGNhcHVsZXQuZXhhbXBsZQ==", "{sasl invalid-authzid}"),
        ("/w==", "{sasl invalid-authzid}"),
        ("!", "{sasl incorrect-encoding}"),
    ];
    for (text, expected) in cases {
        play(&mut opened(secured()), &[(&auth(text), expected)]);
    }
    let mut nameless = secured();
    nameless.feed(OPEN.replace("from='capulet.example' ", "").as_bytes());
    nameless.said();
    play(&mut nameless, &[(&auth("="), "{sasl invalid-authzid}"), (&auth("Y2FwdWxldC5leGFtcGxl"), success)]);
    let mut clear = opened(incoming(Settings::default(), false, s2s::offer(StartTls::Optional)));
    play(&mut clear, &[(&auth("="), "{sasl invalid-mechanism}")]);
    play(&mut opened(plain()), &[(&auth("="), "{sasl encryption-required}")]);
    let plain_auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>";
    play(&mut opened(secured()), &[(plain_auth, "{sasl invalid-mechanism}")]);
}

#[test]
fn a_server_that_is_refused_may_still_be_dialed_back() {
    let open = OPEN.replace("capulet.example", "liar.example");
    let auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>";
    let mut driven = secured();
    driven.feed(open.as_bytes());
    driven.said();
    let refused = "[external liar.example]{sasl not-authorized}";
    play(
        &mut driven,
        &[
            (auth, refused),
            (
                "<db:result from='liar.example' to='montague.example'>good</db:result>",
                "[key liar.example montague.example]\
                 <db:result from='montague.example' to='liar.example' type='valid'/>",
            ),
            (auth, refused),
            (auth, &format!("{refused}{{error policy-violation|Too many failed attempts to authenticate}}")),
        ],
    );
}

/// XEP-0220 §2.2.1 and §2.2.2: the examples of both tasks of an inbound connection.
#[test]
fn keys_are_taken_and_judged() {
    let mut driven = opened(secured());
    play(
        &mut driven,
        &[
            (
                "<db:verify\n from='capulet.example'\n id='417GAF25'\n to='montague.example'>\n \
                 225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d\n</db:verify>",
                "[verify capulet.example montague.example 417GAF25]<db:verify from='montague.example' \
                 to='capulet.example' id='417GAF25' type='invalid'/>",
            ),
            (
                &format!(
                    "<db:verify from='capulet.example' id='1' to='montague.example'>{}</db:verify>",
                    dialback::key(SECRET.as_bytes(), ORIGINATING, RECEIVING, "1")
                ),
                "[verify capulet.example montague.example 1]<db:verify from='montague.example' \
                 to='capulet.example' id='1' type='valid'/>",
            ),
            (
                "<db:result from='capulet.example' to='montague.example'>lost</db:result>",
                "[key capulet.example montague.example]<db:result from='montague.example' to='capulet.example' \
                 type='error'><error type='cancel'>{condition remote-server-not-found}</error></db:result>",
            ),
            (
                "<db:result from='capulet.example' to='montague.example'>good</db:result>",
                "[key capulet.example montague.example]<db:result from='montague.example' to='capulet.example' \
                 type='valid'/>",
            ),
            (
                "<db:result from='capulet.example' to='montague.example'>good</db:result>",
                "<db:result from='montague.example' to='capulet.example' type='valid'/>",
            ),
            // A domain more; its wrong key does not harm the pair there is.
            (
                "<db:result from='rooms.capulet.example' to='montague.example'>wrong</db:result>",
                "[key rooms.capulet.example montague.example]<db:result from='montague.example' \
                 to='rooms.capulet.example' type='error'><error type='auth'>{condition forbidden}</error></db:result>",
            ),
            (
                "<db:result from='rooms.capulet.example' to='chat.montague.example'>good</db:result>",
                "[key rooms.capulet.example chat.montague.example]<db:result from='chat.montague.example' \
                 to='rooms.capulet.example' type='valid'/>",
            ),
            (
                "<presence from='a@rooms.capulet.example/b' to='c@chat.montague.example'/>",
                "[stanza presence/available]",
            ),
        ],
    );
    let pairs: Vec<String> = driven.stream.pairs().map(|(from, to)| format!("{from} {to}")).collect();
    assert_eq!(pairs, ["capulet.example montague.example", "rooms.capulet.example chat.montague.example"]);
}

/// XEP-0220 §2.2.1: the first key being wrong ends the stream.
#[test]
fn a_wrong_key_ends_a_stream_that_has_no_other() {
    play(
        &mut opened(secured()),
        &[(
            "<db:result from='capulet.example' to='montague.example'>wrong</db:result>",
            "[key capulet.example montague.example]<db:result from='montague.example' to='capulet.example' \
             type='invalid'/></stream:stream>[dialback invalid]",
        )],
    );
}

#[test]
fn stanzas_go_on_while_a_key_is_verified() {
    let mut driven = authorized();
    play(
        &mut driven,
        &[
            (
                "<db:result from='other.example' to='montague.example'>later</db:result>",
                "[key other.example montague.example]",
            ),
            ("<message from='capulet.example' to='montague.example'/>", "[stanza message/normal]"),
        ],
    );
    let (other, here) = (domain("other.example"), domain(RECEIVING));
    assert!(driven.stream.dialback_result(&other, &here, Verdict::Valid));
    assert!(!driven.stream.dialback_result(&other, &here, Verdict::Valid), "once");
    driven.drain();
    assert_eq!(driven.said(), "<db:result from='montague.example' to='other.example' type='valid'/>");
    play(
        &mut driven,
        &[("<message from='other.example' to='montague.example'/>", "[stanza message/normal]")],
    );
}

#[test]
fn what_cannot_be_asked_is_an_error_of_dialback() {
    let long = "x".repeat(129);
    let cases = [
        ("from='a.example' to='montague.example'", "", "modify", "not-acceptable"),
        ("from='a.example' to='montague.example'", &long, "modify", "not-acceptable"),
        ("from='montague.example' to='montague.example'", "good", "modify", "not-acceptable"),
    ];
    for (addresses, key, kind, condition) in cases {
        let mut driven = opened(secured());
        driven.feed(format!("<db:result {addresses}>{key}</db:result>").as_bytes());
        let expected = expand(&format!("<error type='{kind}'>{{condition {condition}}}</error></db:result>"));
        let said = driven.said();
        assert!(said.ends_with(&expected) && !said.contains("[key"), "{addresses}: {said}");
    }
    let offer = HostOffer { dialback: false, ..s2s::offer(StartTls::Required) };
    let mut without = incoming(Settings::default(), true, offer);
    without.feed(OPEN.as_bytes());
    without.said();
    play(
        &mut without,
        &[
            (
                "<db:result from='capulet.example' to='montague.example'>good</db:result>",
                "<db:result from='montague.example' to='capulet.example' type='error'><error type='auth'>\
                 {condition not-authorized}</error></db:result>",
            ),
            (
                "<db:verify from='capulet.example' to='montague.example' id='1'>good</db:verify>",
                "<db:verify from='montague.example' to='capulet.example' id='1' type='error'><error type='cancel'>\
                 {condition service-unavailable}</error></db:verify>",
            ),
        ],
    );
}

/// XEP-0198 §3 to §6, without resumption.
#[test]
fn stanzas_are_acknowledged() {
    let failed = |condition| format!("<failed xmlns='urn:xmpp:sm:3'>{{condition {condition}}}</failed>");
    let enable = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>";
    play(&mut opened(secured()), &[(enable, &failed("unexpected-request"))]);
    let offer = HostOffer { sm: false, ..s2s::offer(StartTls::Required) };
    play(
        &mut opened(incoming(Settings::default(), true, offer)),
        &[(enable, &failed("feature-not-implemented"))],
    );
    play(
        &mut authorized(),
        &[
            ("<a xmlns='urn:xmpp:sm:3' h='1'/>", ""),
            ("<r xmlns='urn:xmpp:sm:3'/>", &failed("unexpected-request")),
            ("<resume xmlns='urn:xmpp:sm:3' previd='1' h='0'/>", &failed("item-not-found")),
            (enable, "<enabled xmlns='urn:xmpp:sm:3'/>"),
            (enable, &failed("unexpected-request")),
            ("<r xmlns='urn:xmpp:sm:3'/>", "<a xmlns='urn:xmpp:sm:3' h='0'/>"),
            ("<message from='capulet.example' to='montague.example'/>", "[stanza message/normal]"),
            ("<r xmlns='urn:xmpp:sm:3'/>", "<a xmlns='urn:xmpp:sm:3' h='1'/>"),
            ("<enabled xmlns='urn:xmpp:sm:3'/>", "{error unsupported-stanza-type}"),
        ],
    );
}

/// XEP-0288 §2.2.
#[test]
fn stanzas_go_back_where_the_peer_wants_them() {
    let mut driven = opened(secured());
    play(
        &mut driven,
        &[
            ("<bidi xmlns='urn:xmpp:bidi'/>", "[bidi]"),
            (
                "<db:result from='capulet.example' to='montague.example'>good</db:result>",
                "[key capulet.example montague.example]\
                 <db:result from='montague.example' to='capulet.example' type='valid'/>",
            ),
            (
                "<message from='a@capulet.example' to='montague.example'/>",
                "[stanza message/normal]<message to='a@capulet.example' from='montague.example'/>",
            ),
        ],
    );
    let (rooms, peer) = (domain("conference.montague.example"), domain(ORIGINATING));
    assert!(!driven.stream.authorize_back(&rooms, &domain("other.example"), "key"), "not the peer's domain");
    assert!(driven.stream.authorize_back(&rooms, &peer, "key"));
    driven.drain();
    assert_eq!(
        driven.said(),
        "<db:result from='conference.montague.example' to='capulet.example'>key</db:result>"
    );
    play(
        &mut driven,
        &[
            (
                "<db:result from='capulet.example' to='conference.montague.example' type='valid'/>",
                "[pair conference.montague.example capulet.example valid]",
            ),
            (
                "<message from='a@capulet.example' to='b@conference.montague.example'/>",
                "[stanza message/normal]<message to='a@capulet.example' from='b@conference.montague.example'/>",
            ),
        ],
    );
    let bidi = "<bidi xmlns='urn:xmpp:bidi'/>";
    play(&mut opened(plain()), &[(bidi, "{error policy-violation|Use of STARTTLS required}")]);
    let offer = HostOffer { bidi: false, ..s2s::offer(StartTls::Required) };
    play(
        &mut opened(incoming(Settings::default(), true, offer)),
        &[(bidi, "{error unsupported-stanza-type}")],
    );
    let stanza =
        crate::Stanza::message(crate::MessageType::Chat).with_from(&domain(RECEIVING)).with_to(&peer);
    assert!(!authorized().send(stanza), "not without bidi");
}
