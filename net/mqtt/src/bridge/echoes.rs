//! What was sent to a broker that would send it back: before MQTT 5 a subscriber gets its own messages too.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

const MAX: usize = 1000;
/// Milliseconds after which nothing is expected any more.
const WITHIN: u64 = 10_000;

/// Messages that are expected back, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Echoes(VecDeque<(u64, u64)>);

impl Echoes {
    /// Notes a message that was sent.
    pub fn expect(&mut self, topic: &[u8], payload: &[u8], now: u64) {
        if self.0.len() >= MAX {
            self.0.pop_front();
        }
        self.0.push_back((hash(topic, payload), now));
    }

    /// Whether a message is one of those. Each is taken for an echo once, so that of equal messages none is lost.
    pub fn take(&mut self, topic: &[u8], payload: &[u8], now: u64) -> bool {
        while self.0.front().is_some_and(|(_, at)| at.saturating_add(WITHIN) < now) {
            self.0.pop_front();
        }
        if self.0.is_empty() {
            return false;
        }
        let wanted = hash(topic, payload);
        let at = self.0.iter().position(|(hash, _)| *hash == wanted);
        at.and_then(|at| self.0.remove(at)).is_some()
    }

    /// Nothing comes back from a connection that is over.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn hash(topic: &[u8], payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (topic, payload).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_taken_once_and_in_time() {
        let mut echoes = Echoes::default();
        echoes.expect(b"a", b"1", 0);
        assert!(!echoes.take(b"a", b"2", 1));
        assert!(!echoes.take(b"b", b"1", 1));
        assert!(echoes.take(b"a", b"1", 1));
        assert!(!echoes.take(b"a", b"1", 1));
        echoes.expect(b"a", b"1", 0);
        assert!(!echoes.take(b"a", b"1", WITHIN + 1));
    }

    #[test]
    fn they_are_bounded() {
        let mut echoes = Echoes::default();
        (0..=MAX).for_each(|number| echoes.expect(b"a", &number.to_be_bytes(), 0));
        assert!(!echoes.take(b"a", &0_usize.to_be_bytes(), 0));
        assert!(echoes.take(b"a", &1_usize.to_be_bytes(), 0));
        assert_eq!(echoes.0.len(), MAX - 1);
    }
}
