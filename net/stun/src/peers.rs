//! TCP connections to and from peers (RFC 6062).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use nightjar_stun::address::Family;
use nightjar_stun::attribute::ErrorCode;
use nightjar_stun::server::{AllocationId, ConnectionId, Relayed};
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::AbortHandle;

use crate::command::Command;
use crate::shared::Shared;
use crate::worker::Handle;

/// How long a peer may take to accept (RFC 6062 §5.2).
const CONNECT_TIME: Duration = Duration::from_secs(30);
/// Connections of peers that may wait.
const BACKLOG: i32 = 16;
/// Relay ports that are tried.
const TRIES: usize = 64;

type Key = (usize, ConnectionId);

/// Everything TCP that allocations have, by the number of their worker.
#[derive(Default)]
pub(crate) struct Peers {
    listening: Mutex<HashMap<(usize, AllocationId), (SocketAddr, AbortHandle)>>,
    waiting: Mutex<HashMap<Key, TcpStream>>,
}

impl Peers {
    /// Opens the relayed address of a TCP allocation.
    pub(crate) fn listen(
        &self,
        shared: &Arc<Shared>,
        allocation: AllocationId,
        worker: usize,
        family: Family,
        handle: Handle,
    ) -> Result<Relayed, ErrorCode> {
        let place = match family {
            Family::V4 => shared.ports.v4.as_ref(),
            Family::V6 => shared.ports.v6.as_ref(),
        };
        let place = place.ok_or(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED)?;
        let bound = (0..TRIES).find_map(|_| bind(shared, place.bind));
        let (listener, address) = bound.ok_or(ErrorCode::INSUFFICIENT_CAPACITY)?;
        let accepting = Arc::clone(shared);
        let task =
            tokio::spawn(async move { accept(&accepting, &listener, allocation, worker, &handle).await });
        self.listening.lock().insert((worker, allocation), (address, task.abort_handle()));
        shared.ports.count(true);
        let public = Some(SocketAddr::new(place.public, address.port()));
        Ok(match family {
            Family::V4 => Relayed { v4: public, ..Relayed::default() },
            Family::V6 => Relayed { v6: public, ..Relayed::default() },
        })
    }

    /// Connects to a peer from the relayed address.
    pub(crate) fn connect(
        self: &Arc<Self>,
        allocation: AllocationId,
        worker: usize,
        connection: ConnectionId,
        peer: SocketAddr,
    ) -> impl Future<Output = bool> + Send + use<> {
        let local = self.listening.lock().get(&(worker, allocation)).map(|(address, _)| *address);
        let peers = Arc::clone(self);
        async move {
            match tokio::time::timeout(CONNECT_TIME, connect_from(local, peer)).await {
                Ok(Ok(stream)) => peers.waiting.lock().insert((worker, connection), stream).is_none(),
                _ => false,
            }
        }
    }

    /// A connection whose client has come.
    pub(crate) fn take(&self, worker: usize, connection: ConnectionId) -> Option<TcpStream> {
        self.waiting.lock().remove(&(worker, connection))
    }

    pub(crate) fn close(&self, worker: usize, connection: ConnectionId) {
        drop(self.take(worker, connection));
    }

    /// The end of an allocation; true if it had a TCP relay.
    pub(crate) fn free(&self, allocation: AllocationId, worker: usize) -> bool {
        let listening = self.listening.lock().remove(&(worker, allocation));
        listening.map(|(_, task)| task.abort()).is_some()
    }
}

fn bind(shared: &Shared, ip: IpAddr) -> Option<(TcpListener, SocketAddr)> {
    let port = shared.ports.pick_any(&*shared.kernel.random)?;
    let socket = reusable(SocketAddr::new(ip, port)).ok()?;
    socket.listen(BACKLOG).ok()?;
    let listener = TcpListener::from_std(socket.into()).ok()?;
    let address = listener.local_addr().ok()?;
    Some((listener, address))
}

/// Both the listening socket and those that connect to peers are bound to the relayed address.
fn reusable(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

async fn connect_from(local: Option<SocketAddr>, peer: SocketAddr) -> io::Result<TcpStream> {
    let local = local.ok_or(io::ErrorKind::NotFound)?;
    TcpSocket::from_std_stream(reusable(local)?.into()).connect(peer).await
}

async fn accept(
    shared: &Arc<Shared>,
    listener: &TcpListener,
    allocation: AllocationId,
    worker: usize,
    handle: &Handle,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (reply, answer) = tokio::sync::oneshot::channel();
                handle.send(Command::PeerConnected(allocation, peer, reply));
                if let Ok(Some(connection)) = answer.await {
                    shared.peers.waiting.lock().insert((worker, connection), stream);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a peer's connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
