//! Remote calls between connected nodes: what `rpc`, `erpc`, `net_adm:ping` and a shell need of the other side.
//!
//! A [`Session`] is one connection after the handshake. The peer's calls come out as [`Output::Call`] and are answered
//! with [`Session::finish`]; what they print on the way ([`Session::print`]) is shown by the caller's group leader
//! before the answer is given. [`Session::call`] calls the peer. `net_kernel` and `rex` answer by themselves; processes
//! of other names do not exist. The driver writes out what [`Session::poll_output`] gives before it reads more.

mod asked;
mod io;
mod named;
mod served;
#[cfg(test)]
mod tests;

use crate::connection::{Connection, ConnectionError};
use crate::handshake::Peer;
use crate::message::{Control, Limits, Message, Process};
use crate::name::NodeName;
use crate::{Atom, Pid, Reference, Term};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How a session is.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Our name, as the handshake gave it.
    pub local: NodeName,
    /// Our creation.
    pub creation: u32,
    /// The number of this session, which tells its processes from those of others.
    pub serial: u32,
    /// Erlang's `net_ticktime`: 60 s.
    pub tick_time: Duration,
    /// What a peer may send at once.
    pub limits: Limits,
    /// Calls of the peer that may run at once.
    pub calls: usize,
    /// How long the caller's group leader may take to show a text. What is left then is dropped.
    pub print_timeout: Duration,
}

impl SessionSettings {
    /// The usual values.
    pub fn new(local: NodeName, creation: u32, serial: u32) -> Self {
        Self {
            local,
            creation,
            serial,
            tick_time: Duration::from_secs(60),
            limits: Limits::default(),
            calls: 64,
            print_timeout: Duration::from_secs(30),
        }
    }
}

/// A call, of the peer or of the peer's: no number stands for two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What the peer calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// For [`Session::finish`].
    pub id: CallId,
    /// The module.
    pub module: Atom,
    /// The function.
    pub function: Atom,
    /// Its arguments.
    pub arguments: Vec<Term>,
    /// Whether nobody waits for the answer. It is finished all the same.
    pub is_cast: bool,
    /// Who calls, where they say so.
    pub caller: Option<Pid>,
}

/// How a call of the peer ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It returns.
    Return(Term),
    /// It fails: `error(Reason)`.
    Error(Term),
    /// It fails because there is no such function: `error(undef)` with the function on the stack.
    Undefined,
    /// `exit(Reason)`.
    Exit(Term),
    /// `throw(Term)`.
    Throw(Term),
}

/// What the peer answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It returned.
    Return(Term),
    /// It failed, with `error(Reason)` or before it began.
    Error(Term),
    /// `exit(Reason)`.
    Exit(Term),
    /// `throw(Term)`.
    Throw(Term),
    /// The connection ended first.
    NoConnection,
}

/// What the driver does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Do this and answer with [`Session::finish`].
    Call(Call),
    /// Nobody waits for this call any more; it may stop. An answer is taken and ignored.
    Abandoned(CallId),
    /// All that this call printed has been shown, or never will be.
    Printed(CallId),
    /// What the peer's function printed.
    Text {
        /// Which call.
        id: CallId,
        /// What.
        text: String,
    },
    /// What [`Session::call`] got.
    Answer {
        /// Which call.
        id: CallId,
        /// What.
        answer: Answer,
    },
    /// Close the connection.
    Closed(ConnectionError),
}

/// One connection to another node.
#[derive(Debug)]
pub struct Session {
    settings: SessionSettings,
    peer: Peer,
    connection: Connection,
    served: BTreeMap<CallId, served::Served>,
    asked: BTreeMap<CallId, asked::Asked>,
    /// Numbers given to calls, processes and references.
    counter: u64,
    now: Duration,
    is_closed: bool,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A connection on which both sides have shaken hands.
    pub fn new(settings: SessionSettings, peer: Peer, now: Duration) -> Self {
        let connection = Connection::new(peer.flags, settings.limits, settings.tick_time, now);
        Self {
            settings,
            peer,
            connection,
            served: BTreeMap::new(),
            asked: BTreeMap::new(),
            counter: 0,
            now,
            is_closed: false,
            outputs: VecDeque::new(),
        }
    }

    /// The other node.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Calls of the peer that have not been finished.
    pub fn open_calls(&self) -> usize {
        self.served.len()
    }

    /// Takes what the peer sent.
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) {
        self.now = now;
        self.connection.handle_input(now, input);
        while !self.is_closed {
            match self.connection.poll_message() {
                Ok(Some(message)) => self.on_message(message),
                Ok(None) => return,
                Err(error) => self.close(error),
            }
        }
    }

    /// Sends ticks, ends a connection that is silent, and gives up printing where nobody shows it.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.is_closed {
            return;
        }
        self.now = now;
        self.expire_prints();
        if let Err(error) = self.connection.handle_timeout(now) {
            self.close(error);
        }
    }

    /// When to call [`Session::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        let prints = self.served.values().filter_map(served::Served::print_deadline).min();
        let next = prints.map_or(self.connection.poll_timeout(), |at| at.min(self.connection.poll_timeout()));
        (!self.is_closed).then_some(next)
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        self.connection.poll_output(self.now).map(Output::Send)
    }

    /// The connection has ended: everybody who waits is told so.
    pub fn connection_lost(&mut self) {
        self.is_closed = true;
        for id in std::mem::take(&mut self.served).into_keys() {
            self.outputs.push_back(Output::Abandoned(id));
        }
        for id in std::mem::take(&mut self.asked).into_keys() {
            self.outputs.push_back(Output::Answer { id, answer: Answer::NoConnection });
        }
    }

    fn close(&mut self, error: ConnectionError) {
        self.connection_lost();
        self.outputs.push_back(Output::Closed(error));
    }

    fn on_message(&mut self, message: Message) {
        let payload = message.payload.unwrap_or(Term::NIL);
        match message.control {
            Control::SpawnRequest { request, from, group_leader, module, function, arity, options } => {
                let entry = (module.as_str(), function.as_str(), arity);
                let spawn = served::Spawn { request, from, group_leader, options };
                self.on_spawn(spawn, entry, payload);
            }
            Control::RegSend { from, to } => self.on_named(&from, to.as_str(), payload),
            Control::Send { to, .. } => self.on_sent(&to, payload),
            Control::Monitor { from, to, reference } => self.on_monitor(from, to, reference),
            Control::Demonitor { reference, .. } => self.on_demonitor(&reference),
            Control::Link { from, to } => self.on_link(from, to),
            Control::Unlink { from, to } => self.on_unlink(&from, &to),
            Control::UnlinkId { id, from, to } => {
                self.on_unlink(&from, &to);
                self.connection.send(&Control::UnlinkIdAck { id, from: to, to: from }, None);
            }
            Control::Exit { to, .. } | Control::Exit2 { to, .. } => self.on_exit(&to, &payload),
            Control::SpawnReply { request, result: Process::Name(error), .. } => {
                self.on_spawn_refused(&request, error);
            }
            Control::MonitorExit { reference, .. } => self.on_asked_ended(&reference, payload),
            // Group leaders and aliases of processes that are not here, and news that change nothing.
            Control::SpawnReply { .. }
            | Control::AliasSend { .. }
            | Control::GroupLeader { .. }
            | Control::NodeLink
            | Control::UnlinkIdAck { .. } => {}
        }
    }

    /// A message to one of our processes: an answer, or a request to show a text.
    fn on_sent(&mut self, to: &Pid, message: Term) {
        if !self.on_io_reply(to, &message) {
            self.on_asked_message(to, message);
        }
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// A process of ours. Its numbers fit peers without V4_NC too.
    fn new_pid(&mut self) -> Pid {
        let number = self.count();
        let id = u32::try_from(number & 0x7fff).unwrap_or_default();
        let node = self.settings.local.atom();
        Pid { node, id, serial: self.settings.serial & 0x1fff, creation: self.settings.creation }
    }

    fn new_reference(&mut self) -> Reference {
        let number = self.count();
        // The first word has 18 bits.
        let low = u32::try_from(number & 0x3_ffff).unwrap_or_default();
        let high = u32::try_from((number >> 18) & u64::from(u32::MAX)).unwrap_or_default();
        let words = vec![low, high, self.settings.serial];
        Reference { node: self.settings.local.atom(), creation: self.settings.creation, words }
    }
}
