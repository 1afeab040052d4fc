//! How long a broker that can't be reached is left alone: twice as long after each failure, and never all of us at once.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(60);
/// A connection that held this long counts as a success: one that is closed at once doesn't.
const HELD: Duration = Duration::from_secs(30);

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff(u32);

impl Backoff {
    /// The pause after a connection that held for `held`: between half of the delay and all of it, as `chance` decides.
    pub fn pause(&mut self, held: Duration, chance: u64) -> Duration {
        if held >= HELD {
            self.0 = 0;
        }
        let delay = FIRST.saturating_mul(1_u32 << self.0.min(16)).min(MAX);
        self.0 = self.0.saturating_add(1);
        let half = delay / 2;
        let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
        half + Duration::from_micros(chance % micros.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let mut backoff = Backoff::default();
        let longest = |seconds: u64| seconds * 1_000_000 / 2;
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = backoff.pause(Duration::ZERO, longest(seconds));
            assert_eq!(pause, Duration::from_secs(seconds));
        }
        assert_eq!(backoff.pause(Duration::from_secs(29), 0), Duration::from_secs(30));
        assert_eq!(backoff.pause(Duration::from_secs(30), 0), Duration::from_millis(500));
        assert_eq!(backoff.pause(Duration::ZERO, 0), Duration::from_secs(1));
    }
}
