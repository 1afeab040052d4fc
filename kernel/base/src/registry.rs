//! A list whose entries vanish when their guard is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::guard::Guard;

/// Entries in order of registration.
pub struct Registry<T> {
    entries: ArcSwap<Vec<(u64, Arc<T>)>>,
    next: AtomicU64,
    /// How often entries were added or removed.
    changes: watch::Sender<u64>,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self {
            entries: ArcSwap::from_pointee(Vec::new()),
            next: AtomicU64::new(0),
            changes: watch::Sender::new(0),
        }
    }
}

impl<T: Send + Sync + 'static> Registry<T> {
    /// Adds an entry; dropping the guard removes it.
    pub fn add(self: &Arc<Self>, entry: T) -> Guard {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(entry);
        self.entries.rcu(|old| {
            let mut all = Vec::clone(old);
            all.push((number, Arc::clone(&entry)));
            all
        });
        self.changes.send_modify(|changes| *changes += 1);
        let registry = Arc::clone(self);
        Guard::new(move || {
            registry.entries.rcu(|old| {
                let mut all = Vec::clone(old);
                all.retain(|(other, _)| *other != number);
                all
            });
            registry.changes.send_modify(|changes| *changes += 1);
        })
    }

    /// Learns of every addition and removal from now on.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The entries now.
    pub fn all(&self) -> Vec<Arc<T>> {
        self.entries.load().iter().map(|(_, entry)| Arc::clone(entry)).collect()
    }

    /// The newest entry that `wanted` accepts.
    pub fn find(&self, wanted: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let entries = self.entries.load();
        entries.iter().rev().find(|(_, entry)| wanted(entry)).map(|(_, entry)| Arc::clone(entry))
    }
}
