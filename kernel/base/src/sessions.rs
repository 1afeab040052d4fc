//! Which resources of which accounts are connected here.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use hashbrown::HashTable;
use nightjar_jid::Jid;
use parking_lot::RwLock;
use smallvec::SmallVec;

use crate::session::Session;

/// The resources of one account, oldest first.
pub type Resources = SmallVec<[Arc<Session>; 2]>;

struct Account {
    bare: Jid,
    resources: SmallVec<[Arc<Session>; 1]>,
}

/// The table of sessions, sharded so that senders on different cores seldom meet.
pub struct Sessions {
    shards: Vec<RwLock<HashTable<Account>>>,
    hasher: foldhash::fast::RandomState,
    count: AtomicUsize,
    next_id: AtomicU64,
}

const SHARDS: usize = 64;

impl Default for Sessions {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: foldhash::fast::RandomState::default(),
            count: AtomicUsize::new(0),
            next_id: AtomicU64::new(1),
        }
    }
}

impl Sessions {
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn shard(&self, bare: &str) -> (u64, &RwLock<HashTable<Account>>) {
        let hash = self.hasher.hash_one(bare);
        // The table uses the low and the topmost bits; the shard is chosen by bits in between.
        (hash, &self.shards[(hash >> 40) as usize % SHARDS])
    }

    /// Adds a session; returns the ones with the same resource, which it replaces and which are no longer found.
    pub(crate) fn insert(&self, session: &Arc<Session>) -> Resources {
        let bare = session.jid.bare_str();
        let (hash, shard) = self.shard(bare);
        let mut table = shard.write();
        let entry = table.entry(
            hash,
            |account| account.bare.as_str() == bare,
            |account| self.hasher.hash_one(account.bare.as_str()),
        );
        let mut entry = entry
            .or_insert_with(|| Account { bare: session.jid.bare().detach(), resources: SmallVec::new() });
        let account = entry.get_mut();
        let mut replaced = Resources::new();
        account.resources.retain(|other| {
            let same = other.jid == session.jid;
            if same {
                replaced.push(Arc::clone(other));
            }
            !same
        });
        account.resources.push(Arc::clone(session));
        self.count.fetch_add(1, Ordering::Relaxed);
        self.count.fetch_sub(replaced.len(), Ordering::Relaxed);
        replaced
    }

    /// Removes a session; false if it was replaced or removed before.
    pub(crate) fn remove(&self, session: &Session) -> bool {
        let bare = session.jid.bare_str();
        let (hash, shard) = self.shard(bare);
        let mut table = shard.write();
        let Ok(mut entry) = table.find_entry(hash, |account| account.bare.as_str() == bare) else {
            return false;
        };
        let resources = &mut entry.get_mut().resources;
        let before = resources.len();
        resources.retain(|other| other.id != session.id);
        let removed = resources.len() < before;
        if resources.is_empty() {
            entry.remove();
        }
        if removed {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        removed
    }

    /// All resources of a bare address, oldest first.
    pub fn resources(&self, account: &Jid) -> Resources {
        let bare = account.bare_str();
        let (hash, shard) = self.shard(bare);
        let table = shard.read();
        table
            .find(hash, |entry| entry.bare.as_str() == bare)
            .map(|entry| entry.resources.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The session with this full address.
    pub fn find(&self, full: &Jid) -> Option<Arc<Session>> {
        let bare = full.bare_str();
        let (hash, shard) = self.shard(bare);
        let table = shard.read();
        let account = table.find(hash, |entry| entry.bare.as_str() == bare)?;
        account.resources.iter().find(|session| session.jid == *full).cloned()
    }

    /// How many sessions there are.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Every session that `wanted` accepts, in no order.
    pub fn collect(&self, wanted: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let table = shard.read();
            let all = table.iter().flat_map(|account| account.resources.iter());
            found.extend(all.filter(|session| wanted(session)).cloned());
        }
        found
    }

    /// The sessions of one host, in no order.
    pub fn of_host(&self, host: &str) -> Vec<Arc<Session>> {
        self.collect(|session| session.jid.domain() == host)
    }
}
