//! A client's connection as the server sees it: a machine that takes bytes and the broker's answers, and gives events and
//! bytes. It owns the [`Session`] while the client is connected.
//!
//! The driver calls [`Connection::handle_input`] until there is no event left, passes events to the broker, writes what
//! [`Connection::poll_output`] gives, and reads only while [`Connection::wants_input`].

mod accept;
pub(crate) mod aliases;
mod deliver;
mod input;
mod settings;

pub use accept::Accept;
pub use deliver::Delivered;
pub use settings::Settings;

use crate::frame::Header;
use crate::packet::properties::{Properties, id};
use crate::packet::{
    Auth, Connack, Connect, Disconnect, Packet, Publish, Subscribe, Unsubscribe, Will, read,
};
use crate::session::Refused;
use crate::{Error, Kept, Outgoing, QoS, Reason, Session, Text, Version};
use aliases::{Given, Taken};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;

/// What the broker is asked or told.
#[derive(Debug)]
pub enum Event {
    /// A client wants in. Answer: [`Connection::accept`], [`Connection::refuse`] or [`Connection::authenticate`].
    Connect(Box<Connect>),
    /// The client's next step of enhanced authentication (§4.12). Answer as above; and to `again`, which starts a new one
    /// while connected, and to what follows it: [`Connection::authenticate`], [`Connection::authenticated`] or
    /// [`Connection::disconnect`].
    Authenticate {
        /// Whether it starts a re-authentication.
        again: bool,
        /// What the method says.
        data: Option<Bytes>,
    },
    /// A message. With QoS 1 or 2 the answer is [`Connection::acknowledge`], as soon as it is safe.
    Publish(Publish),
    /// Durable sessions: a message with QoS 2 is released. Forget its packet identifier, then [`Connection::complete`].
    Release {
        /// Of the PUBLISH that came.
        packet_id: u16,
    },
    /// Durable sessions: a message with QoS 2 was received. Store that, then [`Connection::release`].
    Received {
        /// Of the message that was delivered.
        sequence: u64,
        /// What the store knows it by.
        kept: Kept,
    },
    /// Durable sessions: the client has the message, or refused it. Forget it.
    Complete {
        /// Of the message.
        sequence: u64,
        /// What the store knows it by.
        kept: Kept,
        /// The client's.
        reason: Reason,
    },
    /// Durable sessions: a message that waited was dropped instead of being sent. Forget it.
    Dropped {
        /// Of the message.
        sequence: u64,
        /// What the store knows it by.
        kept: Kept,
        /// Why.
        why: Refused,
    },
    /// Answer: [`Connection::suback`].
    Subscribe(Subscribe),
    /// Answer: [`Connection::unsuback`].
    Unsubscribe(Unsubscribe),
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The client said so, with this reason.
    ByClient(Reason),
    /// The client did wrong, or was too late.
    ByFault(Error),
    /// The broker said so.
    ByBroker(Reason),
}

/// What remains of a connection.
#[derive(Debug)]
pub struct Finished {
    /// `None` when the client was never accepted.
    pub session: Option<Session>,
    /// What is to be published, after [`Will::delay_interval`] or at the end of the session, whichever is first, unless
    /// the client comes back. `None` if the client took leave.
    pub will: Option<Box<Will>>,
    /// Seconds that the session is kept; [`u32::MAX`] is for ever.
    pub session_expiry: u32,
    /// `None` when the transport was lost.
    pub closed: Option<Closed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before CONNECT.
    Silent,
    /// The broker is asked; nothing is read meanwhile, except what the client may say early.
    Deciding,
    /// The client is asked for its next step of authentication.
    Challenged,
    Connected,
}

/// A message of the client that isn't answered yet.
#[derive(Debug)]
struct Pending {
    packet_id: u16,
    qos: QoS,
    answer: Option<Reason>,
}

/// A connection of the server's side.
#[derive(Debug)]
pub struct Connection {
    settings: Arc<Settings>,
    session: Option<Session>,
    will: Option<Box<Will>>,
    method: Option<Box<Text>>,
    out: Outgoing,
    /// In the order in which they came, which is that of the answers ([MQTT-4.6.0-2], [MQTT-4.6.0-3]).
    pending: VecDeque<Pending>,
    /// What is to be told before anything else is read.
    events: VecDeque<Event>,
    given: Given,
    taken: Taken,
    closed: Option<Closed>,
    deadline: u64,
    last_input: u64,
    idle_ms: u64,
    size_max: u32,
    session_expiry: u32,
    packets_received: u32,
    packets_sent: u32,
    expiry_was_zero: bool,
    quota: u16,
    /// Messages of the client that hold a place of the server's receive maximum.
    unanswered: u16,
    version: Version,
    state: State,
    durable: bool,
    reauthenticating: bool,
}

impl Connection {
    /// A connection that was opened at `now`.
    pub fn new(now: u64, settings: Arc<Settings>) -> Self {
        Self {
            deadline: now.saturating_add(settings.connect_timeout_ms),
            settings,
            session: None,
            will: None,
            method: None,
            out: Outgoing::default(),
            pending: VecDeque::new(),
            events: VecDeque::new(),
            given: Given::default(),
            taken: Taken::default(),
            closed: None,
            last_input: now,
            idle_ms: 0,
            size_max: u32::MAX,
            session_expiry: 0,
            packets_received: 0,
            packets_sent: 0,
            expiry_was_zero: false,
            quota: 0,
            unanswered: 0,
            version: Version::V3_1_1,
            state: State::Silent,
            durable: false,
            reauthenticating: false,
        }
    }

    /// Takes packets from the buffer's front until one makes an event. Call it until there is none, and again after the
    /// broker's answers: while they are awaited, packets may be left in the buffer.
    pub fn handle_input(&mut self, now: u64, input: &mut BytesMut) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        while self.wants_input() {
            let result = self.next_packet(now, input);
            match result {
                Ok(Some(Some(event))) => return Some(event),
                Ok(Some(None)) => {}
                Ok(None) => return None,
                Err(error) => self.fail(error),
            }
        }
        None
    }

    /// Whether more bytes from the client can be of use now. If not, they are left where they are.
    pub fn wants_input(&self) -> bool {
        self.closed.is_none() && self.state != State::Deciding && self.pending.len() < self.pending_max()
    }

    /// How many bytes the packet at the buffer's front still lacks, so that the buffer can be made to fit; 0 if that isn't
    /// known yet.
    pub fn needed(&self, input: &[u8]) -> usize {
        match Header::read(input, self.input_max()) {
            Ok(Some(header)) => header.total().saturating_sub(input.len()),
            _ => 0,
        }
    }

    /// When [`Connection::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<u64> {
        match self.state {
            _ if self.closed.is_some() => None,
            State::Silent | State::Challenged => Some(self.deadline),
            State::Deciding => None,
            State::Connected => {
                let idle = (self.idle_ms > 0).then(|| self.last_input.saturating_add(self.idle_ms));
                idle.into_iter().chain(self.reauthenticating.then_some(self.deadline)).min()
            }
        }
    }

    /// Ends the connection if the client has been silent for too long. A call that comes early does nothing.
    pub fn handle_timeout(&mut self, now: u64) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        if self.state == State::Connected && !(self.reauthenticating && self.deadline <= now) {
            // [MQTT-3.1.2-22]
            return self.fail(Error::new(Reason::KEEP_ALIVE_TIMEOUT, "nothing came within the keep-alive"));
        }
        self.fail(Error::new(Reason::MAXIMUM_CONNECT_TIME, "CONNECT or authentication took too long"));
    }

    /// What is to be written. It leaves no memory behind: see [`Connection::lend`].
    pub fn poll_output(&mut self) -> Outgoing {
        self.packets_sent = self.packets_sent.wrapping_add(self.out.take_packets());
        core::mem::take(&mut self.out)
    }

    /// Packets that were read and given out to be written since this was asked last.
    pub fn take_packet_counts(&mut self) -> (u32, u32) {
        (core::mem::take(&mut self.packets_received), core::mem::take(&mut self.packets_sent))
    }

    /// Gives memory for what is written next.
    pub fn lend(&mut self, mut memory: Outgoing) {
        if self.out.is_empty() && !self.out.has_memory() {
            memory.clear();
            self.out = memory;
        }
    }

    /// Why it is over: the transport is to be closed once all is written.
    pub fn closed(&self) -> Option<Closed> {
        self.closed
    }

    /// Ends the machine, after its end or after the loss of the transport.
    ///
    /// A message with QoS 2 that isn't acknowledged yet is still known to the session as one that came: its end is told by
    /// [`Session::settle`], or by [`Connection::acknowledge`] of the connection that has the session then.
    pub fn finish(mut self) -> Finished {
        if let Some(session) = &mut self.session {
            session.restart();
        }
        let will = self.will.take().filter(|_| self.session.is_some());
        Finished { session: self.session, will, session_expiry: self.session_expiry, closed: self.closed }
    }

    /// What both sides speak; MQTT 3.1.1 until CONNECT has come.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The session, once the client is accepted.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The session, once the client is accepted.
    pub fn session_mut(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    /// What would be published if the connection were lost now.
    pub fn will(&self) -> Option<&Will> {
        self.will.as_deref()
    }

    /// Forgets the will.
    pub fn forget_will(&mut self) {
        self.will = None;
    }

    /// Ends the connection from the server's side; a client of MQTT 5 is told why. The will stays.
    pub fn disconnect(&mut self, reason: Reason, words: Option<&str>) {
        if self.closed.is_some() {
            return;
        }
        self.say_goodbye(reason, words.unwrap_or_default());
        self.closed = Some(Closed::ByBroker(reason));
    }

    fn input_max(&self) -> u32 {
        match self.state {
            State::Connected => self.settings.packet_size_max,
            _ => self.settings.connect_size_max,
        }
    }

    /// A client of MQTT 5 is bound by the receive maximum; an earlier one isn't read from.
    fn pending_max(&self) -> usize {
        if self.version.is_5() { usize::MAX } else { usize::from(self.settings.receive_maximum) }
    }

    fn fail(&mut self, error: Error) {
        self.say_goodbye(error.reason, error.detail);
        self.closed = Some(Closed::ByFault(error));
    }

    /// CONNACK or DISCONNECT, if the version has words for it ([MQTT-4.13.1-1], [MQTT-4.13.2-1]).
    fn say_goodbye(&mut self, reason: Reason, words: &str) {
        let packet = match (self.state, self.version.is_5()) {
            (State::Silent, _) | (State::Connected, false) => return,
            (State::Connected, true) => {
                Packet::Disconnect(Disconnect { reason, properties: Properties::default() })
            }
            (_, false) if reason.return_code().is_none() => return,
            _ => Packet::Connack(Box::new(Connack {
                session_present: false,
                reason,
                properties: Properties::default(),
            })),
        };
        let words = Properties::builder().text(id::REASON_STRING, words).finish();
        self.write_if_it_fits(packet, if words.as_bytes().len() > 3 { Some(words) } else { None });
    }

    /// Writes a packet, with these properties if it doesn't get too large for the client ([MQTT-3.14.2-3]).
    fn write_if_it_fits(&mut self, mut packet: Packet, words: Option<Properties>) {
        let mut bytes = Vec::new();
        let bare = packet.clone();
        if let (Some(words), true) = (words, self.version.is_5()) {
            match &mut packet {
                Packet::Disconnect(Disconnect { properties, .. }) | Packet::Auth(Auth { properties, .. }) => {
                    *properties = words;
                }
                Packet::Connack(connack) => connack.properties = words,
                _ => {}
            }
        }
        packet.encode(self.version, &mut bytes);
        if bytes.len() > self.size_max as usize {
            bytes.clear();
            bare.encode(self.version, &mut bytes);
        }
        if bytes.len() <= self.size_max as usize {
            self.out.packet().extend_from_slice(&bytes);
        }
    }
}

/// The version that a CONNECT names which couldn't be read: its refusal is written in it.
fn version_of(connect: &[u8]) -> Version {
    let mut reader = read::Reader(Bytes::copy_from_slice(connect.get(..10).unwrap_or(connect)));
    match (reader.binary().as_deref(), reader.u8()) {
        (Ok(b"MQTT"), Ok(5)) => Version::V5,
        _ => Version::V3_1_1,
    }
}

#[cfg(test)]
mod tests;
