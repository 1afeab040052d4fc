//! The table of links: one for each pair of domains.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;
use parking_lot::RwLock;

use super::link::Link;
use super::queue::{Bounds, Stock};

/// Links before those that are forgotten are looked for the first time.
const SWEEP_MIN: usize = 256;

type Table = HashMap<Text, Vec<Arc<Link>>, foldhash::fast::RandomState>;

/// The links, by the other server's domain.
#[derive(Debug)]
pub(super) struct Links {
    table: RwLock<Table>,
    count: AtomicUsize,
    /// The number of links at which the forgotten ones are looked for again.
    sweep_at: AtomicUsize,
    stock: Arc<Stock>,
}

impl Links {
    /// An empty table, whose queues hold `bytes_max` together.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            table: RwLock::default(),
            count: AtomicUsize::new(0),
            sweep_at: AtomicUsize::new(SWEEP_MIN),
            stock: Arc::new(Stock::new(bytes_max)),
        }
    }

    /// What the queues hold.
    pub fn stock(&self) -> &Arc<Stock> {
        &self.stock
    }

    /// The link of a pair, if there is one.
    pub fn find(&self, local: &str, remote: &str) -> Option<Arc<Link>> {
        let table = self.table.read();
        table.get(remote)?.iter().find(|link| link.local.as_str() == local).cloned()
    }

    /// The link of a pair, made now if there is none. `max` is the longest delay after a failure.
    pub fn get(&self, local: &Jid, remote: &Jid, bounds: Bounds, now: Duration, max: Duration) -> Arc<Link> {
        if self.count.load(Ordering::Relaxed) >= self.sweep_at.load(Ordering::Relaxed) {
            self.sweep(now, max);
        }
        let mut table = self.table.write();
        let links = table.entry(Text::new(remote.as_str())).or_default();
        if let Some(found) = links.iter().find(|link| link.local == *local) {
            return Arc::clone(found);
        }
        // Addresses of stanzas are slices of what was received.
        let made = Link::new(local.detach(), remote.detach(), bounds, Arc::clone(&self.stock));
        let link = Arc::new(made);
        links.push(Arc::clone(&link));
        links.shrink_to_fit();
        self.count.fetch_add(1, Ordering::Relaxed);
        link
    }

    /// Removes what nobody would miss; that is done again when the rest has doubled.
    fn sweep(&self, now: Duration, max: Duration) {
        let mut table = self.table.write();
        table.retain(|_, links| {
            links.retain(|link| !link.is_forgotten(now, max));
            !links.is_empty()
        });
        let count = table.values().map(Vec::len).sum();
        self.count.store(count, Ordering::Relaxed);
        self.sweep_at.store((2 * count).max(SWEEP_MIN), Ordering::Relaxed);
    }

    /// All links, by the other server's domain and then ours.
    pub fn all(&self) -> Vec<Arc<Link>> {
        let mut all: Vec<_> = self.table.read().values().flatten().cloned().collect();
        all.sort_by(|one, other| (&one.remote, &one.local).cmp(&(&other.remote, &other.local)));
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
