use std::time::Duration;

use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xml::Limits;

use super::{ComponentStream, End, Event, Output, Settings, digest};
use crate::StreamErrorCondition;

/// XEP-0114 §3, example 1
const HEADER: &str = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' \
                      to='plays.shakespeare.lit'>";
const ID: &str = "3BF96D32";
const HANDSHAKE: &str = "<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>";

fn stream() -> ComponentStream {
    let limits = Limits::default();
    let settings =
        Settings { limits_before_auth: limits, limits, negotiation_timeout: Duration::from_secs(10) };
    ComponentStream::new(settings, Text::new(ID), Duration::ZERO)
}

/// What comes of an input, answered by a server with this secret; events and ends by name.
fn said(stream: &mut ComponentStream, input: &str, secret: &str) -> String {
    let mut said = String::new();
    let mut rest = input.as_bytes();
    loop {
        while let Some(output) = stream.poll_output() {
            match output {
                Output::Send(bytes) => said.push_str(std::str::from_utf8(&bytes).unwrap()),
                Output::StartTls => unreachable!("components have no STARTTLS"),
                Output::Event(Event::Opened { to }) => {
                    said.push_str(&format!("[opened {to}]"));
                    stream.provide(Secret::from(secret));
                }
                Output::Event(Event::Authenticated) => {
                    said.push_str("[authenticated]");
                    stream.admit();
                }
                Output::Event(Event::Stanza(stanza)) => {
                    said.push_str(&format!("[stanza {}]", stanza.to_xml()))
                }
                Output::Event(Event::Refused(reply)) => {
                    said.push_str(&format!("[refused {}]", reply.to_xml()))
                }
                Output::Close(End::Error(error)) => said.push_str(&format!("[{}]", error.condition.as_str())),
                Output::Close(end) => said.push_str(&format!("[{end:?}]")),
            }
        }
        if rest.is_empty() {
            return said;
        }
        let taken = stream.handle_input(Duration::ZERO, rest);
        assert!(taken > 0, "the machine takes nothing of {:?}", std::str::from_utf8(rest));
        rest = &rest[taken..];
    }
}

fn established() -> ComponentStream {
    let mut stream = stream();
    let proof = digest(ID, &Secret::from("test"));
    let handshake = format!("<handshake>{}</handshake>", proof.expose_text().unwrap());
    said(&mut stream, &format!("{HEADER}{handshake}"), "test");
    assert!(stream.is_established());
    stream
}

#[test]
fn the_example_of_the_specification() {
    let mut stream = stream();
    let opened = said(&mut stream, HEADER, "test");
    assert!(opened.starts_with("[opened plays.shakespeare.lit]<?xml"), "{opened}");
    assert!(opened.contains("id='3BF96D32'") && opened.contains("from='plays.shakespeare.lit'"), "{opened}");
    assert_eq!(said(&mut stream, HANDSHAKE, "test"), "[authenticated]<handshake/>");
}

#[test]
fn a_wrong_secret_ends_the_stream() {
    let answer = said(&mut stream(), &format!("{HEADER}{HANDSHAKE}"), "another");
    assert!(
        answer.contains("<not-authorized") && answer.ends_with("</stream:stream>[not-authorized]"),
        "{answer}"
    );
}

#[test]
fn digests_are_sha_1_in_hexadecimal() {
    // echo -n 3BF96D32test | sha1sum
    let proof = digest(ID, &Secret::from("test"));
    assert_eq!(proof.expose_text(), Some("aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e"));
}

#[test]
fn a_component_with_the_secret_is_let_in() {
    for convert in [str::to_owned, str::to_uppercase] {
        let mut stream = stream();
        let proof = convert(digest(ID, &Secret::from("test")).expose_text().unwrap());
        let answer = said(&mut stream, &format!("{HEADER}<handshake>{proof}</handshake>"), "test");
        assert!(answer.ends_with("[authenticated]<handshake/>"), "{answer}");
        assert_eq!(stream.poll_timeout(), None);
    }
}

#[test]
fn stanzas_pass_as_those_of_clients_do() {
    let mut stream = established();
    let input = "<message from='a@plays.shakespeare.lit' to='b@example.org'><body>hi</body></message>";
    assert_eq!(
        said(&mut stream, input, ""),
        "[stanza <message xmlns='jabber:client' to='b@example.org' from='a@plays.shakespeare.lit'>\
         <body>hi</body></message>]"
    );
    assert_eq!(said(&mut stream, "</stream:stream>", ""), "</stream:stream>[Closed]");
}

#[test]
fn what_ends_the_stream() {
    let rows = [
        ("<message from='a@plays.shakespeare.lit'/>", StreamErrorCondition::ImproperAddressing),
        ("<message to='a@plays.shakespeare.lit'/>", StreamErrorCondition::ImproperAddressing),
        ("<handshake/>", StreamErrorCondition::UnsupportedStanzaType),
        ("<x xmlns='y'/>", StreamErrorCondition::UnsupportedStanzaType),
        ("<message xmlns='jabber:server' from='a' to='b'/>", StreamErrorCondition::UnsupportedStanzaType),
    ];
    for (input, condition) in rows {
        let answer = said(&mut established(), input, "");
        assert!(answer.ends_with(&format!("[{}]", condition.as_str())), "{input}: {answer}");
    }
}

#[test]
fn nothing_passes_before_the_handshake() {
    let header_to = |to: &str| HEADER.replace("plays.shakespeare.lit", to);
    let rows = [
        (format!("{HEADER}<message from='plays.shakespeare.lit' to='x@example.org'/>"), "not-authorized"),
        (header_to("user@plays.shakespeare.lit"), "host-unknown"),
        (HEADER.replace(" to='plays.shakespeare.lit'", ""), "improper-addressing"),
        (HEADER.replace("jabber:component:accept", "jabber:client"), "invalid-namespace"),
        (format!("{HEADER}<handshake/>"), "not-authorized"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "not-well-formed"),
        ("<!DOCTYPE x><x/>".to_owned(), "restricted-xml"),
    ];
    for (input, condition) in rows {
        let answer = said(&mut stream(), &input, "secret");
        assert!(answer.ends_with(&format!("[{condition}]")), "{input}: {answer}");
        assert!(answer.contains("<stream:stream"), "an error needs a stream: {answer}");
    }
}

#[test]
fn a_silent_component_is_not_waited_for() {
    let mut stream = stream();
    said(&mut stream, HEADER, "x");
    stream.handle_timeout(Duration::from_secs(9));
    assert!(stream.poll_output().is_none());
    stream.handle_timeout(Duration::from_secs(10));
    assert!(said(&mut stream, "", "").ends_with("[connection-timeout]"));
}

#[test]
fn a_wrong_stanza_is_answered_and_the_stream_goes_on() {
    let mut stream = established();
    let answer = said(&mut stream, "<iq type='get' id='1' from='plays.shakespeare.lit' to='@'/>", "");
    assert!(answer.starts_with("[refused <iq") && answer.contains("jid-malformed"), "{answer}");
    assert!(stream.is_established());
}
