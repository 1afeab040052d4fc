//! The order in which a domain's servers are tried (RFC 2782).

use std::net::IpAddr;

use hickory_resolver::proto::rr::RData;
use nightjar_base::Random;
use nightjar_text::Text;

use super::{Target, plain};

/// What an SRV record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    /// Without the final dot; empty if it is only that.
    pub target: Text,
    pub direct_tls: bool,
}

impl Service {
    pub fn of_record(data: &RData) -> Option<Self> {
        let RData::SRV(srv) = data else { return None };
        Some(Self {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: plain(&srv.target),
            direct_tls: false,
        })
    }

    pub fn into_target(self) -> Target {
        Target { name: self.target, port: self.port, direct_tls: self.direct_tls, is_domain: false }
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { priority, weight, port, target, .. } = self;
        let target = if target.is_empty() { "." } else { target };
        write!(formatter, "{priority} {weight} {port} {target}")
    }
}

/// By priority; among equals by chance, as their weights say. Direct TLS and STARTTLS are one list (XEP-0368 §3).
/// Services that say that they aren't there are left out.
pub(super) fn order(mut services: Vec<Service>, random: &dyn Random) -> Vec<Service> {
    services.retain(|service| !service.target.is_empty());
    // Zero weights first, so that they have a small chance (RFC 2782).
    services.sort_by_key(|service| (service.priority, service.weight));
    let mut ordered = Vec::with_capacity(services.len());
    while let Some(first) = services.first() {
        let priority = first.priority;
        let group = services.iter().take_while(|service| service.priority == priority).count();
        ordered.push(services.remove(choose(services.get(..group).unwrap_or_default(), random)));
    }
    ordered
}

/// The place of one of them: the first whose running sum of weights reaches the random number.
fn choose(group: &[Service], random: &dyn Random) -> usize {
    let sum: u64 = group.iter().map(|service| u64::from(service.weight)).sum();
    let wanted = random.number() % (sum + 1);
    let mut running = 0;
    group
        .iter()
        .position(|service| {
            running += u64::from(service.weight);
            running >= wanted
        })
        .unwrap_or(0)
}

/// One of the first, one of the second, and so on.
pub(super) fn in_turn(first: Vec<IpAddr>, second: Vec<IpAddr>) -> impl Iterator<Item = IpAddr> {
    let length = first.len().max(second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    (0..length).flat_map(move |_| [first.next(), second.next()]).flatten()
}
