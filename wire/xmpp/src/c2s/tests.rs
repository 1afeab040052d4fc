//! Conversations: what the client sends, and every byte and event that must come of it.

use super::*;
use crate::fuzz::{self, Driven};
use crate::ns;

mod bound;
mod closing;
mod examples;
mod opening;
mod properties;
mod sasl;
mod sasl2;
mod websocket;

/// A client's stream header.
const OPEN: &str = "<?xml version='1.0'?><stream:stream to='example.org' xmlns='jabber:client' \
                    xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// Over TCP, where TLS is required.
fn plain() -> Driven {
    Driven::new(FramingKind::Stream, false, StartTls::Required)
}

/// Over TLS.
fn secured() -> Driven {
    Driven::new(FramingKind::Stream, true, StartTls::Required)
}

/// With the stream open.
fn opened(mut driven: Driven) -> Driven {
    driven.feed(OPEN.as_bytes());
    driven.said();
    driven
}

/// Logged in by PLAIN, nothing bound.
fn authenticated() -> Driven {
    let mut driven = opened(secured());
    driven.feed(format!("{AUTH_PLAIN}{OPEN}").as_bytes());
    assert!(driven.said().contains("[authenticated juliet@example.org PLAIN]"));
    driven
}

/// With a bound resource.
fn bound() -> Driven {
    let mut driven = authenticated();
    driven.feed(BIND.as_bytes());
    assert!(driven.stream.is_established());
    driven.said();
    driven
}

/// The password is `pencil`.
const AUTH_PLAIN: &str =
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGp1bGlldABwZW5jaWw=</auth>";
const BIND: &str = "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                    <resource>balcony</resource></bind></iq>";

/// Sends each turn's first part and compares what is said with its second, in which `{…}` stands for:
/// `header`, `plain`, `secured`, `authenticated`, `bound` (stream features), `error CONDITION` (the end with that
/// error), `error CONDITION|TEXT`, `sasl CONDITION` (failure), `sasl2 CONDITION`, `stanza-error TYPE CONDITION`.
#[track_caller]
fn play(driven: &mut Driven, turns: &[(&str, &str)]) {
    for (sent, expected) in turns {
        driven.feed(sent.as_bytes());
        assert_eq!(driven.said(), expand(expected), "after {sent}");
    }
}

fn expand(expected: &str) -> String {
    let mut out = String::new();
    let mut rest = expected;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, behind) = behind.split_once('}').expect("a brace is closed");
        out.push_str(before);
        out.push_str(&expand_name(name));
        rest = behind;
    }
    out + rest
}

fn expand_name(name: &str) -> String {
    let (name, text) = name.split_once('|').unwrap_or((name, ""));
    let stream = FramingKind::Stream;
    let offer = |secured| fuzz::offer(StartTls::Required, secured);
    let failure = |profile, declared, condition| {
        format!("<failure xmlns='{profile}'><{condition}{declared}/></failure>")
    };
    match name.split(' ').collect::<Vec<_>>()[..] {
        ["header"] => header_text("s1", " from='example.org'"),
        ["early-header"] => header_text("s0", ""),
        ["plain"] => features::before_authentication(&offer(false), &Settings::default(), false),
        ["secured"] => features::before_authentication(&offer(true), &Settings::default(), true),
        ["authenticated"] => features::after_authentication(&offer(true), stream, false),
        ["bound"] => features::after_authentication(&offer(true), stream, true),
        ["bound-sm"] => {
            let offer = HostOffer { sm: false, ..offer(true) };
            features::after_authentication(&offer, stream, true)
        }
        ["error", condition] => {
            let text = match text {
                "" => String::new(),
                text => format!("<text xmlns='{}' xml:lang='en'>{text}</text>", ns::STREAM_ERRORS),
            };
            let errors = ns::STREAM_ERRORS;
            format!(
                "<stream:error><{condition} xmlns='{errors}'/>{text}</stream:error></stream:stream>[error {condition}]"
            )
        }
        ["sasl", condition] => failure(ns::SASL, String::new(), condition),
        ["sasl2", condition] => failure(ns::SASL2, format!(" xmlns='{}'", ns::SASL), condition),
        ["stanza-error", kind, condition] => {
            format!("<error type='{kind}'><{condition} xmlns='{}'/></error>", ns::STANZA_ERRORS)
        }
        _ => panic!("unknown placeholder {name}"),
    }
}

fn header_text(id: &str, from: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
         id='{id}'{from} version='1.0' xml:lang='en'>"
    )
}

#[test]
fn an_established_stream_is_small() {
    let driven = bound();
    assert!(matches!(driven.stream.phase, Phase::Established(_)), "negotiation is dropped");
    assert!(size_of::<ClientStream>() < 400, "{}", size_of::<ClientStream>());
}
