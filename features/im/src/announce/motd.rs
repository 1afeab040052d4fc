//! The message of the day with what is cached of it.

use nightjar_config::Options;
use nightjar_store::{Store, StoreError};
use nightjar_text::Text;
use nightjar_xmpp::Stanza;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use std::time::Duration;

use super::storage;
use crate::support::cache_size;

/// The message as it was last read; `None` inside: there is none.
struct Cached {
    message: Option<Stanza>,
    loaded: Duration,
}

/// The message of the day of one host.
pub(super) struct Motd {
    use_cache: bool,
    cache_missed: bool,
    life: Option<Duration>,
    message: Mutex<Option<Cached>>,
    /// Accounts that are known to have got it.
    served: Cache<Text, ()>,
}

impl Motd {
    pub fn new(options: &Options) -> Self {
        let size = cache_size(options);
        Self {
            use_cache: size > 0,
            cache_missed: options.bool("cache_missed"),
            life: options.duration("cache_life_time"),
            message: Mutex::default(),
            served: Cache::new(size),
        }
    }

    /// Whether it isn't known at once that the account needs nothing.
    pub fn may_be_due(&self, user: &str) -> bool {
        !(self.use_cache && self.served.get(user).is_some())
    }

    /// The message; `now` is the monotonic clock.
    pub async fn get(&self, store: &Store, now: Duration) -> Result<Option<Stanza>, StoreError> {
        if let Some(cached) = self.message.lock().as_ref() {
            let age = now.saturating_sub(cached.loaded);
            if self.life.is_none_or(|life| age < life) {
                return Ok(cached.message.clone());
            }
        }
        let message = storage::get(store).await?;
        if self.use_cache && (message.is_some() || self.cache_missed) {
            *self.message.lock() = Some(Cached { message: message.clone(), loaded: now });
        }
        Ok(message)
    }

    /// Makes this the message.
    pub async fn set(&self, store: &Store, message: &Stanza) -> Result<(), StoreError> {
        let written = storage::put(store, message).await;
        self.clear();
        written
    }

    /// Deletes it.
    pub async fn delete(&self, store: &Store) -> Result<(), StoreError> {
        let written = storage::delete(store).await;
        self.clear();
        written
    }

    /// Notes that an account gets it now; false if it got it before. Of two callers at the same time one gets true.
    pub async fn claim(&self, store: &Store, user: &str) -> Result<bool, StoreError> {
        let is_new = storage::mark(store, user).await?;
        if self.use_cache {
            self.served.insert(Text::new(user), ());
        }
        Ok(is_new)
    }

    /// Notes that these accounts got it.
    pub async fn mark_all(&self, store: &Store, users: &[Text]) -> Result<(), StoreError> {
        storage::mark_all(store, users).await
    }

    /// Forgets whether an account got it.
    pub async fn forget(&self, store: &Store, user: &str) -> Result<(), StoreError> {
        self.served.remove(user);
        storage::forget(store, user).await
    }

    fn clear(&self) {
        *self.message.lock() = None;
        self.served.clear();
    }
}
