//! What a server that means harm can send.

use super::*;

const UNASKED: &str = "{error policy-violation|Dialback answer that was not asked for}";

/// The attack of 2012 (XEP-0220 §3.1): answers that nobody asked for, on streams of either direction.
#[test]
fn answers_that_were_not_asked_for_authorise_nothing() {
    let answers = [
        "<db:result from='capulet.example' to='montague.example' type='valid'/>",
        "<db:result from='bank.example' to='montague.example' type='valid'/>",
        "<db:result from='capulet.example' to='montague.example' type='invalid'/>",
        "<db:result from='capulet.example' to='montague.example' type='error'/>",
        "<db:verify from='capulet.example' to='montague.example' id='s1' type='valid'/>",
        "<db:verify from='capulet.example' to='montague.example' id='s1' type='invalid'/>",
    ];
    for answer in answers {
        for mut driven in [opened(secured()), authorized()] {
            driven.feed(answer.as_bytes());
            assert_eq!(driven.said(), expand(UNASKED), "{answer}");
            assert!(!driven.stream.is_authorized("bank.example", RECEIVING));
        }
        // The peer's own request is still open: its answer is ours to give.
        let mut pending = opened(secured());
        pending.feed(b"<db:result from='capulet.example' to='montague.example'>later</db:result>");
        pending.said();
        pending.feed(answer.as_bytes());
        assert_eq!(pending.said(), expand(UNASKED), "{answer}");
        assert_eq!(pending.stream.pairs().count(), 0);
    }
    let (here, there) = (domain(ORIGINATING), domain(RECEIVING));
    let answers = [
        "<db:result from='bank.example' to='capulet.example' type='valid'/>",
        "<db:result from='montague.example' to='other.example' type='valid'/>",
        "<db:verify from='montague.example' to='capulet.example' id='2' type='valid'/>",
        "<db:verify from='bank.example' to='capulet.example' id='1' type='valid'/>",
        // Asked for as a key to be verified, answered as a pair.
        "<db:result from='montague.example' to='capulet.example' type='valid'/>",
    ];
    for answer in answers {
        let mut driven = outgoing(settings(StartTls::Required), true);
        driven.script.plan = Some(Plan::VerifyOnly);
        driven.feed(format!("{OPENED}<stream:features/>").as_bytes());
        assert!(driven.stream.verify(&here, &there, "1", "key"));
        driven.drain();
        driven.said();
        driven.feed(answer.as_bytes());
        assert_eq!(driven.said(), expand(UNASKED), "{answer}");
        assert_eq!(driven.stream.pairs().count(), 0, "{answer}");
    }
}

#[test]
fn stanzas_of_others_end_the_stream() {
    let again = OPEN.replace("<?xml version='1.0'?>", "").replace("'1.0'>", "'1.0'/>");
    let cases = [
        ("<message from='a@bank.example' to='b@montague.example'/>", "invalid-from"),
        ("<message from='a@sub.capulet.example' to='b@montague.example'/>", "invalid-from"),
        ("<message from='a@capulet.example' to='b@other.example'/>", "host-unknown"),
        ("<message from='a@montague.example' to='b@capulet.example'/>", "invalid-from"),
        ("<message to='b@montague.example'/>", "improper-addressing"),
        ("<message from='a@capulet.example'/>", "improper-addressing"),
        ("<message/>", "improper-addressing"),
        ("<iq type='get' id='1'/>", "improper-addressing"),
        ("<message from='@' to='b@montague.example'/>", "invalid-from"),
        ("<message from='a@bank.example' to='@'/>", "invalid-from"),
        ("<iq from='a@bank.example' to='montague.example' type='odd' id='1'/>", "invalid-from"),
        (
            "<message xmlns='jabber:client' from='a@capulet.example' to='b@montague.example'/>",
            "invalid-namespace",
        ),
        ("<odd xmlns='u:odd'/>", "unsupported-stanza-type"),
        ("<db:odd from='capulet.example' to='montague.example'/>", "unsupported-stanza-type"),
        ("<db:result to='montague.example'>good</db:result>", "improper-addressing"),
        ("<db:result from='capulet.example'>good</db:result>", "improper-addressing"),
        ("<db:result from='a@capulet.example' to='montague.example'>good</db:result>", "improper-addressing"),
        ("<db:result from='capulet.example' to='@'>good</db:result>", "improper-addressing"),
        ("<db:result from='capulet.example' to='montague.example' type='odd'/>", "invalid-xml"),
        ("<db:verify from='capulet.example' to='montague.example'>good</db:verify>", "invalid-xml"),
        ("<db:verify from='capulet.example' to='montague.example' id=''>good</db:verify>", "invalid-xml"),
        (&again, "unsupported-stanza-type"),
    ];
    for (sent, condition) in cases {
        let mut driven = authorized();
        driven.feed(sent.as_bytes());
        let Some(End::Error(error)) = &driven.end else { panic!("{sent}: {}", driven.transcript) };
        assert_eq!(error.condition.as_str(), condition, "{sent}");
        assert!(!driven.said().contains("[stanza"), "{sent}");
    }
    let mut early = opened(secured());
    play(
        &mut early,
        &[("<message from='a@capulet.example' to='b@montague.example'/>", "{error not-authorized}")],
    );
}

/// RFC 6120 §8.3: wrong stanzas of those who may send are told so, by a route of their own.
#[test]
fn wrong_stanzas_are_refused_one_by_one() {
    let reply = |from: &str, condition: &str| {
        format!(
            "[refused <iq xmlns='jabber:client' to='a@capulet.example' from='{from}' type='error' id='1'>\
             <error type='modify'>{{condition {condition}}}</error></iq>]"
        )
    };
    play(
        &mut authorized(),
        &[
            (
                "<iq from='a@capulet.example' to='b@montague.example' type='odd' id='1'/>",
                &reply("b@montague.example", "bad-request"),
            ),
            (
                "<iq from='a@capulet.example' to='b@montague.example' type='get' id='1'/>",
                &reply("b@montague.example", "bad-request"),
            ),
            (
                "<iq from='a@capulet.example' to='@' type='get' id='1'><x xmlns='u:x'/></iq>",
                &reply("montague.example", "jid-malformed"),
            ),
            ("<iq from='a@capulet.example' to='b@montague.example' type='error'/>", ""),
        ],
    );
}

#[test]
fn domains_do_not_change_at_a_restart() {
    let text = "The domains must not change during a stream";
    let other_to = OPEN.replace("montague.example", "bank.example");
    let other_from = OPEN.replace("capulet.example", "bank.example");
    let nameless = OPEN.replace("from='capulet.example' ", "");
    let auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>";
    let behind_sasl = || {
        let mut driven = opened(secured());
        driven.feed(auth.as_bytes());
        driven.said();
        driven
    };
    let behind_tls = || {
        let mut driven = opened(plain());
        driven.feed(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        driven.handshake();
        driven.said();
        driven
    };
    for mut driven in [behind_sasl(), behind_tls()] {
        let header = last_header(&driven);
        play(&mut driven, &[(&other_to, &format!("{header}{{error not-authorized|{text}}}"))]);
    }
    for mut driven in [behind_sasl(), behind_tls()] {
        let header = last_header(&driven);
        play(&mut driven, &[(&other_from, &format!("{header}{{error invalid-from|{text}}}"))]);
    }
    // Who proved a name keeps it without saying it again.
    let mut driven = behind_sasl();
    play(&mut driven, &[(&nameless, "[opened]{header s2}{features dialback sm}")]);
    let swapped = OPENED.replace("from='montague.example'", "from='bank.example'");
    let mut out = outgoing(settings(StartTls::Required), true);
    out.said();
    play(&mut out, &[(&swapped, "{error invalid-from}")]);
}

/// The header of a stream that fails before a host gave it an id: the former stream's id is used.
fn last_header(driven: &Driven<IncomingStream>) -> String {
    header_text(&format!(" id='{}' version='1.0'", driven.stream.stream_id()))
}

/// Bytes in the clear behind the agreement on TLS, in the same packet or in the next.
#[test]
fn early_data_ends_the_stream() {
    let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let proceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    for behind in [OPEN, " ", "<db:result from='capulet.example' to='montague.example'>good</db:result>"] {
        let mut driven = opened(plain());
        play(&mut driven, &[(&format!("{starttls}{behind}"), &format!("{proceed}[starttls][early data]"))]);
        let mut out = outgoing(settings(StartTls::Required), false);
        out.feed(format!("{OPENED}<stream:features>{starttls}</stream:features>").as_bytes());
        out.said();
        play(&mut out, &[(proceed, "[starttls]"), (behind, "[early data]")]);
    }
    // What else can come in place of <proceed/>.
    for (sent, expected) in [
        ("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "</stream:stream>[tls refused]"),
        (
            "<db:result from='montague.example' to='capulet.example' type='valid'/>",
            "{error unsupported-stanza-type}",
        ),
        ("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "{error unsupported-stanza-type}"),
    ] {
        let mut out = outgoing(settings(StartTls::Required), false);
        out.feed(format!("{OPENED}<stream:features>{starttls}</stream:features>").as_bytes());
        out.said();
        play(&mut out, &[(sent, expected)]);
    }
}

/// TLS inside TLS, where there is none, or when something was settled in the clear already.
#[test]
fn starttls_is_refused_where_it_cannot_be() {
    let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let refused = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>[tls refused]";
    let mut settled = opened(incoming(Settings::default(), false, s2s::offer(StartTls::Optional)));
    settled.feed(b"<db:result from='capulet.example' to='montague.example'>good</db:result>");
    settled.said();
    let without = opened(incoming(Settings::default(), false, s2s::offer(StartTls::Never)));
    for mut driven in [settled, without, opened(secured())] {
        play(&mut driven, &[(starttls, refused)]);
    }
}

/// Keys from before TLS are worth nothing behind it.
#[test]
fn questions_do_not_outlive_a_restart() {
    let mut driven = opened(incoming(Settings::default(), false, s2s::offer(StartTls::Optional)));
    driven.feed(
        b"<bidi xmlns='urn:xmpp:bidi'/><db:result from='capulet.example' to='montague.example'>later</db:result>\
          <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    );
    assert!(driven.handshake());
    let answered = driven.stream.dialback_result(&domain(ORIGINATING), &domain(RECEIVING), Verdict::Valid);
    assert!(!answered && driven.stream.pairs().count() == 0 && !driven.stream.is_bidi());
}

#[test]
fn questions_are_bounded() {
    let mut driven = opened(secured());
    for n in 0..40 {
        driven.feed(
            format!("<db:result from='d{n}.example' to='montague.example'>later</db:result>").as_bytes(),
        );
        driven.feed(
            format!("<db:verify from='d{n}.example' to='montague.example' id='1'>later</db:verify>")
                .as_bytes(),
        );
    }
    let said = driven.said();
    for note in ["[key ", "[verify "] {
        assert_eq!(said.matches(note).count(), 16, "{note}");
    }
    assert_eq!(said.matches("<resource-constraint ").count(), 48);
    // The same question twice is one.
    let same = "<db:result from='d1.example' to='montague.example'>good</db:result>";
    driven.feed(same.as_bytes());
    assert!(driven.said().contains("<unexpected-request "));

    let mut out = outgoing(settings(StartTls::Required), true);
    out.script.plan = Some(Plan::VerifyOnly);
    out.feed(format!("{OPENED}<stream:features/>").as_bytes());
    let sent = (0..40)
        .filter(|n| out.stream.verify(&domain(ORIGINATING), &domain(RECEIVING), &n.to_string(), "key"));
    assert_eq!(sent.count(), 16);
    let long = "x".repeat(129);
    assert!(!out.stream.verify(&domain(ORIGINATING), &domain(RECEIVING), "long", &long));
}

#[test]
fn pairs_are_bounded() {
    let few = Settings { pairs_max: 3, ..Settings::default() };
    let mut driven = opened(incoming(few, true, s2s::offer(StartTls::Required)));
    for n in 0..5 {
        driven.feed(
            format!("<db:result from='d{n}.example' to='montague.example'>good</db:result>").as_bytes(),
        );
    }
    let said = driven.said();
    assert_eq!((said.matches("'valid'").count(), said.matches("<resource-constraint ").count()), (3, 2));
    assert!(!driven.stream.authorize(&domain("more.example"), &domain(RECEIVING)));
    assert!(driven.stream.authorize(&domain("d1.example"), &domain(RECEIVING)), "it is there");
    play(
        &mut driven,
        &[(
            "<db:result from='d1.example' to='montague.example'>good</db:result>",
            "<db:result from='montague.example' to='d1.example' type='valid'/>",
        )],
    );
}

/// Slow and silent peers: one deadline, which nothing extends.
#[test]
fn negotiation_has_one_deadline() {
    let deadline = Some(Duration::from_secs(1120));
    let mut driven = opened(secured());
    assert_eq!(driven.stream.poll_timeout(), deadline);
    driven.advance(Duration::from_secs(119));
    driven.feed(b" <db:result from='capulet.example' to='montague.example'>later</db:result>");
    driven.said();
    driven.advance(Duration::from_secs(1));
    assert_eq!(driven.said(), expand("{error connection-timeout}"));

    let mut out = outgoing(settings(StartTls::Required), true);
    out.said();
    assert_eq!(out.stream.poll_timeout(), deadline);
    out.advance(Duration::from_secs(120));
    assert_eq!(out.said(), expand("{error connection-timeout}"));

    let mut handshaking = opened(plain());
    handshaking.feed(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    handshaking.said();
    handshaking.advance(Duration::from_secs(120));
    assert_eq!(handshaking.said(), "[tls timeout]");

    assert_eq!(authorized().stream.poll_timeout(), None);
    // SASL alone does not end it: the stream must be opened again.
    let mut proven = opened(secured());
    proven.feed(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
    assert_eq!(proven.stream.poll_timeout(), deadline);
    proven.feed(OPEN.as_bytes());
    assert_eq!(proven.stream.poll_timeout(), None);
}

#[test]
fn elements_are_small_until_a_pair_is_authorised() {
    let large = |tag: &str, attributes: &str| {
        format!(
            "<{tag} from='capulet.example' to='montague.example' {attributes}>{}</{tag}>",
            "x".repeat(40_000)
        )
    };
    play(&mut opened(secured()), &[(&large("db:result", ""), "{error policy-violation}")]);
    play(&mut authorized(), &[(&large("message", ""), "[stanza message/normal]")]);
}

/// A server that was called sends what only one that calls may send.
#[test]
fn a_server_that_was_called_has_no_say_without_bidi() {
    let ready = || {
        let mut out = outgoing(settings(StartTls::Required), true);
        out.feed(format!("{OPENED}<stream:features/>").as_bytes());
        out.feed(b"<db:result from='montague.example' to='capulet.example' type='valid'/>");
        out.said();
        out
    };
    let refused = |name: &str, id: &str| {
        format!(
            "<{name} from='capulet.example' to='montague.example'{id} type='error'><error type='cancel'>\
             {{condition not-allowed}}</error></{name}>"
        )
    };
    for (sent, expected) in [
        ("<message from='a@montague.example' to='b@capulet.example'/>", "{error not-authorized}".to_owned()),
        (
            "<db:result from='montague.example' to='capulet.example'>good</db:result>",
            refused("db:result", ""),
        ),
        (
            "<db:verify from='montague.example' to='capulet.example' id='1'>good</db:verify>",
            refused("db:verify", " id='1'"),
        ),
        (
            "<enable xmlns='urn:xmpp:sm:3'/>",
            "<failed xmlns='urn:xmpp:sm:3'>{condition feature-not-implemented}</failed>".to_owned(),
        ),
        ("<bidi xmlns='urn:xmpp:bidi'/>", "{error unsupported-stanza-type}".to_owned()),
        ("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "{error unsupported-stanza-type}".to_owned()),
        ("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "{error unsupported-stanza-type}".to_owned()),
        ("<stream:features/>", "{error unsupported-stanza-type}".to_owned()),
    ] {
        play(&mut ready(), &[(sent, &expected)]);
    }
}

#[test]
fn answers_nobody_asked_for_by_our_driver_end_the_stream() {
    let misuses: [fn(&mut IncomingStream); 4] = [
        |stream| stream.provide_host(HostOffer::default()),
        |stream| stream.admit(),
        |stream| stream.deny(nightjar_sasl::SaslFailure::not_authorized("misuse")),
        |stream| stream.tls_established(),
    ];
    for misuse in misuses {
        for mut driven in [plain(), opened(plain()), authorized()] {
            misuse(&mut driven.stream);
            driven.drain();
            assert!(driven.said().ends_with(&expand("{error internal-server-error}")));
        }
    }
}

proptest::proptest! {
    /// Whatever comes, in whatever pieces, the machines end what they gave up and say the same.
    #[test]
    fn fragments_in_any_order_are_survived(choice: u8, picks in proptest::collection::vec(0_usize..FRAGMENTS.len(), 0..12)) {
        let mut input = vec![choice];
        input.extend(picks.into_iter().flat_map(|pick| FRAGMENTS[pick].bytes()));
        crate::fuzz::fuzz_s2s(&input);
    }
}

const FRAGMENTS: [&str; 24] = [
    OPEN,
    OPENED,
    "\0",
    " ",
    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>\
     </mechanisms><bidi xmlns='urn:xmpp:features:bidi'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>",
    "<stream:features/>",
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>",
    "<bidi xmlns='urn:xmpp:bidi'/>",
    "<db:result from='capulet.example' to='montague.example'>good</db:result>",
    "<db:result from='capulet.example' to='montague.example'>later</db:result>",
    "<db:result from='montague.example' to='capulet.example' type='valid'/>",
    "<db:verify from='capulet.example' to='montague.example' id='1'>key</db:verify>",
    "<db:result from='chat.montague.example' to='capulet.example'>good</db:result>",
    "<message from='a@capulet.example' to='b@montague.example'><body>Hi</body></message>",
    "<iq from='a@montague.example' to='b@capulet.example' type='odd' id='1'/>",
    "<enable xmlns='urn:xmpp:sm:3'/>",
    "<enabled xmlns='urn:xmpp:sm:3'/><r xmlns='urn:xmpp:sm:3'/>",
    "<a xmlns='urn:xmpp:sm:3' h='1'/>",
    "</stream:stream>",
];
