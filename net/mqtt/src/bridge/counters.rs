//! What is counted for monitoring.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nightjar_base::Kernel;
use nightjar_base::guard::Guard;

/// Figures of the bridge to one broker.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub is_connected: AtomicBool,
    pub received: AtomicU64,
    pub sent: AtomicU64,
    /// Too large or too old for the other broker, or refused by access rules here.
    pub refused: AtomicU64,
    /// Those for which there was no room while the other broker was away.
    pub lost: AtomicU64,
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Shows the figures until the guard is dropped.
pub(super) fn register(kernel: &Kernel, host: &str, url: String, counters: &Arc<Counters>) -> Guard {
    let (host, counters) = (host.to_owned(), Arc::clone(counters));
    kernel.metrics.add(move |families| {
        let labels = [("host", host.as_str()), ("server", url.as_str())];
        let connected = u64::from(counters.is_connected.load(Ordering::Relaxed));
        families.gauge(
            "mqtt_bridge_connected",
            "Whether the other MQTT broker is connected",
            &labels,
            connected,
        );
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (direction, counter) in [("in", &counters.received), ("out", &counters.sent)] {
            let [host, server] = labels;
            let labels = [host, server, ("direction", direction)];
            let help = "MQTT messages exchanged with other brokers";
            families.counter("mqtt_bridge_messages", help, &labels, read(counter));
        }
        let dropped = read(&counters.refused).saturating_add(read(&counters.lost));
        let help = "MQTT messages that did not cross a bridge";
        families.counter("mqtt_bridge_dropped", help, &labels, dropped);
    })
}
