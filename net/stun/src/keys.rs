//! Keys of accounts that were looked up lately: who opens one relay mostly opens another, and each look-up is a journey to
//! the database and back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nightjar_base::Host;
use nightjar_base::guard::Guard;
use nightjar_base::hooks::{AccountRemoved, Flow, On, Outcome, PasswordChanged, Stage};
use nightjar_stun::credential::{Algorithm, Key};
use parking_lot::Mutex;

/// How long a key is taken for true that wasn't looked up again. A password that is changed here counts at once; this is
/// for those that are changed behind our back, in the database.
const LIFETIME: Duration = Duration::from_secs(10);
/// Keys that are kept.
const MAX: usize = 4_096;

/// The keys of one realm.
#[derive(Default)]
pub(crate) struct Keys(Mutex<Known>);

#[derive(Default)]
struct Known {
    keys: HashMap<String, [Option<(Key, Duration)>; 2]>,
    /// Counts what was forgotten: a key that was looked up before isn't kept after.
    generation: u64,
}

/// As long as this lives, a host's changed passwords are forgotten.
pub(crate) struct Heard {
    host: Arc<Host>,
    _guards: [Guard; 2],
}

impl Keys {
    /// The key of an account, if it was looked up lately. `now` is of the monotonic clock.
    pub(crate) fn find(&self, user: &str, algorithm: Algorithm, now: Duration) -> Option<Key> {
        let known = self.0.lock();
        let (key, since) = known.keys.get(user)?.get(place(algorithm))?.as_ref()?;
        (now.saturating_sub(*since) < LIFETIME).then(|| key.clone())
    }

    /// To be taken before a key is looked up that is to be kept.
    pub(crate) fn generation(&self) -> u64 {
        self.0.lock().generation
    }

    /// Keeps a key, unless something was forgotten since it was looked up.
    pub(crate) fn keep(&self, generation: u64, user: &str, algorithm: Algorithm, key: Key, now: Duration) {
        let mut known = self.0.lock();
        if known.generation != generation {
            return;
        }
        if known.keys.len() >= MAX && !known.keys.contains_key(user) {
            known.keys.clear();
        }
        let keys = known.keys.entry(user.to_owned()).or_default();
        if let Some(place) = keys.get_mut(place(algorithm)) {
            *place = Some((key, now));
        }
    }

    /// Forgets all.
    pub(crate) fn forget(&self) {
        let mut known = self.0.lock();
        known.generation += 1;
        known.keys.clear();
    }

    /// Forgets when a host's passwords change.
    pub(crate) fn hear(self: &Arc<Self>, host: &Arc<Host>) -> Heard {
        let guards = [
            host.hooks.password_changed.add(Stage::Record, Arc::clone(self) as Arc<dyn On<PasswordChanged>>),
            host.hooks.account_removed.add(Stage::Record, Arc::clone(self) as Arc<dyn On<AccountRemoved>>),
        ];
        Heard { host: Arc::clone(host), _guards: guards }
    }
}

impl Heard {
    pub(crate) fn is_of(&self, host: &Arc<Host>) -> bool {
        Arc::ptr_eq(&self.host, host)
    }
}

impl On<PasswordChanged> for Keys {
    fn on<'a>(&'a self, _: &'a mut PasswordChanged) -> Outcome<'a> {
        self.forget();
        Outcome::Now(Flow::Continue)
    }
}

impl On<AccountRemoved> for Keys {
    fn on<'a>(&'a self, _: &'a mut AccountRemoved) -> Outcome<'a> {
        self.forget();
        Outcome::Now(Flow::Continue)
    }
}

fn place(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Md5 => 0,
        Algorithm::Sha256 => 1,
    }
}

#[cfg(test)]
mod tests;
