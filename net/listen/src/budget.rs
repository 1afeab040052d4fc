//! How many connections there may be: in all, before authentication, and before authentication from one address.
//!
//! A connection holds its [`Permit`] until it is closed and says when it is authenticated. Nobody is thrown out for
//! somebody new: what comes over budget is refused before anything is read from it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use nightjar_config::Options;
use nightjar_config::units::Network;
use parking_lot::Mutex;

/// What all listeners may hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections.
    pub connections: usize,
    /// Of them, those that are not authenticated.
    pub unauthenticated: usize,
    /// Of these, those from one IPv4 address or one IPv6 network of 64 bits, which is what one customer gets.
    pub unauthenticated_per_address: usize,
    /// Proxies that connect for many: only the limits for all hold for them, as for this machine itself.
    pub proxies: Vec<Network>,
}

impl Default for Limits {
    fn default() -> Self {
        Self::of_descriptors(1024)
    }
}

/// Connections before authentication that no more memory is worth: they have 10 KB each at most.
const UNAUTHENTICATED_MAX: usize = 16_384;
/// What one address may have at least: a household, an office, a test.
const PER_ADDRESS_MIN: usize = 64;

impl Limits {
    /// What a process may hold that can open this many files: a tenth is left for everything else, a fifth is there
    /// for clients that have not logged in, and no address takes more than an eighth of that.
    pub fn of_descriptors(descriptors: u64) -> Self {
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let unauthenticated = (descriptors / 5).min(UNAUTHENTICATED_MAX);
        Self {
            connections: descriptors - descriptors / 10,
            unauthenticated,
            unauthenticated_per_address: (unauthenticated / 8).max(PER_ADDRESS_MIN),
            proxies: Vec::new(),
        }
    }

    /// These limits, with those in place of them that the configuration sets.
    #[must_use]
    pub fn configured(mut self, options: &Options) -> Self {
        let set = |limit: &mut usize, name: &str| {
            if options.is_set(name) {
                let value = options.limit(name).unwrap_or(u64::MAX);
                *limit = usize::try_from(value).unwrap_or(usize::MAX);
            }
        };
        set(&mut self.connections, "connections_max");
        set(&mut self.unauthenticated, "unauthenticated_connections_max");
        set(&mut self.unauthenticated_per_address, "unauthenticated_connections_per_address_max");
        self
    }
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    /// There are as many connections as there may be.
    #[error("connections_max is reached")]
    Connections,
    /// As many wait for authentication as may.
    #[error("unauthenticated_connections_max is reached")]
    Unauthenticated,
    /// As many of the same address do.
    #[error("unauthenticated_connections_per_address_max is reached")]
    Address,
}

/// What is held now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Connections.
    pub connections: usize,
    /// Of them, those that are not authenticated.
    pub unauthenticated: usize,
    /// Connections refused since the start.
    pub refused: u64,
}

#[derive(Default)]
struct State {
    limits: Limits,
    held: Held,
    addresses: HashMap<Block, usize>,
}

/// The budget that all listeners share.
#[derive(Default)]
pub struct Budget(Mutex<State>);

/// What counts as one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Block {
    V4(u32),
    V6(u64),
}

impl Block {
    fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Block::V4(ip.to_bits()),
            IpAddr::V6(ip) => Block::V6(u64::try_from(ip.to_bits() >> 64).unwrap_or_default()),
        }
    }
}

impl Budget {
    /// Puts limits in force; connections that there are stay.
    pub fn set_limits(&self, limits: Limits) {
        self.0.lock().limits = limits;
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.0.lock().limits.clone()
    }

    /// What is held now.
    pub fn held(&self) -> Held {
        self.0.lock().held
    }

    /// A place for a connection from this address, which is not authenticated yet.
    ///
    /// # Errors
    /// Which limit is reached.
    pub fn admit(self: &Arc<Self>, ip: IpAddr) -> Result<Permit, Over> {
        let mut permit = self.admit_unknown()?;
        permit.comes_from(ip)?;
        Ok(permit)
    }

    /// A place for a connection of which a proxy will tell the address.
    ///
    /// # Errors
    /// Which limit is reached.
    pub fn admit_unknown(self: &Arc<Self>) -> Result<Permit, Over> {
        let mut state = self.0.lock();
        let over = if state.held.connections >= state.limits.connections {
            Some(Over::Connections)
        } else if state.held.unauthenticated >= state.limits.unauthenticated {
            Some(Over::Unauthenticated)
        } else {
            None
        };
        if let Some(over) = over {
            state.held.refused = state.held.refused.saturating_add(1);
            return Err(over);
        }
        state.held.connections += 1;
        state.held.unauthenticated += 1;
        Ok(Permit { budget: Arc::clone(self), stage: Stage::Unauthenticated(None) })
    }

    /// A place for a connection over a UNIX socket: the file system decides who may, and the operator gets in when
    /// nobody else does.
    pub fn admit_local(self: &Arc<Self>) -> Permit {
        self.0.lock().held.connections += 1;
        Permit { budget: Arc::clone(self), stage: Stage::Authenticated }
    }
}

#[derive(Clone, Copy)]
enum Stage {
    Unauthenticated(Option<Block>),
    Authenticated,
}

/// A connection's place in the budget; dropping it gives the place to others.
pub struct Permit {
    budget: Arc<Budget>,
    stage: Stage,
}

impl Permit {
    /// Counts the connection to an address.
    ///
    /// # Errors
    /// If the address has as many as it may.
    pub fn comes_from(&mut self, ip: IpAddr) -> Result<(), Over> {
        if !matches!(self.stage, Stage::Unauthenticated(None)) {
            return Ok(());
        }
        let mut state = self.budget.0.lock();
        if ip.to_canonical().is_loopback() || state.limits.proxies.iter().any(|network| network.contains(ip))
        {
            return Ok(());
        }
        let max = state.limits.unauthenticated_per_address;
        let block = Block::of(ip);
        let count = state.addresses.entry(block).or_default();
        if *count >= max {
            if *count == 0 {
                state.addresses.remove(&block);
            }
            state.held.refused = state.held.refused.saturating_add(1);
            return Err(Over::Address);
        }
        *count += 1;
        self.stage = Stage::Unauthenticated(Some(block));
        Ok(())
    }

    /// The client has proved who it is: its place among those that haven't is free.
    pub fn authenticated(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Authenticated);
        self.budget.0.lock().leave(stage);
    }

    /// Whether the client has proved who it is, or needs not.
    pub fn is_authenticated(&self) -> bool {
        matches!(self.stage, Stage::Authenticated)
    }
}

impl State {
    fn leave(&mut self, stage: Stage) {
        let Stage::Unauthenticated(block) = stage else { return };
        self.held.unauthenticated = self.held.unauthenticated.saturating_sub(1);
        let Some(block) = block else { return };
        if let Some(count) = self.addresses.get_mut(&block) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.addresses.remove(&block);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.budget.0.lock();
        state.leave(self.stage);
        state.held.connections = state.held.connections.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
