//! Streams between servers as machines without socket, clock or randomness: SASL EXTERNAL and dialback, several pairs
//! of domains on one stream, stanzas in both directions, acknowledgements (RFC 6120, XEP-0178, XEP-0220, XEP-0288,
//! XEP-0198).

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
