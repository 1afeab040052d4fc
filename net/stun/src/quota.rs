//! Allocations that one address, one account and all together may have.

use std::collections::HashMap;
use std::net::IpAddr;

use nightjar_stun::server::{Quota, Refused};
use parking_lot::Mutex;

/// The limits of a listener, for all of its workers.
pub(crate) struct Allowance {
    /// Of one address (`turn_max_allocations`), and of one account.
    each: usize,
    /// Of the server: its relay ports.
    all: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    by_address: HashMap<IpAddr, usize>,
    by_account: HashMap<String, usize>,
    all: usize,
}

impl Allowance {
    pub(crate) fn new(each: usize, all: usize) -> Self {
        Self { each, all, taken: Mutex::default() }
    }
}

/// An IPv6 customer has a whole /64.
fn site(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => std::net::Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

/// Credentials that are made anew all the time name the same account behind the colon.
fn account(user: &str) -> &str {
    user.split_once(':').map_or(user, |(_, account)| account)
}

impl Quota for Allowance {
    fn take(&self, ip: IpAddr, user: &str) -> Result<(), Refused> {
        let mut taken = self.taken.lock();
        let (ip, user) = (site(ip), account(user));
        if taken.all >= self.all {
            return Err(Refused::Server);
        }
        if taken.by_address.get(&ip).is_some_and(|count| *count >= self.each) {
            return Err(Refused::Address);
        }
        if !user.is_empty() && taken.by_account.get(user).is_some_and(|count| *count >= self.each) {
            return Err(Refused::Account);
        }
        taken.all += 1;
        *taken.by_address.entry(ip).or_default() += 1;
        if !user.is_empty() {
            *taken.by_account.entry(user.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    fn give_back(&self, ip: IpAddr, user: &str) {
        let mut taken = self.taken.lock();
        taken.all = taken.all.saturating_sub(1);
        decrease(&mut taken.by_address, &site(ip));
        decrease(&mut taken.by_account, account(user));
    }
}

fn decrease<K, Q>(counts: &mut HashMap<K, usize>, key: &Q)
where
    K: std::borrow::Borrow<Q> + std::hash::Hash + Eq,
    Q: std::hash::Hash + Eq + ?Sized,
{
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
