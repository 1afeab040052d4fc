//! What an operator decides, what machines share, and what they count.

use core::net::IpAddr;

use crate::nonce::Nonces;
use crate::policy::{Policy, Refusal};

/// `auth_type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Nobody is asked.
    Anonymous,
    /// Long-term credentials (RFC 8489 §9.2).
    User,
}

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether relays are given at all.
    pub use_turn: bool,
    /// `auth_type`
    pub authentication: Authentication,
    /// `auth_realm`
    pub realm: String,
    /// `server_name`, sent as SOFTWARE to those who are known; empty for none.
    pub software: String,
    /// Whether IPv4 relays can be given.
    pub has_ipv4: bool,
    /// Whether IPv6 relays can be given.
    pub has_ipv6: bool,
    /// What one allocation may carry each way.
    pub bytes_a_second: Option<u64>,
    /// Permissions of one allocation.
    pub permissions_max: usize,
    /// Seconds an allocation lives when the client doesn't say (RFC 8656 §3.2).
    pub lifetime_default: u32,
    /// Seconds an allocation lives at most.
    pub lifetime_max: u32,
    /// Whom relays reach.
    pub policy: Policy,
    /// Makes nonces.
    pub nonces: Nonces,
}

/// Limits over all machines of a server.
pub trait Quota: Send + Sync {
    /// Takes one allocation.
    ///
    /// # Errors
    /// Which limit is reached.
    fn take(&self, ip: IpAddr, user: &str) -> Result<(), Refused>;
    /// Gives one back.
    fn give_back(&self, ip: IpAddr, user: &str);
}

/// No limits.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl Quota for Unlimited {
    fn take(&self, _: IpAddr, _: &str) -> Result<(), Refused> {
        Ok(())
    }

    fn give_back(&self, _: IpAddr, _: &str) {}
}

/// The limit that an allocation would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Of the client's address.
    Address,
    /// Of the account.
    Account,
    /// Of the server.
    Server,
}

/// What happened so far. All only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Binding requests.
    pub bindings: u64,
    /// Packets that were nothing known.
    pub noise: u64,
    /// Allocations made.
    pub allocations: u64,
    /// Allocations ended.
    pub allocations_ended: u64,
    /// Requests with a wrong key.
    pub authentication_failures: u64,
    /// Packets relayed to peers.
    pub packets_to_peers: u64,
    /// Their bytes.
    pub bytes_to_peers: u64,
    /// Packets relayed to clients.
    pub packets_to_clients: u64,
    /// Their bytes.
    pub bytes_to_clients: u64,
    /// Packets that no permission covers.
    pub packets_without_permission: u64,
    /// Packets that were more than an allocation may carry.
    pub packets_over_rate: u64,
    /// Answers not sent because an address had too many.
    pub answers_withheld: u64,
    /// Allocations refused for a limit.
    pub quota_refusals: u64,
    /// Peers refused, in the order of [`Counters::REFUSALS`].
    pub peer_refusals: [u64; 8],
}

impl Counters {
    /// The reasons in [`Counters::peer_refusals`].
    pub const REFUSALS: [Refusal; 8] = [
        Refusal::Blacklisted,
        Refusal::Loopback,
        Refusal::Private,
        Refusal::LinkLocal,
        Refusal::Multicast,
        Refusal::Reserved,
        Refusal::OwnService,
        Refusal::NoPort,
    ];

    /// Adds what another machine has counted.
    pub fn add(&mut self, other: &Self) {
        self.bindings += other.bindings;
        self.noise += other.noise;
        self.allocations += other.allocations;
        self.allocations_ended += other.allocations_ended;
        self.authentication_failures += other.authentication_failures;
        self.packets_to_peers += other.packets_to_peers;
        self.bytes_to_peers += other.bytes_to_peers;
        self.packets_to_clients += other.packets_to_clients;
        self.bytes_to_clients += other.bytes_to_clients;
        self.packets_without_permission += other.packets_without_permission;
        self.packets_over_rate += other.packets_over_rate;
        self.answers_withheld += other.answers_withheld;
        self.quota_refusals += other.quota_refusals;
        for (count, more) in self.peer_refusals.iter_mut().zip(other.peer_refusals) {
            *count += more;
        }
    }

    pub(super) fn refused(&mut self, refusal: Refusal) {
        let at = Self::REFUSALS.iter().position(|known| *known == refusal);
        if let Some(count) = at.and_then(|at| self.peer_refusals.get_mut(at)) {
            *count += 1;
        }
    }
}
