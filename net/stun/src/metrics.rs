//! Figures of STUN and TURN for monitoring. Each worker counts for itself and lets others read the sums after each wake,
//! so nothing is locked and no packet costs more for being counted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nightjar_base::Kernel;
use nightjar_base::guard::Guard;
use nightjar_base::metrics::Families;
use nightjar_stun::server::Counters;

use crate::listener::StunListeners;

/// What one worker has counted. Only the worker writes.
#[derive(Default)]
pub(crate) struct Counted([AtomicU64; Counters::NAMES.len()]);

impl Counted {
    pub(crate) fn publish(&self, counters: &Counters) {
        for (cell, value) in self.0.iter().zip(counters.values()) {
            cell.store(value, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Counters {
        let mut values = [0; Counters::NAMES.len()];
        for (value, cell) in values.iter_mut().zip(&self.0) {
            *value = cell.load(Ordering::Relaxed);
        }
        Counters::from_values(values)
    }
}

/// Tells once when few relay ports are free, and once when there are enough again.
#[derive(Default)]
pub(crate) struct PortsWatch(AtomicBool);

/// Of relay ports in use: more is too many.
const MANY_PERCENT: usize = 80;
/// Fewer is few again; between the two nothing is told, so that a number that goes up and down isn't told of each time.
const FEW_PERCENT: usize = 70;

impl PortsWatch {
    pub(crate) fn look(&self, (used, all): (usize, usize)) {
        match self.crossing(used, all) {
            Some(true) => tracing::warn!(
                used,
                all,
                "few relay ports are free: more between turn_min_port and turn_max_port are needed, or fewer relays"
            ),
            Some(false) => tracing::info!(used, all, "enough relay ports are free again"),
            None => {}
        }
    }

    /// Whether there have just become many (true) or few (false).
    fn crossing(&self, used: usize, all: usize) -> Option<bool> {
        let (is_told, percent) = (self.0.load(Ordering::Relaxed), used.saturating_mul(100));
        let now = match is_told {
            false => percent > all.saturating_mul(MANY_PERCENT),
            true => percent >= all.saturating_mul(FEW_PERCENT),
        };
        // Of two workers that see it at once, one tells.
        let crosses = now != is_told
            && self.0.compare_exchange(is_told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        crosses.then_some(now)
    }
}

/// Shows the figures until the guard is dropped.
pub(crate) fn register(kernel: &Arc<Kernel>) -> Guard {
    let listeners: Arc<StunListeners> = kernel.shared();
    kernel.metrics.add(move |families| {
        for (group, (is_udp, address)) in listeners.groups() {
            let mut total = Counters::default();
            group.workers.iter().for_each(|worker| total.add(&worker.counters()));
            let listener = Listener { transport: if is_udp { "udp" } else { "tcp" }, address };
            listener.write(families, &total, group.shared.ports.usage());
        }
    })
}

struct Listener {
    transport: &'static str,
    address: SocketAddr,
}

impl Listener {
    fn write(&self, families: &mut Families, own: &Counters, (used, ports): (usize, usize)) {
        let address = self.address.to_string();
        let here = [("listener", address.as_str()), ("transport", self.transport)];
        let [one, two] = here;
        let mut count = |name, help, value| families.counter(name, help, &here, value);
        count("stun_bindings", "Binding requests", own.bindings);
        count("turn_allocations_made", "Relays made", own.allocations);
        count("turn_authentication_failures", "Requests with a wrong key", own.authentication_failures);
        count(
            "stun_answers_withheld",
            "Answers not sent because an address had too many",
            own.answers_withheld,
        );
        count("turn_clients_redirected", "Clients told of another server", own.redirected);
        count("stun_noise", "Packets that were nothing known", own.noise);
        count("turn_icmp_errors", "Errors of ways to peers that clients were told", own.icmp_errors);
        let directions = [
            ("to_peers", own.packets_to_peers, own.bytes_to_peers),
            ("to_clients", own.packets_to_clients, own.bytes_to_clients),
        ];
        for (direction, packets, bytes) in directions {
            let labels = [one, two, ("direction", direction)];
            families.counter("turn_packets_relayed", "Packets relayed", &labels, packets);
            families.counter("turn_bytes_relayed", "Bytes relayed, without headers", &labels, bytes);
        }
        let dropped = [("no_permission", own.packets_without_permission), ("rate", own.packets_over_rate)];
        for (reason, packets) in dropped {
            let labels = [one, two, ("reason", reason)];
            families.counter("turn_packets_dropped", "Packets that were not relayed", &labels, packets);
        }
        for (reason, requests) in refusals(own) {
            let labels = [one, two, ("reason", reason)];
            families.counter("turn_refusals", "Relays and peers that were refused", &labels, requests);
        }
        let relays = own.allocations.saturating_sub(own.allocations_ended);
        families.gauge("turn_allocations", "Relays that there are now", &here, relays);
        families.gauge("turn_relay_ports", "Ports that relays may have", &here, ports as u64);
        families.gauge("turn_relay_ports_used", "Ports that relays have", &here, used as u64);
        let share = if ports == 0 { 0.0 } else { used as f64 / ports as f64 };
        families.real("turn_relay_ports_used_ratio", "Part of the ports that relays have", &here, share);
    }
}

/// Refusals by reason.
fn refusals(own: &Counters) -> [(&'static str, u64); 13] {
    [
        ("quota_of_address", own.quota_of_address_reached),
        ("quota_of_account", own.quota_of_account_reached),
        ("quota_of_server", own.quota_of_server_reached),
        ("no_relay_port", own.no_relay_port),
        ("draining", own.draining),
        ("blacklisted", own.refused_blacklisted),
        ("loopback", own.refused_loopback),
        ("private", own.refused_private),
        ("link_local", own.refused_link_local),
        ("multicast", own.refused_multicast),
        ("reserved", own.refused_reserved),
        ("own_service", own.refused_own_service),
        ("no_port", own.refused_no_port),
    ]
}

#[cfg(test)]
mod tests;
