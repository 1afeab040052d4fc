//! A stream that another server opened: the receiving and the authoritative role of dialback.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::SaslFailure;
use nightjar_text::Text;
use nightjar_xml::Frame;

use super::element::{Kind, Question};
use super::pairs::detached;
use super::peer::{Happened, Peer, Piece, Step, unasked, unsupported};
use super::{End, HostOffer, IncomingEvent, Opened, Output, Settings, StartTls, Verdict, features, header};
use crate::ns;
use crate::sm::{self, Version};
use crate::stanza::Stanza;
use crate::stanza_error::StanzaError;
use crate::stream::{self, Framing, Header, Incoming, Intake, Machine};
use crate::stream_error::{StreamError, StreamErrorCondition};

mod sasl;

/// Our end of a stream that another server opened.
#[derive(Debug)]
pub struct IncomingStream {
    peer: Peer<IncomingEvent>,
    stage: Stage,
    /// Our header of the current stream is sent.
    header_sent: bool,
    /// The peer speaks XMPP 1.0.
    xmpp: bool,
    auth_failures: u8,
    /// The domains as they were named first.
    from: Option<Jid>,
    to: Option<Jid>,
    /// The domain the current header names.
    named: Option<Jid>,
    authenticated: Option<Jid>,
    offer: HostOffer,
}

#[derive(Debug)]
enum Stage {
    /// A stream header must come.
    Header,
    /// `Opened` waits.
    Host,
    /// Features are sent.
    Open,
    /// `<proceed/>` is sent.
    Tls,
    /// `External` waits.
    Admission(Jid),
}

impl IncomingStream {
    /// A connection that was just accepted. `stream_id` is unguessable; it serves streams that fail before a host gave
    /// one. `secured` if TLS is already there (XEP-0368).
    pub fn new(
        settings: impl Into<Arc<Settings>>,
        stream_id: Text,
        secured: bool,
        now: Duration,
    ) -> IncomingStream {
        IncomingStream {
            peer: Peer::new(settings.into(), false, stream_id, secured, now),
            stage: Stage::Header,
            header_sent: false,
            xmpp: true,
            auth_failures: 0,
            from: None,
            to: None,
            named: None,
            authenticated: None,
            offer: HostOffer::default(),
        }
    }

    /// Takes bytes up to the end of one element; returns how many. It takes none while outputs have not been polled or
    /// an answer is due.
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        stream::handle_input(self, now, input)
    }

    /// To be called at [`IncomingStream::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return;
        }
        match (&self.stage, self.peer.deadline) {
            (Stage::Tls, _) => self.peer.end(End::TlsTimeout),
            (_, Some(_)) => self.fail(StreamErrorCondition::ConnectionTimeout.into()),
            (_, None) => self.peer.on_sm_timeout(now),
        }
    }

    /// What the driver has to do next; to be called until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output<IncomingEvent>> {
        self.peer.poll_output()
    }

    /// When to call [`IncomingStream::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.peer.poll_timeout()
    }

    /// Whether an event waits for its answer; no input is taken meanwhile.
    pub fn is_waiting(&self) -> bool {
        !self.peer.over && matches!(self.stage, Stage::Host | Stage::Admission(_))
    }

    /// The handshake that [`Output::StartTls`] asked for is done.
    pub fn tls_established(&mut self) {
        if !matches!(self.stage, Stage::Tls) {
            return self.fail(unasked());
        }
        self.peer.secured = true;
        self.peer.bidi = false;
        self.restart();
    }

    /// Closes the stream with an error. Also the negative answer to [`IncomingEvent::Opened`].
    pub fn close(&mut self, error: impl Into<StreamError>) {
        self.fail(error.into());
    }

    /// Closes the stream without an error.
    pub fn finish(&mut self) {
        match self.header_sent {
            true => self.peer.close_with(End::Finished),
            false => self.peer.end(End::Finished),
        }
    }

    /// Answers [`IncomingEvent::Opened`].
    pub fn provide_host(&mut self, offer: HostOffer) {
        if self.peer.over {
            return;
        }
        if !matches!(self.stage, Stage::Host) {
            return self.fail(unasked());
        }
        self.peer.stream_id = offer.stream_id.clone();
        self.offer = offer;
        self.put_header();
        if self.xmpp {
            self.put_features();
        }
        self.stage = Stage::Open;
        if self.authenticated.is_some() {
            self.peer.deadline = None;
        }
    }

    /// Answers [`IncomingEvent::DialbackKey`]. Says whether the question was still open.
    ///
    /// An invalid key ends a stream without authorised pairs; on others it is told as an error (XEP-0220 §2.2.1).
    pub fn dialback_result(&mut self, from: &Jid, to: &Jid, verdict: Verdict) -> bool {
        self.peer.answer(&Question::result(to, from), verdict)
    }

    /// Answers [`IncomingEvent::DialbackVerify`]. Says whether the question was still open.
    pub fn dialback_verified(&mut self, from: &Jid, to: &Jid, id: &str, verdict: Verdict) -> bool {
        self.peer.answer(&Question::verify(to, from, id), verdict)
    }

    /// Accepts stanzas from `from` (the peer's domain) to `to` without being asked: a certificate proves more domains
    /// than one. `false` if there are too many pairs.
    pub fn authorize(&mut self, from: &Jid, to: &Jid) -> bool {
        let admitted = self.peer.admit_pair(to, from);
        if admitted && matches!(self.stage, Stage::Open) {
            self.peer.deadline = None;
        }
        admitted
    }

    /// XEP-0288: asks the peer by dialback to accept stanzas from `from` (our domain) to `to`, one of its authorised
    /// domains; the key is bound to [`IncomingStream::stream_id`]. `false` if it cannot be asked on this stream;
    /// otherwise [`IncomingEvent::PairResult`] answers.
    pub fn authorize_back(&mut self, from: &Jid, to: &Jid, key: &str) -> bool {
        let proven = self.peer.pairs.local_of(to.domain()).is_some();
        let open = matches!(self.stage, Stage::Open) && self.peer.bidi && proven;
        open && self.peer.ask(Question::result(from, to), Text::new(key))
    }

    /// Whether stanzas from `from` (the peer's domain) to `to` are accepted.
    pub fn is_authorized(&self, from: &str, to: &str) -> bool {
        self.peer.pairs.contains(to, from)
    }

    /// The pairs whose stanzas are accepted: the peer's domain, then ours.
    pub fn pairs(&self) -> impl Iterator<Item = (&Jid, &Jid)> {
        self.peer.pairs.iter().map(|(local, remote)| (remote, local))
    }

    /// Whether the peer takes stanzas on this stream (XEP-0288).
    pub fn is_bidi(&self) -> bool {
        self.peer.bidi
    }

    /// XEP-0288: writes a stanza for the peer behind what is in `out`, exactly one element, and keeps it until it is
    /// acknowledged if stream management is enabled. Gives it back if its pair is not authorised in this direction.
    ///
    /// If more stanzas wait for acknowledgement than may, the stream ends: poll the outputs after each batch.
    pub fn send(&mut self, now: Duration, stanza: Stanza, out: &mut Vec<u8>) -> Option<Stanza> {
        match self.stage {
            Stage::Open => self.peer.send(now, stanza, out),
            _ => Some(stanza),
        }
    }

    /// Writes a request for acknowledgement, exactly one element, if one is due (XEP-0198 §4); says whether it did.
    /// For the end of a batch. While stanzas follow each other closely there is one for a few of them, and one at
    /// `poll_timeout` for the last.
    pub fn request_ack(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        self.peer.request_ack(now, out)
    }

    /// Takes the stanzas that the peer has not acknowledged, oldest first: the connection is lost.
    pub fn take_unacked(&mut self) -> VecDeque<sm::Unacked> {
        self.peer.take_unacked()
    }

    /// Whether the stream is encrypted.
    pub fn is_secured(&self) -> bool {
        self.peer.secured
    }

    /// The id of the current stream.
    pub fn stream_id(&self) -> &str {
        &self.peer.stream_id
    }

    fn put_header(&mut self) {
        let (id, version) = (self.peer.stream_id.clone(), self.xmpp);
        self.peer.put(header::write(Some(&id), self.to.as_ref(), self.named.as_ref(), version));
        self.header_sent = true;
    }

    fn put_features(&mut self) {
        let offer = features::Offered {
            host: &self.offer,
            secured: self.peer.secured,
            authenticated: self.authenticated.is_some(),
            sm: self.is_sm_offered(),
        };
        let xml = offer.write();
        self.peer.put(xml);
    }

    fn is_sm_offered(&self) -> bool {
        self.offer.sm && self.peer.settings.sm.is_some()
    }

    fn tls_is_due(&self) -> bool {
        !self.peer.secured && self.offer.starttls == StartTls::Required
    }

    fn restart(&mut self) {
        self.stage = Stage::Header;
        self.header_sent = false;
        self.named = None;
        self.peer.restart();
    }

    fn on_header(&mut self, header: Header) -> Step {
        if !matches!(self.stage, Stage::Header) {
            return Err(unsupported());
        }
        let checked = header::check(header)?;
        if checked.xmpp && checked.to.is_none() {
            let text = "Missing 'to' attribute";
            return Err(StreamError::with_text(StreamErrorCondition::ImproperAddressing, text));
        }
        if checked.from.is_some() && checked.from == checked.to {
            return Err(StreamErrorCondition::InvalidFrom.into());
        }
        self.check_swap(&checked)?;
        self.xmpp = checked.xmpp;
        self.named = checked.from.as_ref().or(self.authenticated.as_ref()).map(detached);
        self.from = self.named.clone().or(self.from.take());
        self.to = checked.to.as_ref().map(detached).or(self.to.take());
        self.peer.lang = checked.lang.clone();
        self.stage = Stage::Host;
        self.peer.tell(IncomingEvent::Opened(Box::new(Opened {
            from: self.named.clone(),
            to: self.to.clone(),
            lang: checked.lang,
            secured: self.peer.secured,
            authenticated: self.authenticated.clone(),
            xmpp: self.xmpp,
        })));
        Ok(())
    }

    /// A domain that was named once, and perhaps proven, must not become another at a restart.
    fn check_swap(&self, checked: &header::Checked) -> Step {
        let swapped =
            |before: &Option<Jid>, now: &Option<Jid>| before.is_some() && now.is_some() && before != now;
        let text = "The domains must not change during a stream";
        if swapped(&self.to, &checked.to) {
            return Err(StreamError::with_text(StreamErrorCondition::NotAuthorized, text));
        }
        if swapped(&self.from, &checked.from) {
            return Err(StreamError::with_text(StreamErrorCondition::InvalidFrom, text));
        }
        Ok(())
    }

    fn on_frame(&mut self, now: Duration, frame: &Frame) -> Step {
        match (frame.ns(), frame.name()) {
            (ns::SERVER, "message" | "presence" | "iq") => match self.tls_is_due() {
                true => Err(tls_required()),
                false => self.peer.on_stanza(frame),
            },
            (ns::CLIENT, "message" | "presence" | "iq") => Err(StreamErrorCondition::InvalidNamespace.into()),
            (ns::DIALBACK, _) => {
                let refusal = self.dialback_refusal(frame);
                self.peer.on_dialback(frame, refusal)
            }
            (ns::TLS, "starttls") => {
                self.on_starttls();
                Ok(())
            }
            (ns::SASL, name) => self.on_sasl(name, frame),
            (ns::BIDI, "bidi") => self.on_bidi(),
            (ns, _) => match Version::of_ns(ns) {
                Some(version) => {
                    let offered = self.is_sm_offered();
                    self.peer.on_sm(now, version, frame, offered)
                }
                None => Err(unsupported()),
            },
        }
    }

    /// XEP-0220 §2.5: why no request is taken.
    fn dialback_refusal(&self, frame: &Frame) -> Option<StanzaError> {
        if self.tls_is_due() {
            return Some(StanzaError::policy_violation().with_text("Use of STARTTLS required"));
        }
        match frame.name() {
            _ if self.offer.dialback => None,
            "verify" => Some(StanzaError::service_unavailable()),
            _ => Some(StanzaError::not_authorized()),
        }
    }

    /// RFC 6120 §5.4.2. What was settled in the clear cannot be taken along, so TLS must come first.
    fn on_starttls(&mut self) {
        let possible =
            !self.peer.secured && self.offer.starttls != StartTls::Never && self.peer.pairs.is_empty();
        self.peer.put_empty(if possible { "proceed" } else { "failure" }, ns::TLS);
        if !possible {
            return self.peer.close_with(End::TlsRefused);
        }
        self.stage = Stage::Tls;
        self.peer.outbox.starttls();
    }

    /// XEP-0288 §2.2: behind TLS, before anything is authorised.
    fn on_bidi(&mut self) -> Step {
        if self.tls_is_due() {
            return Err(tls_required());
        }
        if !self.offer.bidi || self.peer.bidi {
            return Err(unsupported());
        }
        self.peer.bidi = true;
        self.peer.tell(IncomingEvent::BidiEnabled);
        Ok(())
    }
}

impl Machine for IncomingStream {
    const CONTENT_NS: &'static str = ns::SERVER;

    fn intake(&self) -> Intake {
        if !self.peer.outbox.is_empty() || self.is_waiting() {
            return Intake::Busy;
        }
        match self.stage {
            _ if self.peer.over => Intake::Over,
            Stage::Tls => Intake::Handshake,
            _ => Intake::Elements,
        }
    }

    fn framing(&mut self) -> &mut Framing {
        &mut self.peer.framing
    }

    fn on_incoming(&mut self, now: Duration, incoming: Incoming) {
        let step = match self.peer.sort(incoming) {
            None => Ok(()),
            Some(Piece::Header(header)) => self.on_header(header),
            Some(Piece::Frame(frame)) => self.on_frame(now, &frame),
        };
        if let Err(error) = step {
            self.fail(error);
        }
    }

    fn on_early_data(&mut self) {
        self.peer.end(End::EarlyData);
    }

    /// RFC 6120 §4.9.1: header if there was none, error, end.
    fn fail(&mut self, error: StreamError) {
        if self.peer.over {
            return;
        }
        // The peer waits for TLS: nothing can be said in the clear any more.
        if matches!(self.stage, Stage::Tls) {
            return self.peer.end(End::Error(error));
        }
        if !self.header_sent {
            let id = self.peer.stream_id.clone();
            self.peer.put(header::write(Some(&id), None, None, true));
            self.header_sent = true;
        }
        self.peer.fail(error);
    }
}

impl From<Happened> for IncomingEvent {
    fn from(happened: Happened) -> IncomingEvent {
        match happened {
            Happened::Stanza(stanza) => IncomingEvent::Stanza(stanza),
            Happened::Refused(reply) => IncomingEvent::Refused(reply),
            Happened::Asked { question, stream_id, key } => {
                let Question { kind, local: to, remote: from, id } = question;
                match kind {
                    Kind::Result => IncomingEvent::DialbackKey { from, to, stream_id, key },
                    Kind::Verify => IncomingEvent::DialbackVerify { from, to, id, key },
                }
            }
            Happened::Answered { question, verdict } => {
                IncomingEvent::PairResult { from: question.local, to: question.remote, verdict }
            }
        }
    }
}

/// RFC 6120 §5.3.1
fn tls_required() -> StreamError {
    StreamError::with_text(StreamErrorCondition::PolicyViolation, "Use of STARTTLS required")
}
