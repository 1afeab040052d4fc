//! How a busy worker reads.

use std::time::Duration;

/// How long packets gather before a busy worker reads again: a small part of what a call's packets wait on their way,
/// and enough for many of them to share the cost of a wake.
const PAUSE: Duration = Duration::from_micros(100);
/// Packets a millisecond that make a worker busy: three for each pause. One that has less to do reads at once.
const BUSY: usize = 32;
/// Microseconds after which it is judged anew.
const WINDOW: u64 = 1_000;

/// What a worker did lately. Times are in microseconds.
#[derive(Default)]
pub(super) struct Pace {
    since: u64,
    packets: usize,
    is_busy: bool,
}

impl Pace {
    /// Whether to wait before reading again, after `packets` were read at `now`.
    pub(super) fn pause(&mut self, now: u64, packets: usize) -> Option<Duration> {
        self.packets += packets;
        let passed = now.saturating_sub(self.since);
        if passed >= WINDOW {
            self.is_busy = (self.packets as u64).saturating_mul(WINDOW) >= passed.saturating_mul(BUSY as u64);
            (self.since, self.packets) = (now, 0);
        }
        self.is_busy.then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests;
