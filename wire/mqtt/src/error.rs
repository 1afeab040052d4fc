//! What is wrong with what a peer sent.

use crate::Reason;

/// A fault of the peer that ends the connection: the code that DISCONNECT or CONNACK names, and words for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} ({reason})")]
pub struct Error {
    /// What MQTT 5 calls it.
    pub reason: Reason,
    /// What was wrong, in words.
    pub detail: &'static str,
}

impl Error {
    pub(crate) const fn malformed(detail: &'static str) -> Self {
        Self { reason: Reason::MALFORMED_PACKET, detail }
    }

    pub(crate) const fn protocol(detail: &'static str) -> Self {
        Self { reason: Reason::PROTOCOL_ERROR, detail }
    }

    pub(crate) const fn new(reason: Reason, detail: &'static str) -> Self {
        Self { reason, detail }
    }
}
