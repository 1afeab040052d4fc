//! The sockets of an allocation.

use std::net::{IpAddr, SocketAddr};

use mio::Token;
use nightjar_stun::address::Family;
use nightjar_stun::server::{AllocationId, Client};

use super::{RELAYS, TURN, Worker};
use crate::command::ToStream;
use crate::datagrams::{Batch, Datagrams, Filled, Run};
use crate::worker::Handle;

/// Relay sockets and what waits to be sent through them.
pub(super) struct Relay {
    pub(super) allocation: AllocationId,
    v4: Option<Datagrams>,
    v6: Option<Datagrams>,
    run: Run,
    run_family: Family,
    is_dirty: bool,
}

impl Relay {
    pub(super) fn new(allocation: AllocationId, v4: Option<Datagrams>, v6: Option<Datagrams>) -> Self {
        Self { allocation, v4, v6, run: Run::default(), run_family: Family::V4, is_dirty: false }
    }

    fn socket(&self, family: Family) -> Option<&Datagrams> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
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

    /// Sends to a peer, soon or now; true if it is to be flushed and wasn't before.
    pub(super) fn send_to_peer(&mut self, peer: SocketAddr, bytes: &[u8], dont_fragment: bool) -> bool {
        let family = Family::of(peer.ip());
        if family != self.run_family || dont_fragment {
            self.flush();
            self.run_family = family;
        }
        let socket = match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        };
        let Some(socket) = socket else { return false };
        if dont_fragment {
            socket.send_unfragmented(peer, bytes);
            return false;
        }
        self.run.push(socket, peer, None, &[bytes]);
        !std::mem::replace(&mut self.is_dirty, true)
    }

    pub(super) fn flush(&mut self) {
        self.is_dirty = false;
        let socket = match self.run_family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        };
        if let Some(socket) = socket {
            self.run.flush(socket);
        }
    }
}

/// The token of a relay socket.
pub(super) fn token(index: u32, family: Family) -> Token {
    Token(RELAYS + index as usize * 2 + usize::from(family == Family::V6))
}

impl Worker {
    /// Reads from the relay socket of a token and sends to its client.
    pub(super) fn read_peers(&mut self, now: u64, number: usize, handle: &Handle) {
        let (index, family) = (number / 2, if number.is_multiple_of(2) { Family::V4 } else { Family::V6 });
        let Some(relay) = self.relays.get_mut(index).and_then(Option::take) else { return };
        let mut batch = std::mem::replace(&mut self.batch, Batch::empty());
        let mut run = Run::default();
        let mut more = true;
        if let Some(socket) = relay.socket(family) {
            for _ in 0..TURN {
                let Ok(Filled { count, all }) = batch.read(socket) else {
                    more = false;
                    break;
                };
                for (peer, _, datagram) in batch.datagrams(count) {
                    self.send_to_client(now, relay.allocation, peer, datagram, &mut run);
                }
                if let Some(clients) = &self.clients {
                    run.flush(clients);
                }
                if !all {
                    more = false;
                    break;
                }
            }
        }
        self.batch = batch;
        if let Some(slot) = self.relays.get_mut(index) {
            *slot = Some(relay);
        }
        self.do_outputs(now, handle);
        if more {
            self.again.push_back(Token(RELAYS + number));
        }
    }

    fn send_to_client(
        &mut self,
        now: u64,
        allocation: AllocationId,
        peer: SocketAddr,
        datagram: &[u8],
        run: &mut Run,
    ) {
        let Some(out) = self.machine.handle_peer(now, allocation, peer, datagram.len()) else { return };
        let padding = [0; 3];
        let padding = padding.get(..usize::from(out.prefix.padding)).unwrap_or_default();
        let parts = [out.prefix.bytes(), datagram, padding];
        if out.client.transport.is_stream() {
            return self.to_stream(&out.client, ToStream::Bytes(parts.concat()));
        }
        let from = self.source(&out.client);
        if let Some(clients) = &self.clients {
            run.push(clients, self.reachable(&out.client), from, &parts);
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
