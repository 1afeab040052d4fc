//! Streams that we open (XEP-0220 §2.1, RFC 6120 §5.4, §6.4).

use super::*;

fn features(names: &str) -> String {
    expand(&format!("{OPENED}{{features {names}}}"))
}

/// Over TLS.
fn secured_out() -> Driven<OutgoingStream> {
    let mut driven = outgoing(settings(StartTls::Required), true);
    assert_eq!(driven.said(), expand("{our-header}"));
    driven
}

/// With the pair authorised by dialback.
fn authorized_out(names: &str) -> Driven<OutgoingStream> {
    let mut driven = secured_out();
    driven.feed(features(names).as_bytes());
    driven.feed(b"<db:result from='montague.example' to='capulet.example' type='valid'/>");
    assert!(driven.stream.is_authorized(ORIGINATING, RECEIVING));
    driven.said();
    driven
}

/// XEP-0220 §2.1.1, the example's key included.
#[test]
fn a_key_is_sent_and_the_answer_counts() {
    let key = "<db:result from='capulet.example' to='montague.example'>\
               b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3</db:result>";
    let answers = [
        (
            "<db:result\n from='montague.example'\n to='capulet.example'\n type='valid'/>",
            "[pair capulet.example montague.example valid]",
        ),
        (
            "<db:result from='montague.example' to='capulet.example' type='invalid'/>",
            "[pair capulet.example montague.example invalid]",
        ),
        (
            "<db:result from='montague.example' to='capulet.example' type='error'>\n <error type='cancel'>\n \
             <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\n </error>\n</db:result>",
            "[pair capulet.example montague.example item-not-found]",
        ),
    ];
    for (answer, expected) in answers {
        let sent = format!("[Dialback]{key}");
        let mut driven = secured_out();
        play(&mut driven, &[(&features("dialback"), &sent), (answer, expected)]);
        assert_eq!(driven.stream.is_authorized(ORIGINATING, RECEIVING), expected.ends_with(" valid]"));
        assert_eq!(driven.stream.poll_timeout().is_none(), expected.ends_with(" valid]"));
    }
}

/// XEP-0220 §2.1.2.
#[test]
fn a_key_of_others_is_verified() {
    let (here, there) = (domain(ORIGINATING), domain(RECEIVING));
    for (answer, expected) in [
        ("type='valid'/>", "valid"),
        ("type='invalid'/>", "invalid"),
        (
            "type='error'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>\
             </db:verify>",
            "item-not-found",
        ),
    ] {
        let mut driven = secured_out();
        driven.script.plan = Some(Plan::VerifyOnly);
        driven.feed(features("dialback").as_bytes());
        driven.said();
        assert!(driven.stream.verify(&here, &there, "417GAF25", "225cc5"));
        assert!(!driven.stream.verify(&here, &there, "417GAF25", "225cc5"), "it is under way");
        driven.drain();
        assert_eq!(
            driven.said(),
            "<db:verify from='capulet.example' to='montague.example' id='417GAF25'>225cc5</db:verify>"
        );
        let answer =
            format!("<db:verify from='montague.example' id='417GAF25' to='capulet.example' {answer}");
        play(&mut driven, &[(&answer, &format!("[verified montague.example 417GAF25 {expected}]"))]);
        assert_eq!(driven.stream.pairs().count(), 0, "the answer authorises nothing");
    }
}

#[test]
fn tls_is_settled_first() {
    let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let missing = "</stream:stream>[tls missing]";
    let key = "[Dialback]<db:result from='capulet.example' to='montague.example'>\
               b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3</db:result>";
    let cases = [
        (StartTls::Required, "starttls dialback", starttls),
        (StartTls::Required, "required", starttls),
        (StartTls::Optional, "starttls dialback", starttls),
        (StartTls::Never, "starttls dialback", key),
        (StartTls::Never, "required", "</stream:stream>[tls demanded]"),
        // Somebody in between took the offer away.
        (StartTls::Required, "dialback", missing),
        (StartTls::Optional, "dialback", key),
    ];
    for (starttls, names, expected) in cases {
        let mut driven = outgoing(settings(starttls), false);
        driven.said();
        play(&mut driven, &[(&features(names), expected)]);
    }
    let old = OPENED.replace(" version='1.0'>", ">");
    for (starttls, expected) in [(StartTls::Required, missing), (StartTls::Optional, key)] {
        let mut driven = outgoing(settings(starttls), false);
        driven.said();
        play(&mut driven, &[(&old, expected)]);
    }
}

#[test]
fn a_stream_begins_anew_behind_tls_and_behind_sasl() {
    let mut driven = outgoing(settings(StartTls::Required), false);
    driven.said();
    play(
        &mut driven,
        &[
            (&features("required"), "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
            ("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "[starttls]"),
        ],
    );
    assert!(driven.handshake());
    let auth = "[External]<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>\
                Y2FwdWxldC5leGFtcGxl</auth>";
    let enable = "<enable xmlns='urn:xmpp:sm:3'/>[pair capulet.example montague.example valid]";
    play(
        &mut driven,
        &[
            ("", "{our-header}"),
            (&features("external dialback"), auth),
            ("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "{our-header}"),
            (&features("sm"), enable),
            ("<enabled xmlns='urn:xmpp:sm:3'/>", "[sm]"),
        ],
    );
}

#[test]
fn a_refused_certificate_leaves_dialback() {
    let mut driven = secured_out();
    play(
        &mut driven,
        &[
            (
                &features("external dialback"),
                "[External]<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>\
                 Y2FwdWxldC5leGFtcGxl</auth>",
            ),
            (
                "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>No</text></failure>",
                "[Dialback refused not-authorized]<db:result from='capulet.example' to='montague.example'>\
                 b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3</db:result>",
            ),
        ],
    );
}

#[test]
fn a_plan_that_is_not_possible_ends_the_stream() {
    for (names, plan) in [("dialback", Plan::External), ("external", Plan::External)] {
        let mut driven = outgoing(settings(StartTls::Optional), false);
        driven.script.plan = Some(plan);
        driven.feed(features(names).as_bytes());
        assert!(driven.said().ends_with(&expand("{error internal-server-error}")), "{names} {plan:?}");
    }
    let mut without_id = secured_out();
    without_id.script.plan = Some(Plan::Dialback);
    without_id.feed(features("dialback").replace(" id='D60000229F'", "").as_bytes());
    assert!(without_id.said().ends_with(&expand("{error internal-server-error}")), "no id to bind a key to");
}

/// XEP-0220 §2.6.
#[test]
fn more_pairs_share_the_stream() {
    let mut driven = authorized_out("dialback");
    let (rooms, chat) = (domain("rooms.capulet.example"), domain("chat.montague.example"));
    assert!(driven.stream.authorize(&rooms, &domain(RECEIVING)));
    assert!(driven.stream.authorize(&rooms, &chat));
    assert!(!driven.stream.authorize(&rooms, &chat), "it is under way");
    driven.drain();
    let key = |to| dialback::key(SECRET.as_bytes(), to, "rooms.capulet.example", "D60000229F");
    let asked = |to| format!("<db:result from='rooms.capulet.example' to='{to}'>{}</db:result>", key(to));
    assert_eq!(driven.said(), asked(RECEIVING) + &asked("chat.montague.example"));
    play(
        &mut driven,
        &[(
            "<db:result from='chat.montague.example' to='rooms.capulet.example' type='valid'/>",
            "[pair rooms.capulet.example chat.montague.example valid]",
        )],
    );
    let old = "<dialback xmlns='urn:xmpp:features:dialback'/>";
    let mut driven = secured_out();
    driven.feed(format!("{OPENED}<stream:features>{old}</stream:features>").as_bytes());
    assert!(driven.stream.authorize(&rooms, &domain(RECEIVING)), "another sender is no error");
    assert!(!driven.stream.authorize(&rooms, &chat), "an error would end the stream");
}

#[test]
fn only_stanzas_of_authorised_pairs_are_sent() {
    let stanza = |from: &str, to: &str| {
        crate::Stanza::message(crate::MessageType::Chat).with_from(&domain(from)).with_to(&domain(to))
    };
    let mut driven = authorized_out("dialback");
    assert!(driven.send(stanza("a@capulet.example", "b@montague.example")));
    for (from, to) in
        [("a@other.example", RECEIVING), (ORIGINATING, "other.example"), (RECEIVING, ORIGINATING)]
    {
        assert!(!driven.send(stanza(from, to)), "{from} {to}");
    }
    assert_eq!(driven.said(), "<message to='b@montague.example' from='a@capulet.example' type='chat'/>");
    let mut early = secured_out();
    assert!(!early.send(stanza(ORIGINATING, RECEIVING)));
}

/// XEP-0198 §4: what is not acknowledged can be taken back.
#[test]
fn what_was_not_acknowledged_comes_back() {
    let stanza = |id: &str| {
        let message = crate::Stanza::message(crate::MessageType::Chat).with_id(id);
        message.with_from(&domain(ORIGINATING)).with_to(&domain(RECEIVING))
    };
    let mut driven = authorized_out("dialback sm");
    assert!(driven.send(stanza("1")));
    assert!(!driven.said().contains("<r "), "not before <enabled/>");
    play(&mut driven, &[("<enabled xmlns='urn:xmpp:sm:3'/>", "<r xmlns='urn:xmpp:sm:3'/>[sm]")]);
    assert!(driven.send(stanza("2")));
    assert!(!driven.said().contains("<r "), "one is on the way");
    play(&mut driven, &[("<a xmlns='urn:xmpp:sm:3' h='1'/>", "")]);
    driven.advance(Duration::from_millis(99));
    assert_eq!(driven.said(), "", "the last request is a moment ago");
    driven.advance(Duration::from_millis(1));
    assert_eq!(driven.said(), "<r xmlns='urn:xmpp:sm:3'/>");
    driven.advance(Duration::from_secs(60));
    assert_eq!(driven.said(), "[unacknowledged]");
    let ids: Vec<_> =
        driven.stream.take_unacked().into_iter().filter_map(|unacked| unacked.stanza.id).collect();
    assert_eq!(ids, ["2"]);

    let mut refused = authorized_out("dialback sm");
    let failed = "<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>";
    assert!(refused.send(stanza("1")));
    refused.said();
    play(&mut refused, &[(failed, "")]);
    assert!(refused.stream.take_unacked().is_empty());
}

/// XEP-0198 §4 leaves it to the sender when to ask: at once after a pause, and then for a few stanzas together.
#[test]
fn acknowledgement_is_requested_for_stanzas_together() {
    let request = "<r xmlns='urn:xmpp:sm:3'/>";
    let mut driven = authorized_out("dialback sm");
    play(&mut driven, &[("<enabled xmlns='urn:xmpp:sm:3'/>", "[sm]")]);
    let requests = |driven: &mut Driven<OutgoingStream>, count: usize| {
        let mut at = Vec::new();
        for number in 0..count {
            let message = crate::Stanza::message(crate::MessageType::Chat);
            assert!(driven.send(message.with_from(&domain(ORIGINATING)).with_to(&domain(RECEIVING))));
            if driven.said().contains(request) {
                at.push(number);
            }
        }
        at
    };
    assert_eq!(requests(&mut driven, 1), [0]);
    assert_eq!(requests(&mut driven, 20), [0; 0], "one is on the way");
    // Of those that came meanwhile there are enough for the next.
    play(&mut driven, &[("<a xmlns='urn:xmpp:sm:3' h='1'/>", request)]);
    play(&mut driven, &[("<a xmlns='urn:xmpp:sm:3' h='21'/>", "")]);
    assert_eq!(requests(&mut driven, 20), [15]);
    play(&mut driven, &[("<a xmlns='urn:xmpp:sm:3' h='41'/>", "")]);
    driven.advance(Duration::from_secs(5));
    assert_eq!(driven.said(), "", "nothing waits");
    assert_eq!(requests(&mut driven, 2), [0]);
}
