//! Who hides behind a hash (RFC 8489 §14.4): names that were given over XMPP, and accounts that are online. Whoever isn't
//! found is asked for its name as it is, so what is kept may have an end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_base::relay::GivenNames;
use nightjar_stun::credential::userhash;
use parking_lot::Mutex;

/// How long the list of accounts that are online is good.
const AGE: Duration = Duration::from_secs(10);
/// Hashes that are kept of either kind. A server with more sessions than this finds no accounts.
const MAX: usize = 32_768;

type Hash = [u8; 32];

/// The names of one realm by their hashes. Nothing is hashed before somebody hides.
#[derive(Default)]
pub(crate) struct Hidden(Mutex<Index>);

#[derive(Default)]
struct Index {
    realm: String,
    given: HashMap<Hash, Arc<str>>,
    /// The number of the first name that was given since.
    next: u64,
    online: HashMap<Hash, String>,
    looked: Option<Duration>,
}

impl Hidden {
    /// The name of whoever has this hash. It may take a few milliseconds.
    pub(crate) fn find(&self, kernel: &Kernel, realm: &str, hash: &Hash) -> Option<String> {
        let mut index = self.0.lock();
        if index.realm != realm {
            *index = Index { realm: realm.to_owned(), ..Index::default() };
        }
        index.hear_of_given(&kernel.shared::<GivenNames>());
        if let Some(name) = index.given.get(hash) {
            return Some(name.to_string());
        }
        let now = kernel.clock.monotonic();
        if index.looked.is_none_or(|looked| now.saturating_sub(looked) >= AGE) {
            index.looked = Some(now);
            index.online = accounts(kernel, realm).map(|user| (userhash(&user, realm), user)).collect();
        }
        index.online.get(hash).cloned()
    }
}

impl Index {
    fn hear_of_given(&mut self, names: &GivenNames) {
        if self.given.len() >= MAX {
            // Those that are remembered still are heard of again.
            self.given.clear();
            self.next = 0;
        }
        let (given, next) = names.since(self.next);
        self.given.extend(given.into_iter().map(|name| (userhash(&name, &self.realm), name)));
        self.next = next;
    }
}

/// Accounts whose passwords may be known: those of a host that stores them as they are.
fn accounts(kernel: &Kernel, realm: &str) -> impl Iterator<Item = String> + use<> {
    let stores_plain = kernel.host(realm).is_some_and(|host| {
        let format = kernel.config().host(&host.name).options.text("auth_password_format");
        format.as_str() == "plain"
    });
    let sessions = if stores_plain && kernel.sessions.count() <= MAX {
        kernel.sessions.of_host(realm)
    } else {
        Vec::new()
    };
    sessions.into_iter().filter_map(|session| session.jid.local().map(str::to_owned))
}

#[cfg(test)]
mod tests;
