//! What features tell the client stream's driver: plain options, found through [`Host::get`](crate::Host::get).
//!
//! A type that no feature provides means that the feature is off.

use std::time::Duration;

/// What becomes of messages that a client never acknowledged, once its session can't be resumed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// They are bounced to their senders.
    Never,
    /// They are kept as offline messages if the account has no other resource; bounced otherwise.
    IfOffline,
    /// They go to the account's other resources, or are kept as offline messages.
    Always,
}

/// Stream management (XEP-0198), as mod_stream_mgmt has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamManagementOptions {
    /// Stanzas that may wait for the client's acknowledgement before its session ends; none is no limit.
    pub max_ack_queue: Option<u64>,
    /// How long a session waits to be resumed if the client doesn't say; zero turns resumption off.
    pub resume_timeout: Duration,
    /// The longest wait a client may ask for (XEP-0198 §3).
    pub max_resume_timeout: Duration,
    /// How long an acknowledgement may take after it was requested; none is for ever.
    pub ack_timeout: Option<Duration>,
    /// Ended sessions whose last counter is remembered; none is no limit.
    pub cache_size: Option<u64>,
    /// How long the last counter of an ended session is remembered; none is for ever.
    pub cache_life_time: Option<Duration>,
    /// What becomes of unacknowledged messages.
    pub resend_on_timeout: Resend,
}

/// Upgrades of stored keys that are offered (XEP-0480), as mod_scram_upgrade has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScramUpgradeOptions {
    /// To SCRAM-SHA-256.
    pub sha256: bool,
    /// To SCRAM-SHA-512.
    pub sha512: bool,
}

/// Authentication before SASL (XEP-0078) is offered, as mod_legacy_auth has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyAuth;
