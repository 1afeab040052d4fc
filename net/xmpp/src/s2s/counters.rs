//! What federation counts, for monitoring.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nightjar_base::Kernel;
use nightjar_base::guard::Guard;
use nightjar_base::metrics::Families;
use parking_lot::Mutex;

use super::federation::Federation;
use super::handle::Direction;

/// Counted since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub sent: AtomicU64,
    pub received: AtomicU64,
    pub bounced: AtomicU64,
    /// Failed attempts to reach a server, by the word of the reason.
    failures: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    pub fn add(cell: &AtomicU64, count: usize) {
        cell.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn failed(&self, word: &'static str) {
        *self.failures.lock().entry(word).or_default() += 1;
    }
}

/// Shows the figures until the guard is dropped.
pub(super) fn register(kernel: &Kernel, federation: &Arc<Federation>) -> Guard {
    let federation = Arc::clone(federation);
    kernel.metrics.add(move |families| collect(&federation, families))
}

fn collect(federation: &Federation, families: &mut Families) {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    for direction in [Direction::In, Direction::Out] {
        let open = federation.connections.count(direction);
        let labels = [("direction", direction.word())];
        families.gauge("s2s_connections", "Connections with other servers", &labels, count(open));
    }
    let links = count(federation.links.len());
    families.gauge("s2s_links", "Pairs of a domain of ours and another server's", &[], links);
    let held = count(federation.links.stock().held());
    families.gauge("s2s_queue_bytes", "Stanzas that wait for other servers", &[], held);
    let counters = &federation.counters;
    for (direction, cell) in [("in", &counters.received), ("out", &counters.sent)] {
        let value = cell.load(Ordering::Relaxed);
        let help = "Stanzas exchanged with other servers";
        families.counter("s2s_stanzas", help, &[("direction", direction)], value);
    }
    let bounced = counters.bounced.load(Ordering::Relaxed);
    families.counter("s2s_bounced_stanzas", "Stanzas that did not get to other servers", &[], bounced);
    for (word, value) in &*counters.failures.lock() {
        let help = "Attempts to reach another server that failed";
        families.counter("s2s_failures", help, &[("reason", word)], *value);
    }
}
