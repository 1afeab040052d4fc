//! The failures of each address. Its size is bounded whatever the number of attackers.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use nightjar_config::units::Network;
use parking_lot::Mutex;

/// Addresses that are remembered, at some 50 bytes each.
const ADDRESSES_MAX: usize = 100_000;
/// Time between two attempts to make room in a full table, each of which looks at all of it.
const MAKE_ROOM_EVERY: Duration = Duration::from_secs(5);

/// An address that is kept out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ban {
    /// How often it failed.
    pub failures: u32,
    /// Until when, on the monotonic clock.
    pub until: Duration,
}

struct Entry {
    failures: u32,
    failures_max: u32,
    until: Duration,
}

impl Entry {
    fn ban(&self) -> Option<Ban> {
        (self.failures >= self.failures_max).then_some(Ban { failures: self.failures, until: self.until })
    }
}

/// Failures by address: IPv4 addresses each, IPv6 by networks of 64 bits, of which one customer has all addresses.
#[derive(Default)]
pub(super) struct Table(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    entries: HashMap<IpAddr, Entry>,
    room_made_at: Option<Duration>,
}

fn key(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

impl Table {
    /// The address's ban, if it has one now.
    pub fn ban(&self, ip: IpAddr, now: Duration) -> Option<Ban> {
        let mut inner = self.0.lock();
        let key = key(ip);
        let entry = inner.entries.get(&key)?;
        if entry.until <= now {
            inner.entries.remove(&key);
            return None;
        }
        entry.ban()
    }

    /// Counts a failure; the ban, if the address has one now.
    pub fn fail(&self, ip: IpAddr, now: Duration, lifetime: Duration, failures_max: u32) -> Option<Ban> {
        let mut inner = self.0.lock();
        let key = key(ip);
        if !inner.entries.contains_key(&key) && !inner.has_room(now) {
            return None;
        }
        let until = now.saturating_add(lifetime);
        let entry = inner.entries.entry(key).or_insert(Entry { failures: 0, failures_max, until });
        if entry.until <= now {
            entry.failures = 0;
        }
        entry.failures = entry.failures.saturating_add(1);
        entry.failures_max = failures_max;
        entry.until = until;
        entry.ban()
    }

    /// Forgets an address that authenticated.
    pub fn forget(&self, ip: IpAddr) {
        self.0.lock().entries.remove(&key(ip));
    }

    /// Forgets what lies in a network, or has it inside; returns how many bans that lifts.
    pub fn unban(&self, network: &Network) -> usize {
        let own = key(network.address);
        let mut inner = self.0.lock();
        let before = inner.entries.len();
        inner.entries.retain(|key, _| *key != own && !network.contains(*key));
        before - inner.entries.len()
    }

    /// Forgets what is out of date.
    pub fn clean(&self, now: Duration) {
        self.0.lock().entries.retain(|_, entry| entry.until > now);
    }
}

impl Inner {
    /// A full table forgets what is out of date, then whoever isn't banned yet. If all are banned, nobody new is
    /// counted for a while.
    fn has_room(&mut self, now: Duration) -> bool {
        if self.entries.len() < ADDRESSES_MAX {
            return true;
        }
        if self.room_made_at.is_some_and(|at| now < at.saturating_add(MAKE_ROOM_EVERY)) {
            return false;
        }
        self.room_made_at = Some(now);
        self.entries.retain(|_, entry| entry.until > now);
        if self.entries.len() >= ADDRESSES_MAX {
            self.entries.retain(|_, entry| entry.ban().is_some());
        }
        let has_room = self.entries.len() < ADDRESSES_MAX;
        if !has_room {
            tracing::warn!(banned = self.entries.len(), "too many addresses are banned to count others");
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use nightjar_config::units::Network;

    use super::{ADDRESSES_MAX, MAKE_ROOM_EVERY, Table};

    const LIFETIME: Duration = Duration::from_secs(3600);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_customer_is_one_address() {
        for (one, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:0:0:2", "2001:db8:0:1::1"),
        ] {
            let table = Table::default();
            assert_eq!(table.fail(ip(one), at(0), LIFETIME, 2), None, "{one}");
            assert_eq!(table.fail(ip(same), at(1), LIFETIME, 2).unwrap().failures, 2, "{one}");
            assert_eq!(table.ban(ip(one), at(1)).unwrap().until, at(3601), "{one}");
            assert_eq!(table.ban(ip(other), at(1)), None, "{one}");
            assert_eq!(table.ban(ip(one), at(3601)), None, "{one}");
            assert_eq!(
                table.fail(ip(one), at(3601), LIFETIME, 2),
                None,
                "{one}: counted from the start again"
            );
        }
    }

    #[test]
    fn networks_are_unbanned() {
        for (network, left) in
            [("192.0.2.1", 3), ("192.0.2.0/24", 2), ("0.0.0.0/0", 1), ("2001:db8::7", 3), ("::/0", 3)]
        {
            let table = Table::default();
            for address in ["192.0.2.1", "192.0.2.9", "198.51.100.1", "2001:db8::1"] {
                table.fail(ip(address), at(0), LIFETIME, 1);
            }
            let unbanned = table.unban(&Network::parse(network).unwrap());
            assert_eq!(unbanned, 4 - left, "{network}");
            assert_eq!(table.0.lock().entries.len(), left, "{network}");
        }
    }

    #[test]
    fn a_botnet_fills_the_table_and_no_more() {
        let address = |number: u32| IpAddr::from(Ipv4Addr::from_bits(number));
        let full = || u32::try_from(ADDRESSES_MAX).unwrap();
        let table = Table::default();
        for number in 0..full() {
            // Every tenth is banned at once.
            table.fail(address(number), at(0), LIFETIME, if number % 10 == 0 { 1 } else { 2 });
        }
        assert_eq!(table.fail(address(full()), at(1), LIFETIME, 2), None);
        assert_eq!(table.0.lock().entries.len(), ADDRESSES_MAX / 10 + 1);
        for number in full()..3 * full() {
            table.fail(address(number), at(2), LIFETIME, 1);
        }
        assert_eq!(table.0.lock().entries.len(), ADDRESSES_MAX);
        let later = at(2).saturating_add(MAKE_ROOM_EVERY);
        assert_eq!(table.fail(address(4 * full()), later, LIFETIME, 1), None, "all are banned");
        assert!(table.ban(address(0), later).is_some());
        table.clean(at(3600));
        assert!(table.0.lock().entries.len() < ADDRESSES_MAX);
        assert!(table.fail(address(4 * full()), at(3600), LIFETIME, 1).is_some());
    }
}
