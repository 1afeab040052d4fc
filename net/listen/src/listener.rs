//! Sockets that clients connect to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::budget::{Budget, Over, Permit};
use crate::socket::Socket;
use crate::{inherited, proxy};

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP address. The unspecified IPv6 address also takes IPv4.
    Tcp(SocketAddr),
    /// A UNIX socket's path and mode.
    Unix(PathBuf, u32),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoint::Tcp(address) => address.fmt(formatter),
            Endpoint::Unix(path, _) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// A new connection.
pub struct Accepted {
    /// Its socket.
    pub socket: Socket,
    /// The client's address, as the proxy in front said if there is one; none for UNIX sockets.
    pub peer: Option<SocketAddr>,
    /// Its place in the budget, where the listener has one: to be kept until the connection is closed.
    pub permit: Option<Permit>,
}

/// Takes new connections.
pub trait Accept: Send + Sync + 'static {
    /// Starts to serve a connection and returns at once.
    fn accept(&self, accepted: Accepted);

    /// What its connections are counted in.
    fn budget(&self) -> Option<Arc<Budget>> {
        None
    }

    /// Says goodbye to a connection there is no place for, without waiting; then it is closed.
    fn refuse(&self, _socket: &Socket, _over: Over) {}
}

/// What is common to all listeners of stream sockets.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// Where.
    pub endpoint: Endpoint,
    /// Connections the kernel may hold before they are accepted.
    pub backlog: i32,
    /// Whether each connection begins with a PROXY header.
    pub use_proxy_protocol: bool,
    /// Time between two accepts, to spare a server that is flooded.
    pub accept_interval: Duration,
}

/// A listening socket; dropping it closes it. Connections that were accepted live on.
pub struct Listening {
    task: JoinHandle<()>,
    address: Endpoint,
}

impl Listening {
    /// Where it really listens: with the port the kernel chose, where 0 was asked for.
    pub fn endpoint(&self) -> &Endpoint {
        &self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        if let Endpoint::Unix(path, _) = &self.address
            && inherited::unix(path).is_none()
        {
            // Leaving the name behind does no harm: the next start replaces it.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// How long a proxy may take to say whose connection it is.
const PROXY_HEADER_TIME: Duration = Duration::from_secs(10);
/// The pause after a failed accept, such as one without free file descriptors.
const FAILED_ACCEPT_PAUSE: Duration = Duration::from_millis(100);

enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Binds and starts to accept.
///
/// # Errors
/// If the address can't be bound.
pub fn listen(options: &ListenOptions, accept: Arc<dyn Accept>) -> io::Result<Listening> {
    let (bound, address) = match &options.endpoint {
        Endpoint::Tcp(address) => {
            let listener = bind_tcp(*address, options.backlog)?;
            let address = listener.local_addr()?;
            (Bound::Tcp(listener), Endpoint::Tcp(address))
        }
        Endpoint::Unix(path, mode) => (Bound::Unix(bind_unix(path, *mode)?), options.endpoint.clone()),
    };
    let (proxied, interval) = (options.use_proxy_protocol, options.accept_interval);
    let task = tokio::spawn(async move { accept_all(bound, proxied, interval, accept).await });
    Ok(Listening { task, address })
}

fn bind_tcp(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = match inherited::tcp(address) {
        Some(given) => given,
        None => bound(address)?,
    };
    socket.set_nonblocking(true)?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

/// A socket of its own that is bound and doesn't listen yet.
pub(crate) fn bound(address: SocketAddr) -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED))?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bind_unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if let Some(given) = inherited::unix(path) {
        given.set_nonblocking(true)?;
        return UnixListener::from_std(given.into());
    }
    // A socket left by a server that was killed is replaced; any other file is not.
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket is there"));
        }
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

async fn accept_all(bound: Bound, proxied: bool, interval: Duration, accept: Arc<dyn Accept>) {
    let refusals = Arc::new(Refusals::default());
    loop {
        let accepted = match &bound {
            Bound::Tcp(listener) => listener.accept().await.map(|(socket, peer)| {
                // Stanzas are written whole; waiting for more only delays them.
                let _ = socket.set_nodelay(true);
                Accepted { socket: Socket::Tcp(socket), peer: Some(unmapped(peer)), permit: None }
            }),
            Bound::Unix(listener) => listener.accept().await.map(|(socket, _)| Accepted {
                socket: Socket::Unix(socket),
                peer: None,
                permit: None,
            }),
        };
        match accepted {
            Ok(accepted) => {
                if let Some(accepted) = admit(accepted, proxied, &*accept, &refusals) {
                    hand_over(accepted, proxied, &accept, &refusals);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(FAILED_ACCEPT_PAUSE).await;
            }
        }
        if !interval.is_zero() {
            tokio::time::sleep(interval).await;
        }
    }
}

/// Gives the connection its place, or refuses it.
fn admit(
    mut accepted: Accepted,
    proxied: bool,
    accept: &dyn Accept,
    refusals: &Refusals,
) -> Option<Accepted> {
    let Some(budget) = accept.budget() else { return Some(accepted) };
    let permit = match accepted.peer {
        _ if proxied => budget.admit_unknown(),
        Some(peer) => budget.admit(peer.ip()),
        None => Ok(budget.admit_local()),
    };
    match permit {
        Ok(permit) => {
            accepted.permit = Some(permit);
            Some(accepted)
        }
        Err(over) => {
            refuse(&accepted, over, accept, refusals);
            None
        }
    }
}

fn refuse(accepted: &Accepted, over: Over, accept: &dyn Accept, refusals: &Refusals) {
    refusals.count(accepted.peer, over);
    accept.refuse(&accepted.socket, over);
}

fn hand_over(accepted: Accepted, proxied: bool, accept: &Arc<dyn Accept>, refusals: &Arc<Refusals>) {
    if !proxied {
        return accept.accept(accepted);
    }
    let (accept, refusals) = (Arc::clone(accept), Arc::clone(refusals));
    tokio::spawn(async move { accept_proxied(accepted, accept, &refusals).await });
}

async fn accept_proxied(mut accepted: Accepted, accept: Arc<dyn Accept>, refusals: &Refusals) {
    match tokio::time::timeout(PROXY_HEADER_TIME, proxy::read_header(&accepted.socket)).await {
        Ok(Ok(source)) => {
            accepted.peer = source.map(unmapped).or(accepted.peer);
            let (peer, permit) = (accepted.peer, accepted.permit.as_mut());
            let counted = peer.zip(permit).map_or(Ok(()), |(peer, permit)| permit.comes_from(peer.ip()));
            match counted {
                Ok(()) => accept.accept(accepted),
                Err(over) => refuse(&accepted, over, &*accept, refusals),
            }
        }
        Ok(Err(error)) => {
            let peer = accepted.peer.map(tracing::field::display);
            tracing::info!(peer, %error, "no proper PROXY header");
        }
        Err(_) => {
            let peer = accepted.peer.map(tracing::field::display);
            tracing::info!(peer, "the PROXY header took too long");
        }
    }
}

/// Refused connections of a listener, for a line in the log now and then: a flood must not fill it.
#[derive(Default)]
struct Refusals(Mutex<Option<(Instant, u64)>>);

/// Time between two such lines.
const REFUSALS_TOLD_EVERY: Duration = Duration::from_secs(10);

impl Refusals {
    fn count(&self, peer: Option<SocketAddr>, over: Over) {
        let mut told = self.0.lock();
        let now = Instant::now();
        let untold = match &mut *told {
            Some((at, untold)) if now.duration_since(*at) < REFUSALS_TOLD_EVERY => {
                *untold += 1;
                return;
            }
            Some((_, untold)) => *untold,
            None => 0,
        };
        *told = Some((now, 0));
        drop(told);
        let peer = peer.map(tracing::field::display);
        tracing::warn!(peer, reason = %over, refused_before = untold, "a connection was refused");
    }
}

/// IPv4 addresses as such, where a dual-stack socket shows them inside IPv6.
fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The address that `ip` (default: all, both families) and `port` mean.
pub fn endpoint_of(ip: Option<IpAddr>, port: u16) -> SocketAddr {
    let has_ipv6 = || RawSocket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)).is_ok();
    let all = || if has_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    SocketAddr::new(ip.unwrap_or_else(all), port)
}
