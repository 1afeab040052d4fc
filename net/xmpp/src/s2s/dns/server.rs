//! One name server. A question of its own costs a few hundred bytes and, among many, no socket: a thousand domains
//! whose name servers are silent keep nobody else waiting.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, MessageType, Query};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::AbortHandle;

use super::message::{self, Reply};

/// Sockets to one server. As long as there are fewer, each question has a source port of its own (RFC 5452 §9.2).
const SOCKETS_MAX: usize = 64;
/// Questions that wait for answers on one socket.
const PENDING_MAX: usize = 4096;
/// Connections to one server.
const CONNECTIONS_MAX: usize = 16;
/// A packet that gets no answer for so long is sent again; after four times as long again, and so on. A burst of questions
/// overflows the buffer of a socket somewhere on the way; whose packet is among those must not wait for seconds, and those
/// that nobody answers must not make the next burst.
const RESEND: Duration = Duration::from_millis(500);
const RESEND_GROWTH: u32 = 4;
const PACKET_BYTES_MAX: usize = 4096;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Silence {
    #[error("timeout")]
    Timeout,
    #[error("{0}")]
    Unreachable(String),
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// A name server.
pub(super) struct Server {
    pub address: SocketAddr,
    wires: Mutex<Vec<Weak<Wire>>>,
    connections: Semaphore,
    /// It hasn't shown yet that it doesn't know EDNS.
    edns: AtomicBool,
}

/// A socket that several questions share; the last of them closes it.
struct Wire {
    socket: Arc<UdpSocket>,
    pending: Arc<Mutex<HashMap<u16, Pending>>>,
    reader: AbortHandle,
}

struct Pending {
    query: Arc<Query>,
    answer: oneshot::Sender<Box<Message>>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A question's place on a wire.
struct Place {
    wire: Arc<Wire>,
    id: u16,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.wire.pending.lock().remove(&self.id);
    }
}

impl Server {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            wires: Mutex::default(),
            connections: Semaphore::new(CONNECTIONS_MAX),
            edns: AtomicBool::new(true),
        }
    }

    /// Asks the server; by TCP what doesn't fit into a packet.
    ///
    /// # Errors
    /// If it doesn't answer in time, or not at all.
    pub async fn ask(&self, query: &Arc<Query>, timeout: Duration) -> Result<Reply, Silence> {
        let asked = tokio::time::timeout(timeout, async {
            let edns = self.edns.load(Ordering::Relaxed);
            let reply = self.ask_by_udp(query, edns).await?;
            match reply {
                Reply::Plainer => {
                    self.edns.store(false, Ordering::Relaxed);
                    Box::pin(self.ask_by_udp(query, false)).await
                }
                Reply::Truncated => Box::pin(self.ask_by_tcp(query, edns)).await,
                reply => Ok(reply),
            }
        });
        asked.await.unwrap_or(Err(Silence::Timeout))
    }

    async fn ask_by_udp(&self, query: &Arc<Query>, edns: bool) -> Result<Reply, Silence> {
        let (place, mut answer) = self.place(query)?;
        let packet = packet(query, place.id, edns)?;
        place.wire.socket.send(&packet).await?;
        let mut pause = RESEND;
        let answered = loop {
            if let Ok(answered) = tokio::time::timeout(pause, &mut answer).await {
                break answered;
            }
            place.wire.socket.send(&packet).await?;
            pause = pause.saturating_mul(RESEND_GROWTH);
        };
        let message = answered.map_err(|_| Silence::Unreachable("it takes no packets".to_owned()))?;
        Ok(message::read(&message, query, edns))
    }

    #[cfg(test)]
    pub fn sockets(&self) -> usize {
        self.wires.lock().iter().filter(|wire| wire.strong_count() > 0).count()
    }

    /// A place on a new socket, or on the one with the fewest questions.
    fn place(&self, query: &Arc<Query>) -> Result<(Place, oneshot::Receiver<Box<Message>>), Silence> {
        let mut wires = self.wires.lock();
        let mut live: Vec<Arc<Wire>> = wires.iter().filter_map(Weak::upgrade).collect();
        if live.len() < SOCKETS_MAX {
            let wire = Arc::new(Wire::new(self.address)?);
            wires.retain(|wire| wire.strong_count() > 0);
            wires.push(Arc::downgrade(&wire));
            live = vec![wire];
        }
        let wire = live.into_iter().min_by_key(|wire| wire.pending.lock().len());
        let Some(wire) = wire else { return Err(Silence::Timeout) };
        drop(wires);
        let (sender, receiver) = oneshot::channel();
        let id = wire.wait_for(query, sender)?;
        Ok((Place { wire, id }, receiver))
    }

    async fn ask_by_tcp(&self, query: &Query, edns: bool) -> Result<Reply, Silence> {
        let permit = self.connections.acquire().await;
        let _permit = permit.map_err(|_| Silence::Timeout)?;
        let mut stream = TcpStream::connect(self.address).await?;
        let id = Message::query().metadata.id;
        let packet = packet(query, id, edns)?;
        let length = u16::try_from(packet.len()).unwrap_or_default();
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(&packet);
        stream.write_all(&framed).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        let unreadable = || Silence::Unreachable("its answer can't be read".to_owned());
        let message = Message::from_vec(&answer).map_err(|_| unreadable())?;
        if message.metadata.id != id || !is_answer(&message, query) || message.metadata.truncation {
            return Err(unreadable());
        }
        Ok(message::read(&message, query, edns))
    }
}

impl Wire {
    fn new(server: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = std::net::UdpSocket::bind(any)?;
        // Packets of anybody else don't arrive, and errors of the server's host do.
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let pending = Arc::new(Mutex::new(HashMap::new()));
        let reader = tokio::spawn(read(Arc::clone(&socket), Arc::clone(&pending))).abort_handle();
        Ok(Self { socket, pending, reader })
    }

    /// Waits for the answer to a question; returns the identifier that it must bear.
    fn wait_for(&self, query: &Arc<Query>, answer: oneshot::Sender<Box<Message>>) -> Result<u16, Silence> {
        let mut pending = self.pending.lock();
        if pending.len() >= PENDING_MAX {
            return Err(Silence::Unreachable("too many questions wait for answers".to_owned()));
        }
        loop {
            let id = Message::query().metadata.id;
            if let std::collections::hash_map::Entry::Vacant(entry) = pending.entry(id) {
                entry.insert(Pending { query: Arc::clone(query), answer });
                return Ok(id);
            }
        }
    }
}

async fn read(socket: Arc<UdpSocket>, pending: Arc<Mutex<HashMap<u16, Pending>>>) {
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    loop {
        let length = match socket.recv(&mut buffer).await {
            Ok(length) => length,
            Err(_) => {
                // Whoever waits learns it by the end of its channel.
                pending.lock().clear();
                continue;
            }
        };
        let packet = buffer.get(..length).unwrap_or_default();
        let Ok(message) = Message::from_vec(packet) else { continue };
        let mut pending = pending.lock();
        let id = message.metadata.id;
        if pending.get(&id).is_some_and(|pending| is_answer(&message, &pending.query))
            && let Some(pending) = pending.remove(&id)
        {
            let _ = pending.answer.send(Box::new(message));
        }
    }
}

/// RFC 5452 §9.1. Servers that fail may leave the question out.
fn is_answer(message: &Message, query: &Query) -> bool {
    message.metadata.message_type == MessageType::Response
        && match message.queries.as_slice() {
            [one] => one == query,
            [] => message.answers.is_empty() && message.authorities.is_empty(),
            _ => false,
        }
}

fn packet(query: &Query, id: u16, edns: bool) -> Result<Vec<u8>, Silence> {
    message::question(query, id, edns).map_err(|error| Silence::Unreachable(error.to_string()))
}
