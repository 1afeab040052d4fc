//! What monitoring sees.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::guard::Guard;
use nightjar_base::metrics::Families;

use crate::broker::Broker;
use crate::counters::read;

/// Shows what is counted.
pub(crate) fn register(broker: &Arc<Broker>, kernel: &Kernel) -> Guard {
    let broker = Arc::downgrade(broker);
    kernel.metrics.add(move |families| {
        if let Some(broker) = broker.upgrade() {
            now(&broker, families);
            so_far(&broker, families);
        }
    })
}

fn now(broker: &Broker, families: &mut Families) {
    let host = [("host", broker.host.name.as_str())];
    let size = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let census = broker.census();
    let connected = read(&broker.counters.connected);
    families.gauge("mqtt_connections", "MQTT clients connected", &host, connected);
    families.gauge("mqtt_sessions", "MQTT sessions, connected or not", &host, size(census.sessions));
    families.gauge("mqtt_queued", "MQTT messages that wait for clients", &host, size(census.queued));
    families.gauge("mqtt_subscriptions", "MQTT subscriptions", &host, size(broker.topics.len()));
    families.gauge("mqtt_retained", "Retained MQTT messages", &host, size(broker.retained.len()));
}

fn so_far(broker: &Broker, families: &mut Families) {
    let (host, counters) = (("host", broker.host.name.as_str()), &broker.counters);
    let sides = [
        ("mqtt_messages_received", "MQTT messages that clients have published", &counters.received),
        ("mqtt_messages_delivered", "MQTT messages handed to subscribers", &counters.delivered),
    ];
    for (name, what, by_qos) in sides {
        for (qos, counter) in ["0", "1", "2"].iter().zip(by_qos) {
            families.counter(name, what, &[host, ("qos", qos)], read(counter));
        }
    }
    for (direction, bytes, payload) in [
        ("in", &counters.bytes_received, &counters.received_payload),
        ("out", &counters.bytes_sent, &counters.delivered_payload),
    ] {
        let labels = [host, ("direction", direction)];
        families.counter("mqtt_bytes", "Bytes of MQTT packets, without TLS", &labels, read(bytes));
        families.counter("mqtt_payload_bytes", "Bytes of MQTT messages", &labels, read(payload));
    }
    for (reason, count) in counters.dropped() {
        let what = "MQTT messages that a subscriber didn't get";
        families.counter("mqtt_messages_dropped", what, &[host, ("reason", reason)], count);
    }
    for (wanted, reason, count) in counters.refused() {
        let what = "Connections, messages and subscriptions of MQTT clients that were refused";
        families.counter("mqtt_refusals", what, &[host, ("what", wanted), ("reason", reason)], count);
    }
}
