#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nightjar_text::Text;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;

use crate::{CacheOptions, StoredCredentials};

/// What is known of an account: `None` that it does not exist.
pub(crate) type Known = Option<Arc<StoredCredentials>>;

/// Credentials read lately (`auth_use_cache`).
///
/// A read takes a [`Ticket`] before it asks the database and shows it when it remembers the answer: if anything was
/// forgotten in between, the answer may be from before that change and is not kept.
pub(crate) struct CredentialCache {
    entries: Cache<Text, Entry>,
    life_time_micros: Option<i64>,
    missed: bool,
    generation: AtomicU64,
}

#[derive(Clone)]
struct Entry {
    known: Known,
    read_at_micros: i64,
}

pub(crate) struct Ticket(u64);

impl CredentialCache {
    pub(crate) fn new(options: &CacheOptions) -> CredentialCache {
        let capacity = options.size.unwrap_or(u64::MAX / 2);
        let expected = usize::try_from(capacity.min(1000)).unwrap_or(1000);
        CredentialCache {
            entries: Cache::with_weighter(expected, capacity, UnitWeighter),
            life_time_micros: options
                .life_time
                .map(|time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX)),
            missed: options.missed,
            generation: AtomicU64::new(0),
        }
    }

    pub(crate) fn get(&self, user: &str, now_micros: i64) -> Option<Known> {
        let entry = self.entries.get(user)?;
        let age = now_micros.saturating_sub(entry.read_at_micros);
        // A clock set back must not make entries immortal.
        let fresh = self.life_time_micros.is_none_or(|life_time| (0..life_time).contains(&age));
        fresh.then_some(entry.known)
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.generation.load(Ordering::SeqCst))
    }

    pub(crate) fn remember(&self, user: &str, known: Known, ticket: Ticket, now_micros: i64) {
        let valid = || self.generation.load(Ordering::SeqCst) == ticket.0;
        if !valid() || (known.is_none() && !self.missed) {
            return;
        }
        self.entries.insert(Text::new(user), Entry { known, read_at_micros: now_micros });
        // Something may have been forgotten between the check and the insertion.
        if !valid() {
            self.entries.remove(user);
        }
    }

    /// Call it after the change was handed to the store, whose reads see it from then on.
    pub(crate) fn forget(&self, user: &str) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.entries.remove(user);
    }

    pub(crate) fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.entries.clear();
    }
}
