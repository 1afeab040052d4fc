//! The same stream in WebSocket messages (RFC 7395).

use super::*;

const WS_OPEN: &str = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.org' version='1.0'/>";
const WS_HEADER: &str = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='s1' from='example.org' version='1.0' xml:lang='en'/>";
const WS_CLOSE: &str = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";

fn websocket() -> Driven {
    Driven::new(FramingKind::WebSocket, true, StartTls::Required)
}

fn messages(driven: &mut Driven, message: &str) -> Vec<String> {
    driven.stream.handle_input(driven.now, message.as_bytes());
    let mut sent = Vec::new();
    while let Some(output) = driven.stream.poll_output() {
        match output {
            Output::Send(bytes) => sent.push(String::from_utf8(bytes).unwrap()),
            Output::Event(Event::Opened(_)) => {
                driven.stream.provide_host(fuzz::offer(StartTls::Required, true));
            }
            _ => {}
        }
    }
    sent
}

#[test]
fn each_element_is_a_message_that_stands_alone() {
    let mut driven = websocket();
    let sent = messages(&mut driven, WS_OPEN);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], WS_HEADER);
    assert!(sent[1].starts_with("<stream:features xmlns:stream='http://etherx.jabber.org/streams'><sasl-"));
    assert!(!sent[1].contains("starttls"));
    driven.feed(AUTH_PLAIN.as_bytes());
    driven.feed(WS_OPEN.as_bytes());
    driven.feed(BIND.replace("<iq", "<iq xmlns='jabber:client'").as_bytes());
    assert!(driven.said().ends_with("</bind></iq>"));
    let message = "<message xmlns='jabber:client' to='a@b'><body>x</body></message>";
    play(
        &mut driven,
        &[
            (message, &format!("[stanza message/normal]{message}")),
            (WS_CLOSE, &format!("{WS_CLOSE}[closed]")),
        ],
    );
}

#[test]
fn errors_are_three_messages() {
    let sent = messages(&mut websocket(), &WS_OPEN.replace("1.0", "0.9"));
    let open = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='s0' version='1.0' xml:lang='en'/>";
    let error = "<stream:error xmlns:stream='http://etherx.jabber.org/streams'>\
                 <unsupported-version xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
    assert_eq!(sent, [open, error, WS_CLOSE]);
}

/// Hostile input: what TCP streams refuse is refused here too.
#[test]
fn bad_messages_end_the_stream() {
    let huge = format!("<a>{}</a>", "x".repeat(40_000));
    let cases: &[(&[u8], &str)] = &[
        (b"<!DOCTYPE a><a/>", "restricted-xml"),
        (b"<!-- a --><a/>", "restricted-xml"),
        (b"<?pi a?><a/>", "restricted-xml"),
        (b"<a/><b/>", "not-well-formed"),
        (b"<a>", "not-well-formed"),
        (b"a", "not-well-formed"),
        (b"<a>\xff</a>", "not-well-formed"),
        (
            b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'/>",
            "unsupported-stanza-type",
        ),
        (b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "tls refused"),
        (WS_OPEN.as_bytes(), "unsupported-stanza-type"),
        (huge.as_bytes(), "policy-violation"),
        (b" ", ""),
        (b"", ""),
    ];
    for (message, end) in cases {
        let mut driven = websocket();
        driven.feed(WS_OPEN.as_bytes());
        driven.said();
        driven.feed(message);
        let said = driven.said();
        let text = String::from_utf8_lossy(message);
        match *end {
            "" => assert_eq!(said, "", "{text}"),
            "tls refused" => assert!(said.ends_with(&format!("{WS_CLOSE}[tls refused]")), "{text}: {said}"),
            condition => assert!(said.ends_with(&format!("{WS_CLOSE}[error {condition}]")), "{text}: {said}"),
        }
    }
    let mut driven = websocket();
    driven.feed(b"<message xmlns='jabber:client'/>");
    assert!(driven.said().ends_with("[error invalid-namespace]"), "the first message is <open/>");
}
