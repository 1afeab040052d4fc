//! What workers and the rest tell each other.

use std::net::SocketAddr;
use std::sync::Arc;

use nightjar_stun::attribute::ErrorCode;
use nightjar_stun::credential::Key;
use nightjar_stun::server::{AllocationId, AllocationInfo, Client, ConnectionId, Relayed, Settings, Ticket};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

/// To a worker.
pub(crate) enum Command {
    /// Whose key a request was asked for.
    Authenticated(Ticket, Option<(String, Key)>),
    /// New settings.
    Settings(Arc<Settings>),
    /// Whether no new allocations are taken.
    Drain(bool),
    /// What is allocated?
    List(oneshot::Sender<Vec<AllocationInfo>>),
    /// These bytes go to a client, from this worker's socket.
    Send(Client, Vec<u8>),
    /// End an allocation.
    EndAllocation(AllocationId, oneshot::Sender<bool>),
    /// A client has connected.
    Opened(Client, mpsc::Sender<ToStream>),
    /// A client has gone.
    Closed(Client),
    /// A message of a connected client.
    Message(Client, Vec<u8>),
    /// Whether a TCP relay could be opened.
    Allocated(Ticket, Result<Relayed, ErrorCode>),
    /// Whether a peer could be connected to.
    Connected(ConnectionId, bool),
    /// A peer has gone.
    Disconnected(ConnectionId),
    /// A peer has connected to a TCP relay.
    PeerConnected(AllocationId, SocketAddr, oneshot::Sender<Option<ConnectionId>>),
    /// The end.
    End,
}

/// To a client's connection.
pub(crate) enum ToStream {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What looks like ChannelData is from now on.
    HasAllocation,
    /// From now on it carries what a peer sends.
    Join(ConnectionId, TcpStream),
}
