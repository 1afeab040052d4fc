//! A client's stream as the server sees it, without socket, clock or randomness: from the first byte over STARTTLS,
//! authentication and binding to the stanzas of a bound client (RFC 6120, RFC 7395, XEP-0198, XEP-0386, XEP-0388).
//!
//! # Driving it
//!
//! ```text
//! let mut stream = ClientStream::new(settings, stream_id, secured, now);
//! loop {
//!     // 1. input: as much as the machine takes
//!     let taken = stream.handle_input(now, &received);        // drop `taken` bytes of `received`
//!     // 2. outputs, until there are none
//!     while let Some(output) = stream.poll_output() {
//!         match output {
//!             Output::Send(bytes) => queue for the socket,
//!             Output::StartTls => remember,                    // see below
//!             Output::Event(event) => answer with one of the methods its comment names, perhaps later,
//!             Output::Close(end) => flush, close the socket, and if end.is_resumable() keep stream.take_sm(); stop,
//!         }
//!     }
//!     // 3. again while bytes were taken; then wait for the socket, the mailbox, an answer or the timer
//! }
//! ```
//!
//! - `handle_input` takes at most one element at a time and nothing while an answer is due ([`ClientStream::is_waiting`]):
//!   the driver keeps what was not taken, stops reading meanwhile, and calls it again after the answer.
//! - An event is polled alone and acted upon before more input is given: stanzas are handled in order, and the count of
//!   handled stanzas (XEP-0198) is right.
//! - Once everything received is taken and `StartTls` was seen, flush, do the handshake, call
//!   [`ClientStream::tls_established`]. Bytes that came in the clear behind `<starttls/>` end the stream instead.
//! - [`ClientStream::poll_timeout`] says when to call [`ClientStream::handle_timeout`]; `now` is any monotonic clock.
//! - A bound client gets stanzas by [`ClientStream::send`], which writes into the driver's own buffer, and
//!   [`ClientStream::request_ack`] at the end of a batch. Flush that buffer before bytes of `Output::Send`.
//! - When the socket is lost, [`ClientStream::take_sm`] gives the session to be resumed, if there is one.
//! - Answers that were not asked for end the stream with `internal-server-error`: a driver's mistake never hangs it.
//!
//! | event | answer |
//! |---|---|
//! | `Opened` | `provide_host(HostOffer)`, or `close(host-unknown)` |
//! | `Credentials` | `provide_credentials(nightjar_sasl::Answer)` |
//! | `Authenticated` | `admit(Admission)` or `deny(SaslFailure)` |
//! | `Upgrade` | `provide_upgrade(Some((salt, iterations)))`, or `None` where there are keys already |
//! | `Keys` | `keys_stored()` |
//! | `EarlyIq` | `reply_early(&Stanza)` or `legacy_authenticated(&Stanza)` |
//! | `Bind` | `bound(&Jid)` or `bind_refused(&StanzaError)` |
//! | `Resume` | `resumed(Box<sm::Session>)` or `resume_refused(sm::ResumeRefused)` |
//! | `EnableSm` | `sm_enabled(sm::Grant)` or `sm_refused(Condition)` |
//! | `Stanza`, `ClientState`, `AuthFailed` | none |

use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::{Answer, SaslFailure};
use nightjar_text::Text;

use crate::sm;
use crate::stanza::Stanza;
use crate::stanza_error::{Condition, StanzaError};
use crate::stream::{self, Framing, Incoming, Intake, Machine, Outbox};
use crate::stream_error::{StreamError, StreamErrorCondition};

mod established;
mod features;
mod header;
mod negotiation;
#[cfg(test)]
mod tests;
mod types;

pub use types::*;

use established::Established;
use negotiation::{Io, Negotiation, Progress, Step};

/// The server's end of one client's stream. See the module's text for how to drive it.
#[derive(Debug)]
pub struct ClientStream {
    io: Io,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Negotiating(Box<Negotiation>),
    Established(Established),
    Over,
}

impl ClientStream {
    /// A connection that was just accepted. `stream_id` is unguessable; it serves streams that fail before a host gave
    /// one. `secured` if TLS is already there (RFC 7590, XEP-0368) or the channel is private by other means.
    pub fn new(
        settings: impl Into<Arc<Settings>>,
        stream_id: Text,
        secured: bool,
        now: Duration,
    ) -> ClientStream {
        let settings = settings.into();
        let deadline = now.saturating_add(settings.negotiation_timeout);
        let framing = Framing::new(settings.framing, settings.limits_before_auth);
        let outbox = Outbox::default();
        ClientStream {
            io: Io { settings, framing, outbox, lang: None, sm: None },
            phase: Phase::Negotiating(Box::new(Negotiation::new(deadline, stream_id, secured))),
        }
    }

    /// Takes bytes up to the end of one element; returns how many. It takes none while outputs have not been polled or
    /// an answer is due.
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        stream::handle_input(self, now, input)
    }

    /// To be called at [`ClientStream::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return;
        }
        match &self.phase {
            Phase::Negotiating(negotiation) if negotiation.is_before_handshake() => self.end(End::TlsTimeout),
            Phase::Negotiating(_) => self.fail(StreamErrorCondition::ConnectionTimeout.into()),
            Phase::Established(_) => self.end(End::Unacknowledged),
            Phase::Over => {}
        }
    }

    /// What the driver has to do next; to be called until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.io.outbox.poll()
    }

    /// When to call [`ClientStream::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Negotiating(negotiation) => Some(negotiation.deadline),
            Phase::Established(_) => self.io.sm.as_ref()?.ack_deadline().filter(|at| *at != Duration::MAX),
            Phase::Over => None,
        }
    }

    /// Whether an event waits for its answer; no input is taken meanwhile.
    pub fn is_waiting(&self) -> bool {
        match &self.phase {
            Phase::Negotiating(negotiation) => negotiation.is_waiting(),
            Phase::Established(established) => established.is_waiting(),
            Phase::Over => false,
        }
    }

    /// Whether there is a bound client to send stanzas to.
    pub fn is_established(&self) -> bool {
        matches!(self.phase, Phase::Established(_))
    }

    /// The session of stream management, if it is enabled.
    pub fn sm(&self) -> Option<&sm::Session> {
        self.io.sm.as_deref()
    }

    /// Takes the session of stream management out: the connection is lost, or another one resumes the session.
    /// Stanzas sent afterwards are not kept.
    pub fn take_sm(&mut self) -> Option<Box<sm::Session>> {
        let mut session = self.io.sm.take()?;
        session.clear_ack_request();
        Some(session)
    }

    /// Closes the stream with an error. Also the negative answer to [`Event::Opened`].
    pub fn close(&mut self, error: impl Into<StreamError>) {
        self.fail(error.into());
    }

    /// The handshake that [`Output::StartTls`] asked for is done.
    pub fn tls_established(&mut self) {
        self.negotiate(Negotiation::tls_established);
    }

    /// Answers [`Event::Opened`].
    pub fn provide_host(&mut self, offer: HostOffer) {
        self.negotiate(|negotiation, io| negotiation.provide_host(io, offer));
    }

    /// Answers [`Event::Credentials`].
    pub fn provide_credentials(&mut self, answer: Answer) {
        self.negotiate(|negotiation, io| negotiation.provide_credentials(io, answer));
    }

    /// Answers [`Event::Authenticated`]: the client is let in.
    pub fn admit(&mut self, now: Duration, admission: Admission) {
        self.negotiate(|negotiation, io| negotiation.admit(io, now, admission));
    }

    /// Answers [`Event::Authenticated`]: the account may not log in. Counts as a failed attempt.
    pub fn deny(&mut self, failure: SaslFailure) {
        self.negotiate(|negotiation, io| negotiation.deny(io, failure));
    }

    /// Answers [`Event::Upgrade`] with fresh random salt and an iteration count; `None` if keys are not wanted.
    pub fn provide_upgrade(&mut self, salt: Option<([u8; 16], u32)>) {
        self.negotiate(|negotiation, io| negotiation.provide_upgrade(io, salt));
    }

    /// Answers [`Event::Keys`], whether storing them worked or not.
    pub fn keys_stored(&mut self) {
        self.negotiate(Negotiation::keys_stored);
    }

    /// Answers [`Event::EarlyIq`].
    pub fn reply_early(&mut self, reply: &Stanza) {
        self.negotiate(|negotiation, io| negotiation.reply_early(io, reply));
    }

    /// Answers [`Event::EarlyIq`]: the request authenticated the client and bound its resource (XEP-0078).
    pub fn legacy_authenticated(&mut self, reply: &Stanza) {
        self.negotiate(|negotiation, io| negotiation.legacy_authenticated(io, reply));
    }

    /// Answers [`Event::Bind`].
    pub fn bound(&mut self, jid: &Jid) {
        self.negotiate(|negotiation, io| negotiation.bound(io, jid));
    }

    /// Answers [`Event::Bind`]: the client may try again.
    pub fn bind_refused(&mut self, error: &StanzaError) {
        self.negotiate(|negotiation, io| negotiation.bind_refused(io, error));
    }

    /// Answers [`Event::Resume`]. What the client has not acknowledged is sent again.
    pub fn resumed(&mut self, now: Duration, session: Box<sm::Session>) {
        self.negotiate(|negotiation, io| negotiation.resumed(io, now, session));
    }

    /// Answers [`Event::Resume`]: the client may bind a resource instead.
    pub fn resume_refused(&mut self, refused: sm::ResumeRefused) {
        self.negotiate(|negotiation, io| negotiation.resume_refused(io, refused));
    }

    fn on_close(&mut self) {
        self.put_missing_header();
        self.put_close();
        self.end(End::Closed);
    }

    fn negotiate(&mut self, step: impl FnOnce(&mut Negotiation, &mut Io) -> Step) {
        let progress = match &mut self.phase {
            Phase::Over => return,
            Phase::Established(_) => Err(StreamErrorCondition::InternalServerError.into()),
            Phase::Negotiating(negotiation) => step(negotiation, &mut self.io),
        };
        match (progress, &self.phase) {
            (Ok(Progress::Goes), _) => {}
            (Ok(Progress::Established), Phase::Negotiating(negotiation)) => {
                self.io.framing.set_limits(self.io.settings.limits);
                self.phase = Phase::Established(Established::new(negotiation.is_sm_offered()));
            }
            (Ok(Progress::Established), _) => {}
            (Ok(Progress::Ended(end)), _) => self.end(end),
            (Err(error), _) => self.fail(error),
        }
    }

    fn put_missing_header(&mut self) {
        if let Phase::Negotiating(negotiation) = &self.phase
            && let Some(header) = negotiation.missing_header(self.io.framing.kind())
        {
            self.io.put(header);
        }
    }

    fn put_close(&mut self) {
        self.io.put(header::write_close(self.io.framing.kind()));
    }

    fn end(&mut self, end: End) {
        self.phase = Phase::Over;
        self.io.outbox.end(end);
    }
}

impl Machine for ClientStream {
    const CONTENT_NS: &'static str = crate::ns::CLIENT;

    fn intake(&self) -> Intake {
        if !self.io.outbox.is_empty() || self.is_waiting() {
            return Intake::Busy;
        }
        match &self.phase {
            Phase::Over => Intake::Over,
            Phase::Negotiating(negotiation) if negotiation.is_before_handshake() => Intake::Handshake,
            _ => Intake::Elements,
        }
    }

    fn framing(&mut self) -> &mut Framing {
        &mut self.io.framing
    }

    fn on_incoming(&mut self, now: Duration, incoming: Incoming) {
        match incoming {
            Incoming::Whitespace => {}
            Incoming::Close => self.on_close(),
            Incoming::Frame(frame) if frame.ns() == crate::ns::STREAMS && frame.name() == "error" => {
                let error = StreamError::from_element(frame.parse().root());
                self.put_close();
                self.end(End::PeerError(error));
            }
            Incoming::Frame(frame) => match self.phase {
                Phase::Negotiating(_) => self.negotiate(|negotiation, io| negotiation.on_frame(io, &frame)),
                Phase::Established(_) => self.on_established_frame(now, &frame),
                Phase::Over => {}
            },
            Incoming::Header(header) => match self.phase {
                Phase::Negotiating(_) => self.negotiate(|negotiation, io| negotiation.on_header(io, header)),
                Phase::Established(_) => self.fail(StreamErrorCondition::UnsupportedStanzaType.into()),
                Phase::Over => {}
            },
        }
    }

    fn on_early_data(&mut self) {
        self.end(End::EarlyData);
    }

    /// RFC 6120 §4.9.1: header if there was none, error, end.
    fn fail(&mut self, error: StreamError) {
        match &self.phase {
            Phase::Over => return,
            // The client waits for TLS: nothing can be said in the clear any more.
            Phase::Negotiating(negotiation) if negotiation.is_before_handshake() => {
                return self.end(End::Error(error));
            }
            _ => {}
        }
        self.put_missing_header();
        let mut xml = String::with_capacity(256);
        error.write(&mut xml, self.io.framing.kind() == FramingKind::WebSocket);
        self.io.put(xml);
        self.put_close();
        self.end(End::Error(error));
    }
}
