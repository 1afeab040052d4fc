//! UDP sockets that read and write many datagrams in one system call.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use socket2::SockRef;

use crate::calls::{self, BATCH, Departing, Failed, Room};

/// Bytes of one buffer: what the kernel gathers of datagrams of one sender at most. The odd number of cache lines beyond
/// keeps the beginnings of buffers, which are all that most datagrams fill, apart in the processor's caches.
const BUFFER: usize = 65_536 + 17 * 64;
/// Buffers that are offered at least.
const BATCH_MIN: usize = 2;
/// Bytes of datagrams that are sent as one, with room for the headers of UDP and IP.
const RUN_BYTES: usize = 65_000;
/// Datagrams that are sent as one: what all kernels take apart.
const RUN_MAX: usize = 64;
/// Bytes of a datagram that is sent together with others: they don't fit a packet of Ethernet if they are longer, and
/// the kernel refuses to take apart what it had to break into pieces.
const SEGMENT_MAX: usize = 1_452;
/// Bytes that wait to be sent at most.
const OUTBOX_BYTES: usize = 512 << 10;
/// Socket buffers for bursts; the kernel gives less where its limits say so.
const SOCKET_BYTES: usize = 4 << 20;

/// A UDP socket.
pub(crate) struct Datagrams {
    socket: mio::net::UdpSocket,
    is_ipv4: bool,
    gathers: bool,
    /// Whether nothing was sent yet: what only matters to sending is asked of the kernel with the first datagram, as most
    /// relays are made for calls that then find another way.
    is_unused: Cell<bool>,
    /// Buffers to be offered next: each costs time whether it is filled or not, so there are hardly more of them than
    /// were filled last.
    wanted: Cell<usize>,
}

impl Datagrams {
    /// A socket that all clients send to. It tells which of our addresses they chose if it's bound to all of them.
    pub(crate) fn of_clients(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let ip = socket.local_addr()?.ip();
        // What the kernel doesn't grant costs packets in a burst, and nothing else.
        let _ = SockRef::from(&socket).set_recv_buffer_size(SOCKET_BYTES);
        let _ = SockRef::from(&socket).set_send_buffer_size(SOCKET_BYTES);
        if ip.is_unspecified() {
            calls::tell_destinations(socket.as_fd(), ip.is_ipv4())?;
        }
        let mut datagrams = Self::of_relay(socket, ip.is_ipv4());
        // Errors that clients cause are for nobody.
        datagrams.is_unused.set(false);
        datagrams.set_dont_fragment(false);
        datagrams.gather();
        Ok(datagrams)
    }

    /// A relay's socket, which never blocks. When it has sent something, [`Datagrams::failed`] has what ICMP packets tell.
    pub(crate) fn of_relay(socket: UdpSocket, is_ipv4: bool) -> Self {
        let socket = mio::net::UdpSocket::from_std(socket);
        Self { socket, is_ipv4, gathers: false, is_unused: Cell::new(true), wanted: Cell::new(BATCH_MIN) }
    }

    fn prepare_to_send(&self) {
        if self.is_unused.replace(false) {
            self.set_dont_fragment(false);
            calls::tell_failures(self.socket.as_fd(), self.is_ipv4);
        }
    }

    /// What an ICMP packet told of a datagram that was sent before.
    pub(crate) fn failed(&self) -> io::Result<Option<Failed>> {
        calls::failed(self.socket.as_fd())
    }

    /// From now on the kernel puts together what comes in a row from one sender. A kernel that can't doesn't.
    pub(crate) fn gather(&mut self) {
        if !self.gathers {
            self.gathers = true;
            calls::gather(self.socket.as_fd());
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket.register(registry, token, Interest::READABLE)
    }

    /// Whether routers may break datagrams into pieces; they may unless a client asks otherwise (RFC 8656 §14).
    fn set_dont_fragment(&self, dont: bool) {
        // Best effort: a system without it fragments as it likes.
        let _ = if self.is_ipv4 {
            let how = if dont { Ipv4PathMtuDiscovery::DO } else { Ipv4PathMtuDiscovery::DONT };
            sockopt::set_ip_mtu_discover(&self.socket, how)
        } else {
            let how = if dont { Ipv6PathMtuDiscovery::DO } else { Ipv6PathMtuDiscovery::DONT };
            sockopt::set_ipv6_mtu_discover(&self.socket, how)
        };
    }

    /// Sends one datagram. A full socket buffer loses it, as any router would.
    pub(crate) fn send(&self, to: SocketAddr, from: Option<IpAddr>, bytes: &[u8]) {
        self.prepare_to_send();
        let departing = Departing { to, from, bytes, segment: None };
        if let Err(error) = calls::send(self.socket.as_fd(), std::iter::once(departing)) {
            tracing::trace!(%error, "a datagram was lost");
        }
    }

    pub(crate) fn send_unfragmented(&self, to: SocketAddr, bytes: &[u8]) {
        self.prepare_to_send();
        self.set_dont_fragment(true);
        self.send(to, None, bytes);
        self.set_dont_fragment(false);
    }
}

/// Datagrams that leave through one socket in as few calls as there can be.
#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    runs: Vec<Run>,
}

/// Datagrams of one size to one address; a shorter one ends a run.
struct Run {
    to: SocketAddr,
    from: Option<IpAddr>,
    end: usize,
    length: usize,
    segment: usize,
    count: usize,
    is_closed: bool,
}

impl Outbox {
    /// Adds a datagram made of parts, after sending what there is no room beside.
    pub(crate) fn push(
        &mut self,
        through: &Datagrams,
        to: SocketAddr,
        from: Option<IpAddr>,
        parts: &[&[u8]],
    ) {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let last = self.runs.last_mut().filter(|run| run.takes(to, from, length));
        match last {
            Some(run) => {
                run.end += length;
                run.length += length;
                run.count += 1;
                run.is_closed = length < run.segment;
            }
            None => {
                if self.runs.len() == BATCH || self.bytes.len() + length > OUTBOX_BYTES {
                    self.flush(through);
                }
                let end = self.bytes.len() + length;
                let is_closed = length == 0 || length > SEGMENT_MAX;
                self.runs.push(Run { to, from, end, length, segment: length, count: 1, is_closed });
            }
        }
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
    }

    /// Sends what was gathered.
    pub(crate) fn flush(&mut self, through: &Datagrams) {
        through.prepare_to_send();
        let mut rest = self.runs.as_slice();
        while let Some(first) = rest.first() {
            let departing = rest.iter().map(|run| run.departing(&self.bytes));
            let done = match calls::send(through.socket.as_fd(), departing) {
                Ok(sent) => sent.max(1),
                Err(error) => {
                    // A device that can't split them, or a path that is too narrow, gets them one by one.
                    if first.count > 1 && error.kind() != io::ErrorKind::WouldBlock {
                        first
                            .one_by_one(&self.bytes)
                            .for_each(|bytes| through.send(first.to, first.from, bytes));
                    } else {
                        tracing::trace!(%error, "a datagram was lost");
                    }
                    1
                }
            };
            rest = rest.get(done..).unwrap_or_default();
        }
        self.runs.clear();
        self.bytes.clear();
    }
}

impl Run {
    fn takes(&self, to: SocketAddr, from: Option<IpAddr>, length: usize) -> bool {
        !self.is_closed
            && self.to == to
            && self.from == from
            && length > 0
            && length <= self.segment
            && self.length + length <= RUN_BYTES
            && self.count < RUN_MAX
    }

    fn bytes<'a>(&self, all: &'a [u8]) -> &'a [u8] {
        all.get(self.end - self.length..self.end).unwrap_or_default()
    }

    fn departing<'a>(&self, all: &'a [u8]) -> Departing<'a> {
        let segment = if self.count > 1 { u16::try_from(self.segment).ok() } else { None };
        Departing { to: self.to, from: self.from, bytes: self.bytes(all), segment }
    }

    fn one_by_one<'a>(&self, all: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.bytes(all).chunks(self.segment.max(1))
    }
}

/// Buffers for what one call reads.
pub(crate) struct Batch {
    storage: Vec<u8>,
    room: Box<Room>,
}

/// What reading has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    /// Buffers that were filled.
    pub(crate) count: usize,
    /// Whether all were: there may be more.
    pub(crate) all: bool,
}

impl Batch {
    pub(crate) fn new() -> Self {
        // Pages that are never written to cost nothing.
        Self { storage: vec![0; BUFFER * BATCH], room: Box::new(Room::new()) }
    }

    /// Reads what is there.
    pub(crate) fn read(&mut self, from: &Datagrams) -> io::Result<Filled> {
        let wanted = from.wanted.get();
        let count = calls::receive(from.socket.as_fd(), &mut self.storage, BUFFER, wanted, &mut self.room)?;
        let all = count == wanted;
        from.wanted.set(if all { (wanted * 2).min(BATCH) } else { (count + 1).max(BATCH_MIN) });
        Ok(Filled { count, all })
    }

    /// The datagrams of the first `count` buffers: sender, our address, and where [`Batch::bytes`] finds them.
    pub(crate) fn datagrams(
        &self,
        count: usize,
    ) -> impl Iterator<Item = (SocketAddr, Option<IpAddr>, (usize, usize))> {
        let filled = self.room.arrived().iter().zip((0..).step_by(BUFFER)).take(count);
        filled.flat_map(|(arrived, start)| {
            let end = start + arrived.length.min(BUFFER);
            // A datagram without data is one all the same.
            let empty = (end == start).then_some((start, end));
            let starts = (start..end).step_by(arrived.segment);
            let datagrams = starts.map(move |start| (start, end.min(start + arrived.segment)));
            empty.into_iter().chain(datagrams).map(|place| (arrived.from, arrived.to, place))
        })
    }

    /// The bytes of a datagram that was read last.
    pub(crate) fn bytes(&self, (start, end): (usize, usize)) -> &[u8] {
        self.storage.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
