//! A node: listens for others, keeps its name registered, and holds its connections.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nightjar_erldist::NodeName;
use nightjar_erldist::epmd::{NodeKind, Registration};
use nightjar_erldist::handshake::{Handshake, Refusal};
use nightjar_sasl::Secret;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::calls::Operator;
use crate::dial::{DialError, Dialler, Remote};
use crate::epmd::{self, AskError, EpmdSettings, Registered};
use crate::limits::{Gate, Limits, Place, Refusal as Limited};
use crate::link::{self, Answers, Orders};
use crate::stream::{self, BoxStream, Lengths, SETUP_TIME, ShakeError, Shaken};
use crate::tls::Tls;
use crate::{random, socket};

/// Connections the kernel may hold before they are accepted.
const BACKLOG: i32 = 128;
/// The pause after a failed accept, such as one without free file descriptors.
const FAILED_ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Nodes connected at once.
const PEERS_MAX: usize = 256;

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: NodeName,
    /// What its peers must know.
    pub cookie: Secret,
    /// The addresses it listens on, all with the same port.
    pub interfaces: Vec<IpAddr>,
    /// The ports it may take, the first free one; 0 and 0 for any.
    pub ports: (u16, u16),
    /// Where it registers; none: its port is known to who calls (`ERL_DIST_PORT`).
    pub epmd: Option<EpmdSettings>,
    /// TLS, for all connections.
    pub tls: Option<Tls>,
    /// What strangers may cost.
    pub limits: Limits,
}

/// Why a node doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port.
    #[error("the distribution can't listen on {ip}, ports {min}-{max}: {error}", min = ports.0, max = ports.1)]
    Listen {
        /// The address.
        ip: IpAddr,
        /// The window.
        ports: (u16, u16),
        /// Why.
        error: io::Error,
    },
    /// No name.
    #[error("epmd at port {port} doesn't take the name {name}: {error}")]
    Register {
        /// Its port.
        port: u16,
        /// Our name.
        name: NodeName,
        /// Why.
        error: AskError,
    },
}

/// A running node; dropping it ends its connections and takes its name back.
pub struct Node {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
    _registered: Option<Registered>,
    addresses: Vec<SocketAddr>,
}

struct Shared {
    name: NodeName,
    cookie: Secret,
    tls: Option<Tls>,
    creation: u32,
    gate: Arc<Gate>,
    operator: Arc<dyn Operator>,
    dialler: Dialler,
    started: Instant,
    serial: AtomicU32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    peers: HashMap<String, (u32, Orders)>,
    dialling: Vec<NodeName>,
    is_ended: bool,
}

impl Node {
    /// Starts a node.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(settings: Settings, operator: Arc<dyn Operator>) -> Result<Self, StartError> {
        let listeners = listen(&settings)?;
        let addresses: Vec<SocketAddr> = listeners.iter().flat_map(TcpListener::local_addr).collect();
        let port = addresses.first().map_or(0, SocketAddr::port);
        let registered = match &settings.epmd {
            Some(at) => Some(register(at.clone(), &settings.name, port).await?),
            None => None,
        };
        let creation = registered.as_ref().map_or_else(random::creation, |registered| registered.creation);
        let dialler = Dialler {
            name: settings.name.clone(),
            creation,
            cookie: settings.cookie.clone(),
            epmd_port: settings.epmd.as_ref().map(|epmd| epmd.port),
            fixed_port: port,
            tls: settings.tls.clone(),
        };
        let shared = Arc::new(Shared {
            name: settings.name,
            cookie: settings.cookie,
            tls: settings.tls,
            creation,
            gate: Gate::new(settings.limits),
            operator,
            dialler,
            started: Instant::now(),
            serial: AtomicU32::new(0),
            state: Mutex::default(),
        });
        let accepting = |listener| tokio::spawn(accept_all(Arc::clone(&shared), listener));
        let tasks = listeners.into_iter().map(accepting).collect();
        Ok(Self { shared, tasks, _registered: registered, addresses })
    }

    /// Its name.
    pub fn name(&self) -> &NodeName {
        &self.shared.name
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The nodes that are connected.
    pub fn connected(&self) -> Vec<String> {
        self.shared.connected()
    }

    /// How many have connected and not shown the cookie yet.
    pub fn strangers(&self) -> usize {
        self.shared.gate.strangers()
    }

    /// The connection to a node, made if there is none.
    ///
    /// # Errors
    /// [`DialError`]
    pub async fn connect(&self, peer: &NodeName) -> Result<Remote, DialError> {
        let existing = self.shared.state.lock().peers.get(peer.as_str()).map(|(_, orders)| orders.clone());
        if let Some(orders) = existing.filter(|orders| !orders.is_closed()) {
            return Ok(Remote::new(orders));
        }
        self.shared.state.lock().dialling.push(peer.clone());
        let dialled = self.shared.dialler.dial(peer).await;
        let mut state = self.shared.state.lock();
        if let Some(at) = state.dialling.iter().position(|name| name == peer) {
            state.dialling.swap_remove(at);
        }
        drop(state);
        let (shaken, address) = dialled?;
        Ok(Remote::new(establish(&self.shared, shaken, address).ok_or(DialError::Ended)?))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        let mut state = self.shared.state.lock();
        state.is_ended = true;
        state.peers.clear();
    }
}

impl Answers for Shared {
    fn operator(&self) -> Option<Arc<dyn Operator>> {
        Some(Arc::clone(&self.operator))
    }

    fn connected(&self) -> Vec<String> {
        self.state.lock().peers.keys().cloned().collect()
    }
}

fn listen(settings: &Settings) -> Result<Vec<TcpListener>, StartError> {
    let failed = |ip, ports, error| StartError::Listen { ip, ports, error };
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut ports = settings.ports;
    let default = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for (at, ip) in
        settings.interfaces.iter().chain(settings.interfaces.is_empty().then_some(&default)).enumerate()
    {
        match socket::bind_window(*ip, ports, BACKLOG) {
            Ok(listener) => {
                let port = listener.local_addr().map_err(|error| failed(*ip, ports, error))?.port();
                ports = (port, port);
                listeners.push(listener);
            }
            Err(error) if at == 0 => return Err(failed(*ip, ports, error)),
            Err(error) => tracing::warn!(%ip, %error, "the distribution doesn't listen there"),
        }
    }
    Ok(listeners)
}

async fn register(at: EpmdSettings, name: &NodeName, port: u16) -> Result<Registered, StartError> {
    let epmd_port = at.port;
    let registration = Registration::new(name.alive(), port, NodeKind::Hidden);
    epmd::register(at, registration).await.map_err(|error| StartError::Register {
        port: epmd_port,
        name: name.clone(),
        error,
    })
}

async fn accept_all(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                let address = peer.ip().to_canonical();
                match shared.gate.enter(address, Instant::now()) {
                    Ok(place) => {
                        tokio::spawn(admit(Arc::clone(&shared), socket, address, place));
                    }
                    Err(Limited::LockedOut(left)) => {
                        let seconds = left.as_secs();
                        tracing::warn!(ip = %address, seconds, "a node was refused: too many wrong cookies before");
                    }
                    Err(refusal) => tracing::info!(ip = %address, ?refusal, "a node was refused: too many"),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a node's connection could not be accepted");
                sleep(FAILED_ACCEPT_PAUSE).await;
            }
        }
    }
}

/// From a stranger to a peer, or to nothing.
async fn admit(shared: Arc<Shared>, socket: TcpStream, address: IpAddr, place: Place) {
    // Answers are small and waited for.
    let _ = socket.set_nodelay(true);
    let result = timeout(SETUP_TIME, shake(&shared, socket)).await;
    match result {
        Ok(Ok(shaken)) => {
            shared.gate.succeeded(address);
            drop(place);
            establish(&shared, shaken, address);
        }
        Ok(Err(ShakeError::Refused(refusal))) => refused(&shared, address, &refusal),
        Ok(Err(ShakeError::Socket(error))) if error.kind() == io::ErrorKind::InvalidData => {
            shared.gate.failed(address, Instant::now());
            tracing::warn!(ip = %address, %error, "a node was refused: TLS");
        }
        Ok(Err(ShakeError::Socket(error))) => tracing::debug!(ip = %address, %error, "a handshake broke off"),
        Err(_) => refused(&shared, address, &Refusal::Timeout),
    }
}

fn refused(shared: &Shared, address: IpAddr, refusal: &Refusal) {
    if !refusal.is_attack() {
        tracing::info!(ip = %address, reason = %refusal, "a node was refused");
        return;
    }
    let lockout = shared.gate.failed(address, Instant::now()).map(|lockout| lockout.as_secs());
    tracing::warn!(ip = %address, reason = %refusal, locked_out_seconds = lockout, "a node was refused");
}

async fn shake(shared: &Shared, socket: TcpStream) -> Result<Shaken, ShakeError> {
    let started = shared.started;
    let (stream, lengths): (BoxStream, _) = match &shared.tls {
        None => (Box::new(socket), Lengths::Two),
        Some(tls) => {
            (Box::new(TlsAcceptor::from(Arc::clone(&tls.server)).accept(socket).await?), Lengths::Four)
        }
    };
    let local = stream::local(shared.name.clone(), shared.creation, &shared.cookie);
    let dialling = shared.state.lock().dialling.clone();
    let handshake = Handshake::accept(local, &dialling, stream::randomness(), started.elapsed());
    stream::shake(stream, lengths, handshake, started).await
}

/// Makes a link of a connection. An older one of the same name ends.
fn establish(shared: &Arc<Shared>, shaken: Shaken, address: IpAddr) -> Option<Orders> {
    let name = shaken.peer.name.as_str().to_owned();
    let serial = shared.serial.fetch_add(1, Ordering::Relaxed);
    let (orders, run) = link::start(shaken, serial, address, Arc::clone(shared) as Arc<dyn Answers>);
    {
        let mut state = shared.state.lock();
        if state.is_ended || (state.peers.len() >= PEERS_MAX && !state.peers.contains_key(&name)) {
            tracing::warn!(node = name, ip = %address, "a node was refused: too many are connected");
            return None;
        }
        state.peers.insert(name.clone(), (serial, orders.clone()));
    }
    tracing::info!(node = name, ip = %address, "a node has connected");
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let reason = run.await;
        let mut state = shared.state.lock();
        if state.peers.get(&name).is_some_and(|(current, _)| *current == serial) {
            state.peers.remove(&name);
        }
        tracing::info!(node = name, ip = %address, reason, "a node has gone");
    });
    Some(orders)
}

#[cfg(test)]
mod tests;
