//! Attempts to get in: who connects is asked about, and who authenticates is told of, whatever the protocol.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nightjar_text::Text;

use crate::hooks::{AuthenticationResult, ConnectionOpening};
use crate::host::Host;

/// What somebody tries to get in through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// XMPP clients.
    C2s,
    /// HTTP: the API, Web Admin.
    Http,
    /// The control socket (`ctl --auth`).
    Ctl,
    /// MQTT clients.
    Mqtt,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Protocol; 4] = [Protocol::C2s, Protocol::Http, Protocol::Ctl, Protocol::Mqtt];

    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::C2s => "c2s",
            Protocol::Http => "http",
            Protocol::Ctl => "ctl",
            Protocol::Mqtt => "mqtt",
        }
    }
}

/// How an attempt to authenticate ended.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// From where; none for UNIX sockets, whose users the file system has let in.
    pub ip: Option<IpAddr>,
    /// Through what.
    pub protocol: Protocol,
    /// The account claimed, without its host; empty if it didn't get that far.
    pub user: Text,
    /// Whether the password, key or token was right.
    pub success: bool,
}

/// How many attempts to authenticate there were at a host.
#[derive(Debug, Default)]
pub struct AttemptCounts {
    // For each protocol: successes, failures.
    counts: [[AtomicU64; 2]; Protocol::ALL.len()],
}

impl AttemptCounts {
    fn add(&self, attempt: &Attempt) {
        let counts = self.counts.get(attempt.protocol as usize);
        if let Some(count) = counts.and_then(|counts| counts.get(usize::from(!attempt.success))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Successes and failures.
    pub fn of(&self, protocol: Protocol) -> (u64, u64) {
        let counts = self.counts.get(protocol as usize);
        counts.map_or((0, 0), |[succeeded, failed]| {
            (succeeded.load(Ordering::Relaxed), failed.load(Ordering::Relaxed))
        })
    }
}

impl Host {
    /// Asks whether an address may open a connection to this host, before anything else is said to it.
    ///
    /// # Errors
    /// The sentence to refuse it with (`policy-violation`, 403).
    pub async fn may_connect(self: &Arc<Self>, ip: Option<IpAddr>, protocol: Protocol) -> Result<(), Text> {
        let mut event = ConnectionOpening { host: Arc::clone(self), ip, protocol, refusal: None };
        self.hooks.connection_opening.run(&mut event).await;
        event.refusal.map_or(Ok(()), Err)
    }

    /// Tells how an attempt to authenticate ended.
    ///
    /// # Errors
    /// The sentence to end the connection with (`policy-violation`, 403).
    pub async fn attempted(self: &Arc<Self>, attempt: Attempt) -> Result<(), Text> {
        self.attempts.add(&attempt);
        let mut event = AuthenticationResult { host: Arc::clone(self), attempt, refusal: None };
        self.hooks.authentication_result.run(&mut event).await;
        event.refusal.map_or(Ok(()), Err)
    }
}
