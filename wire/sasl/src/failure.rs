use std::fmt;

use nightjar_text::Text;

/// The error conditions of RFC 6120 §6.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    Aborted,
    AccountDisabled,
    CredentialsExpired,
    EncryptionRequired,
    IncorrectEncoding,
    InvalidAuthzid,
    InvalidMechanism,
    MalformedRequest,
    MechanismTooWeak,
    NotAuthorized,
    TemporaryAuthFailure,
}

impl Condition {
    /// Name of the element inside `<failure/>`.
    pub fn name(self) -> &'static str {
        match self {
            Condition::Aborted => "aborted",
            Condition::AccountDisabled => "account-disabled",
            Condition::CredentialsExpired => "credentials-expired",
            Condition::EncryptionRequired => "encryption-required",
            Condition::IncorrectEncoding => "incorrect-encoding",
            Condition::InvalidAuthzid => "invalid-authzid",
            Condition::InvalidMechanism => "invalid-mechanism",
            Condition::MalformedRequest => "malformed-request",
            Condition::MechanismTooWeak => "mechanism-too-weak",
            Condition::NotAuthorized => "not-authorized",
            Condition::TemporaryAuthFailure => "temporary-auth-failure",
        }
    }
}

/// Why an exchange ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaslFailure {
    pub condition: Condition,
    /// For the log, never for the client: it may tell an unknown account from a wrong password.
    pub reason: &'static str,
    /// For the client, as `<text/>`.
    pub text: Option<Text>,
}

impl SaslFailure {
    pub const fn new(condition: Condition, reason: &'static str) -> SaslFailure {
        SaslFailure { condition, reason, text: None }
    }

    pub fn with_text(condition: Condition, reason: &'static str, text: &str) -> SaslFailure {
        SaslFailure { condition, reason, text: Some(Text::new(text)) }
    }

    pub const fn not_authorized(reason: &'static str) -> SaslFailure {
        SaslFailure::new(Condition::NotAuthorized, reason)
    }

    pub const fn malformed(reason: &'static str) -> SaslFailure {
        SaslFailure::new(Condition::MalformedRequest, reason)
    }

    /// The lookup did not work (database away, time limit): the client may try again later.
    pub const fn temporary(reason: &'static str) -> SaslFailure {
        SaslFailure::new(Condition::TemporaryAuthFailure, reason)
    }

    /// The client sent `<abort/>` (RFC 6120 §6.4.4).
    pub const fn aborted() -> SaslFailure {
        SaslFailure::new(Condition::Aborted, "aborted by the client")
    }

    /// What the client sent is not base64 (RFC 6120 §6.5.5).
    pub const fn incorrect_encoding() -> SaslFailure {
        SaslFailure::new(Condition::IncorrectEncoding, "not base64")
    }
}

impl fmt::Display for SaslFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.condition.name(), self.reason)
    }
}

impl std::error::Error for SaslFailure {}
