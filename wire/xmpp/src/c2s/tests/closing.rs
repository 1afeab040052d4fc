//! How streams end: by the client, by errors in every state, by the clock (RFC 6120 §4.4, §4.9).

use super::*;

/// A way into each state of the machine.
fn states() -> Vec<(&'static str, Driven)> {
    let fed = |mut driven: Driven, sent: &str| {
        driven.feed(sent.as_bytes());
        driven.said();
        driven
    };
    let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let scram = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>biwsbj1qdWxpZXQscj1jbGllbnQ=</auth>";
    let mut after_tls = fed(opened(plain()), starttls);
    after_tls.handshake();
    vec![
        ("connected", plain()),
        ("inside a header", fed(plain(), "<stream:stream to='exam")),
        ("open", opened(plain())),
        ("inside an element", fed(opened(plain()), "<auth mechanism='PL")),
        ("before the handshake", fed(opened(plain()), starttls)),
        ("behind the handshake", after_tls),
        ("challenged", fed(opened(secured()), scram)),
        ("authenticated", fed(opened(secured()), AUTH_PLAIN)),
        ("unbound", authenticated()),
        ("bound", bound()),
        ("with stream management", fed(bound(), "<enable xmlns='urn:xmpp:sm:3' resume='1'/>")),
    ]
}

/// Hostile input: every stream error in every state, from either side.
#[test]
fn every_error_ends_every_state_once() {
    for condition in StreamErrorCondition::ALL {
        for (state, mut driven) in states() {
            driven.stream.close(*condition);
            driven.drain();
            let said = driven.said();
            let end = driven.end.clone();
            assert_eq!(end, Some(End::Error((*condition).into())), "{condition:?} when {state}");
            let told = expand(&format!("{{error {}}}", condition.as_str()));
            if state == "before the handshake" {
                assert_eq!(
                    said,
                    format!("[error {}]", condition.as_str()),
                    "nothing in the clear behind <proceed/>"
                );
            } else {
                assert!(said.ends_with(&told), "{condition:?} when {state}: {said}");
            }
            let headers = said.matches("<stream:stream ").count();
            let without =
                ["connected", "inside a header", "behind the handshake", "authenticated"].contains(&state);
            assert_eq!(headers, usize::from(without), "{condition:?} when {state}: {said}");
            driven.stream.close(*condition);
            assert_eq!(driven.stream.handle_input(driven.now, b"<presence/>"), 11, "the rest is swallowed");
            assert!(driven.stream.poll_output().is_none(), "nothing follows the end");
            assert_eq!(driven.stream.poll_timeout(), None);
        }
    }
}

#[test]
fn errors_of_the_client_end_the_stream() {
    for condition in StreamErrorCondition::ALL {
        let name = condition.as_str();
        let error = format!(
            "<stream:error><{name} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
        );
        for mut driven in [opened(plain()), opened(secured()), authenticated(), bound()] {
            play(&mut driven, &[(&error, &format!("</stream:stream>[peer error {name}]"))]);
            assert!(!driven.end.as_ref().unwrap().is_resumable());
        }
    }
}

#[test]
fn the_client_closes_its_stream_in_any_state() {
    for (state, mut driven) in states() {
        let inside = state.starts_with("inside");
        let expected = match state {
            "connected" | "behind the handshake" | "authenticated" => "{early-header}{error not-well-formed}",
            "before the handshake" => "[early data]",
            _ if inside => continue,
            _ => "</stream:stream>[closed]",
        };
        play(&mut driven, &[("</stream:stream>", expected)]);
    }
}

/// Hostile input: clients that never authenticate, or keep a failed stream alive with pings.
#[test]
fn negotiation_has_one_deadline_that_nothing_extends() {
    for (state, mut driven) in states() {
        if driven.stream.is_established() {
            assert_eq!(driven.stream.poll_timeout(), None, "{state}");
            continue;
        }
        let deadline = Duration::from_secs(1120);
        assert_eq!(driven.stream.poll_timeout(), Some(deadline), "{state}");
        driven.advance(Duration::from_secs(119));
        assert_eq!(driven.said(), "", "{state}");
        if state == "open" {
            driven.feed(b" ");
            driven.feed(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='NONE'/>");
            driven.said();
        }
        driven.advance(Duration::from_secs(1));
        let expected = match state {
            "before the handshake" => "[tls timeout]",
            _ => "{error connection-timeout}",
        };
        assert!(driven.said().ends_with(&expand(expected)), "{state}");
    }
}

/// A driver that waits too long for its database does not keep a client past the deadline.
#[test]
fn the_deadline_holds_while_an_answer_is_due() {
    let now = Duration::from_secs(1);
    let mut stream = ClientStream::new(Settings::default(), Text::new("s0"), true, now);
    assert_eq!(stream.handle_input(now, OPEN.as_bytes()), OPEN.len());
    assert!(matches!(stream.poll_output(), Some(Output::Event(Event::Opened(_)))));
    assert!(stream.is_waiting());
    assert_eq!(stream.handle_input(now, b"<presence/>"), 0, "input waits for the answer");
    stream.handle_timeout(Duration::from_secs(121));
    assert!(matches!(stream.poll_output(), Some(Output::Send(_))));
    assert!(matches!(stream.poll_output(), Some(Output::Close(End::Error(_)))));
    stream.provide_host(HostOffer::default());
    assert!(stream.poll_output().is_none(), "an answer that comes too late is dropped");
}

#[test]
fn answers_nobody_asked_for_end_the_stream() {
    let misuses: [fn(&mut ClientStream); 8] = [
        |stream| stream.provide_host(HostOffer::default()),
        |stream| stream.provide_credentials(Answer::Accept),
        |stream| stream.admit(Duration::ZERO, Admission::account()),
        |stream| stream.provide_upgrade(None),
        |stream| stream.bound(&Jid::parse("a@b/c").unwrap()),
        |stream| stream.resume_refused(Condition::ItemNotFound.into()),
        |stream| stream.sm_refused(Condition::NotAllowed),
        |stream| stream.tls_established(),
    ];
    for misuse in misuses {
        for mut driven in [plain(), opened(plain()), authenticated(), bound()] {
            misuse(&mut driven.stream);
            driven.drain();
            assert!(driven.said().ends_with(&expand("{error internal-server-error}")));
        }
    }
}
