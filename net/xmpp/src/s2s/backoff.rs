//! How long a server that can't be reached is left alone: twice as long after each failure, and never all of us at once.

use std::time::Duration;

/// The delay after the first failure.
const FIRST: Duration = Duration::from_secs(1);

/// The failures in a row of one link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    failures: u32,
    until: Duration,
}

impl Backoff {
    /// Notes a failure at `now`. The link is left alone for half of the delay at least, and for `max` at most
    /// (`s2s_max_retry_delay`); `chance` decides where between.
    pub fn failed(&mut self, now: Duration, max: Duration, chance: u64) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures.min(31)).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let delay = FIRST.saturating_mul(doubled).min(max);
        let half = delay / 2;
        let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
        let jittered = half.saturating_add(Duration::from_micros(chance % micros.saturating_add(1)));
        self.until = now.saturating_add(jittered);
        jittered
    }

    /// How long the link is still to be left alone.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let left = self.until.checked_sub(now).filter(|left| !left.is_zero());
        left.filter(|_| self.failures > 0)
    }

    /// Whether nothing need be remembered any more: it could have been tried again for as long as the longest delay.
    pub fn is_forgotten(&self, now: Duration, max: Duration) -> bool {
        self.failures == 0 || self.until.saturating_add(max) <= now
    }
}

#[cfg(test)]
mod tests;
