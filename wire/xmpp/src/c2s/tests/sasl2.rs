//! XEP-0388 with XEP-0386, XEP-0198 §9, XEP-0480 and XEP-0484.

use super::*;

fn authenticate(mechanism: &str, data: &str, inside: &str) -> String {
    format!(
        "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{mechanism}'>\
         <initial-response>{data}</initial-response>{inside}</authenticate>"
    )
}

fn response(data: &str) -> String {
    format!("<response xmlns='urn:xmpp:sasl:2'>{data}</response>")
}

fn success(inside: &str, id: &str) -> String {
    format!(
        "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>{id}</authorization-identifier>{inside}</success>"
    )
}

const PLAIN: &str = "AGp1bGlldABwZW5jaWw=";
const IN: &str = "[authenticated juliet@example.org PLAIN]";

/// XEP-0388 §2.2 to §2.6, with channel binding.
#[test]
fn scram_plus_needs_no_new_stream() {
    let challenge = "<challenge xmlns='urn:xmpp:sasl:2'>cj1jbGllbnRzZXJ2ZXItbm9uY2Uscz1NREV5TXpRMU5qYzRPV0ZpWTJSbFpnPT0saT0x</challenge>";
    let last = "Yz1jRDEwYkhNdFpYaHdiM0owWlhJc0xHVjRjRzl5ZEdWayxyPWNsaWVudHNlcnZlci1ub25jZSxwPXNBT0JYMEpsdW5peXpLN3E0a0JWWS9aakNJSmUwcEpjQ1F1RjlIME0welE9";
    let success = "[authenticated juliet@example.org SCRAM-SHA-256-PLUS]<success xmlns='urn:xmpp:sasl:2'>\
                   <additional-data>dj1hMVBTakdjRWNlZllvRG9vUHdmb1BiZmxNYlFLZ2tZRDVtdVBkL0s0cWI4PQ==</additional-data>\
                   <authorization-identifier>juliet@example.org</authorization-identifier></success>{authenticated}";
    let first = "cD10bHMtZXhwb3J0ZXIsLG49anVsaWV0LHI9Y2xpZW50";
    let mut driven = opened(secured());
    play(
        &mut driven,
        &[(&authenticate("SCRAM-SHA-256-PLUS", first, ""), challenge), (&response(last), success)],
    );
    driven.feed(BIND.as_bytes());
    assert!(driven.stream.is_established());
}

#[test]
fn resources_are_bound_along_with_authentication() {
    let bind = "<bind xmlns='urn:xmpp:bind:0'><tag>AwesomeXMPP</tag>\
                <enable xmlns='urn:xmpp:carbons:2'/><enable xmlns='urn:xmpp:sm:3' resume='true'/>\
                <inactive xmlns='urn:xmpp:csi:0'/></bind>";
    let bound = "<bound xmlns='urn:xmpp:bind:0'>\
                 <enabled xmlns='urn:xmpp:sm:3' id='sm-new' resume='true' max='300'/></bound>";
    let expected = format!("{IN}{}{{bound-sm}}", success(bound, "juliet@example.org/AwesomeXMPP/1"));
    let mut driven = opened(secured());
    play(
        &mut driven,
        &[
            (&authenticate("PLAIN", PLAIN, bind), &expected),
            (
                "<presence/><r xmlns='urn:xmpp:sm:3'/>",
                "[stanza presence/available]<presence/><r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='1'/>",
            ),
        ],
    );
}

/// What the client asks for reaches the driver whole.
#[test]
fn requests_are_read() {
    let inside = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'><software>AwesomeXMPP</software>\
                  <device>Kiva's Phone</device></user-agent>\
                  <bind xmlns='urn:xmpp:bind:0'><tag>T</tag><enable xmlns='urn:xmpp:carbons:2'/>\
                  <active xmlns='urn:xmpp:csi:0'/><enable xmlns='urn:xmpp:sm:3' max='5'/><x xmlns='u:x'/></bind>\
                  <resume xmlns='urn:xmpp:sm:3' previd='p' h='7'/><fast xmlns='urn:xmpp:fast:0' count='9' invalidate='1'/>\
                  <request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/><unknown xmlns='u:x'/>";
    let now = Duration::ZERO;
    let mut stream = ClientStream::new(Settings::default(), Text::new("s0"), true, now);
    stream.handle_input(now, OPEN.as_bytes());
    stream.poll_output();
    stream.provide_host(fuzz::offer(StartTls::Required, true));
    while stream.poll_output().is_some() {}
    stream.handle_input(now, authenticate("PLAIN", PLAIN, inside).as_bytes());
    let Some(Output::Event(Event::Credentials(question))) = stream.poll_output() else {
        panic!("a question")
    };
    let user_agent = question.user_agent.unwrap();
    assert_eq!(user_agent.id.unwrap(), "d4565fa7-4d72-4749-b3d3-740edbf87770");
    assert_eq!(user_agent.software.unwrap(), "AwesomeXMPP");
    assert_eq!(user_agent.device.unwrap(), "Kiva's Phone");
    stream.provide_credentials(Answer::Accept);
    let Some(Output::Event(Event::Authenticated(authenticated))) = stream.poll_output() else {
        panic!("admission")
    };
    let request = authenticated.sasl2.unwrap();
    assert_eq!(request.resume, Some(sm::Resume { previd: Text::new("p"), h: 7 }));
    assert_eq!(request.fast, Some(FastUse { count: Some(9), invalidate: true }));
    assert_eq!(request.request_token.unwrap().name(), "HT-SHA-256-NONE");
    let bind = request.bind.unwrap();
    assert_eq!((bind.tag.as_deref(), bind.carbons, bind.active), (Some("T"), true, Some(true)));
    assert_eq!(bind.sm, Some(sm::Enable { resume: false, max_seconds: Some(5) }));
    assert_eq!(bind.others, ["<x xmlns='u:x'/>"]);
}

/// XEP-0198 §9.2: resumption first; binding only if it fails.
#[test]
fn sessions_are_resumed_along_with_authentication() {
    let bind = "<bind xmlns='urn:xmpp:bind:0'/>";
    let resume =
        |previd: &str, h: &str| format!("<resume xmlns='urn:xmpp:sm:3' previd='{previd}' h='{h}'/>{bind}");
    let kept = "<message type='chat' id='kept'><body>hi</body></message><r xmlns='urn:xmpp:sm:3'/>";
    let resumed = "<resumed xmlns='urn:xmpp:sm:3' h='1' previd='sm-old'/>";
    let resumed = success(resumed, "juliet@example.org/old");
    play(
        &mut opened(secured()),
        &[(&authenticate("PLAIN", PLAIN, &resume("sm-old", "0")), &format!("{IN}{resumed}{kept}"))],
    );
    play(
        &mut opened(secured()),
        &[(&authenticate("PLAIN", PLAIN, &resume("sm-old", "1")), &format!("{IN}{resumed}"))],
    );
    let failed = "<failed xmlns='urn:xmpp:sm:3' h='7'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>\
                  <bound xmlns='urn:xmpp:bind:0'></bound>";
    let failed = format!("{IN}{}{{bound}}", success(failed, "juliet@example.org/tagless/1"));
    play(&mut opened(secured()), &[(&authenticate("PLAIN", PLAIN, &resume("gone", "0")), &failed)]);
    let malformed = "{sasl2 malformed-request}[failed ? malformed-request]";
    play(&mut opened(secured()), &[(&authenticate("PLAIN", PLAIN, &resume("sm-old", "x")), malformed)]);

    let mut greedy = opened(secured());
    greedy.feed(authenticate("PLAIN", PLAIN, &resume("sm-old", "2")).as_bytes());
    assert!(greedy.said().contains("<handled-count-too-high xmlns='urn:xmpp:sm:3' h='2' send-count='1'/>"));
    assert!(greedy.stream.take_sm().is_some(), "the session can still be had");
}

#[test]
fn tokens_are_given_and_used() {
    let request = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>\
                   <request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>";
    let token = "<token xmlns='urn:xmpp:fast:0' expiry='2020-03-12T14:36:15Z' token='new-token'/>";
    let expected = format!("{IN}{}{{authenticated}}", success(token, "juliet@example.org"));
    play(&mut opened(secured()), &[(&authenticate("PLAIN", PLAIN, request), &expected)]);
    let proof = "anVsaWV0ANJNlUgvDW4DXFbnh9rE7YMr3YTuPqJCqq3ZgicMMwAG";
    let fast = "<fast xmlns='urn:xmpp:fast:0' count='1'/>";
    let expected = "[authenticated juliet@example.org HT-SHA-256-NONE]<success xmlns='urn:xmpp:sasl:2'>\
                    <additional-data>P3z74IGz6eoqqjVhGApgkyKQrporFVMn0DuoGf/+CrY=</additional-data>\
                    <authorization-identifier>juliet@example.org</authorization-identifier></success>{authenticated}";
    play(&mut opened(secured()), &[(&authenticate("HT-SHA-256-NONE", proof, fast), expected)]);
    // A token is no token without <fast/>, and none of a mechanism that was not offered.
    let malformed = "{sasl2 malformed-request}[failed ? malformed-request]";
    play(&mut opened(secured()), &[(&authenticate("HT-SHA-256-NONE", proof, ""), malformed)]);
    let invalid = "{sasl2 invalid-mechanism}[failed ? invalid-mechanism]";
    play(&mut opened(secured()), &[(&authenticate("HT-SHA-256-EXPR", proof, fast), invalid)]);
}

/// XEP-0480 §2 and §3
#[test]
fn keys_are_upgraded_before_success() {
    let upgrade = "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-512</upgrade>\
                   <upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-BLOOP</upgrade>";
    let go_on = "<continue xmlns='urn:xmpp:sasl:2'><tasks><task>UPGR-SCRAM-SHA-512</task></tasks></continue>";
    let next = "<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-512'/>";
    let salt = "<task-data xmlns='urn:xmpp:sasl:2'><salt xmlns='urn:xmpp:scram-upgrade:0' iterations='4096'>\
                ZmVkY2JhOTg3NjU0MzIxMA==</salt></task-data>";
    let hash = "<task-data xmlns='urn:xmpp:sasl:2'><hash xmlns='urn:xmpp:scram-upgrade:0'>\
                NGwCyvgLSrbhS6ZcaJSmsf0aJdLunNEorLVHFazmZJ08jeZPenb6MYN6lrCfsc6oJD09dmIOnskbdG9ZYqIgdA==</hash></task-data>";
    let done = format!("[keys juliet@example.org]{IN}{}{{authenticated}}", success("", "juliet@example.org"));
    let start = authenticate("PLAIN", PLAIN, upgrade);
    play(&mut opened(secured()), &[(&start, go_on), (next, salt), (hash, &done)]);

    let wrong_task = "<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-256'/>";
    let short =
        "<task-data xmlns='urn:xmpp:sasl:2'><hash xmlns='urn:xmpp:scram-upgrade:0'>AGE=</hash></task-data>";
    let empty = "<task-data xmlns='urn:xmpp:sasl:2'/>";
    let malformed = "{sasl2 malformed-request}[failed juliet malformed-request]";
    for turns in [
        vec![(wrong_task, malformed)],
        vec![(hash, malformed)],
        vec![(next, salt), (short, malformed)],
        vec![(next, salt), (empty, malformed)],
        vec![(next, salt), (next, malformed)],
        vec![(next, salt), ("<presence/>", "{error not-authorized}")],
        vec![(next, salt), ("<abort xmlns='urn:xmpp:sasl:2'/>", "{sasl2 aborted}[failed juliet aborted]")],
    ] {
        let mut driven = opened(secured());
        play(&mut driven, &[(&start, go_on)]);
        play(&mut driven, &turns);
    }
}

#[test]
fn failures_leave_the_stream_as_it_was() {
    let long_id = format!("<user-agent id='{}'/>", "x".repeat(200));
    let cases: &[(&str, &str)] = &[
        (
            &authenticate("PLAIN", "AGp1bGlldAB3cm9uZw==", ""),
            "{sasl2 not-authorized}[failed juliet not-authorized]",
        ),
        (&authenticate("PLAIN", "%", ""), "{sasl2 incorrect-encoding}[failed ? incorrect-encoding]"),
        (&authenticate("PLAIN", "", ""), "{sasl2 malformed-request}[failed ? malformed-request]"),
        (&authenticate("NONE", "", ""), "{sasl2 invalid-mechanism}[failed ? invalid-mechanism]"),
        (&authenticate("PLAIN", PLAIN, &long_id), "{sasl2 malformed-request}[failed ? malformed-request]"),
        ("<authenticate xmlns='urn:xmpp:sasl:2'/>", "{sasl2 invalid-mechanism}[failed ? invalid-mechanism]"),
        (&response("AGE="), "{sasl2 malformed-request}[failed ? malformed-request]"),
        ("<abort xmlns='urn:xmpp:sasl:2'/>", "{sasl2 aborted}[failed ? aborted]"),
        ("<next xmlns='urn:xmpp:sasl:2' task='x'/>", "{sasl2 malformed-request}[failed ? malformed-request]"),
        (
            &authenticate("PLAIN", "AGJhbm5lZABwZW5jaWw=", "<bind xmlns='urn:xmpp:bind:0'/>"),
            "[authenticated banned@example.org PLAIN]{sasl2 account-disabled}[failed banned account-disabled]",
        ),
    ];
    for (sent, expected) in cases {
        let again = format!("{IN}{}{{authenticated}}", success("", "juliet@example.org"));
        play(&mut opened(secured()), &[(sent, expected), (&authenticate("PLAIN", PLAIN, ""), &again)]);
    }
    play(&mut opened(secured()), &[("<odd xmlns='urn:xmpp:sasl:2'/>", "{error unsupported-stanza-type}")]);
    // Not offered without TLS.
    play(&mut opened(plain()), &[(&authenticate("PLAIN", PLAIN, ""), "{error unsupported-stanza-type}")]);
}

/// XEP-0388 §2.3: the authenticated account is the one the header named.
#[test]
fn the_account_is_that_of_the_stream_header() {
    let sent = OPEN.replace("to='example.org'", "to='example.org' from='romeo@example.org'");
    let mut driven = secured();
    driven.feed(sent.as_bytes());
    driven.said();
    let failed = "{sasl2 invalid-authzid}[failed juliet invalid-authzid]";
    play(&mut driven, &[(&authenticate("PLAIN", PLAIN, ""), failed)]);
}

#[test]
fn a_missing_initial_response_is_asked_for() {
    let sent = "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>";
    let challenge = "<challenge xmlns='urn:xmpp:sasl:2'/>";
    let done = format!("{IN}{}{{authenticated}}", success("", "juliet@example.org"));
    play(&mut opened(secured()), &[(sent, challenge), (&response(PLAIN), &done)]);
}
