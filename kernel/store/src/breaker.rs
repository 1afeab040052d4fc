//! A circuit breaker: after some failures in a row calls are refused for a while, then one call tries.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Whether calls get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// All do.
    Closed,
    /// None does.
    Open,
    /// One does, to try.
    HalfOpen,
}

/// Counts failures in a row; time is passed in.
#[derive(Debug)]
pub struct Breaker {
    threshold: u32,
    pause: Duration,
    // Zero while all is well: the usual path reads this and nothing else.
    failures: AtomicU32,
    trial: Mutex<Trial>,
}

#[derive(Debug, Default)]
struct Trial {
    opened: Option<Instant>,
    started: Option<Instant>,
}

impl Breaker {
    /// Opens after `threshold` failures in a row and lets a trial through every `pause`.
    pub fn new(threshold: u32, pause: Duration) -> Breaker {
        Breaker { threshold: threshold.max(1), pause, failures: AtomicU32::new(0), trial: Mutex::default() }
    }

    /// Whether a call may be made now. In the half-open state exactly one is, until it reports or `pause` passed.
    pub fn allow(&self, now: impl FnOnce() -> Instant) -> bool {
        if self.failures.load(Ordering::Acquire) < self.threshold {
            return true;
        }
        let now = now();
        let mut trial = self.trial.lock();
        let since = trial.started.or(trial.opened);
        if since.is_some_and(|since| now.saturating_duration_since(since) < self.pause) {
            return false;
        }
        trial.started = Some(now);
        true
    }

    /// A call got an answer; returns whether calls before it had got none.
    pub fn success(&self) -> bool {
        if self.failures.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut trial = self.trial.lock();
        *trial = Trial::default();
        self.failures.store(0, Ordering::Release);
        true
    }

    /// A call got none.
    pub fn failure(&self, now: Instant) {
        let mut trial = self.trial.lock();
        let failures = self.failures.load(Ordering::Acquire).saturating_add(1);
        self.failures.store(failures, Ordering::Release);
        if failures >= self.threshold {
            *trial = Trial { opened: Some(now), started: None };
        }
    }

    pub fn state(&self) -> BreakerState {
        if self.failures.load(Ordering::Acquire) < self.threshold {
            BreakerState::Closed
        } else if self.trial.lock().started.is_some() {
            BreakerState::HalfOpen
        } else {
            BreakerState::Open
        }
    }
}
