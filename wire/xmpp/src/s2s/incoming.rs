//! A stream that another server opened: the receiving and the authoritative role of dialback.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::SaslFailure;
use nightjar_text::Text;

use super::{HostOffer, IncomingEvent, Output, Settings, Verdict};
use crate::sm;
use crate::stanza::Stanza;
use crate::stream_error::StreamError;

/// Our end of a stream that another server opened.
#[derive(Debug)]
pub struct IncomingStream {}

impl IncomingStream {
    /// A connection that was just accepted. `stream_id` is unguessable; it serves streams that fail before a host gave
    /// one. `secured` if TLS is already there (XEP-0368).
    pub fn new(
        settings: impl Into<Arc<Settings>>,
        stream_id: Text,
        secured: bool,
        now: Duration,
    ) -> IncomingStream {
        let _ = (settings.into(), stream_id, secured, now);
        IncomingStream {}
    }

    /// Takes bytes up to the end of one element; returns how many. It takes none while outputs have not been polled or
    /// an answer is due.
    pub fn handle_input(&mut self, _now: Duration, input: &[u8]) -> usize {
        input.len()
    }

    /// To be called at [`IncomingStream::poll_timeout`].
    pub fn handle_timeout(&mut self, _now: Duration) {}

    /// What the driver has to do next; to be called until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output<IncomingEvent>> {
        None
    }

    /// When to call [`IncomingStream::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        None
    }

    /// Whether an event waits for its answer; no input is taken meanwhile.
    pub fn is_waiting(&self) -> bool {
        false
    }

    /// The handshake that [`Output::StartTls`] asked for is done.
    pub fn tls_established(&mut self) {}

    /// Closes the stream with an error. Also the negative answer to [`IncomingEvent::Opened`].
    pub fn close(&mut self, error: impl Into<StreamError>) {
        let _ = error.into();
    }

    /// Closes the stream without an error.
    pub fn finish(&mut self) {}

    /// Answers [`IncomingEvent::Opened`].
    pub fn provide_host(&mut self, _offer: HostOffer) {}

    /// Answers [`IncomingEvent::External`]: the domain is the peer's.
    pub fn admit(&mut self) {}

    /// Answers [`IncomingEvent::External`]: it is not, or may not come. Dialback is still possible.
    pub fn deny(&mut self, _failure: SaslFailure) {}

    /// Answers [`IncomingEvent::DialbackKey`]. Says whether the question was still open.
    pub fn dialback_result(&mut self, _from: &Jid, _to: &Jid, _verdict: Verdict) -> bool {
        false
    }

    /// Answers [`IncomingEvent::DialbackVerify`]. Says whether the question was still open.
    pub fn dialback_verified(&mut self, _from: &Jid, _to: &Jid, _id: &str, _verdict: Verdict) -> bool {
        false
    }

    /// Accepts stanzas from `from` (the peer's domain) to `to` without being asked: a certificate proves more domains
    /// than one. `false` if there are too many pairs.
    pub fn authorize(&mut self, _from: &Jid, _to: &Jid) -> bool {
        false
    }

    /// XEP-0288: asks the peer by dialback to accept stanzas from `from` (our domain) to `to`. `false` if it cannot be
    /// asked on this stream; otherwise [`IncomingEvent::PairResult`] answers.
    pub fn authorize_back(&mut self, _from: &Jid, _to: &Jid, _key: &str) -> bool {
        false
    }

    /// Whether stanzas from `from` (the peer's domain) to `to` are accepted.
    pub fn is_authorized(&self, _from: &str, _to: &str) -> bool {
        false
    }

    /// The pairs whose stanzas are accepted: the peer's domain, then ours.
    pub fn pairs(&self) -> impl Iterator<Item = (&Jid, &Jid)> {
        std::iter::empty()
    }

    /// Whether the peer takes stanzas on this stream (XEP-0288).
    pub fn is_bidi(&self) -> bool {
        false
    }

    /// XEP-0288: writes a stanza for the peer behind what is in `out`, exactly one element, and keeps it until it is
    /// acknowledged if stream management is enabled. Gives it back if its pair is not authorised in this direction.
    pub fn send(&mut self, _now: Duration, stanza: Stanza, _out: &mut Vec<u8>) -> Option<Stanza> {
        Some(stanza)
    }

    /// Writes a request for acknowledgement, exactly one element, if one is due (XEP-0198 §4); says whether it did.
    /// For the end of a batch.
    pub fn request_ack(&mut self, _now: Duration, _out: &mut Vec<u8>) -> bool {
        false
    }

    /// Takes the stanzas that the peer has not acknowledged, oldest first: the connection is lost.
    pub fn take_unacked(&mut self) -> VecDeque<sm::Unacked> {
        VecDeque::new()
    }

    /// Whether the stream is encrypted.
    pub fn is_secured(&self) -> bool {
        false
    }

    /// The id of the current stream.
    pub fn stream_id(&self) -> &str {
        ""
    }
}
