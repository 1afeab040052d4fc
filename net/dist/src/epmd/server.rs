//! epmd itself: sockets around the machine of `nightjar-erldist`.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nightjar_erldist::epmd::{ConnectionId, Server, ServerOutput, ServerSettings};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::EpmdSettings;
use crate::limits::{Gate, Limits, Place};
use crate::socket;

/// Bytes read at once. The longest request is shorter.
const READ_BYTES: usize = 1024;
/// Connections the kernel may hold before they are accepted.
const BACKLOG: i32 = 128;
/// The pause after a failed accept, such as one without free file descriptors.
const FAILED_ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running epmd; dropping it ends it and all its connections.
#[derive(Debug)]
pub struct EpmdServer {
    tasks: Vec<JoinHandle<()>>,
    stopped: watch::Sender<bool>,
    addresses: Vec<SocketAddr>,
}

impl EpmdServer {
    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Waits until somebody has stopped it (`epmd -kill`).
    pub async fn stopped(&self) {
        until(&mut self.stopped.subscribe()).await;
    }
}

impl Drop for EpmdServer {
    fn drop(&mut self) {
        self.stopped.send_replace(true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

enum Order {
    Write(Vec<u8>),
    Close,
}

struct State {
    machine: Server,
    connections: HashMap<u64, mpsc::Sender<Order>>,
    next: u64,
}

struct Shared {
    state: Mutex<State>,
    gate: Arc<Gate>,
    started: Instant,
    /// Told when the machine's next timeout may have moved.
    moved: Notify,
    stopped: watch::Sender<bool>,
}

/// Starts an epmd.
///
/// # Errors
/// If a port can't be bound. An IPv6 loopback address that the machine doesn't have is left out.
pub fn serve(settings: &EpmdSettings) -> io::Result<EpmdServer> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut port = settings.port;
    for address in settings.listen_on() {
        // Port 0 is chosen once, for all addresses.
        let address = SocketAddr::new(address.ip(), port);
        match socket::bind(address, BACKLOG) {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            Err(error) if address.is_ipv6() && error.kind() != io::ErrorKind::AddrInUse => {
                tracing::debug!(%address, %error, "epmd doesn't listen there");
            }
            Err(error) => return Err(error),
        }
    }
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let stopped = watch::Sender::new(false);
    let limits = ServerSettings { port, connections: Limits::EPMD.strangers, ..ServerSettings::default() };
    let state = State {
        machine: Server::new(limits, crate::random::creation()),
        connections: HashMap::new(),
        next: 0,
    };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        gate: Gate::new(Limits::EPMD),
        started: Instant::now(),
        moved: Notify::new(),
        stopped: stopped.clone(),
    });
    let mut tasks: Vec<_> =
        listeners.into_iter().map(|listener| tokio::spawn(accept(Arc::clone(&shared), listener))).collect();
    tasks.push(tokio::spawn(keep_time(shared)));
    Ok(EpmdServer { tasks, stopped, addresses })
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut stopped = shared.stopped.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = until(&mut stopped) => return,
        };
        match accepted {
            Ok((stream, peer)) => match shared.gate.enter(peer.ip(), Instant::now()) {
                Ok(place) => open(&shared, stream, peer, place),
                Err(refusal) => tracing::debug!(%peer, ?refusal, "epmd: a connection was refused"),
            },
            Err(error) => {
                tracing::warn!(%error, "epmd: a connection could not be accepted");
                sleep(FAILED_ACCEPT_PAUSE).await;
            }
        }
    }
}

fn open(shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr, place: Place) {
    // One answer, and the order to close.
    let (orders, receiver) = mpsc::channel(4);
    let id = {
        let mut state = shared.state.lock();
        let id = state.next;
        state.next += 1;
        let now = shared.started.elapsed();
        if !state.machine.connection_opened(now, ConnectionId(id), peer.ip().to_canonical().is_loopback()) {
            return;
        }
        state.connections.insert(id, orders);
        id
    };
    shared.moved.notify_one();
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        if let Err(error) = converse(&shared, id, &stream, receiver).await {
            tracing::debug!(%peer, %error, "epmd: a connection broke");
        }
        let mut state = shared.state.lock();
        state.connections.remove(&id);
        state.machine.connection_closed(ConnectionId(id));
        shared.follow(&mut state);
        drop(place);
    });
}

async fn converse(
    shared: &Shared,
    id: u64,
    stream: &TcpStream,
    mut orders: mpsc::Receiver<Order>,
) -> io::Result<()> {
    let mut stopped = shared.stopped.subscribe();
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Write(bytes)) => socket::write_all(stream, &bytes).await?,
                Some(Order::Close) | None => return Ok(()),
            },
            () = until(&mut stopped) => return Ok(()),
            ready = stream.readable() => {
                ready?;
                if !take(shared, id, stream)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Gives what has come to the machine. The buffer lives only while bytes move.
fn take(shared: &Shared, id: u64, stream: &TcpStream) -> io::Result<bool> {
    let mut buffer = [0; READ_BYTES];
    match stream.try_read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(count) => {
            let mut state = shared.state.lock();
            state.machine.handle_input(ConnectionId(id), buffer.get(..count).unwrap_or_default());
            shared.follow(&mut state);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}

async fn until(stopped: &mut watch::Receiver<bool>) {
    // Without a sender there is nothing left that runs.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

impl Shared {
    /// Does what the machine wants done.
    fn follow(&self, state: &mut State) {
        while let Some(output) = state.machine.poll_output() {
            match output {
                ServerOutput::Send { to, bytes } => state.order(to, Order::Write(bytes)),
                ServerOutput::Close { connection } => state.order(connection, Order::Close),
                ServerOutput::Shutdown => {
                    tracing::info!("epmd: stopped by request");
                    self.stopped.send_replace(true);
                }
            }
        }
        self.moved.notify_one();
    }
}

impl State {
    fn order(&mut self, to: ConnectionId, order: Order) {
        // A peer that asks without reading the answers is let go.
        if self.connections.get(&to.0).is_some_and(|orders| orders.try_send(order).is_err()) {
            self.connections.remove(&to.0);
        }
    }
}

async fn keep_time(shared: Arc<Shared>) {
    loop {
        let wait =
            shared.state.lock().machine.poll_timeout().map(|at| at.saturating_sub(shared.started.elapsed()));
        tokio::select! {
            () = shared.moved.notified() => {}
            () = async { match wait { Some(wait) => sleep(wait).await, None => std::future::pending().await } } => {
                let mut state = shared.state.lock();
                state.machine.handle_timeout(shared.started.elapsed());
                shared.follow(&mut state);
            }
        }
    }
}
