//! When sessions end and wills are due, by client.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::client::Key;

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
