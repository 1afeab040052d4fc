//! The port mapper: which node of a machine listens on which port.

mod client;
mod server;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use client::{AskError, Registered, ask, register};
pub use nightjar_erldist::epmd::{Answer, Request};
pub use server::{EpmdServer, serve};

/// Where the port mapper of a machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpmdSettings {
    /// `ERL_EPMD_PORT`
    pub port: u16,
    /// `ERL_EPMD_ADDRESS`: addresses beside the loopback ones that our own server listens on.
    pub addresses: Vec<IpAddr>,
    /// Whether a server of our own is started where none answers (`-start_epmd`).
    pub start: bool,
}

impl Default for EpmdSettings {
    fn default() -> Self {
        Self { port: nightjar_erldist::epmd::PORT, addresses: Vec::new(), start: true }
    }
}

impl EpmdSettings {
    /// Where a node of this machine asks.
    pub fn local(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Where a server listens: the loopback addresses always, as epmd does it.
    pub fn listen_on(&self) -> Vec<SocketAddr> {
        let all = |address: &IpAddr| address.is_unspecified();
        let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
        let mut addresses: Vec<IpAddr> = Vec::new();
        // The address that stands for all of a family can't be bound beside single ones of it.
        for address in [v4, v6].iter().chain(&self.addresses) {
            let covered = |any: &IpAddr| all(any) && any.is_ipv4() == address.is_ipv4() && any != address;
            if !self.addresses.iter().any(covered) && !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        addresses.into_iter().map(|address| (address, self.port).into()).collect()
    }
}

/// `ERL_EPMD_ADDRESS`: addresses with commas between them.
///
/// # Errors
/// A sentence.
pub fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let parse = |part: &str| {
        part.parse()
            .map_err(|_| format!("ERL_EPMD_ADDRESS must be addresses with commas between, not {part:?}"))
    };
    parts.map(parse).collect()
}

#[cfg(test)]
mod tests;
