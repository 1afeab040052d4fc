use std::time::Duration;

use super::*;

fn cache(life_time: Option<Duration>, missed: bool) -> CredentialCache {
    CredentialCache::new(&CacheOptions { size: Some(100), life_time, missed })
}

fn somebody() -> Known {
    Some(Arc::default())
}

#[test]
fn entries_age() {
    let cache = cache(Some(Duration::from_micros(10)), true);
    cache.remember("juliet", somebody(), cache.ticket(), 100);
    for (now, found) in [(100, true), (109, true), (110, false), (99, false)] {
        assert_eq!(cache.get("juliet", now).is_some(), found, "{now}");
    }
    let forever = self::cache(None, true);
    forever.remember("juliet", somebody(), forever.ticket(), 0);
    assert!(forever.get("juliet", i64::MAX).is_some());
}

#[test]
fn absence_is_remembered_on_demand() {
    for missed in [true, false] {
        let cache = cache(None, missed);
        cache.remember("nobody", None, cache.ticket(), 0);
        assert_eq!(cache.get("nobody", 0).is_some(), missed);
    }
}

/// An answer read before a change and remembered after it would let the old password in.
#[test]
fn an_answer_from_before_a_change_is_not_kept() {
    let forgets: [fn(&CredentialCache); 3] =
        [|cache| cache.forget("juliet"), |cache| cache.forget("romeo"), CredentialCache::forget_all];
    for forget in forgets {
        let cache = cache(None, true);
        let ticket = cache.ticket();
        forget(&cache);
        cache.remember("juliet", somebody(), ticket, 0);
        assert!(cache.get("juliet", 0).is_none());
        cache.remember("juliet", somebody(), cache.ticket(), 0);
        assert!(cache.get("juliet", 0).is_some());
        cache.forget("juliet");
        assert!(cache.get("juliet", 0).is_none());
    }
}
