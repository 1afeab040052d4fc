//! Discovery of what a NAT does (RFC 5780): a client asks to be answered from another address or port of ours. It works
//! where listeners by UDP are bound to two IP addresses with the same two ports each; there is no option for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nightjar_stun::server::{Client, Settings};

use crate::command::Command;
use crate::listener::StunListeners;

impl StunListeners {
    /// Tells all listeners by UDP what others there are. To be called whenever one has come or gone.
    pub(crate) fn introduce(&self) {
        let groups: Vec<_> = self
            .groups()
            .into_iter()
            .filter(|(group, (is_udp, _))| {
                *is_udp && group.is_plain && group.is_listening.load(Ordering::Relaxed)
            })
            .collect();
        let places: Vec<SocketAddr> = groups.iter().map(|(_, (_, place))| *place).collect();
        for (group, (_, place)) in groups {
            let other_address = other(&places, place);
            let old = group.shared.settings();
            if old.other_address != other_address {
                let settings = group.shared.set_settings(Settings { other_address, ..Settings::clone(&old) });
                group.workers.iter().for_each(|worker| worker.send(Command::Settings(Arc::clone(&settings))));
            }
        }
    }

    /// Sends to a client from the address that it's said to be connected to.
    pub(crate) fn send_from(&self, client: Client, bytes: Vec<u8>) {
        let found = self.group(&(true, client.local));
        if let Some(worker) = found.as_ref().and_then(|group| group.workers.first()) {
            worker.send(Command::Send(client, bytes));
        }
    }
}

/// The place whose address and port are both others than those of `own`, where all four pairs are served.
fn other(places: &[SocketAddr], own: SocketAddr) -> Option<SocketAddr> {
    let is_there = |ip, port| places.contains(&SocketAddr::new(ip, port));
    let is_other = |place: &&SocketAddr| {
        place.is_ipv4() == own.is_ipv4()
            && !place.ip().is_unspecified()
            && !own.ip().is_unspecified()
            && place.ip() != own.ip()
            && place.port() != own.port()
            && is_there(place.ip(), own.port())
            && is_there(own.ip(), place.port())
    };
    places.iter().filter(is_other).min().copied()
}

#[cfg(test)]
mod tests;
