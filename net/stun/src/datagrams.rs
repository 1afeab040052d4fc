//! UDP sockets that read and write many datagrams in one system call.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};

use mio::event::Source;
use mio::{Interest, Registry, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};

/// Bytes of one buffer: what the kernel gathers of datagrams of one sender at most.
const BUFFER: usize = 65_536;
/// Buffers that are offered at least.
const BATCH_MIN: usize = 2;
/// Bytes of datagrams that are sent in one call, with room for the headers of UDP and IP.
const RUN_BYTES: usize = 65_000;
/// Socket buffers for bursts; the kernel gives less where its limits say so.
const SOCKET_BYTES: usize = 4 << 20;

/// A UDP socket.
pub(crate) struct Datagrams {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    is_ipv4: bool,
}

impl Datagrams {
    pub(crate) fn new(socket: UdpSocket, is_busy: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        if is_busy {
            // What the kernel doesn't grant costs packets in a burst, and nothing else.
            let _ = state.set_recv_buffer_size((&socket).into(), SOCKET_BYTES);
            let _ = state.set_send_buffer_size((&socket).into(), SOCKET_BYTES);
        }
        let is_ipv4 = socket.local_addr()?.is_ipv4();
        let datagrams = Self { socket: mio::net::UdpSocket::from_std(socket), state, is_ipv4 };
        datagrams.set_dont_fragment(false);
        Ok(datagrams)
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket.register(registry, token, Interest::READABLE)
    }

    pub(crate) fn deregister(&mut self, registry: &Registry) {
        // The socket is closed next, which does the same.
        let _ = self.socket.deregister(registry);
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
        let transmit =
            Transmit { destination: to, ecn: None, contents: bytes, segment_size: None, src_ip: from };
        if let Err(error) = self.state.try_send((&self.socket).into(), &transmit) {
            tracing::trace!(%error, "a datagram was lost");
        }
    }

    pub(crate) fn send_unfragmented(&self, to: SocketAddr, bytes: &[u8]) {
        self.set_dont_fragment(true);
        self.send(to, None, bytes);
        self.set_dont_fragment(false);
    }
}

/// Datagrams of one size to one address, sent in one call.
#[derive(Default)]
pub(crate) struct Run {
    bytes: Vec<u8>,
    segment: usize,
    count: usize,
    route: Option<(SocketAddr, Option<IpAddr>)>,
    /// A shorter datagram ends a run.
    is_closed: bool,
}

impl Run {
    /// Adds a datagram made of parts, after sending what it doesn't go with.
    pub(crate) fn push(
        &mut self,
        through: &Datagrams,
        to: SocketAddr,
        from: Option<IpAddr>,
        parts: &[&[u8]],
    ) {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let fits = self.route == Some((to, from))
            && !self.is_closed
            && length <= self.segment
            && self.bytes.len() + length <= RUN_BYTES
            && self.count < through.state.max_gso_segments();
        if !fits {
            self.flush(through);
            (self.route, self.segment) = (Some((to, from)), length);
        }
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.count += 1;
        self.is_closed = length < self.segment || length == 0;
    }

    /// Sends what was gathered.
    pub(crate) fn flush(&mut self, through: &Datagrams) {
        if let Some((to, from)) = self.route.take() {
            let segment_size = (self.count > 1).then_some(self.segment);
            let contents = &self.bytes;
            let transmit = Transmit { destination: to, ecn: None, contents, segment_size, src_ip: from };
            let sent = through.state.try_send((&through.socket).into(), &transmit);
            // A device that can't split them gets them one by one.
            if sent.is_err() && segment_size.is_some() {
                self.bytes.chunks(self.segment.max(1)).for_each(|datagram| through.send(to, from, datagram));
            }
        }
        self.bytes.clear();
        self.count = 0;
        self.is_closed = false;
    }
}

/// Buffers for what one call reads.
pub(crate) struct Batch {
    storage: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
    /// Buffers to be offered next: each costs time whether it is filled or not, so there are hardly more of them than
    /// were filled last.
    wanted: usize,
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
        Self {
            storage: vec![0; BUFFER * BATCH_SIZE],
            metas: [RecvMeta::default(); BATCH_SIZE],
            wanted: BATCH_MIN,
        }
    }

    /// A stand-in while the real one is lent.
    pub(crate) fn empty() -> Self {
        Self { storage: Vec::new(), metas: [RecvMeta::default(); BATCH_SIZE], wanted: BATCH_MIN }
    }

    /// Reads what is there.
    pub(crate) fn read(&mut self, from: &Datagrams) -> io::Result<Filled> {
        let mut chunks = self.storage.chunks_mut(BUFFER);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let wanted = self.wanted.min(BATCH_SIZE);
        let offered = slices.get_mut(..wanted).unwrap_or_default();
        let count = from.state.recv((&from.socket).into(), offered, &mut self.metas)?;
        let all = count == wanted;
        self.wanted = if all { (wanted * 2).min(BATCH_SIZE) } else { (count + 1).max(BATCH_MIN) };
        Ok(Filled { count, all })
    }

    /// The datagrams of the first `count` buffers: sender, our address, bytes.
    pub(crate) fn datagrams(
        &self,
        count: usize,
    ) -> impl Iterator<Item = (SocketAddr, Option<IpAddr>, &[u8])> {
        let filled = self.metas.iter().zip(self.storage.chunks(BUFFER)).take(count);
        filled.flat_map(|(meta, buffer)| {
            let bytes = buffer.get(..meta.len).unwrap_or_default();
            // A datagram without data is one all the same.
            let empty = bytes.is_empty().then_some(bytes);
            let datagrams = empty.into_iter().chain(bytes.chunks(meta.stride.max(1)));
            datagrams.map(|datagram| (meta.addr, meta.dst_ip, datagram))
        })
    }
}
