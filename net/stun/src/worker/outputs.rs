//! What the machine wants to happen.

use nightjar_stun::address::Family;
use nightjar_stun::attribute::ErrorCode;
use nightjar_stun::server::{AllocationId, Client, Output, Port, Protocol, Relayed, Ticket, Transport};

use super::relays::{Relay, token};
use super::{Handle, Worker};
use crate::command::{Command, ToStream};
use crate::datagrams::Datagrams;
use crate::listener::StunListeners;
use crate::ports;

impl Worker {
    pub(super) fn do_outputs(&mut self, now: u64, handle: &Handle) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Send { client, bytes } => self.send(&client, bytes),
                Output::SendFrom { client, bytes } => {
                    self.shared.kernel.shared::<StunListeners>().send_from(client, bytes);
                }
                Output::Authenticate { ticket, username, algorithm } => {
                    let known = self.shared.known(&username, algorithm);
                    if known.is_some_and(|(user, key)| self.machine.try_key(now, ticket, user, key)) {
                        continue;
                    }
                    let (shared, handle) = (self.shared.clone(), handle.clone());
                    self.shared.runtime.spawn(async move {
                        let account = shared.credentials(username, algorithm).await;
                        handle.send(Command::Authenticated(ticket, account));
                    });
                }
                Output::Allocate { ticket, allocation, protocol: Protocol::Udp, families, port } => {
                    let opened = self.open(allocation, families, port);
                    self.machine.allocated(now, ticket, opened);
                }
                Output::Allocate { ticket, allocation, families, .. } => {
                    self.open_tcp(ticket, allocation, families.0, handle);
                }
                Output::Free { allocation, family } => self.free(allocation, family),
                Output::Connect { allocation, connection, peer } => {
                    let connected = self.shared.peers.connect(allocation, self.number, connection, peer);
                    let handle = handle.clone();
                    self.shared.runtime.spawn(async move {
                        handle.send(Command::Connected(connection, connected.await));
                    });
                }
                Output::Join { client, connection } => {
                    match self.shared.peers.take(self.number, connection) {
                        Some(peer) => self.to_stream(&client, ToStream::Join(connection, peer)),
                        None => self.machine.disconnected(connection),
                    }
                }
                Output::Disconnect { connection } => self.shared.peers.close(self.number, connection),
            }
        }
    }

    pub(super) fn send(&mut self, client: &Client, bytes: Vec<u8>) {
        if client.transport.is_stream() {
            return self.to_stream(client, ToStream::Bytes(bytes));
        }
        if client.transport == Transport::Dtls {
            return self.send_inside(client, &[&bytes]);
        }
        self.send_parts(client, &[&bytes]);
    }

    fn open(
        &mut self,
        allocation: AllocationId,
        families: (Family, Option<Family>),
        port: Port,
    ) -> Result<Relayed, ErrorCode> {
        let mut relayed = Relayed::default();
        let (mut v4, mut v6) = (None, None);
        // A client that shows a token can't say which family it is of (RFC 8656 §7.2).
        let first = match port {
            Port::Reserved(token) => self.shared.ports.reserved_family(&token).unwrap_or(families.0),
            _ => families.0,
        };
        for (family, is_needed) in [(Some(first), true), (families.1, false)] {
            let Some(family) = family else { continue };
            let opened = self.open_one(allocation, family, port, &mut relayed);
            match (opened, family) {
                (Ok(socket), Family::V4) => v4 = Some(socket),
                (Ok(socket), Family::V6) => v6 = Some(socket),
                (Err(error), _) if is_needed => {
                    tracing::warn!(%error, "no relay port could be opened");
                    return Err(ErrorCode::INSUFFICIENT_CAPACITY);
                }
                (Err(_), _) => {}
            }
        }
        let index = allocation.index as usize;
        if self.relays.len() <= index {
            self.relays.resize_with(index + 1, || None);
        }
        if let Some(slot) = self.relays.get_mut(index) {
            *slot = Some(Relay::new(allocation, v4, v6));
        }
        Ok(relayed)
    }

    fn open_one(
        &self,
        allocation: AllocationId,
        family: Family,
        port: Port,
        relayed: &mut Relayed,
    ) -> std::io::Result<Datagrams> {
        let place = match family {
            Family::V4 => self.shared.ports.v4.as_ref(),
            Family::V6 => self.shared.ports.v6.as_ref(),
        };
        let place: &ports::Family = place.ok_or(std::io::ErrorKind::Unsupported)?;
        let opened = self.shared.ports.open(place.bind, port, &*self.shared.kernel.random)?;
        let mut socket = Datagrams::of_relay(opened.socket, family == Family::V4);
        socket.register(self.poll.registry(), token(allocation.index, family))?;
        let address = std::net::SocketAddr::new(place.public, opened.port);
        match family {
            Family::V4 => relayed.v4 = Some(address),
            Family::V6 => relayed.v6 = Some(address),
        }
        relayed.reservation = opened.token.or(relayed.reservation);
        self.shared.ports.count(true);
        Ok(socket)
    }

    fn open_tcp(&self, ticket: Ticket, allocation: AllocationId, family: Family, handle: &Handle) {
        let (shared, handle, number) = (self.shared.clone(), handle.clone(), self.number);
        self.shared.runtime.spawn(async move {
            let opened = shared.peers.listen(&shared, allocation, number, family, handle.clone());
            handle.send(Command::Allocated(ticket, opened));
        });
    }

    fn free(&mut self, allocation: AllocationId, family: Option<Family>) {
        if family.is_none() && self.shared.peers.free(allocation, self.number) {
            self.shared.ports.count(false);
        }
        let Some(slot) = self.relays.get_mut(allocation.index as usize) else { return };
        let Some(relay) = slot.as_mut().filter(|relay| relay.allocation == allocation) else { return };
        // Closing a socket takes it off the poll, too.
        relay.take(family).for_each(|_| self.shared.ports.count(false));
        if relay.is_empty() {
            *slot = None;
        }
    }
}
