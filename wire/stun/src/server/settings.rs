//! What an operator decides, and what machines share.

use core::net::{IpAddr, SocketAddr};

use super::Alternate;
use crate::nonce::Nonces;
use crate::policy::Policy;

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
    /// An address of this server with another IP address and another port than the listener's: with it, and with what
    /// listens at both IP addresses at both ports, there is discovery of what a NAT does (RFC 5780).
    pub other_address: Option<SocketAddr>,
    /// Where clients are sent when no new relays are given.
    pub alternate: Alternate,
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
