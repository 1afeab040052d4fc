//! When to try to connect again.

use std::time::Duration;

use tokio::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Doubles the pause after each failure, up to a limit; time is passed in.
#[derive(Debug)]
pub struct Backoff {
    limit: Duration,
    pause: Duration,
    retry_at: Option<Instant>,
}

impl Backoff {
    pub fn new(limit: Duration) -> Backoff {
        Backoff { limit: limit.max(FIRST_PAUSE), pause: FIRST_PAUSE, retry_at: None }
    }

    /// Whether an attempt may be made now.
    pub fn ready(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| now >= at)
    }

    pub fn failed(&mut self, now: Instant) {
        self.retry_at = Some(now + self.pause);
        self.pause = (self.pause * 2).min(self.limit);
    }

    pub fn succeeded(&mut self) {
        self.retry_at = None;
        self.pause = FIRST_PAUSE;
    }
}
