//! A stream that we opened: the initiating role of dialback, and the receiving role towards an authoritative server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Frame;

use super::element::{Kind, Question};
use super::features::Offers;
use super::pairs::detached;
use super::peer::{Happened, Peer, Piece, Step, unasked, unsupported};
use super::{End, Features, OutgoingEvent, Output, Plan, Settings, StartTls, Verdict, dialback, header};
use crate::ns;
use crate::sm::{self, Version};
use crate::stanza::Stanza;
use crate::stanza_error::StanzaError;
use crate::stream::sasl::encode;
use crate::stream::{self, Framing, Header, Incoming, Intake, Machine};
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::write;

/// Our end of a stream that we opened.
#[derive(Debug)]
pub struct OutgoingStream {
    peer: Peer<OutgoingEvent>,
    stage: Stage,
    from: Jid,
    to: Jid,
    /// The peer's header declares dialback.
    declared: bool,
    offers: Offers,
    authenticated: bool,
    /// EXTERNAL was tried and refused with this condition.
    refused: Option<Text>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Our header is sent, the peer's must come.
    Header,
    /// Its features must come.
    Features,
    /// `<starttls/>` is sent.
    Proceed,
    /// `<proceed/>` has come.
    Tls,
    /// `Features` waits.
    Decision,
    /// `<auth/>` is sent.
    Sasl,
    Open,
}

impl OutgoingStream {
    /// A connection that was just made, for stanzas from domain `from` to domain `to`. `secured` if TLS is already there
    /// (XEP-0368). Our header is the first output.
    pub fn new(
        settings: impl Into<Arc<Settings>>,
        from: &Jid,
        to: &Jid,
        secured: bool,
        now: Duration,
    ) -> OutgoingStream {
        let mut stream = OutgoingStream {
            peer: Peer::new(settings.into(), true, Text::empty(), secured, now),
            stage: Stage::Header,
            from: detached(from),
            to: detached(to),
            declared: false,
            offers: Offers::default(),
            authenticated: false,
            refused: None,
        };
        stream.put_header();
        stream
    }

    /// Takes bytes up to the end of one element; returns how many. It takes none while outputs have not been polled or
    /// an answer is due.
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        stream::handle_input(self, now, input)
    }

    /// To be called at [`OutgoingStream::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return;
        }
        match (self.stage, self.peer.deadline) {
            (Stage::Tls, _) => self.peer.end(End::TlsTimeout),
            (_, Some(_)) => self.fail(StreamErrorCondition::ConnectionTimeout.into()),
            (_, None) => self.peer.on_sm_timeout(now),
        }
    }

    /// What the driver has to do next; to be called until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output<OutgoingEvent>> {
        self.peer.poll_output()
    }

    /// When to call [`OutgoingStream::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.peer.poll_timeout()
    }

    /// Whether an event waits for its answer; no input is taken meanwhile.
    pub fn is_waiting(&self) -> bool {
        !self.peer.over && self.stage == Stage::Decision
    }

    /// The handshake that [`Output::StartTls`] asked for is done.
    pub fn tls_established(&mut self) {
        if self.stage != Stage::Tls {
            return self.fail(unasked());
        }
        self.peer.secured = true;
        self.restart();
    }

    /// Closes the stream with an error.
    pub fn close(&mut self, error: impl Into<StreamError>) {
        self.fail(error.into());
    }

    /// Closes the stream without an error.
    pub fn finish(&mut self) {
        match self.stage {
            Stage::Tls => self.peer.end(End::Finished),
            _ => self.peer.close_with(End::Finished),
        }
    }

    /// Answers [`OutgoingEvent::Features`]. A plan that the features do not allow ends the stream with
    /// `internal-server-error`.
    pub fn authenticate(&mut self, plan: Plan) {
        if self.peer.over {
            return;
        }
        let features = self.features();
        let possible = match plan {
            Plan::External => features.external,
            Plan::Dialback => features.dialback,
            Plan::VerifyOnly => true,
        };
        if self.stage != Stage::Decision || !possible {
            return self.fail(unasked());
        }
        // XEP-0288 §2.2: before authentication, once.
        if self.peer.settings.bidi && features.bidi && !self.peer.bidi && plan != Plan::VerifyOnly {
            self.peer.put_empty("bidi", ns::BIDI);
            self.peer.bidi = true;
        }
        self.stage = Stage::Open;
        match plan {
            Plan::External => self.put_auth(),
            Plan::Dialback => {
                self.ask(&self.from.clone(), &self.to.clone());
            }
            Plan::VerifyOnly => {}
        }
    }

    /// Asks by dialback whether stanzas from `from` to `to` may be sent as well (XEP-0220 §2.6). `false` if it cannot be
    /// asked on this stream: too many questions are open, no answer to `Features` yet, or `to` is another domain and the
    /// peer does not know errors of dialback. Otherwise [`OutgoingEvent::PairResult`] answers.
    pub fn authorize(&mut self, from: &Jid, to: &Jid) -> bool {
        let features = self.features();
        // XEP-0220 §2.6.2: else the peer might end the stream over a domain it does not serve.
        let target_allowed = to.domain() == self.to.as_str() || features.dialback_errors;
        let room = self.peer.pairs.len() < self.peer.settings.pairs_max;
        self.stage == Stage::Open && features.dialback && target_allowed && room && self.ask(from, to)
    }

    /// Asks the peer, authoritative server of `to`, whether this key was made for stream `id` from `to` to our domain
    /// `from`. `false` if it cannot be asked now; otherwise [`OutgoingEvent::VerifyResult`] answers.
    ///
    /// A key must not be verified on the stream it came on (XEP-0288 §2.2).
    pub fn verify(&mut self, from: &Jid, to: &Jid, id: &str, key: &str) -> bool {
        self.stage == Stage::Open && self.peer.ask(Question::verify(from, to, id), Text::new(key))
    }

    /// Answers [`OutgoingEvent::DialbackKey`]. Says whether the question was still open.
    pub fn dialback_result(&mut self, from: &Jid, to: &Jid, verdict: Verdict) -> bool {
        self.peer.answer(&Question::result(to, from), verdict)
    }

    /// Whether stanzas from `from` (our domain) to `to` may be sent.
    pub fn is_authorized(&self, from: &str, to: &str) -> bool {
        self.peer.pairs.contains(from, to)
    }

    /// The pairs whose stanzas may be sent: our domain, then the peer's.
    pub fn pairs(&self) -> impl Iterator<Item = (&Jid, &Jid)> {
        self.peer.pairs.iter()
    }

    /// Whether the peer sends stanzas on this stream too (XEP-0288).
    pub fn is_bidi(&self) -> bool {
        self.peer.bidi
    }

    /// Writes a stanza for the peer behind what is in `out`, exactly one element, and keeps it until it is acknowledged
    /// if stream management is enabled. Gives it back if its pair is not authorised.
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

    /// Takes the stanzas that the peer has not acknowledged, oldest first: the connection is lost. Without stream
    /// management there are none.
    pub fn take_unacked(&mut self) -> VecDeque<sm::Unacked> {
        self.peer.take_unacked()
    }

    /// Whether the stream is encrypted.
    pub fn is_secured(&self) -> bool {
        self.peer.secured
    }

    fn features(&self) -> Features {
        let offers = &self.offers;
        let keys = self.peer.settings.dialback_secret.is_some() && !self.peer.stream_id.is_empty();
        Features {
            secured: self.peer.secured,
            external: offers.external && self.peer.secured && !self.authenticated && self.refused.is_none(),
            dialback: (offers.dialback || self.declared) && keys,
            dialback_errors: offers.dialback_errors,
            bidi: offers.bidi,
            sm: offers.sm.is_some(),
            refused: self.refused.clone(),
        }
    }

    fn put_header(&mut self) {
        self.peer.put(header::write(None, Some(&self.from), Some(&self.to), true));
    }

    /// XEP-0178 §3: the authorisation identity is for older servers, which rely on it.
    fn put_auth(&mut self) {
        let mut xml = String::from("<auth");
        write::attribute(&mut xml, "xmlns", ns::SASL);
        write::attribute(&mut xml, "mechanism", "EXTERNAL");
        xml.push('>');
        xml.push_str(&encode(self.from.as_str().as_bytes()));
        xml.push_str("</auth>");
        self.peer.put(xml);
        self.stage = Stage::Sasl;
    }

    fn ask(&mut self, from: &Jid, to: &Jid) -> bool {
        let Some(secret) = &self.peer.settings.dialback_secret else { return false };
        let key = dialback::key(secret.expose(), to.domain(), from.domain(), &self.peer.stream_id);
        self.peer.ask(Question::result(from, to), key)
    }

    /// Nothing that was learned before is kept (RFC 6120 §5.4.3.3).
    fn restart(&mut self) {
        self.peer.restart();
        self.offers = Offers::default();
        self.declared = false;
        self.stage = Stage::Header;
        self.put_header();
    }

    fn on_header(&mut self, header: Header) -> Step {
        if self.stage != Stage::Header {
            return Err(unsupported());
        }
        self.declared = header.dialback;
        let id = header.id.clone().unwrap_or_default();
        if id.len() > STREAM_ID_BYTES_MAX {
            return Err(StreamErrorCondition::PolicyViolation.into());
        }
        self.peer.stream_id = id;
        let checked = header::check(header)?;
        if checked.from.is_some_and(|from| from != self.to) {
            return Err(StreamErrorCondition::InvalidFrom.into());
        }
        self.peer.lang = checked.lang;
        match checked.xmpp {
            true => self.stage = Stage::Features,
            false => self.decide(),
        }
        Ok(())
    }

    fn on_features(&mut self, frame: &Frame) -> Step {
        if (frame.ns(), frame.name()) != (ns::STREAMS, "features") {
            return Err(unsupported());
        }
        self.offers = Offers::read(frame);
        if self.authenticated {
            self.peer.admit_pair(&self.from, &self.to);
            self.peer.deadline = None;
            self.stage = Stage::Open;
            self.enable_sm();
            let (from, to) = (self.from.clone(), self.to.clone());
            self.peer.tell(OutgoingEvent::PairResult { from, to, verdict: Verdict::Valid });
        } else if !self.peer.secured && self.offers.starttls && self.peer.settings.starttls != StartTls::Never
        {
            self.peer.put_empty("starttls", ns::TLS);
            self.stage = Stage::Proceed;
        } else {
            self.decide();
        }
        Ok(())
    }

    /// The question of TLS is settled, one way or the other.
    fn decide(&mut self) {
        if !self.peer.secured && self.peer.settings.starttls == StartTls::Required {
            return self.peer.close_with(End::TlsMissing);
        }
        if !self.peer.secured && self.offers.starttls_required {
            return self.peer.close_with(End::TlsDemanded);
        }
        self.stage = Stage::Decision;
        let features = self.features();
        self.peer.tell(OutgoingEvent::Features(features));
    }

    /// Stream management begins with the first pair.
    fn enable_sm(&mut self) {
        if let Some(version) = self.offers.sm {
            self.peer.enable_sm(version);
        }
    }

    fn on_proceed(&mut self, frame: &Frame) -> Step {
        match (frame.ns(), frame.name()) {
            (ns::TLS, "proceed") => {
                self.stage = Stage::Tls;
                self.peer.outbox.starttls();
            }
            (ns::TLS, "failure") => self.peer.close_with(End::TlsRefused),
            _ => return Err(unsupported()),
        }
        Ok(())
    }

    fn on_sasl(&mut self, frame: &Frame) -> Step {
        match (frame.ns(), frame.name()) {
            (ns::SASL, "success") => {
                self.authenticated = true;
                self.restart();
            }
            (ns::SASL, "failure") => {
                let condition = frame.children().find(|child| child.ns == ns::SASL && child.name != "text");
                let condition = condition.map_or("undefined", |child| child.name);
                self.refused = Some(Text::new(condition));
                self.decide();
            }
            _ => return Err(unsupported()),
        }
        Ok(())
    }

    fn on_frame(&mut self, now: Duration, frame: &Frame) -> Step {
        match self.stage {
            Stage::Features => self.on_features(frame),
            Stage::Proceed => self.on_proceed(frame),
            Stage::Sasl => self.on_sasl(frame),
            Stage::Open => self.on_open(now, frame),
            Stage::Header | Stage::Tls | Stage::Decision => Err(unsupported()),
        }
    }

    fn on_open(&mut self, now: Duration, frame: &Frame) -> Step {
        match (frame.ns(), frame.name()) {
            (ns::SERVER, "message" | "presence" | "iq") => self.peer.on_stanza(frame),
            (ns::CLIENT, "message" | "presence" | "iq") => Err(StreamErrorCondition::InvalidNamespace.into()),
            (ns::DIALBACK, _) => {
                let is_first = self.peer.pairs.is_empty();
                let refusal = self.dialback_refusal(frame);
                self.peer.on_dialback(frame, refusal)?;
                if is_first && !self.peer.pairs.is_empty() {
                    self.enable_sm();
                }
                Ok(())
            }
            (ns, name) => match (Version::of_ns(ns), name) {
                (Some(_), "enabled" | "failed") => {
                    if self.peer.on_sm_answer(now, name == "enabled")? {
                        self.peer.tell(OutgoingEvent::SmEnabled);
                    }
                    Ok(())
                }
                (Some(version), _) => self.peer.on_sm(now, version, frame, false),
                (None, _) => Err(unsupported()),
            },
        }
    }

    /// XEP-0288 §2.2: the peer may ask for pairs with domains of its own, once it goes both ways; keys are verified
    /// where we are called.
    fn dialback_refusal(&self, frame: &Frame) -> Option<StanzaError> {
        let possible = self.peer.bidi && !self.peer.pairs.is_empty() && frame.name() == "result";
        (!possible).then(StanzaError::not_allowed)
    }
}

/// Longest stream id that is taken, in bytes.
const STREAM_ID_BYTES_MAX: usize = 256;

impl Machine for OutgoingStream {
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

    fn fail(&mut self, error: StreamError) {
        // The peer waits for TLS: nothing can be said in the clear any more.
        match self.stage {
            Stage::Tls => self.peer.end(End::Error(error)),
            _ => self.peer.fail(error),
        }
    }
}

impl From<Happened> for OutgoingEvent {
    fn from(happened: Happened) -> OutgoingEvent {
        match happened {
            Happened::Stanza(stanza) => OutgoingEvent::Stanza(stanza),
            Happened::Refused(reply) => OutgoingEvent::Refused(reply),
            // Only keys: `dialback_refusal` lets nothing else pass.
            Happened::Asked { question, stream_id, key } => {
                OutgoingEvent::DialbackKey { from: question.remote, to: question.local, stream_id, key }
            }
            Happened::Answered { question, verdict } => {
                let Question { kind, local: from, remote: to, id } = question;
                match kind {
                    Kind::Result => OutgoingEvent::PairResult { from, to, verdict },
                    Kind::Verify => OutgoingEvent::VerifyResult { from, to, id, verdict },
                }
            }
        }
    }
}
