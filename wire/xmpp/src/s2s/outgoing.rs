//! A stream that we opened: the initiating role of dialback, and the receiving role towards an authoritative server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;

use super::{OutgoingEvent, Output, Plan, Settings, Verdict};
use crate::sm;
use crate::stanza::Stanza;
use crate::stream_error::StreamError;

/// Our end of a stream that we opened.
#[derive(Debug)]
pub struct OutgoingStream {}

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
        let _ = (settings.into(), from, to, secured, now);
        OutgoingStream {}
    }

    /// Takes bytes up to the end of one element; returns how many. It takes none while outputs have not been polled or
    /// an answer is due.
    pub fn handle_input(&mut self, _now: Duration, input: &[u8]) -> usize {
        input.len()
    }

    /// To be called at [`OutgoingStream::poll_timeout`].
    pub fn handle_timeout(&mut self, _now: Duration) {}

    /// What the driver has to do next; to be called until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output<OutgoingEvent>> {
        None
    }

    /// When to call [`OutgoingStream::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        None
    }

    /// Whether an event waits for its answer; no input is taken meanwhile.
    pub fn is_waiting(&self) -> bool {
        false
    }

    /// The handshake that [`Output::StartTls`] asked for is done.
    pub fn tls_established(&mut self) {}

    /// Closes the stream with an error.
    pub fn close(&mut self, error: impl Into<StreamError>) {
        let _ = error.into();
    }

    /// Closes the stream without an error.
    pub fn finish(&mut self) {}

    /// Answers [`OutgoingEvent::Features`]. A plan that the features do not allow ends the stream with
    /// `internal-server-error`.
    pub fn authenticate(&mut self, _plan: Plan) {}

    /// Asks by dialback whether stanzas from `from` to `to` may be sent as well (XEP-0220 §2.6). `false` if it cannot be
    /// asked on this stream: too many questions are open, no answer to `Features` yet, or `to` is another domain and the
    /// peer does not know errors of dialback. Otherwise [`OutgoingEvent::PairResult`] answers.
    pub fn authorize(&mut self, _from: &Jid, _to: &Jid) -> bool {
        false
    }

    /// Asks the peer, authoritative server of `to`, whether this key was made for stream `id` from `to` to our domain
    /// `from`. `false` if it cannot be asked now; otherwise [`OutgoingEvent::VerifyResult`] answers.
    pub fn verify(&mut self, _from: &Jid, _to: &Jid, _id: &str, _key: &str) -> bool {
        false
    }

    /// Answers [`OutgoingEvent::DialbackKey`]. Says whether the question was still open.
    pub fn dialback_result(&mut self, _from: &Jid, _to: &Jid, _verdict: Verdict) -> bool {
        false
    }

    /// Whether stanzas from `from` (our domain) to `to` may be sent.
    pub fn is_authorized(&self, _from: &str, _to: &str) -> bool {
        false
    }

    /// The pairs whose stanzas may be sent: our domain, then the peer's.
    pub fn pairs(&self) -> impl Iterator<Item = (&Jid, &Jid)> {
        std::iter::empty()
    }

    /// Whether the peer sends stanzas on this stream too (XEP-0288).
    pub fn is_bidi(&self) -> bool {
        false
    }

    /// Writes a stanza for the peer behind what is in `out`, exactly one element, and keeps it until it is acknowledged
    /// if stream management is enabled. Gives it back if its pair is not authorised.
    pub fn send(&mut self, _now: Duration, stanza: Stanza, _out: &mut Vec<u8>) -> Option<Stanza> {
        Some(stanza)
    }

    /// Writes a request for acknowledgement, exactly one element, if one is due (XEP-0198 §4); says whether it did.
    /// For the end of a batch.
    pub fn request_ack(&mut self, _now: Duration, _out: &mut Vec<u8>) -> bool {
        false
    }

    /// Takes the stanzas that the peer has not acknowledged, oldest first: the connection is lost. Without stream
    /// management there are none.
    pub fn take_unacked(&mut self) -> VecDeque<sm::Unacked> {
        VecDeque::new()
    }

    /// Whether the stream is encrypted.
    pub fn is_secured(&self) -> bool {
        false
    }
}
