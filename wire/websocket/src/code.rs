//! Why a connection ends, as close frames say it (§7.4).

/// A status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u16);

impl Code {
    /// All was said.
    pub const NORMAL: Self = Self(1000);
    /// The server stops, or the client doesn't answer any more.
    pub const GOING_AWAY: Self = Self(1001);
    /// What came is no WebSocket.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// Messages of this kind aren't taken.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Text that isn't UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// What was said isn't wanted here, for no reason that has a code of its own.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message over the limit.
    pub const TOO_LARGE: Self = Self(1009);
    /// The server's own fault.
    pub const INTERNAL_ERROR: Self = Self(1011);

    /// Whether a frame may hold it: 1004 to 1006 and 1015 only stand for what no frame has said (§7.4.1), and the numbers
    /// beside the registered ones belong to nobody (§7.4.2).
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl core::fmt::Display for Code {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What is wrong with what the peer sent: the code to close with, and words for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} ({code})")]
pub struct Fault {
    /// What the close frame says.
    pub code: Code,
    /// What was wrong, in words.
    pub detail: &'static str,
}

impl Fault {
    pub(crate) const fn new(code: Code, detail: &'static str) -> Self {
        Self { code, detail }
    }

    pub(crate) const fn protocol(detail: &'static str) -> Self {
        Self::new(Code::PROTOCOL_ERROR, detail)
    }
}
