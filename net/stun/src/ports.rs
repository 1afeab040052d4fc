//! Relay ports.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nightjar_base::Random;
use nightjar_stun::address::Family as StunFamily;
use nightjar_stun::server::Port;
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};

/// Ports that are tried before there are said to be none.
const TRIES: usize = 64;
/// How long a second port is kept (RFC 8656 §7.2).
const RESERVATION: Duration = Duration::from_secs(30);
/// Reservations that may be waiting.
const RESERVATIONS_MAX: usize = 1024;

/// Where relays are opened.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    /// What the socket is bound to.
    pub(crate) bind: IpAddr,
    /// What peers and clients are told.
    pub(crate) public: IpAddr,
}

/// Relay ports of a listener, shared by its workers.
pub(crate) struct Ports {
    pub(crate) range: RangeInclusive<u16>,
    pub(crate) v4: Option<Family>,
    pub(crate) v6: Option<Family>,
    used: AtomicUsize,
    reserved: Mutex<HashMap<[u8; 8], (UdpSocket, Instant)>>,
}

/// A relay's socket and, where the next port was asked for, the token that it is kept under.
pub(crate) struct Opened {
    /// Never blocks.
    pub(crate) socket: UdpSocket,
    pub(crate) port: u16,
    pub(crate) token: Option<[u8; 8]>,
}

impl Ports {
    pub(crate) fn new(range: RangeInclusive<u16>, v4: Option<Family>, v6: Option<Family>) -> Self {
        Self { range, v4, v6, used: AtomicUsize::new(0), reserved: Mutex::default() }
    }

    /// How many relay ports are in use, of how many.
    pub(crate) fn usage(&self) -> (usize, usize) {
        (self.used.load(Ordering::Relaxed), self.range.clone().count())
    }

    pub(crate) fn count(&self, more: bool) {
        if more {
            self.used.fetch_add(1, Ordering::Relaxed);
        } else {
            self.used.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Opens a relay socket.
    pub(crate) fn open(&self, ip: IpAddr, port: Port, random: &dyn Random) -> io::Result<Opened> {
        match port {
            Port::Any => self.single(ip, random, 1),
            Port::Even => self.single(ip, random, 2),
            Port::EvenAndNext => self.pair(ip, random),
            Port::Reserved(token) => {
                let found =
                    self.reserved.lock().remove(&token).filter(|(_, since)| since.elapsed() < RESERVATION);
                let (socket, _) = found.ok_or(io::ErrorKind::NotFound)?;
                let port = socket.local_addr()?.port();
                Ok(Opened { socket, port, token: None })
            }
        }
    }

    /// The family of the socket that is kept under a token.
    pub(crate) fn reserved_family(&self, token: &[u8; 8]) -> Option<StunFamily> {
        let reserved = self.reserved.lock();
        let address = reserved.get(token)?.0.local_addr().ok()?;
        Some(StunFamily::of(address.ip()))
    }

    /// A port to try.
    pub(crate) fn pick_any(&self, random: &dyn Random) -> Option<u16> {
        self.pick(random, 1)
    }

    fn single(&self, ip: IpAddr, random: &dyn Random, step: u16) -> io::Result<Opened> {
        let open = |_| {
            let port = self.pick(random, step)?;
            Some(Opened { socket: bind(SocketAddr::new(ip, port)).ok()?, port, token: None })
        };
        (0..TRIES).find_map(open).ok_or_else(|| io::ErrorKind::AddrInUse.into())
    }

    fn pair(&self, ip: IpAddr, random: &dyn Random) -> io::Result<Opened> {
        let both = || {
            let port = self.pick(random, 2)?;
            let next = port.checked_add(1).filter(|next| self.range.contains(next))?;
            let socket = bind(SocketAddr::new(ip, port)).ok()?;
            Some((port, socket, bind(SocketAddr::new(ip, next)).ok()?))
        };
        let (port, socket, second) = (0..TRIES).find_map(|_| both()).ok_or(io::ErrorKind::AddrInUse)?;
        let mut token = [0; 8];
        random.fill(&mut token);
        let mut reserved = self.reserved.lock();
        reserved.retain(|_, (_, since)| since.elapsed() < RESERVATION);
        if reserved.len() >= RESERVATIONS_MAX {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        reserved.insert(token, (second, Instant::now()));
        Ok(Opened { socket, port, token: Some(token) })
    }

    /// A port nobody can guess (RFC 8656 §7.2), a multiple of `step`.
    fn pick(&self, random: &dyn Random, step: u16) -> Option<u16> {
        let first = self.range.start().next_multiple_of(step);
        let places = self.range.end().checked_sub(first)? / step + 1;
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let place = u64::from_be_bytes(bytes) % u64::from(places);
        u16::try_from(place).ok().map(|place| first + place * step)
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests;
