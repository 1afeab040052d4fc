//! TCP allocations (RFC 6062): connections to peers, joined to connections of the client.

use core::net::SocketAddr;

use super::{AllocationId, ConnectionId, Output, Protocol, Server, Who};
use crate::attribute::{ErrorCode, kind};
use crate::builder::Builder;
use crate::message::{Class, Message, Method, TransactionId};

/// Connections of one allocation.
const CONNECTIONS_MAX: usize = 32;
/// Milliseconds a connection waits for its client (RFC 6062 §5.2).
const BIND_TIME: u64 = 30_000;

pub(super) struct Connection {
    allocation: AllocationId,
    peer: SocketAddr,
    user: String,
    state: State,
    since: u64,
}

enum State {
    /// Being opened for a request of the client.
    Connecting(Box<(Who, Vec<u8>)>),
    /// The client has been told of it.
    Offered,
    /// The client has taken it.
    Joined,
}

impl Server {
    /// RFC 6062 §5.2
    pub(super) fn connect(&mut self, now: u64, who: &Who, message: &Message<'_>, id: AllocationId) {
        match self.prepare(now, message, id) {
            Err(error) => self.refuse(now, who, message, error),
            Ok(peer) => {
                let state = State::Connecting(Box::new((who.clone(), message.bytes().to_vec())));
                let connection = self.add_connection(now, id, peer, state);
                self.outputs.push_back(Output::Connect { allocation: id, connection, peer });
            }
        }
    }

    fn prepare(
        &mut self,
        now: u64,
        message: &Message<'_>,
        id: AllocationId,
    ) -> Result<SocketAddr, ErrorCode> {
        if !self.get(id).is_some_and(|own| own.protocol == Protocol::Tcp) {
            return Err(ErrorCode::BAD_REQUEST);
        }
        let peer = message.get_xor_address(kind::XOR_PEER_ADDRESS).ok_or(ErrorCode::BAD_REQUEST)?;
        self.check_address(id, peer)?;
        self.sweep_connections(now);
        let own = || self.connections.values().filter(|connection| connection.allocation == id);
        if own().any(|connection| connection.peer == peer) {
            return Err(ErrorCode::CONNECTION_ALREADY_EXISTS);
        }
        if own().count() >= CONNECTIONS_MAX {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY);
        }
        self.permit(now, id, &[peer.ip()])?;
        Ok(peer)
    }

    fn add_connection(
        &mut self,
        now: u64,
        allocation: AllocationId,
        peer: SocketAddr,
        state: State,
    ) -> ConnectionId {
        let user = self.get(allocation).map(|own| own.user.clone()).unwrap_or_default();
        let mut number = self.random() as u32;
        while self.connections.contains_key(&number) {
            number = self.random() as u32;
        }
        self.connections.insert(number, Connection { allocation, peer, user, state, since: now });
        ConnectionId(number)
    }

    /// The answer to [`Output::Connect`].
    pub fn connected(&mut self, now: u64, connection: ConnectionId, worked: bool) {
        let Some(entry) = self.connections.get_mut(&connection.0) else { return };
        let State::Connecting(_) = entry.state else { return };
        let State::Connecting(asked) = std::mem::replace(&mut entry.state, State::Offered) else { return };
        entry.since = now;
        let (who, packet) = *asked;
        let Ok(message) = Message::parse(&packet) else { return };
        if worked {
            return self
                .answer(now, &who, &message, |builder| builder.u32(kind::CONNECTION_ID, connection.0));
        }
        self.connections.remove(&connection.0);
        self.refuse(now, &who, &message, ErrorCode::CONNECTION_TIMEOUT_OR_FAILURE);
    }

    /// A peer has connected to a relayed address (RFC 6062 §5.3). None means: close it.
    pub fn peer_connected(
        &mut self,
        now: u64,
        allocation: AllocationId,
        peer: SocketAddr,
    ) -> Option<ConnectionId> {
        let own = self.get(allocation)?;
        let (client, is_permitted) = (own.client, own.is_permitted(now, peer.ip()));
        self.sweep_connections(now);
        let count =
            self.connections.values().filter(|connection| connection.allocation == allocation).count();
        if !is_permitted || count >= CONNECTIONS_MAX {
            self.counters.packets_without_permission += 1;
            return None;
        }
        let connection = self.add_connection(now, allocation, peer, State::Offered);
        let transaction = TransactionId::of_indication(self.random(), self.random());
        let mut bytes = Vec::with_capacity(64);
        Builder::new(&mut bytes, Class::Indication, Method::CONNECTION_ATTEMPT, transaction)
            .u32(kind::CONNECTION_ID, connection.0)
            .xor_address(kind::XOR_PEER_ADDRESS, peer)
            .finish();
        self.outputs.push_back(Output::Send { client, bytes });
        Some(connection)
    }

    /// RFC 6062 §5.4
    pub(super) fn connection_bind(&mut self, now: u64, who: &Who, message: &Message<'_>) {
        self.sweep_connections(now);
        let number = message.get_u32(kind::CONNECTION_ID);
        let user = who.proof.as_ref().map_or("", |proof| proof.user.as_str());
        let found = number.and_then(|number| self.connections.get_mut(&number));
        match found {
            Some(entry)
                if matches!(entry.state, State::Offered)
                    && entry.user == user
                    && who.client.transport.is_stream()
                    && !self.by_client.contains_key(&who.client) =>
            {
                entry.state = State::Joined;
                self.answer(now, who, message, |builder| builder);
                let connection = ConnectionId(number.unwrap_or_default());
                self.outputs.push_back(Output::Join { client: who.client, connection });
            }
            _ => self.refuse(now, who, message, ErrorCode::BAD_REQUEST),
        }
    }

    /// A connection to a peer has ended.
    pub fn disconnected(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection.0);
    }

    /// Ends connections that no client has taken in time.
    fn sweep_connections(&mut self, now: u64) {
        let outputs = &mut self.outputs;
        self.connections.retain(|number, connection| {
            let is_late = matches!(connection.state, State::Offered) && now >= connection.since + BIND_TIME;
            if is_late {
                outputs.push_back(Output::Disconnect { connection: ConnectionId(*number) });
            }
            !is_late
        });
    }

    pub(super) fn drop_connections(&mut self, allocation: AllocationId) {
        let outputs = &mut self.outputs;
        self.connections.retain(|number, connection| {
            if connection.allocation == allocation {
                outputs.push_back(Output::Disconnect { connection: ConnectionId(*number) });
            }
            connection.allocation != allocation
        });
    }
}
