//! Conversations: what another server sends, every byte and event that must come of it, and both machines together.

use std::time::Duration;

use nightjar_sasl::Secret;

use super::*;
use crate::fuzz::s2s::{self, Driven, ORIGINATING, RECEIVING, SECRET, Side, domain, incoming};
use crate::ns;

mod both;
mod hostile;
mod initiating;
mod receiving;

/// The header of a server that calls.
const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
                    xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' \
                    from='capulet.example' to='montague.example' version='1.0'>";
/// The header of a server that was called.
const OPENED: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
                      xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' \
                      from='montague.example' to='capulet.example' id='D60000229F' version='1.0'>";

/// A stream in the clear on which TLS is required.
fn plain() -> Driven<IncomingStream> {
    incoming(Settings::default(), false, s2s::offer(StartTls::Required))
}

/// A stream over TLS.
fn secured() -> Driven<IncomingStream> {
    incoming(Settings::default(), true, s2s::offer(StartTls::Required))
}

/// With the stream open.
fn opened(mut driven: Driven<IncomingStream>) -> Driven<IncomingStream> {
    driven.feed(OPEN.as_bytes());
    driven.said();
    driven
}

/// With the pair authorised by dialback.
fn authorized() -> Driven<IncomingStream> {
    let mut driven = opened(secured());
    driven.feed(b"<db:result from='capulet.example' to='montague.example'>good</db:result>");
    assert!(driven.stream.is_authorized(ORIGINATING, RECEIVING));
    driven.said();
    driven
}

/// A stream from one to the other.
fn outgoing(settings: Settings, secured: bool) -> Driven<OutgoingStream> {
    s2s::outgoing(settings, secured, ORIGINATING, RECEIVING)
}

fn settings(starttls: StartTls) -> Settings {
    Settings { starttls, dialback_secret: Some(Secret::from(SECRET)), ..Settings::default() }
}

/// Sends each turn's first part and compares what is said with its second, in which `{…}` stands for:
/// `header ID`, `early-header`, `our-header` (that of the server that calls), `error CONDITION` (the end with that
/// error), `error CONDITION|TEXT`, `sasl CONDITION` (failure), `condition NAME` (in the namespace of stanza errors).
#[track_caller]
fn play<S: Side>(driven: &mut Driven<S>, turns: &[(&str, &str)]) {
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
    let words = name.split(' ').collect::<Vec<_>>();
    match words[..] {
        ["header", id] => {
            header_text(&format!(" id='{id}' from='montague.example' to='capulet.example' version='1.0'"))
        }
        ["early-header"] => header_text(" id='s0' version='1.0'"),
        ["our-header"] => header_text(" from='capulet.example' to='montague.example' version='1.0'"),
        ["features", ..] => format!(
            "<stream:features>{}</stream:features>",
            words[1..].iter().map(|name| feature(name)).collect::<String>()
        ),
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
        ["sasl", condition] => format!("<failure xmlns='{}'><{condition}/></failure>", ns::SASL),
        ["condition", condition] => format!("<{condition} xmlns='{}'/>", ns::STANZA_ERRORS),
        _ => panic!("unknown placeholder {name}"),
    }
}

fn feature(name: &str) -> &'static str {
    match name {
        "starttls" => "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "required" => "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>",
        "external" => {
            "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>"
        }
        "dialback" => "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>",
        "bidi" => "<bidi xmlns='urn:xmpp:features:bidi'/>",
        "sm" => "<sm xmlns='urn:xmpp:sm:2'/><sm xmlns='urn:xmpp:sm:3'/>",
        _ => panic!("unknown feature {name}"),
    }
}

fn header_text(attributes: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
         xmlns:db='jabber:server:dialback'{attributes} xml:lang='en'>"
    )
}
