//! Drivers of the streams between servers that answer every question the same way each time.

use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::{Condition, SaslFailure, Secret};
use nightjar_text::Text;

use super::before_fault;
use crate::s2s::{
    End, HostOffer, IncomingEvent, IncomingStream, OutgoingEvent, OutgoingStream, Output, Plan, Settings,
    StartTls, Verdict, dialback,
};
use crate::stanza::Stanza;
use crate::stanza_error::StanzaError;
use crate::stream_error::StreamErrorCondition;

/// The domain that is called.
pub(crate) const RECEIVING: &str = "montague.example";
/// The domain that calls.
pub(crate) const ORIGINATING: &str = "capulet.example";
/// A domain that nobody serves.
const UNKNOWN: &str = "nowhere.example";
/// What both make their keys of.
pub(crate) const SECRET: &str = "s3cr3tf0rd14lb4ck";

/// A machine with a driver that keeps a transcript: bytes as they are sent, events as `[name …]`.
pub(crate) struct Driven<S> {
    pub(crate) stream: S,
    pub(crate) now: Duration,
    pub(crate) transcript: String,
    /// What the other end gets.
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: Option<End>,
    pub(crate) tls_wanted: bool,
    pub(crate) script: Script,
}

/// How the driver answers.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) offer: HostOffer,
    /// `None` takes the best there is.
    pub(crate) plan: Option<Plan>,
    /// Keys that are to be verified elsewhere: peer's domain, ours, stream id, key. `None` decides here.
    pub(crate) keys: Option<Vec<(Jid, Jid, Text, Text)>>,
    /// Verified keys: peer's domain, ours, id, verdict.
    pub(crate) verified: Vec<(Jid, Jid, Text, Verdict)>,
    /// How many headers were answered.
    headers: u32,
}

/// A machine of either direction.
pub(crate) trait Side: Sized {
    type Event;
    fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize;
    fn handle_timeout(&mut self, now: Duration);
    fn poll_output(&mut self) -> Option<Output<Self::Event>>;
    fn tls_established(&mut self);
    fn close(&mut self);
    fn send(&mut self, now: Duration, stanza: Stanza, out: &mut Vec<u8>) -> Option<Stanza>;
    fn request_ack(&mut self, now: Duration, out: &mut Vec<u8>) -> bool;
    fn answer(driven: &mut Driven<Self>, event: Self::Event);
}

/// Feeds another server's bytes to the machine that was called and to the one that calls, in pieces of all sizes, then
/// at once, and compares what was said.
///
/// The first byte chooses the machine, protection and what is offered.
///
/// # Panics
/// When the words depend on how the bytes were cut, or a machine does not end a stream it gave up.
pub fn fuzz_s2s(bytes: &[u8]) {
    let Some((&choice, input)) = bytes.split_first() else { return };
    let secured = choice & 2 != 0;
    if choice & 1 == 0 {
        compare(|| incoming(Settings::default(), secured, offer(starttls(choice))), choice, input);
    } else {
        let settings = Settings {
            starttls: starttls(choice),
            bidi: choice & 16 != 0,
            dialback_secret: Some(Secret::from(SECRET)),
            ..Settings::default()
        };
        compare(|| outgoing(settings.clone(), secured, ORIGINATING, RECEIVING), choice, input);
    }
}

fn starttls(choice: u8) -> StartTls {
    match choice >> 2 & 3 {
        0 => StartTls::Never,
        1 => StartTls::Optional,
        _ => StartTls::Required,
    }
}

fn compare<S: Side>(make: impl Fn() -> Driven<S>, choice: u8, input: &[u8]) {
    let (mut whole, mut cut) = (make(), make());
    let mut size = usize::from(choice >> 5);
    // NUL stands for the handshake of TLS, where one is due.
    for part in input.split(|byte| *byte == 0) {
        whole.feed(part);
        let mut rest = part;
        while !rest.is_empty() {
            size = (size * 7 + 3) % 61;
            let (piece, behind) = rest.split_at(size.clamp(1, rest.len()));
            cut.feed(piece);
            rest = behind;
        }
        assert_eq!(before_fault(&whole.transcript), before_fault(&cut.transcript), "cut differently");
        if whole.end.is_some() || cut.end.is_some() {
            break;
        }
        whole.handshake();
        cut.handshake();
    }
    whole.advance(Duration::from_secs(100));
    whole.stream.close();
    whole.drain();
    assert!(whole.end.is_some(), "the stream is over");
}

/// A stream that was opened to us.
pub(crate) fn incoming(settings: Settings, secured: bool, offer: HostOffer) -> Driven<IncomingStream> {
    let now = Duration::from_secs(1000);
    Driven::new(IncomingStream::new(settings, Text::new("s0"), secured, now), now, offer)
}

/// A stream that we open.
pub(crate) fn outgoing(settings: Settings, secured: bool, from: &str, to: &str) -> Driven<OutgoingStream> {
    let now = Duration::from_secs(1000);
    let stream = OutgoingStream::new(settings, &domain(from), &domain(to), secured, now);
    Driven::new(stream, now, HostOffer::default())
}

/// All that can be offered.
pub(crate) fn offer(starttls: StartTls) -> HostOffer {
    HostOffer { starttls, external: true, dialback: true, bidi: true, sm: true, ..HostOffer::default() }
}

/// # Panics
/// When the text is no domain.
#[allow(clippy::expect_used, reason = "only constants are given")]
pub(crate) fn domain(text: &str) -> Jid {
    Jid::parse(text).expect("a domain")
}

impl<S: Side> Driven<S> {
    fn new(stream: S, now: Duration, offer: HostOffer) -> Driven<S> {
        let script = Script { offer, plan: None, keys: None, verified: Vec::new(), headers: 0 };
        let mut driven = Driven {
            stream,
            now,
            transcript: String::new(),
            bytes: Vec::new(),
            end: None,
            tls_wanted: false,
            script,
        };
        driven.drain();
        driven
    }

    /// Gives the machine bytes and answers its events until it has taken them all.
    pub(crate) fn feed(&mut self, input: &[u8]) {
        let mut rest = input;
        loop {
            let taken = self.stream.handle_input(self.now, rest);
            rest = rest.get(taken..).unwrap_or_default();
            let said = self.drain();
            if self.end.is_some() || (taken == 0 && !said) {
                break;
            }
        }
        assert!(rest.is_empty() || self.end.is_some(), "input is left although every question was answered");
    }

    /// Handles all outputs; says whether there were any.
    pub(crate) fn drain(&mut self) -> bool {
        let mut any = false;
        while let Some(output) = self.stream.poll_output() {
            any = true;
            assert!(self.end.is_none(), "an output behind the end");
            match output {
                Output::Send(bytes) => self.write(&bytes),
                Output::StartTls => {
                    self.note("starttls");
                    self.tls_wanted = true;
                }
                Output::Event(event) => S::answer(self, event),
                Output::Close(end) => {
                    self.note(&name_of(&end));
                    self.end = Some(end);
                }
            }
        }
        any
    }

    /// Does the handshake that was asked for, if one was; says so.
    pub(crate) fn handshake(&mut self) -> bool {
        let wanted = std::mem::take(&mut self.tls_wanted) && self.end.is_none();
        if wanted {
            self.stream.tls_established();
            self.drain();
        }
        wanted
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
        self.stream.handle_timeout(self.now);
        self.drain();
    }

    /// Takes the transcript so far.
    #[cfg(test)]
    pub(crate) fn said(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }

    /// Sends a stanza and asks for an acknowledgement of it; says whether its pair was authorised.
    pub(crate) fn send(&mut self, stanza: Stanza) -> bool {
        let mut out = Vec::new();
        let sent = self.stream.send(self.now, stanza, &mut out).is_none();
        self.stream.request_ack(self.now, &mut out);
        self.write(&out);
        sent
    }

    fn write(&mut self, bytes: &[u8]) {
        self.transcript.push_str(&String::from_utf8_lossy(bytes));
        self.bytes.extend_from_slice(bytes);
    }

    fn note(&mut self, what: &str) {
        self.transcript.push('[');
        self.transcript.push_str(what);
        self.transcript.push(']');
    }

    /// Every stanza comes back if it may, so that the way out is used as much as the way in.
    fn on_stanza(&mut self, mut stanza: Stanza) {
        self.note(&format!("stanza {}", stanza.kind));
        std::mem::swap(&mut stanza.from, &mut stanza.to);
        self.send(stanza);
    }

    fn on_key(&mut self, from: Jid, to: Jid, stream_id: Text, key: Text) -> Option<(Jid, Jid, Verdict)> {
        self.note(&format!("key {from} {to}"));
        if let Some(keys) = &mut self.script.keys {
            keys.push((from, to, stream_id, key));
            return None;
        }
        let verdict = match key.as_str() {
            "later" => return None,
            "good" => Verdict::Valid,
            "lost" => Verdict::Error(StanzaError::remote_server_not_found()),
            key => judge(from.as_str(), to.as_str(), &stream_id, key),
        };
        Some((from, to, verdict))
    }
}

/// The authoritative server's word on a key of `originating`.
fn judge(originating: &str, receiving: &str, id: &str, key: &str) -> Verdict {
    match dialback::matches(SECRET.as_bytes(), receiving, originating, id, key) {
        true => Verdict::Valid,
        false => Verdict::Invalid,
    }
}

impl Side for IncomingStream {
    type Event = IncomingEvent;

    fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        IncomingStream::handle_input(self, now, input)
    }

    fn handle_timeout(&mut self, now: Duration) {
        IncomingStream::handle_timeout(self, now);
    }

    fn poll_output(&mut self) -> Option<Output<IncomingEvent>> {
        IncomingStream::poll_output(self)
    }

    fn tls_established(&mut self) {
        IncomingStream::tls_established(self);
    }

    fn close(&mut self) {
        IncomingStream::close(self, StreamErrorCondition::SystemShutdown);
    }

    fn send(&mut self, now: Duration, stanza: Stanza, out: &mut Vec<u8>) -> Option<Stanza> {
        IncomingStream::send(self, now, stanza, out)
    }

    fn request_ack(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        IncomingStream::request_ack(self, now, out)
    }

    fn answer(driven: &mut Driven<IncomingStream>, event: IncomingEvent) {
        match event {
            IncomingEvent::Stanza(stanza) => driven.on_stanza(stanza),
            IncomingEvent::Refused(reply) => driven.note(&format!("refused {}", reply.to_xml())),
            IncomingEvent::Opened(opened) => {
                let known = opened.to.as_ref().is_none_or(|to| to.as_str() != UNKNOWN);
                if !known {
                    return driven.stream.close(StreamErrorCondition::HostUnknown);
                }
                driven.note("opened");
                driven.script.headers += 1;
                let stream_id = Text::from(format!("s{}", driven.script.headers));
                driven.stream.provide_host(HostOffer { stream_id, ..driven.script.offer.clone() });
            }
            IncomingEvent::External { from } => {
                driven.note(&format!("external {from}"));
                match from.as_str() {
                    "liar.example" => driven
                        .stream
                        .deny(SaslFailure::new(Condition::NotAuthorized, "not what the certificate says")),
                    _ => driven.stream.admit(),
                }
            }
            IncomingEvent::DialbackKey { from, to, stream_id, key } => {
                if let Some((from, to, verdict)) = driven.on_key(from, to, stream_id, key) {
                    driven.stream.dialback_result(&from, &to, verdict);
                }
            }
            IncomingEvent::DialbackVerify { from, to, id, key } => {
                driven.note(&format!("verify {from} {to} {id}"));
                if key != *"later" {
                    let verdict = judge(to.as_str(), from.as_str(), &id, &key);
                    driven.stream.dialback_verified(&from, &to, &id, verdict);
                }
            }
            IncomingEvent::BidiEnabled => driven.note("bidi"),
            IncomingEvent::PairResult { from, to, verdict } => driven.note_pair(&from, &to, &verdict),
        }
    }
}

impl Side for OutgoingStream {
    type Event = OutgoingEvent;

    fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        OutgoingStream::handle_input(self, now, input)
    }

    fn handle_timeout(&mut self, now: Duration) {
        OutgoingStream::handle_timeout(self, now);
    }

    fn poll_output(&mut self) -> Option<Output<OutgoingEvent>> {
        OutgoingStream::poll_output(self)
    }

    fn tls_established(&mut self) {
        OutgoingStream::tls_established(self);
    }

    fn close(&mut self) {
        OutgoingStream::close(self, StreamErrorCondition::SystemShutdown);
    }

    fn send(&mut self, now: Duration, stanza: Stanza, out: &mut Vec<u8>) -> Option<Stanza> {
        OutgoingStream::send(self, now, stanza, out)
    }

    fn request_ack(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        OutgoingStream::request_ack(self, now, out)
    }

    fn answer(driven: &mut Driven<OutgoingStream>, event: OutgoingEvent) {
        match event {
            OutgoingEvent::Stanza(stanza) => driven.on_stanza(stanza),
            OutgoingEvent::Refused(reply) => driven.note(&format!("refused {}", reply.to_xml())),
            OutgoingEvent::Features(features) => {
                let plan = match driven.script.plan {
                    Some(plan) => plan,
                    None if features.external => Plan::External,
                    None if features.dialback => Plan::Dialback,
                    None => Plan::VerifyOnly,
                };
                let refused = features.refused.map(|condition| format!(" refused {condition}"));
                driven.note(&format!("{plan:?}{}", refused.unwrap_or_default()));
                driven.stream.authenticate(plan);
            }
            OutgoingEvent::PairResult { from, to, verdict } => driven.note_pair(&from, &to, &verdict),
            OutgoingEvent::VerifyResult { from, to, id, verdict } => {
                driven.note(&format!("verified {to} {id} {}", name_of_verdict(&verdict)));
                driven.script.verified.push((from, to, id, verdict));
            }
            OutgoingEvent::DialbackKey { from, to, stream_id, key } => {
                if let Some((from, to, verdict)) = driven.on_key(from, to, stream_id, key) {
                    driven.stream.dialback_result(&from, &to, verdict);
                }
            }
            OutgoingEvent::SmEnabled => driven.note("sm"),
        }
    }
}

impl<S: Side> Driven<S> {
    fn note_pair(&mut self, from: &Jid, to: &Jid, verdict: &Verdict) {
        self.note(&format!("pair {from} {to} {}", name_of_verdict(verdict)));
    }
}

pub(crate) fn name_of_verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Invalid => "invalid",
        Verdict::Error(error) => error.condition.as_str(),
    }
}

fn name_of(end: &End) -> String {
    match end {
        End::Closed => "closed".to_owned(),
        End::Finished => "finished".to_owned(),
        End::PeerError(error) => format!("peer error {}", error.condition.as_str()),
        End::Error(error) => format!("error {}", error.condition.as_str()),
        End::EarlyData => "early data".to_owned(),
        End::TlsRefused => "tls refused".to_owned(),
        End::TlsMissing => "tls missing".to_owned(),
        End::TlsDemanded => "tls demanded".to_owned(),
        End::TlsTimeout => "tls timeout".to_owned(),
        End::DialbackInvalid => "dialback invalid".to_owned(),
        End::Unacknowledged => "unacknowledged".to_owned(),
    }
}
