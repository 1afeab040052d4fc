//! Binding (RFC 6120 §7) and what comes after it: stanzas (§8), XEP-0198, XEP-0352.

use super::*;
use crate::kind::MessageType;

const ENABLE: &str = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>";
const ENABLED: &str = "[enable]<enabled xmlns='urn:xmpp:sm:3' id='sm-new' resume='true' max='300'/>";

fn bind(resource: &str) -> String {
    format!("<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{resource}</bind></iq>")
}

fn bind_result(resource: &str) -> String {
    format!(
        "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
         <jid>juliet@example.org/{resource}</jid></bind></iq>"
    )
}

fn sm_failed(condition: &str) -> String {
    format!(
        "<failed xmlns='urn:xmpp:sm:3'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
    )
}

/// RFC 6120 §7.6 and §7.7
#[test]
fn resources_are_made_up_or_asked_for() {
    let refused =
        |kind, condition| format!("<iq type='error' id='b1'>{{stanza-error {kind} {condition}}}</iq>");
    let bad = format!("<resource>{}</resource>", "x".repeat(1024));
    let cases = [
        ("", bind_result("made-up")),
        ("<resource/>", bind_result("made-up")),
        ("<resource>balcony</resource>", bind_result("balcony")),
        ("<resource>a &amp; b</resource>", bind_result("a &amp; b")),
        ("<resource>taken</resource>", refused("cancel", "conflict")),
        (&*bad, refused("modify", "bad-request")),
    ];
    for (resource, expected) in cases {
        play(&mut authenticated(), &[(&bind(resource), &expected)]);
    }
    let again = [
        (&*bind("<resource>taken</resource>"), &*refused("cancel", "conflict")),
        (&*bind("<resource>other</resource>"), &*bind_result("other")),
    ];
    play(&mut authenticated(), &again);
}

#[test]
fn before_binding_nothing_goes_to_others() {
    let unexpected = "<iq type='error' id='1'><query xmlns='jabber:iq:roster'/>{stanza-error wait unexpected-request}</iq>";
    let to_host = "<iq from='example.org' type='error' id='1'><query xmlns='jabber:iq:roster'/>\
                   {stanza-error wait unexpected-request}</iq>";
    let cases = [
        ("<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", unexpected),
        ("<iq type='get' id='1' to='example.org'><query xmlns='jabber:iq:roster'/></iq>", to_host),
        ("<iq type='result' id='1'/>", ""),
        ("<iq type='get' id='1'/>", "<iq type='error' id='1'>{stanza-error modify bad-request}</iq>"),
        (
            "<iq type='get' id='1' to='romeo@example.org'><query xmlns='jabber:iq:last'/></iq>",
            "{error not-authorized}",
        ),
        ("<message to='romeo@example.org'/>", "{error not-authorized}"),
        ("<message/>", "{error not-authorized}"),
        ("<presence/>", "{error not-authorized}"),
        ("<inactive xmlns='urn:xmpp:csi:0'/>", "{error unsupported-stanza-type}"),
    ];
    for (sent, expected) in cases {
        play(&mut authenticated(), &[(sent, expected)]);
    }
}

#[test]
fn stanzas_pass_and_bad_ones_are_answered() {
    let cases = [
        ("<presence/>", "[stanza presence/available]<presence/>"),
        (
            "<iq type='get' id='1' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>",
            "[stanza iq/get]<iq to='example.org' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
        ),
        // Hostile input: addresses that are none, in every encoding.
        (
            "<message to='@' id='1'/>",
            "<message type='error' id='1'>{stanza-error modify jid-malformed}</message>",
        ),
        ("<presence to='a@b@c'/>", "<presence type='error'>{stanza-error modify jid-malformed}</presence>"),
        (
            "<message to='a\u{feff}&#xD;@b'/>",
            "<message type='error'>{stanza-error modify jid-malformed}</message>",
        ),
        ("<message type='error' to='@'/>", ""),
        ("<iq type='get' id='1'/>", "<iq type='error' id='1'>{stanza-error modify bad-request}</iq>"),
        ("<iq type='get'><a xmlns='u'/></iq>", "<iq type='error'>{stanza-error modify bad-request}</iq>"),
        ("<iq type='result' id='1'><a/><b/></iq>", ""),
        ("<presence type='here'/>", "<presence type='error'>{stanza-error modify bad-request}</presence>"),
        (
            "<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
            "<iq type='result' id='1'/>",
        ),
        ("<active xmlns='urn:xmpp:csi:0'/>", "[active]"),
        ("<inactive xmlns='urn:xmpp:csi:0'/>", "[inactive]"),
        ("\n\n", ""),
        ("<letter/>", "{error unsupported-stanza-type}"),
        ("<message xmlns='u:other'/>", "{error unsupported-stanza-type}"),
        ("<message xmlns='jabber:server'/>", "{error invalid-namespace}"),
        ("<compress xmlns='http://jabber.org/protocol/compress'/>", "{error unsupported-stanza-type}"),
        ("<a></b>", "{error not-well-formed}"),
    ];
    for (sent, expected) in cases {
        play(&mut bound(), &[(sent, expected)]);
    }
}

/// RFC 6120 §4.7.4, §8.1.5
#[test]
fn the_language_of_the_stream_is_that_of_its_stanzas() {
    let open = OPEN.replace("version='1.0'>", "version='1.0' xml:lang='de'>");
    let mut driven = secured();
    driven.feed([&open, AUTH_PLAIN, &open, BIND].concat().as_bytes());
    driven.said();
    play(
        &mut driven,
        &[
            ("<presence/>", "[stanza presence/available]<presence xml:lang='de'/>"),
            ("<presence xml:lang='en'/>", "[stanza presence/available]<presence xml:lang='en'/>"),
        ],
    );
}

#[test]
fn limits_are_wider_behind_authentication() {
    let body = "x".repeat(100_000);
    let message = format!("<message><body>{body}</body></message>");
    play(&mut bound(), &[(&message, &format!("[stanza message/normal]{message}"))]);
    let body = "x".repeat(300_000);
    play(&mut bound(), &[(&format!("<message><body>{body}</body></message>"), "{error policy-violation}")]);
}

/// XEP-0198 §8.1
#[test]
fn stanzas_are_counted_and_acknowledged() {
    let a = |h: u32| format!("<a xmlns='urn:xmpp:sm:3' h='{h}'/>");
    let (a0, a1, a2) = (a(0), a(1), a(2));
    let r = "<r xmlns='urn:xmpp:sm:3'/>";
    let mut driven = bound();
    play(
        &mut driven,
        &[
            ("<presence/>", "[stanza presence/available]<presence/>"),
            (ENABLE, ENABLED),
            (r, &a0),
            ("<presence/>", "[stanza presence/available]<presence/><r xmlns='urn:xmpp:sm:3'/>"),
            (r, &a1),
            // One request is out: the next stanza comes without, until an answer leaves some unacknowledged.
            ("<iq type='get' id='1'/>", "<iq type='error' id='1'>{stanza-error modify bad-request}</iq>"),
            (r, &a2),
            (&a1, r),
            (&a2, ""),
            (&a1, ""),
        ],
    );
    let sm = driven.stream.sm().unwrap();
    assert_eq!((sm.received(), sm.sent(), sm.unacked().len()), (2, 2, 0));
    let too_high = "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
                    <text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>You acknowledged 3 stanzas, but \
                    only 2 were sent to you so far.</text>\
                    <handled-count-too-high xmlns='urn:xmpp:sm:3' h='3' send-count='2'/></stream:error>\
                    </stream:stream>[error undefined-condition]";
    play(&mut driven, &[(&a(3), too_high)]);
}

#[test]
fn stream_management_out_of_order_is_refused() {
    let unexpected = sm_failed("unexpected-request");
    play(&mut bound(), &[("<r xmlns='urn:xmpp:sm:3'/>", &unexpected)]);
    play(&mut bound(), &[("<a xmlns='urn:xmpp:sm:3' h='0'/>", "")]);
    play(&mut bound(), &[("<resume xmlns='urn:xmpp:sm:3' previd='sm-old' h='0'/>", &unexpected)]);
    play(&mut bound(), &[(ENABLE, ENABLED), (ENABLE, &unexpected)]);
    play(
        &mut bound(),
        &[("<enable xmlns='urn:xmpp:sm:3' max='0'/>", &format!("[enable]{}", sm_failed("not-allowed")))],
    );
    play(&mut bound(), &[(ENABLE, ENABLED), ("<a xmlns='urn:xmpp:sm:3'/>", "{error invalid-xml}")]);
    play(&mut bound(), &[(ENABLE, ENABLED), ("<a xmlns='urn:xmpp:sm:3' h='-1'/>", "{error invalid-xml}")]);
    play(&mut bound(), &[("<x xmlns='urn:xmpp:sm:3'/>", "{error unsupported-stanza-type}")]);
    play(&mut authenticated(), &[(ENABLE, &unexpected)]);
    play(
        &mut authenticated(),
        &[("<resume xmlns='urn:xmpp:sm:3' previd='sm-old'/>", &sm_failed("bad-request"))],
    );
    play(&mut authenticated(), &[("<resume xmlns='urn:xmpp:sm:3' h='1'/>", &sm_failed("bad-request"))]);
}

#[test]
fn the_older_version_is_spoken_to_those_who_speak_it() {
    play(
        &mut bound(),
        &[
            ("<enable xmlns='urn:xmpp:sm:2'/>", "[enable]<enabled xmlns='urn:xmpp:sm:2'/>"),
            ("<r xmlns='urn:xmpp:sm:2'/>", "<a xmlns='urn:xmpp:sm:2' h='0'/>"),
        ],
    );
}

/// XEP-0198 §5
#[test]
fn sessions_are_resumed_in_place_of_binding() {
    let resume = |previd: &str, h: u32| format!("<resume xmlns='urn:xmpp:sm:3' previd='{previd}' h='{h}'/>");
    let resumed = "<resumed xmlns='urn:xmpp:sm:3' h='1' previd='sm-old'/>";
    let kept = format!(
        "{resumed}<message type='chat' id='kept'><body>hi</body></message><r xmlns='urn:xmpp:sm:3'/>"
    );
    play(
        &mut authenticated(),
        &[(&resume("sm-old", 0), &kept), ("<presence/>", "[stanza presence/available]<presence/>")],
    );
    play(&mut authenticated(), &[(&resume("sm-old", 1), resumed)]);
    let gone = "<failed xmlns='urn:xmpp:sm:3' h='7'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>";
    play(&mut authenticated(), &[(&resume("gone", 0), gone), (&bind(""), &bind_result("made-up"))]);
    let mut greedy = authenticated();
    greedy.feed(resume("sm-old", 2).as_bytes());
    assert!(greedy.said().ends_with("[error undefined-condition]"));
    assert!(greedy.stream.take_sm().is_some(), "the session can still be had");
}

/// What a client did not acknowledge outlives its connection, in order.
#[test]
fn a_lost_connection_leaves_its_session() {
    let mut driven = bound();
    play(&mut driven, &[(ENABLE, ENABLED)]);
    let mut out = Vec::new();
    for id in ["1", "2", "3"] {
        let message = Stanza::message(MessageType::Chat).with_id(id);
        assert!(driven.stream.send(driven.now, message, &mut out).is_none());
    }
    assert!(driven.stream.request_ack(driven.now, &mut out));
    assert!(!driven.stream.request_ack(driven.now, &mut out));
    let expected = "<message type='chat' id='1'/><message type='chat' id='2'/><message type='chat' id='3'/>\
                    <r xmlns='urn:xmpp:sm:3'/>";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    driven.feed(b"<a xmlns='urn:xmpp:sm:3' h='1'/>");
    let session = driven.stream.take_sm().unwrap();
    assert_eq!(session.ack_deadline(), None);
    let left: Vec<_> = session.into_unacked().into_iter().map(|left| left.stanza.id.unwrap()).collect();
    assert_eq!(left, ["2", "3"]);
    assert_eq!(driven.stream.take_sm().map(|_| ()), None);
}

#[test]
fn a_client_that_never_acknowledges_is_cut_and_can_come_back() {
    let mut driven = bound();
    play(
        &mut driven,
        &[
            (ENABLE, ENABLED),
            ("<presence/>", "[stanza presence/available]<presence/><r xmlns='urn:xmpp:sm:3'/>"),
        ],
    );
    driven.advance(Duration::from_secs(59));
    assert_eq!(driven.said(), "");
    driven.advance(Duration::from_secs(1));
    assert_eq!(driven.said(), "[unacknowledged]");
    assert!(driven.end.unwrap().is_resumable());
    assert_eq!(driven.stream.take_sm().unwrap().unacked().len(), 1);
}

/// Hostile input: a client that floods itself and acknowledges nothing.
#[test]
fn the_queue_of_unacknowledged_stanzas_is_bounded() {
    let mut driven = bound();
    driven.feed(ENABLE.as_bytes());
    let mut out = Vec::new();
    let mut sent = 0;
    while driven.stream.send(driven.now, Stanza::message(MessageType::Chat), &mut out).is_none() {
        sent += 1;
    }
    assert_eq!(sent, 65, "the one that overflows is kept too");
    driven.drain();
    assert!(driven.said().ends_with(&expand("{error policy-violation|Too many unacked stanzas}")));
    assert_eq!(driven.stream.take_sm().unwrap().unacked().len(), 65);
}

#[test]
fn stanzas_for_an_unbound_client_come_back() {
    let mut out = Vec::new();
    let mut driven = authenticated();
    let stanza = Stanza::message(MessageType::Chat);
    assert_eq!(driven.stream.send(driven.now, stanza.clone(), &mut out), Some(stanza));
    assert!(out.is_empty() && !driven.stream.request_ack(driven.now, &mut out));
}
