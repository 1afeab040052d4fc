//! A cache with the options that every module with a table has.

use std::time::Duration;

use nightjar_base::context::Clock;
use nightjar_config::Options;
use nightjar_text::Text;
use quick_cache::sync::Cache;

use crate::support::cache_size;

/// Values by bare address or another short text; holds nothing when `use_cache` is off.
pub(crate) struct AccountCache<T> {
    cache: Option<Cache<Text, (T, Duration)>>,
    life: Option<Duration>,
    missed: bool,
}

impl<T: Clone> AccountCache<T> {
    pub(crate) fn new(options: &Options) -> AccountCache<T> {
        let size = cache_size(options);
        AccountCache {
            cache: (size > 0).then(|| Cache::new(size)),
            life: options.duration("cache_life_time"),
            missed: options.bool("cache_missed"),
        }
    }

    /// The value, unless it is too old.
    pub(crate) fn get(&self, key: &str, clock: &dyn Clock) -> Option<T> {
        let (value, since) = self.cache.as_ref()?.get(key)?;
        let is_fresh = self.life.is_none_or(|life| clock.monotonic().saturating_sub(since) < life);
        is_fresh.then_some(value)
    }

    /// Keeps a value; one that says that there is nothing only if `cache_missed` is on.
    pub(crate) fn put(&self, key: &str, value: T, is_missed: bool, clock: &dyn Clock) {
        let Some(cache) = &self.cache else { return };
        if is_missed && !self.missed {
            cache.remove(key);
        } else {
            cache.insert(Text::new(key), (value, clock.monotonic()));
        }
    }

    pub(crate) fn remove(&self, key: &str) {
        if let Some(cache) = &self.cache {
            cache.remove(key);
        }
    }
}
