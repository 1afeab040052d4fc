//! How a busy worker reads.

use std::time::Duration;

/// How long packets gather before a busy worker reads again: a small part of what a call's packets wait on their way,
/// and enough for many of them to share the cost of a wake.
const PAUSE: Duration = Duration::from_micros(100);
/// A worker that had to wait no longer than this for something to do is busy.
const SHORT: Duration = Duration::from_micros(50);
/// So many times in a row, that is: packets that happen to follow each other closely aren't much to do yet.
const TIMES: u32 = 2;
/// So many where pauses were in vain: whoever sends waits for an answer first.
const TIMES_IN_VAIN: u32 = 8;
/// Pauses in a row in which hardly anything came.
const IN_VAIN: u32 = 4;
/// Packets that make a pause worth its while.
const WORTH: usize = 2;

/// How long a worker had to wait lately, and what its pauses were good for.
#[derive(Default)]
pub(super) struct Pace {
    short_waits: u32,
    has_paused: bool,
    in_vain: u32,
}

impl Pace {
    /// Whether to pause before reading again, after packets were read for which the worker had waited so long.
    pub(super) fn pause(&mut self, waited: Duration, packets: usize) -> Option<Duration> {
        self.short_waits = if waited <= SHORT { self.short_waits.saturating_add(1) } else { 0 };
        if std::mem::take(&mut self.has_paused) {
            self.in_vain = if packets < WORTH { self.in_vain.saturating_add(1) } else { 0 };
            if self.in_vain >= IN_VAIN {
                self.short_waits = 0;
            }
        }
        let times = if self.in_vain >= IN_VAIN { TIMES_IN_VAIN } else { TIMES };
        self.has_paused = self.short_waits >= times;
        self.has_paused.then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests;
