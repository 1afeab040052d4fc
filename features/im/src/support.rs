//! What several features need: storage errors as stanza errors, caches, locks by account.

use std::hash::BuildHasher;

use nightjar_base::iq::IqRequest;
use nightjar_config::Options;
use nightjar_config::access::{AccessRef, Who};
use nightjar_jid::Jid;
use nightjar_store::StoreError;
use nightjar_xmpp::StanzaError;
use tokio::sync::{Mutex, MutexGuard};

/// The stanza error for a failed storage call; the cause goes to the log.
pub fn storage_error(error: &StoreError) -> StanzaError {
    tracing::warn!(%error, "storage failed");
    match error {
        StoreError::Busy | StoreError::Timeout | StoreError::Unavailable | StoreError::Full => {
            StanzaError::resource_constraint().with_text("The database is not available, try again later")
        }
        _ => StanzaError::internal_server_error(),
    }
}

/// Whether an access rule of the host allows whoever sent the request.
pub fn may(request: &IqRequest, rule: &AccessRef) -> bool {
    let who = Who::jid(&request.from);
    let who = request.ip.map_or(who, |ip| who.with_ip(ip));
    request.host.config().access.allows(rule, &who)
}

/// Whether whoever sent the request sees the presence of the account it asks about; only they may learn more of it
/// (XEP-0012 §4, XEP-0030 §8).
pub async fn may_see(request: &IqRequest) -> bool {
    let Some(roster) = request.host.contacts() else { return false };
    roster.list(&request.to).await.is_ok_and(|contacts| contacts.subscription(&request.from).is_from())
}

/// Entries a module's cache may hold; 0 when `use_cache` is off.
pub fn cache_size(options: &Options) -> usize {
    if !options.bool("use_cache") {
        return 0;
    }
    let size = options.limit("cache_size").unwrap_or(u64::MAX);
    usize::try_from(size.min(CACHE_ENTRIES_MAX)).unwrap_or(usize::MAX)
}

/// What "infinity" means for a cache: a bound no real server reaches.
const CACHE_ENTRIES_MAX: u64 = 10_000_000;

/// Locks shared by accounts: two changes of one account never overlap, and the table of locks never grows.
pub struct AccountLocks {
    locks: Vec<Mutex<()>>,
    hasher: std::hash::RandomState,
}

impl Default for AccountLocks {
    fn default() -> Self {
        Self { locks: (0..64).map(|_| Mutex::default()).collect(), hasher: std::hash::RandomState::new() }
    }
}

impl AccountLocks {
    /// Waits until nobody else changes the account.
    pub async fn lock(&self, account: &Jid) -> MutexGuard<'_, ()> {
        let at = self.hasher.hash_one(account.bare_str()) as usize % self.locks.len();
        self.locks[at].lock().await
    }
}
