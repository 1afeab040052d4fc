//! One thread of a listener: it waits for sockets, hands packets to the machine and does what the machine wants.

mod dtls;
mod outputs;
mod pace;
mod relays;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};
use nightjar_stun::address::Family;
use nightjar_stun::server::{AllocationInfo, Client, Counters, FromClient, Server, Transport};

use crate::command::{Command, ToStream};
use crate::datagrams::{Batch, Datagrams, Filled, Outbox};
use crate::dtls::Dtls;
use crate::metrics::Counted;
use crate::shared::Shared;

use pace::Pace;
use relays::{Relay, ToPeer};

const CLIENTS: Token = Token(0);
const COMMANDS: Token = Token(1);
/// Tokens of relay sockets begin here; two for each allocation.
const RELAYS: usize = 2;
/// Calls that one socket may read in a row while others wait.
const TURN: usize = 8;
/// Commands that are done in a row while sockets wait.
const COMMANDS_MAX: usize = 256;

/// A worker's life; it runs until it is told to end.
pub(crate) struct Worker {
    poll: Poll,
    /// Where UDP clients send to; workers of stream listeners have none.
    clients: Option<Datagrams>,
    bound: SocketAddr,
    relays: Vec<Option<Relay>>,
    /// What waits to be sent through the clients' socket.
    to_clients: Outbox,
    /// What the clients' datagrams that were read last have for peers.
    to_peers: Vec<ToPeer>,
    /// What waits to be sent through one relay's socket.
    outbox: Outbox,
    machine: Server,
    /// What the UDP clients of a listener with TLS speak.
    dtls: Option<Dtls>,
    /// None while it's lent.
    batch: Option<Batch>,
    /// Packets that this wake has brought.
    packets: usize,
    pace: Pace,
    inbox: Receiver<Command>,
    shared: Arc<Shared>,
    streams: HashMap<Client, tokio::sync::mpsc::Sender<ToStream>>,
    /// Sockets that have more to read.
    again: VecDeque<Token>,
    number: usize,
}

/// How others talk to a worker.
#[derive(Clone)]
pub(crate) struct Handle {
    commands: Sender<Command>,
    waker: Arc<Waker>,
    counted: Arc<Counted>,
}

impl Handle {
    /// Sends a command; one to a worker that has ended is lost.
    pub(crate) fn send(&self, command: Command) {
        if self.commands.send(command).is_ok() {
            // Without a wake the command waits for the next packet.
            let _ = self.waker.wake();
        }
    }

    /// What the machine has, asked from another thread.
    pub(crate) async fn allocations(&self) -> Vec<AllocationInfo> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.send(Command::List(reply));
        answer.await.unwrap_or_default()
    }

    /// What the machine had counted after its last wake.
    pub(crate) fn counters(&self) -> Counters {
        self.counted.read()
    }
}

impl Worker {
    /// A worker and the way to it.
    pub(crate) fn new(
        shared: Arc<Shared>,
        socket: Option<std::net::UdpSocket>,
        bound: SocketAddr,
        number: usize,
    ) -> io::Result<(Self, Handle)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), COMMANDS)?);
        let (commands, inbox) = channel();
        let clients = match socket {
            Some(socket) => {
                let mut clients = Datagrams::of_clients(socket)?;
                clients.register(poll.registry(), CLIENTS)?;
                Some(clients)
            }
            None => None,
        };
        let mut seed = [0; 8];
        shared.kernel.random.fill(&mut seed);
        let machine = Server::new(shared.settings(), shared.quota.clone(), u64::from_be_bytes(seed));
        let worker = Self {
            poll,
            clients,
            bound,
            relays: Vec::new(),
            to_clients: Outbox::default(),
            to_peers: Vec::new(),
            outbox: Outbox::default(),
            machine,
            dtls: None,
            batch: Some(Batch::new()),
            packets: 0,
            pace: Pace::default(),
            inbox,
            shared,
            streams: HashMap::new(),
            again: VecDeque::new(),
            number,
        };
        Ok((worker, Handle { commands, waker, counted: Arc::default() }))
    }

    /// From now on UDP clients speak DTLS.
    pub(crate) fn expect_dtls(&mut self, dtls: Dtls) {
        self.dtls = Some(dtls);
    }

    /// Serves until [`Command::End`].
    pub(crate) fn run(mut self, handle: &Handle) {
        let mut events = Events::with_capacity(256);
        let mut ready = VecDeque::new();
        let mut now = self.now();
        loop {
            let asleep = self.shared.kernel.clock.monotonic();
            let wait = if self.again.is_empty() { self.until_timeout(now) } else { Some(Duration::ZERO) };
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return tracing::error!(%error, "a STUN worker can't wait for its sockets"),
                Ok(()) => {}
            }
            std::mem::swap(&mut ready, &mut self.again);
            ready.extend(events.iter().map(mio::event::Event::token));
            let clock = self.shared.kernel.clock.monotonic();
            now = milliseconds(clock);
            for failed in events.iter().filter(|event| event.is_error()) {
                self.tell_failures(now, failed.token());
            }
            for token in ready.drain(..) {
                if !self.serve(now, token, handle) {
                    return self.end(now);
                }
            }
            self.machine.handle_timeout(now);
            self.do_outputs(now, handle);
            self.dtls_timeout(now, handle);
            self.flush_to_clients();
            handle.counted.publish(&self.machine.counters);
            self.shared.watch.look(self.shared.ports.usage());
            let packets = std::mem::take(&mut self.packets);
            if packets > 0
                && let Some(pause) = self.pace.pause(clock.saturating_sub(asleep), packets)
                && self.again.is_empty()
            {
                std::thread::sleep(pause);
            }
        }
    }

    fn now(&self) -> u64 {
        // One clock for all workers: a nonce may come back to another one.
        milliseconds(self.shared.kernel.clock.monotonic())
    }

    fn until_timeout(&self, now: u64) -> Option<Duration> {
        let of_dtls = self.dtls.as_ref().and_then(Dtls::poll_timeout);
        let first = self.machine.poll_timeout().into_iter().chain(of_dtls).min();
        first.map(|when| Duration::from_millis(when.saturating_sub(now) + 1))
    }

    /// False ends the worker.
    fn serve(&mut self, now: u64, token: Token, handle: &Handle) -> bool {
        match token {
            CLIENTS => self.read_clients(now, handle),
            COMMANDS => return self.do_commands(now, handle),
            Token(number) => self.read_peers(now, number - RELAYS, handle),
        }
        true
    }

    fn read_clients(&mut self, now: u64, handle: &Handle) {
        let Some(clients) = self.clients.take() else { return };
        let Some(mut batch) = self.batch.take() else { return };
        let mut more = true;
        for _ in 0..TURN {
            let Ok(Filled { count, all }) = batch.read(&clients) else {
                more = false;
                break;
            };
            self.packets += count;
            for (remote, local, place) in batch.datagrams(count) {
                let local =
                    SocketAddr::new(local.unwrap_or(self.bound.ip()).to_canonical(), self.bound.port());
                let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
                if let Some(dtls) = &mut self.dtls {
                    let client = Client { transport: Transport::Dtls, local, remote };
                    dtls.handle_datagram(now, &client, batch.bytes(place));
                    continue;
                }
                let client = Client { transport: Transport::Udp, local, remote };
                let relay = self.machine.handle_input(now, &client, batch.bytes(place));
                self.relay(relay, &batch, place);
            }
            self.flush_to_peers(&batch);
            // What comes from now on wakes us again.
            if !all {
                more = false;
                break;
            }
        }
        self.batch = Some(batch);
        self.clients = Some(clients);
        self.do_outputs(now, handle);
        self.do_dtls(now, handle);
        if more {
            self.again.push_back(CLIENTS);
        }
    }

    /// Does what a client's datagram asks for when the batch that it's in has been looked at.
    fn relay(&mut self, relay: FromClient, batch: &Batch, (start, _): (usize, usize)) {
        let FromClient::Relay { allocation, peer, data, dont_fragment } = relay else { return };
        let place = (start + data.start, start + data.end);
        if dont_fragment {
            self.flush_to_peers(batch);
            return self.relay_now(allocation.index, peer, batch.bytes(place), true);
        }
        let number = u32::try_from(self.to_peers.len()).unwrap_or(u32::MAX);
        self.to_peers.push(ToPeer { index: allocation.index, number, peer, place });
    }

    fn relay_now(&self, index: u32, peer: SocketAddr, bytes: &[u8], dont_fragment: bool) {
        let Some(Some(relay)) = self.relays.get(index as usize) else { return };
        match relay.socket(Family::of(peer.ip())) {
            Some(socket) if dont_fragment => socket.send_unfragmented(peer, bytes),
            Some(socket) => socket.send(peer, None, bytes),
            None => {}
        }
    }

    fn do_commands(&mut self, now: u64, handle: &Handle) -> bool {
        for _ in 0..COMMANDS_MAX {
            match self.inbox.try_recv() {
                Ok(Command::End) => return false,
                Ok(command) => self.do_command(now, command),
                Err(_) => return true,
            }
            self.do_outputs(now, handle);
        }
        self.again.push_back(COMMANDS);
        true
    }

    fn do_command(&mut self, now: u64, command: Command) {
        match command {
            Command::Authenticated(ticket, account) => self.machine.authenticated(now, ticket, account),
            Command::Settings(settings) => self.machine.set_settings(settings),
            Command::Drain(is_draining) => self.machine.drain(is_draining),
            // Whoever asked may have gone.
            Command::List(reply) => drop(reply.send(self.machine.allocations().collect())),
            Command::Send(client, bytes) => self.send(&client, bytes),
            Command::EndAllocation(id, reply) => drop(reply.send(self.machine.end(id))),
            Command::Opened(client, sender) => drop(self.streams.insert(client, sender)),
            Command::Closed(client) => {
                self.streams.remove(&client);
                self.machine.handle_closed(&client);
            }
            Command::Message(client, bytes) => {
                let relay = self.machine.handle_input(now, &client, &bytes);
                if let FromClient::Relay { allocation, peer, data, dont_fragment } = relay {
                    let bytes = bytes.get(data).unwrap_or_default();
                    self.relay_now(allocation.index, peer, bytes, dont_fragment);
                }
                if self.machine.has_allocation(&client) {
                    self.to_stream(&client, ToStream::HasAllocation);
                }
            }
            Command::Allocated(ticket, opened) => self.machine.allocated(now, ticket, opened),
            Command::Connected(connection, worked) => self.machine.connected(now, connection, worked),
            Command::Disconnected(connection) => self.machine.disconnected(connection),
            Command::PeerConnected(allocation, peer, reply) => {
                let _ = reply.send(self.machine.peer_connected(now, allocation, peer));
            }
            Command::End => {}
        }
    }

    fn to_stream(&self, client: &Client, what: ToStream) {
        if let Some(stream) = self.streams.get(client) {
            // A client that doesn't read loses packets, as it would on UDP.
            let _ = stream.try_send(what);
        }
    }

    /// Our address, where the socket is bound to all of them.
    fn source(&self, client: &Client) -> Option<IpAddr> {
        self.bound.ip().is_unspecified().then(|| client.local.ip())
    }
}

fn milliseconds(clock: Duration) -> u64 {
    u64::try_from(clock.as_millis()).unwrap_or(u64::MAX)
}
