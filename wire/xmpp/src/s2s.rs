//! Streams between servers as machines without socket, clock or randomness: SASL EXTERNAL and dialback, several pairs
//! of domains on one stream, stanzas in both directions, acknowledgements (RFC 6120, XEP-0178, XEP-0220, XEP-0288,
//! XEP-0198).
//!
//! # Driving them
//!
//! [`IncomingStream`] is the end that was called: receiving server for keys, authoritative server for requests to verify
//! them. [`OutgoingStream`] is the end that calls: initiating server, and receiving server towards an authoritative one.
//! Both are driven as [`crate::c2s::ClientStream`] is: bytes into `handle_input`, outputs out of `poll_output` until
//! there are none, `handle_timeout` at `poll_timeout`; no input is taken while `is_waiting`. Unlike there, the questions
//! of dialback do not hold the stream up: they are answered whenever the answer is known, and outputs are polled after.
//!
//! | event | answer |
//! |---|---|
//! | `IncomingEvent::Opened` | `provide_host(HostOffer)`, or `close(host-unknown)` |
//! | `IncomingEvent::External` | `admit()` or `deny(SaslFailure)` |
//! | `IncomingEvent::DialbackKey` | at any time `dialback_result(from, to, verdict)` |
//! | `IncomingEvent::DialbackVerify` | at any time `dialback_verified(from, to, id, verdict)` |
//! | `OutgoingEvent::Features` | `authenticate(Plan)`, or `close` |
//! | `OutgoingEvent::DialbackKey` | at any time `dialback_result(from, to, verdict)`; only with `Settings::bidi` |
//! | all others | none |
//!
//! - A pair is two domains: who sends, and to whom. `from` is the domain that stanzas come from: the peer's on streams
//!   that were opened to us, ours on those we opened; it is the other way round for what goes back (XEP-0288).
//! - No stanza passes unless its pair is authorised on this very stream; a restart behind STARTTLS forgets all that was
//!   asked, and an answer that was not asked for ends the stream.
//! - The machine checks what the stream can tell. That `to` is ours, that `from` is not and may talk to us, and what the
//!   certificate proves, the driver checks before it answers.
//! - When the connection is lost, `take_unacked` gives the stanzas back that may be lost with it, to be sent on the next
//!   stream; streams are never resumed.

pub mod dialback;
mod element;
mod features;
mod header;
mod incoming;
mod outgoing;
mod pairs;
mod peer;
#[cfg(test)]
mod tests;
mod types;

pub use incoming::IncomingStream;
pub use outgoing::OutgoingStream;
pub use types::*;
