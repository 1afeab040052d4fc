//! Sockets that clients connect to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

use crate::proxy;
use crate::socket::Socket;

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
}

/// Takes new connections.
pub trait Accept: Send + Sync + 'static {
    /// Starts to serve a connection and returns at once.
    fn accept(&self, accepted: Accepted);
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
        if let Endpoint::Unix(path, _) = &self.address {
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
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED))?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

fn bind_unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
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
    loop {
        let accepted = match &bound {
            Bound::Tcp(listener) => listener.accept().await.map(|(socket, peer)| {
                // Stanzas are written whole; waiting for more only delays them.
                let _ = socket.set_nodelay(true);
                Accepted { socket: Socket::Tcp(socket), peer: Some(unmapped(peer)) }
            }),
            Bound::Unix(listener) => listener
                .accept()
                .await
                .map(|(socket, _)| Accepted { socket: Socket::Unix(socket), peer: None }),
        };
        match accepted {
            Ok(accepted) if proxied => {
                let accept = Arc::clone(&accept);
                tokio::spawn(async move { accept_proxied(accepted, accept).await });
            }
            Ok(accepted) => accept.accept(accepted),
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

async fn accept_proxied(mut accepted: Accepted, accept: Arc<dyn Accept>) {
    match tokio::time::timeout(PROXY_HEADER_TIME, proxy::read_header(&accepted.socket)).await {
        Ok(Ok(source)) => {
            accepted.peer = source.map(unmapped).or(accepted.peer);
            accept.accept(accepted);
        }
        Ok(Err(error)) => tracing::info!(peer = ?accepted.peer, %error, "no proper PROXY header"),
        Err(_) => tracing::info!(peer = ?accepted.peer, "the PROXY header took too long"),
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
