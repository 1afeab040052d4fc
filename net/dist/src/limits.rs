//! What strangers may cost: how many at once, how often, and what a wrong cookie leads to.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The limits of one port.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that haven't shown who they are, in all.
    pub strangers: usize,
    /// The same, of one address.
    pub strangers_per_address: usize,
    /// New connections of one address a second…
    pub per_second: u32,
    /// …and so many more at once.
    pub burst: u32,
    /// Failures that are forgiven.
    pub failures: u32,
    /// How long the first lock-out lasts; each further failure doubles it.
    pub lockout: Duration,
    /// How long one lasts at most.
    pub lockout_max: Duration,
    /// The same two for this machine itself, whose operator shares the address with every user of it.
    pub lockout_loopback: Duration,
    /// See `lockout_loopback`.
    pub lockout_loopback_max: Duration,
    /// Failures are forgotten after this time without one.
    pub memory: Duration,
    /// Addresses remembered.
    pub addresses: usize,
}

impl Limits {
    /// For the distribution port.
    pub const NODE: Self = Self {
        strangers: 64,
        strangers_per_address: 32,
        per_second: 20,
        burst: 100,
        failures: 5,
        lockout: Duration::from_secs(10),
        lockout_max: Duration::from_secs(3600),
        lockout_loopback: Duration::from_secs(1),
        lockout_loopback_max: Duration::from_secs(30),
        memory: Duration::from_secs(3600),
        addresses: 4096,
    };
    /// For epmd, where nobody shows anything: nodes keep their connection, questions are short.
    pub const EPMD: Self =
        Self { strangers: 512, strangers_per_address: 256, per_second: 200, burst: 1000, ..Self::NODE };
}

/// Why a connection isn't taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many strangers at once.
    Crowd,
    /// Too many connections of this address in a short time.
    Rate,
    /// Too many wrong cookies; so long it lasts yet.
    LockedOut(Duration),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    strangers: usize,
    /// Connections it may open at once, in thousandths.
    allowance: u64,
    allowance_at: Instant,
    failures: u32,
    failed_at: Instant,
    locked_until: Instant,
}

#[derive(Debug, Default)]
struct State {
    strangers: usize,
    entries: HashMap<IpAddr, Entry>,
}

/// Keeps the limits of a port.
#[derive(Debug)]
pub struct Gate {
    limits: Limits,
    state: Mutex<State>,
}

/// A stranger's place; dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    gate: Arc<Gate>,
    key: IpAddr,
}

impl Gate {
    /// A gate nobody has come to.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default() })
    }

    /// Lets a stranger in, or says why not.
    ///
    /// # Errors
    /// A [`Refusal`].
    pub fn enter(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Place, Refusal> {
        let key = key(address);
        let limits = &self.limits;
        let mut state = self.state.lock();
        if state.strangers >= limits.strangers {
            return Err(Refusal::Crowd);
        }
        if state.entries.len() >= limits.addresses && !state.entries.contains_key(&key) {
            make_room(&mut state, limits, now);
        }
        let entry = state.entries.entry(key).or_insert_with(|| Entry::new(limits, now));
        if entry.locked_until > now {
            return Err(Refusal::LockedOut(entry.locked_until - now));
        }
        if entry.strangers >= limits.strangers_per_address {
            return Err(Refusal::Crowd);
        }
        entry.refill(limits, now);
        entry.allowance = entry.allowance.checked_sub(1000).ok_or(Refusal::Rate)?;
        entry.strangers += 1;
        state.strangers += 1;
        Ok(Place { gate: Arc::clone(self), key })
    }

    /// Notes a wrong cookie or a broken handshake. Returns how long the address is locked out from now on, if it is.
    pub fn failed(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let limits = &self.limits;
        let mut state = self.state.lock();
        let entry = state.entries.entry(key(address)).or_insert_with(|| Entry::new(limits, now));
        if now.duration_since(entry.failed_at) > limits.memory {
            entry.failures = 0;
        }
        entry.failures = entry.failures.saturating_add(1);
        entry.failed_at = now;
        let beyond = entry.failures.checked_sub(limits.failures)?;
        let (first, max) = if address.to_canonical().is_loopback() {
            (limits.lockout_loopback, limits.lockout_loopback_max)
        } else {
            (limits.lockout, limits.lockout_max)
        };
        let lockout = first.saturating_mul(1 << beyond.min(20)).min(max);
        entry.locked_until = now + lockout;
        Some(lockout)
    }

    /// Notes that the address has shown the cookie: its failures are forgotten.
    pub fn succeeded(&self, address: IpAddr) {
        if let Some(entry) = self.state.lock().entries.get_mut(&key(address)) {
            entry.failures = 0;
        }
    }

    /// How many strangers are there now.
    pub fn strangers(&self) -> usize {
        self.state.lock().strangers
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.gate.state.lock();
        state.strangers = state.strangers.saturating_sub(1);
        if let Some(entry) = state.entries.get_mut(&self.key) {
            entry.strangers = entry.strangers.saturating_sub(1);
        }
    }
}

impl Entry {
    fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            strangers: 0,
            allowance: u64::from(limits.burst) * 1000,
            allowance_at: now,
            failures: 0,
            failed_at: now,
            locked_until: now,
        }
    }

    fn refill(&mut self, limits: &Limits, now: Instant) {
        let passed = now.saturating_duration_since(self.allowance_at).as_millis();
        let gained = u64::try_from(passed).unwrap_or(u64::MAX).saturating_mul(u64::from(limits.per_second));
        self.allowance = self.allowance.saturating_add(gained).min(u64::from(limits.burst) * 1000);
        self.allowance_at = now;
    }

    /// Whether forgetting it changes nothing.
    fn is_idle(&self, limits: &Limits, now: Instant) -> bool {
        self.strangers == 0
            && self.locked_until <= now
            && (self.failures == 0 || now.duration_since(self.failed_at) > limits.memory)
    }
}

/// Forgets addresses that nothing is known about; if that isn't enough, those without lock-out, and the one whose
/// lock-out ends first.
fn make_room(state: &mut State, limits: &Limits, now: Instant) {
    state.entries.retain(|_, entry| !entry.is_idle(limits, now));
    if state.entries.len() < limits.addresses {
        return;
    }
    state.entries.retain(|_, entry| entry.strangers > 0 || entry.locked_until > now);
    if state.entries.len() >= limits.addresses {
        let first = state.entries.iter().min_by_key(|(_, entry)| entry.locked_until).map(|(key, _)| *key);
        first.and_then(|key| state.entries.remove(&key));
    }
}

/// IPv4 addresses as such; of IPv6 ones the network, since one customer has all of it.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
