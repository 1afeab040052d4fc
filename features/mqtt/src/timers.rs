//! When sessions end and wills are due, by client.

use std::collections::BTreeSet;

use nightjar_mqtt::Will;
use parking_lot::Mutex;

use crate::client::Key;

/// Milliseconds for which a session is kept without a connection.
pub(crate) fn kept_ms(expiry: u32) -> u64 {
    if expiry == u32::MAX { u64::MAX } else { u64::from(expiry).saturating_mul(1000) }
}

/// Milliseconds that a will waits for its client to come back: no longer than the session is kept (§3.1.3.2.2).
pub(crate) fn will_delay_ms(will: &Will, kept_ms: u64) -> u64 {
    u64::from(will.delay_interval()).saturating_mul(1000).min(kept_ms)
}

/// What is to be looked at, and when. An entry may come too early: whoever is looked at is asked what is due.
#[derive(Default)]
pub(crate) struct Timers(Mutex<BTreeSet<(u64, Key)>>);

impl Timers {
    pub(crate) fn set(&self, at: u64, key: Key) {
        if at != u64::MAX {
            self.0.lock().insert((at, key));
        }
    }

    /// Takes those whose time has come.
    pub(crate) fn due(&self, now: u64) -> Vec<Key> {
        let mut timers = self.0.lock();
        let mut due = Vec::new();
        while timers.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(timers.pop_first().map(|(_, key)| key));
        }
        due
    }
}
