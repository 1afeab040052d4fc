//! The sockets of an allocation.

use std::net::{IpAddr, SocketAddr};

use mio::Token;
use nightjar_stun::address::Family;
use nightjar_stun::server::{AllocationId, Client, IcmpError, Transport};

use super::{RELAYS, TURN, Worker};
use crate::command::ToStream;
use crate::datagrams::{Batch, Datagrams, Filled};
use crate::worker::Handle;

/// ICMP packets that are told in a row while others wait.
const FAILURES_MAX: usize = 64;

/// The sockets of an allocation's relayed addresses.
pub(super) struct Relay {
    pub(super) allocation: AllocationId,
    v4: Option<Datagrams>,
    v6: Option<Datagrams>,
}

/// A datagram of what was read last that goes to a peer.
#[derive(Clone, Copy)]
pub(super) struct ToPeer {
    /// The allocation's number.
    pub(super) index: u32,
    /// Keeps the order of those of one allocation.
    pub(super) number: u32,
    pub(super) peer: SocketAddr,
    /// Where it is in the batch.
    pub(super) place: (usize, usize),
}

impl Relay {
    pub(super) fn new(allocation: AllocationId, v4: Option<Datagrams>, v6: Option<Datagrams>) -> Self {
        Self { allocation, v4, v6 }
    }

    pub(super) fn socket(&self, family: Family) -> Option<&Datagrams> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }

    fn socket_mut(&mut self, family: Family) -> Option<&mut Datagrams> {
        match family {
            Family::V4 => self.v4.as_mut(),
            Family::V6 => self.v6.as_mut(),
        }
    }

    pub(super) fn take(&mut self, family: Option<Family>) -> impl Iterator<Item = Datagrams> + use<> {
        let v4 = self.v4.take_if(|_| family != Some(Family::V6));
        let v6 = self.v6.take_if(|_| family != Some(Family::V4));
        v4.into_iter().chain(v6)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }
}

/// The token of a relay socket.
pub(super) fn token(index: u32, family: Family) -> Token {
    Token(RELAYS + index as usize * 2 + usize::from(family == Family::V6))
}

impl Worker {
    /// Sends what a batch of clients' datagrams had for peers, each relay's in one call.
    pub(super) fn flush_to_peers(&mut self, batch: &Batch) {
        // By relay, and as they came within one. Stable sorting would allocate.
        self.to_peers.sort_unstable_by_key(|datagram| (datagram.index, datagram.number));
        let family = |datagram: &ToPeer| Family::of(datagram.peer.ip());
        let is_same = |one: &ToPeer, other: &ToPeer| one.index == other.index && family(one) == family(other);
        for group in self.to_peers.chunk_by(is_same) {
            let Some(first) = group.first() else { continue };
            let Some(Some(relay)) = self.relays.get(first.index as usize) else { continue };
            let Some(socket) = relay.socket(family(first)) else { continue };
            if group.len() == 1 {
                socket.send(first.peer, None, batch.bytes(first.place));
                continue;
            }
            for datagram in group {
                self.outbox.push(socket, datagram.peer, None, &[batch.bytes(datagram.place)]);
            }
            self.outbox.flush(socket);
        }
        self.to_peers.clear();
    }

    /// Sends what waits for clients.
    pub(super) fn flush_to_clients(&mut self) {
        if let Some(clients) = &self.clients {
            self.to_clients.flush(clients);
        }
    }

    /// Reads from the relay socket of a token and sends to its client.
    pub(super) fn read_peers(&mut self, now: u64, number: usize, handle: &Handle) {
        let (index, family) = (number / 2, if number.is_multiple_of(2) { Family::V4 } else { Family::V6 });
        let Some(mut relay) = self.relays.get_mut(index).and_then(Option::take) else { return };
        let Some(mut batch) = self.batch.take() else { return };
        let (allocation, mut more) = (relay.allocation, true);
        if let Some(socket) = relay.socket_mut(family) {
            for _ in 0..TURN {
                let Ok(Filled { count, all }) = batch.read(socket) else {
                    more = false;
                    break;
                };
                if count > 1 {
                    // One that gets packets in bursts: let the kernel put them together.
                    socket.gather();
                }
                self.packets += count;
                for (peer, _, place) in batch.datagrams(count) {
                    self.send_to_client(now, allocation, peer, batch.bytes(place));
                }
                if !all {
                    more = false;
                    break;
                }
            }
        }
        self.batch = Some(batch);
        if let Some(slot) = self.relays.get_mut(index) {
            *slot = Some(relay);
        }
        self.do_outputs(now, handle);
        if more {
            self.again.push_back(Token(RELAYS + number));
        }
    }

    /// Tells clients what ICMP packets have told of their datagrams (RFC 8656 §11.5).
    pub(super) fn tell_failures(&mut self, now: u64, Token(number): Token) {
        let Some(number) = number.checked_sub(RELAYS) else { return };
        let family = if number.is_multiple_of(2) { Family::V4 } else { Family::V6 };
        let Some(Some(relay)) = self.relays.get(number / 2) else { return };
        let Some(socket) = relay.socket(family) else { return };
        let told = std::iter::repeat_with(|| socket.failed()).map_while(Result::ok).take(FAILURES_MAX);
        for failed in told.flatten() {
            let error = IcmpError { kind: failed.kind, code: failed.code, data: failed.mtu };
            self.machine.peer_unreachable(now, relay.allocation, failed.to, error);
        }
    }

    fn send_to_client(&mut self, now: u64, allocation: AllocationId, peer: SocketAddr, datagram: &[u8]) {
        let Some(out) = self.machine.handle_peer(now, allocation, peer, datagram.len()) else { return };
        let padding = [0; 3];
        let padding = padding.get(..usize::from(out.prefix.padding)).unwrap_or_default();
        let parts = [out.prefix.bytes(), datagram, padding];
        if out.client.transport.is_stream() {
            return self.to_stream(&out.client, ToStream::Bytes(parts.concat()));
        }
        if out.client.transport == Transport::Dtls {
            return self.send_inside(&out.client, &parts);
        }
        self.send_parts(&out.client, &parts);
    }

    /// A message made of parts to a client of our UDP socket, when this wake's work is done.
    pub(super) fn send_parts(&mut self, client: &Client, parts: &[&[u8]]) {
        let (to, from) = (self.reachable(client), self.source(client));
        if let Some(clients) = &self.clients {
            self.to_clients.push(clients, to, from, parts);
        }
    }

    /// A client's address as our socket understands it.
    pub(super) fn reachable(&self, client: &Client) -> SocketAddr {
        match (self.bound.ip(), client.remote.ip()) {
            (IpAddr::V6(_), IpAddr::V4(ip)) => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), client.remote.port())
            }
            _ => client.remote,
        }
    }
}
