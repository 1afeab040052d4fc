//! SASL as in RFC 6120 §6.

use super::*;

fn auth(mechanism: &str, data: &str) -> String {
    format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{data}</auth>")
}

fn response(data: &str) -> String {
    format!("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{data}</response>")
}

const ABORT: &str = "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
const SUCCESS: &str = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
const CLIENT_FIRST: &str = "biwsbj1qdWxpZXQscj1jbGllbnQ=";
const SERVER_FIRST: &str = "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                            cj1jbGllbnRzZXJ2ZXItbm9uY2Uscz1NREV5TXpRMU5qYzRPV0ZpWTJSbFpnPT0saT0x</challenge>";
const CLIENT_FINAL: &str = "Yz1iaXdzLHI9Y2xpZW50c2VydmVyLW5vbmNlLHA9c0pCL1k0b0lCR2VGMzVtTVZSaXhXcWIramlvPQ==";
const SERVER_FINAL: &str =
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dj1TOWhtK1ZnTG9ncDJQZ2dYZWJWUzV3VUU0Z0E9</success>";

/// RFC 6120 §9.1.2: challenge, response, success, new stream, resource.
#[test]
fn scram_leads_to_a_bound_resource() {
    let mut driven = opened(secured());
    let success = format!("[authenticated juliet@example.org SCRAM-SHA-1]{SERVER_FINAL}");
    let jid = "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
               <jid>juliet@example.org/balcony</jid></bind></iq>";
    play(
        &mut driven,
        &[
            (&auth("SCRAM-SHA-1", CLIENT_FIRST), SERVER_FIRST),
            (&response(CLIENT_FINAL), &success),
            (OPEN, "[opened]{header}{authenticated}"),
            (BIND, jid),
            (
                "<message to='romeo@example.net' type='chat'><body>x</body></message>",
                "[stanza message/chat]<message to='romeo@example.net' type='chat'><body>x</body></message>",
            ),
        ],
    );
}

/// Everything in one packet, as impatient clients send it.
#[test]
fn a_client_need_not_wait_for_anything() {
    let all =
        [&auth("SCRAM-SHA-1", CLIENT_FIRST), &response(CLIENT_FINAL), OPEN, BIND, "<presence/>"].concat();
    let mut driven = opened(secured());
    driven.feed(all.as_bytes());
    assert!(driven.said().ends_with("[stanza presence/available]<presence/>"));
}

#[test]
fn a_missing_initial_response_is_asked_for() {
    let challenge = "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
    let success = format!("[authenticated juliet@example.org PLAIN]{SUCCESS}");
    let turns = [(&*auth("PLAIN", ""), challenge), (&*response("AGp1bGlldABwZW5jaWw="), &*success)];
    play(&mut opened(secured()), &turns);
    let success = format!("[authenticated certified@example.org EXTERNAL]{SUCCESS}");
    play(&mut opened(secured()), &[(&auth("EXTERNAL", "="), &success)]);
    play(&mut opened(secured()), &[(&auth("EXTERNAL", ""), challenge), (&response("="), &success)]);
    play(&mut opened(secured()), &[(&auth("EXTERNAL", ""), challenge), (&response(""), &success)]);
}

/// Every row fails once and leaves the stream open for another attempt.
#[test]
fn failures_name_their_condition() {
    let wrong_proof = "Yz1iaXdzLHI9Y2xpZW50c2VydmVyLW5vbmNlLHA9OWNXZncyWm0ySXE0MGo5RzhWbXdCdGhISlhzPQ==";
    let unnamed = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>AGE=</auth>";
    let cases: &[(&[&str], &str)] = &[
        (&[&auth("PLAIN", "AGp1bGlldAB3cm9uZw==")], "{sasl not-authorized}[failed juliet not-authorized]"),
        (&[&auth("PLAIN", "%%%")], "{sasl incorrect-encoding}[failed ? incorrect-encoding]"),
        (
            &[&auth("PLAIN", "AGp1bGll dABwZW5jaWw=")],
            "{sasl incorrect-encoding}[failed ? incorrect-encoding]",
        ),
        (&[&auth("PLAIN", "AGp1bGlldA")], "{sasl incorrect-encoding}[failed ? incorrect-encoding]"),
        (&[&auth("PLAIN", "AGE=")], "{sasl malformed-request}[failed ? malformed-request]"),
        (&[&auth("PLAIN", "=")], "{sasl malformed-request}[failed ? malformed-request]"),
        (&[&auth("DIGEST-MD5", "")], "{sasl invalid-mechanism}[failed ? invalid-mechanism]"),
        (&[&auth("plain", "AGE=")], "{sasl invalid-mechanism}[failed ? invalid-mechanism]"),
        (&[&auth("SCRAM-SHA-512", CLIENT_FIRST)], "{sasl invalid-mechanism}[failed ? invalid-mechanism]"),
        (&[&auth("ANONYMOUS", "")], "{sasl invalid-mechanism}[failed ? invalid-mechanism]"),
        (&[&auth("HT-SHA-256-NONE", "AGE=")], "{sasl invalid-mechanism}[failed ? invalid-mechanism]"),
        (&[unnamed], "{sasl invalid-mechanism}[failed ? invalid-mechanism]"),
        (&[&auth("OAUTHBEARER", "")], "{sasl invalid-mechanism}[failed ? invalid-mechanism]"),
        (&[ABORT], "{sasl aborted}[failed ? aborted]"),
        (&[&response("AGE=")], "{sasl malformed-request}[failed ? malformed-request]"),
        (&[&auth("SCRAM-SHA-1", CLIENT_FIRST), ABORT], "{sasl aborted}[failed juliet aborted]"),
        (
            &[&auth("SCRAM-SHA-1", CLIENT_FIRST), &response("!")],
            "{sasl incorrect-encoding}[failed juliet incorrect-encoding]",
        ),
        (
            &[&auth("SCRAM-SHA-1", CLIENT_FIRST), &response(wrong_proof)],
            "{sasl not-authorized}[failed juliet not-authorized]",
        ),
        (
            &[&auth("SCRAM-SHA-1", CLIENT_FIRST), AUTH_PLAIN],
            "{sasl malformed-request}[failed juliet malformed-request]",
        ),
        (
            &[&auth("PLAIN", "AGJhbm5lZABwZW5jaWw=")],
            "[authenticated banned@example.org PLAIN]{sasl account-disabled}[failed banned account-disabled]",
        ),
    ];
    for (sent, expected) in cases {
        let mut driven = opened(secured());
        let (last, before) = sent.split_last().unwrap();
        before.iter().for_each(|sent| driven.feed(sent.as_bytes()));
        driven.said();
        let success = format!("[authenticated juliet@example.org PLAIN]{SUCCESS}");
        play(&mut driven, &[(last, expected), (AUTH_PLAIN, &success)]);
    }
}

#[test]
fn temporary_failures_are_told_apart() {
    let mut stream = ClientStream::new(Settings::default(), Text::new("s0"), true, Duration::ZERO);
    stream.handle_input(Duration::ZERO, OPEN.as_bytes());
    stream.poll_output();
    stream.provide_host(fuzz::offer(StartTls::Required, true));
    while stream.poll_output().is_some() {}
    for condition in [
        nightjar_sasl::Condition::TemporaryAuthFailure,
        nightjar_sasl::Condition::AccountDisabled,
        nightjar_sasl::Condition::CredentialsExpired,
    ] {
        stream.handle_input(Duration::ZERO, AUTH_PLAIN.as_bytes());
        assert!(matches!(stream.poll_output(), Some(Output::Event(Event::Credentials(_)))));
        let failure = SaslFailure::with_text(condition, "for the log", "try <later>");
        stream.provide_credentials(Answer::Refuse(failure));
        let Some(Output::Send(bytes)) = stream.poll_output() else { panic!("a failure is sent") };
        let expected = format!(
            "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><{}/><text xml:lang='en'>try &lt;later&gt;</text></failure>",
            condition.name()
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        assert!(matches!(stream.poll_output(), Some(Output::Event(Event::AuthFailed(_)))));
    }
}

/// RFC 6120 §6.4.5
#[test]
fn the_last_attempt_ends_the_stream() {
    let mut driven = opened(secured());
    let wrong = auth("PLAIN", "AGp1bGlldAB3cm9uZw==");
    let failed = "{sasl not-authorized}[failed juliet not-authorized]";
    for _ in 1..Settings::default().auth_attempts_max {
        play(&mut driven, &[(&wrong, failed)]);
    }
    driven.feed(wrong.as_bytes());
    let text = "Too many failed attempts to authenticate";
    let end = expand(&format!("{{error policy-violation|{text}}}"));
    let (bytes, _) = end.split_once('[').unwrap();
    let expected = format!(
        "{}{bytes}[failed juliet not-authorized][error policy-violation]",
        expand("{sasl not-authorized}")
    );
    assert_eq!(driven.said(), expected);
}

/// RFC 6120 §6.3.9 and XEP-0388 §2.4: nothing else while a challenge waits.
#[test]
fn nothing_comes_between_challenge_and_response() {
    for sent in [
        "<presence/>",
        "<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>",
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>",
        "<odd xmlns='u:odd'/>",
    ] {
        let mut driven = opened(secured());
        play(
            &mut driven,
            &[(&auth("SCRAM-SHA-1", CLIENT_FIRST), SERVER_FIRST), (sent, "{error not-authorized}")],
        );
    }
}

#[test]
fn sasl_is_over_once_it_succeeded() {
    play(&mut authenticated(), &[(AUTH_PLAIN, "{error unsupported-stanza-type}")]);
    play(&mut bound(), &[(AUTH_PLAIN, "{error unsupported-stanza-type}")]);
    let mut driven = opened(secured());
    let success = format!("[authenticated juliet@example.org PLAIN]{SUCCESS}");
    play(&mut driven, &[(AUTH_PLAIN, &success), ("<presence/>", "{early-header}{error invalid-namespace}")]);
}
