//! Traffic shaping of what a client sends: a bucket of bytes that refills steadily.

use std::time::Duration;

use nightjar_config::access::Rate;

/// A bucket. A client that empties it isn't read until it has refilled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shaper {
    rate: u64,
    burst: u64,
    /// Bytes available at `filled`; negative while the client is in debt.
    level: i64,
    filled: Duration,
}

impl Shaper {
    /// A full bucket.
    pub fn new(rate: Rate, now: Duration) -> Self {
        let burst = rate.burst.max(rate.rate).max(1);
        Self { rate: rate.rate.max(1), burst, level: signed(burst), filled: now }
    }

    /// Takes `bytes` out; returns until when nothing should be read, if there weren't enough.
    pub fn take(&mut self, bytes: usize, now: Duration) -> Option<Duration> {
        let elapsed = now.saturating_sub(self.filled);
        let gained = elapsed.as_micros().saturating_mul(u128::from(self.rate)) / 1_000_000;
        self.level =
            self.level.saturating_add(i64::try_from(gained).unwrap_or(i64::MAX)).min(signed(self.burst));
        self.filled = now;
        self.level = self.level.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
        if self.level >= 0 {
            return None;
        }
        let micros = self.level.unsigned_abs().saturating_mul(1_000_000) / self.rate;
        Some(now.saturating_add(Duration::from_micros(micros)))
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nightjar_config::access::Rate;

    use super::Shaper;

    #[test]
    fn a_burst_passes_and_a_debt_is_waited_for() {
        let mut shaper = Shaper::new(Rate { rate: 1000, burst: 5000 }, Duration::ZERO);
        assert_eq!(shaper.take(5000, Duration::ZERO), None);
        assert_eq!(shaper.take(500, Duration::ZERO), Some(Duration::from_millis(500)));
        assert_eq!(shaper.take(500, Duration::from_secs(1)), None);
        assert_eq!(shaper.take(0, Duration::from_secs(60)), None);
        assert_eq!(shaper.take(5001, Duration::from_secs(60)), Some(Duration::from_millis(60_001)));
    }
}
