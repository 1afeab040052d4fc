//! Clients connected by TCP, with or without TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use nightjar_net_listen::{Accept, Accepted, Permit};
use nightjar_stun::server::{Client, ConnectionId, Transport};
use nightjar_stun::stream::{LENGTH_MAX, Piece, first};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::command::{Command, ToStream};
use crate::shared::Shared;
use crate::worker::Handle;

/// How long a client without an allocation may say nothing, or take for its TLS handshake.
const SILENCE: Duration = Duration::from_secs(60);
/// How long one with an allocation may say nothing: no allocation lives longer without a refresh.
const SILENCE_WITH_ALLOCATION: Duration = Duration::from_secs(3_700);
/// How long a client may take no byte.
const SEND_TIME: Duration = Duration::from_secs(15);
/// How long a client may take to be told the end.
const CLOSING: Duration = Duration::from_secs(1);
/// Packets that may wait for a client that reads slowly.
const QUEUE: usize = 256;
/// Bytes read at once.
const READ: usize = 16_384;
/// Bytes of a message of a client without an allocation.
const LENGTH_BEFORE: usize = 2_048;

/// Takes clients of a TCP listener.
pub(crate) struct Streams {
    pub(crate) shared: Arc<Shared>,
    pub(crate) handles: Vec<Handle>,
    pub(crate) local: SocketAddr,
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
}

impl Accept for Streams {
    fn accept(&self, accepted: Accepted) {
        let Accepted { socket, peer: Some(remote), permit } = accepted else { return };
        let nightjar_net_listen::socket::Socket::Tcp(socket) = socket else { return };
        let local = socket.local_addr().unwrap_or(self.local);
        let transport = if self.tls.is_some() { Transport::Tls } else { Transport::Tcp };
        let client = Client { transport, local, remote };
        // A client's two connections (RFC 6062) may come to different ports, never to different workers.
        let at = usize::from(remote.ip().to_canonical().to_string().bytes().fold(0_u8, u8::wrapping_add));
        let Some(handle) = self.handles.get(at % self.handles.len().max(1)).cloned() else { return };
        let connection = Connection { client, handle, permit, has_allocation: false };
        let (tls, shared) = (self.tls.clone(), Arc::clone(&self.shared));
        tokio::spawn(async move {
            let here = shared.farewell.here();
            let over = shared.farewell.is_over();
            let ended = match tls {
                None => connection.serve(socket, over).await,
                Some(tls) => {
                    let accepted = timeout(SILENCE, tokio_rustls::TlsAcceptor::from(tls).accept(socket));
                    tokio::select! {
                        accepted = accepted => match accepted {
                            Ok(Ok(stream)) => connection.serve(stream, over).await,
                            Ok(Err(error)) => Err(error),
                            Err(_) => Err(io::ErrorKind::TimedOut.into()),
                        },
                        () = shared.farewell.is_over() => Ok(()),
                    }
                }
            };
            drop(here);
            if let Err(error) = ended {
                tracing::debug!(peer = %remote, %error, "a STUN connection ended");
            }
        });
    }

    fn budget(&self) -> Option<Arc<nightjar_net_listen::Budget>> {
        Some(self.shared.kernel.shared())
    }
}

struct Connection {
    client: Client,
    handle: Handle,
    permit: Option<Permit>,
    has_allocation: bool,
}

impl Connection {
    /// Serves until either side goes, or until it's over for all; then the client is told (for TLS by `close_notify`).
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        mut self,
        stream: S,
        over: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let mut over = pin!(over);
        let (sender, mut queue) = mpsc::channel(QUEUE);
        self.handle.send(Command::Opened(self.client, sender));
        let (mut reader, mut writer) = tokio::io::split(stream);
        let joined = tokio::select! {
            joined = self.exchange(&mut reader, &mut writer, &mut queue) => joined,
            () = &mut over => Ok(None),
        };
        self.handle.send(Command::Closed(self.client));
        let mut stream = reader.unsplit(writer);
        let Some((connection, mut peer, rest)) = joined? else { return close(&mut stream).await };
        peer.write_all(&rest).await?;
        let copied = tokio::select! {
            copied = tokio::io::copy_bidirectional(&mut stream, &mut peer) => copied.map(|_| ()),
            () = over => Ok(()),
        };
        self.handle.send(Command::Disconnected(connection));
        copied?;
        close(&mut stream).await
    }

    /// Messages both ways, until the client goes or is joined with a peer.
    async fn exchange(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
        queue: &mut mpsc::Receiver<ToStream>,
    ) -> io::Result<Option<Joined>> {
        let mut buffer = Vec::new();
        loop {
            let silence = if self.has_allocation { SILENCE_WITH_ALLOCATION } else { SILENCE };
            tokio::select! {
                read = timeout(silence, read_more(reader, &mut buffer)) => {
                    if read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? == 0 {
                        return Ok(None);
                    }
                    self.take_messages(&mut buffer)?;
                }
                what = queue.recv() => match what {
                    None => return Ok(None),
                    Some(what) => {
                        if let Some((connection, peer)) = self.write(writer, queue, what).await? {
                            return Ok(Some((connection, peer, buffer)));
                        }
                    }
                },
            }
        }
    }

    fn allocated(&mut self) {
        self.has_allocation = true;
        if let Some(permit) = &mut self.permit {
            permit.authenticated();
        }
    }

    fn take_messages(&self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let limit = if self.has_allocation { LENGTH_MAX } else { LENGTH_BEFORE };
        let mut taken = 0;
        loop {
            let rest = buffer.get(taken..).unwrap_or_default();
            match first(rest, self.has_allocation) {
                Piece::Whole(length) if length <= limit => {
                    let message = rest.get(..length).unwrap_or_default().to_vec();
                    self.handle.send(Command::Message(self.client, message));
                    taken += length;
                }
                Piece::Part if rest.len() <= limit => break,
                _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "no STUN message")),
            }
        }
        buffer.drain(..taken);
        Ok(())
    }

    /// Writes what is there in one go. A peer to be joined comes last.
    async fn write(
        &mut self,
        writer: &mut (impl AsyncWrite + Unpin),
        queue: &mut mpsc::Receiver<ToStream>,
        first: ToStream,
    ) -> io::Result<Option<(ConnectionId, TcpStream)>> {
        let (mut bytes, mut joined) = (Vec::new(), None);
        let is_tls = self.client.transport == Transport::Tls;
        let mut next = Some(first);
        while let Some(what) = next {
            match what {
                // Each message has a TLS record of its own: there are clients that look for one message in each.
                ToStream::Bytes(more) if is_tls => timeout(SEND_TIME, writer.write_all(&more)).await??,
                ToStream::Bytes(more) => bytes.extend_from_slice(&more),
                ToStream::HasAllocation => self.allocated(),
                ToStream::Join(connection, peer) => joined = Some((connection, peer)),
            }
            next = if bytes.len() < READ && joined.is_none() { queue.try_recv().ok() } else { None };
        }
        timeout(SEND_TIME, async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        })
        .await??;
        Ok(joined)
    }
}

async fn close(stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    timeout(CLOSING, stream.shutdown()).await?
}

/// A connection to a peer, and what the client has sent for it already.
type Joined = (ConnectionId, TcpStream, Vec<u8>);

async fn read_more(reader: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> io::Result<usize> {
    if buffer.capacity() - buffer.len() < 1_024 {
        buffer.reserve(if buffer.is_empty() { 2_048 } else { READ });
    }
    reader.read_buf(buffer).await
}
