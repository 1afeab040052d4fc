use super::message::{EpmdError, Registration, Request};
use super::{HIGHEST_VERSION, PORT};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How the daemon is.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where it listens, which it tells those who ask for names.
    pub port: u16,
    /// Most nodes at once.
    pub names: usize,
    /// Most connections at once, those of registered nodes included.
    pub connections: usize,
    /// How long a connection may be open without a whole request.
    pub request_timeout: Duration,
    /// `epmd -relaxed_command_check`: KILL works while there are nodes, and STOP works at all.
    pub relaxed: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        let request_timeout = Duration::from_secs(10);
        Self { port: PORT, names: 256, connections: 1024, request_timeout, relaxed: false }
    }
}

/// A connection, by the driver's choice; not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// What the driver does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerOutput {
    /// Send these bytes.
    Send {
        /// Where to.
        to: ConnectionId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Close the connection after what was sent. No [`Server::connection_closed`] is needed for it.
    Close {
        /// Which one.
        connection: ConnectionId,
    },
    /// End the daemon, after what was sent.
    Shutdown,
}

/// The daemon: a list of names, each held by an open connection.
///
/// As Erlang's: only the same host registers, dumps, kills and stops; KILL is answered with `NO` while there are nodes
/// and STOP not at all, unless relaxed. Whatever else comes, the connection is closed without an answer.
#[derive(Debug)]
pub struct Server {
    settings: ServerSettings,
    connections: BTreeMap<ConnectionId, Connection>,
    names: BTreeMap<String, Entry>,
    next_creation: u32,
    outputs: VecDeque<ServerOutput>,
}

#[derive(Debug)]
struct Connection {
    is_loopback: bool,
    received: Vec<u8>,
    /// None once the connection holds a name.
    deadline: Option<Duration>,
}

#[derive(Debug)]
struct Entry {
    registration: Registration,
    holder: ConnectionId,
}

impl Server {
    /// An empty list. `first_creation` is random, so that nodes which outlive a daemon get other creations.
    pub fn new(settings: ServerSettings, first_creation: u32) -> Self {
        Self {
            settings,
            connections: BTreeMap::new(),
            names: BTreeMap::new(),
            next_creation: first_creation,
            outputs: VecDeque::new(),
        }
    }

    /// A connection has come. False where there are too many: close it.
    pub fn connection_opened(&mut self, now: Duration, id: ConnectionId, is_loopback: bool) -> bool {
        if self.connections.len() >= self.settings.connections {
            return false;
        }
        let deadline = Some(now.saturating_add(self.settings.request_timeout));
        self.connections.insert(id, Connection { is_loopback, received: Vec::new(), deadline });
        true
    }

    /// Takes what a connection sent.
    pub fn handle_input(&mut self, id: ConnectionId, input: &[u8]) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.deadline.is_none() {
            // A registered node has nothing more to say; Erlang's daemon does not listen either.
            return;
        }
        connection.received.extend_from_slice(input);
        let is_loopback = connection.is_loopback;
        match Request::take(&connection.received) {
            Ok(None) => {}
            Ok(Some(request)) => self.on_request(id, is_loopback, request),
            Err(error) => self.on_error(id, is_loopback, error),
        }
    }

    /// A connection has gone, and with it its name.
    pub fn connection_closed(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
        self.names.retain(|_, entry| entry.holder != id);
    }

    /// Closes connections that have not asked anything in time.
    pub fn handle_timeout(&mut self, now: Duration) {
        let is_late = |connection: &Connection| connection.deadline.is_some_and(|deadline| deadline <= now);
        let late: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, connection)| is_late(connection))
            .map(|(id, _)| *id)
            .collect();
        late.into_iter().for_each(|id| self.close(id));
    }

    /// When to call [`Server::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.connections.values().filter_map(|connection| connection.deadline).min()
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<ServerOutput> {
        self.outputs.pop_front()
    }

    /// The nodes that are registered, by name.
    pub fn names(&self) -> impl Iterator<Item = &Registration> {
        self.names.values().map(|entry| &entry.registration)
    }

    fn on_request(&mut self, id: ConnectionId, is_loopback: bool, request: Request) {
        match request {
            Request::Register(registration) if is_loopback => return self.register(id, registration),
            Request::Port(name) => {
                let entry = self.names.get(&name);
                self.send(id, port_answer(entry.map(|entry| &entry.registration)));
            }
            Request::Names => self.send_list(id, |entry| {
                format!("name {} at port {}\n", entry.registration.name, entry.registration.port)
            }),
            Request::Dump if is_loopback => self.send_list(id, |entry| {
                let registration = &entry.registration;
                let (name, port, holder) = (&registration.name, registration.port, entry.holder.0);
                format!("active name     <{name}> at port {port}, fd = {holder}\n\0")
            }),
            Request::Kill if is_loopback => return self.kill(id),
            Request::Stop(name) if is_loopback && self.settings.relaxed => self.stop(id, &name),
            Request::Register(_) | Request::Dump | Request::Kill | Request::Stop(_) => {}
        }
        self.close(id);
    }

    /// A name that cannot be one is refused in the protocol's own form; the rest has no answer.
    fn on_error(&mut self, id: ConnectionId, is_loopback: bool, error: EpmdError) {
        let is_registration = self.connections.get(&id).is_some_and(|it| it.received.get(2) == Some(&b'x'));
        if is_loopback && is_registration && matches!(error, EpmdError::Name(_)) {
            self.send(id, alive_answer(HIGHEST_VERSION, 1, 0));
        }
        self.close(id);
    }

    fn register(&mut self, id: ConnectionId, registration: Registration) {
        let highest = registration.highest;
        let is_full = self.names.len() >= self.settings.names;
        if is_full || self.names.contains_key(&registration.name) {
            self.send(id, alive_answer(highest, 1, 0));
            return self.close(id);
        }
        let creation = self.new_creation(highest);
        self.names.insert(registration.name.clone(), Entry { registration, holder: id });
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.deadline = None;
            connection.received = Vec::new();
        }
        self.send(id, alive_answer(highest, 0, creation));
    }

    /// Another one for each registration; 1 to 3 for nodes before OTP 23, else above, so that the two never mix.
    fn new_creation(&mut self, highest: u16) -> u32 {
        self.next_creation = self.next_creation.checked_add(1).unwrap_or_default().max(4);
        if highest < HIGHEST_VERSION { self.next_creation % 3 + 1 } else { self.next_creation }
    }

    fn kill(&mut self, id: ConnectionId) {
        if !self.names.is_empty() && !self.settings.relaxed {
            self.send(id, b"NO".to_vec());
            return self.close(id);
        }
        self.send(id, b"OK".to_vec());
        self.close(id);
        self.outputs.push_back(ServerOutput::Shutdown);
    }

    fn stop(&mut self, id: ConnectionId, name: &str) {
        let Some(entry) = self.names.remove(name) else { return self.send(id, b"NOEXIST".to_vec()) };
        self.close(entry.holder);
        self.send(id, b"STOPPED".to_vec());
    }

    fn send_list(&mut self, id: ConnectionId, line: impl Fn(&Entry) -> String) {
        let mut bytes = u32::from(self.settings.port).to_be_bytes().to_vec();
        self.names.values().for_each(|entry| bytes.extend(line(entry).as_bytes()));
        self.send(id, bytes);
    }

    fn send(&mut self, to: ConnectionId, bytes: Vec<u8>) {
        self.outputs.push_back(ServerOutput::Send { to, bytes });
    }

    fn close(&mut self, id: ConnectionId) {
        self.connection_closed(id);
        self.outputs.push_back(ServerOutput::Close { connection: id });
    }
}

/// ALIVE2_X_RESP for nodes that speak version 6, else ALIVE2_RESP.
fn alive_answer(highest: u16, result: u8, creation: u32) -> Vec<u8> {
    if highest >= HIGHEST_VERSION {
        [&[b'v', result][..], &creation.to_be_bytes()].concat()
    } else {
        let creation = u16::try_from(creation).unwrap_or(u16::MAX);
        [&[b'y', result][..], &creation.to_be_bytes()].concat()
    }
}

fn port_answer(registration: Option<&Registration>) -> Vec<u8> {
    let Some(registration) = registration else { return vec![b'w', 1] };
    let mut bytes = vec![b'w', 0];
    registration.put(&mut bytes);
    bytes
}
