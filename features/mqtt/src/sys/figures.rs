//! What `$SYS` tells, by topic.

use std::sync::Arc;

use nightjar_mqtt::topic;

use super::load::{Loads, NAMES, SPANS};
use crate::broker::Broker;
use crate::client::Client;
use crate::counters::{read, sum};

const VERSION: &str = "$SYS/broker/version";
const UPTIME: &str = "$SYS/broker/uptime";

/// The topics of [`counts`], without `$SYS/broker/`.
const COUNTS: [&str; 21] = [
    "clients/total",
    "clients/maximum",
    "clients/expired",
    "clients/connected",
    "clients/active",
    "clients/disconnected",
    "clients/inactive",
    "messages/received",
    "messages/sent",
    "messages/stored",
    "store/messages/count",
    "retained messages/count",
    "subscriptions/count",
    "shared_subscriptions/count",
    "publish/messages/dropped",
    "publish/messages/received",
    "publish/messages/sent",
    "publish/bytes/received",
    "publish/bytes/sent",
    "bytes/received",
    "bytes/sent",
];

/// Every topic there is.
pub(super) fn topics() -> impl Iterator<Item = String> {
    let fixed = [VERSION, UPTIME].into_iter().map(ToOwned::to_owned);
    fixed.chain(COUNTS.into_iter().map(count_topic)).chain(load_topics())
}

fn count_topic(name: &str) -> String {
    format!("$SYS/broker/{name}")
}

/// In the order of [`Loads`].
fn load_topics() -> impl Iterator<Item = String> {
    NAMES.into_iter().flat_map(|name| SPANS.map(|(_, span)| format!("$SYS/broker/load/{name}/{span}")))
}

/// Every topic with what it says now.
pub(super) fn all(broker: &Broker, uptime_ms: u64, loads: &Loads) -> Vec<(String, String)> {
    let mut all = vec![
        (VERSION.to_owned(), concat!("nightjar version ", env!("CARGO_PKG_VERSION")).to_owned()),
        (UPTIME.to_owned(), format!("{} seconds", uptime_ms / 1000)),
    ];
    let counts = COUNTS.into_iter().map(count_topic).zip(counts(broker));
    all.extend(counts.map(|(topic, count)| (topic, count.to_string())));
    all.extend(
        load_topics().zip(loads.0.iter().flatten()).map(|(topic, load)| (topic, format!("{load:.2}"))),
    );
    all
}

fn counts(broker: &Broker) -> [u64; COUNTS.len()] {
    let (counters, census) = (&broker.counters, Census::of(broker));
    let connected = read(&counters.connected);
    let away = census.sessions.saturating_sub(connected);
    let retained = size(broker.retained.len());
    [
        census.sessions,
        read(&counters.connected_max),
        read(&counters.expired),
        connected,
        connected,
        away,
        away,
        read(&counters.packets_received),
        read(&counters.packets_sent),
        retained + census.queued,
        retained + census.queued,
        retained,
        size(broker.topics.len()).saturating_sub(census.shared),
        census.shared,
        counters.dropped().map(|(_, count)| count).sum(),
        sum(&counters.received),
        sum(&counters.delivered),
        read(&counters.received_payload),
        read(&counters.delivered_payload),
        read(&counters.bytes_received),
        read(&counters.bytes_sent),
    ]
}

/// What only a look at every session tells.
#[derive(Default)]
struct Census {
    sessions: u64,
    queued: u64,
    shared: u64,
}

impl Census {
    fn of(broker: &Broker) -> Self {
        let clients: Vec<Arc<Client>> = broker.clients.lock().values().cloned().collect();
        let mut census = Self { sessions: size(clients.len()), ..Self::default() };
        for client in clients {
            census.queued += size(client.queued());
            let state = client.state.lock();
            let shared = state.filters.iter().filter(|filter| topic::is_shared(filter.as_bytes()));
            census.shared += size(shared.count());
        }
        census
    }
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
