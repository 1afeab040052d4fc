//! A client's end of a connection: for bridges to other servers, for load generators and tests.

use crate::connection::aliases::{Given, Taken};
use crate::frame::Header;
use crate::packet::properties::{Properties, id};
use crate::packet::{
    Ack, Auth, Connack, Connect, Disconnect, Kind, Packet, Publish, Suback, Subscribe, Subscription,
    Unsubscribe, ack, read,
};
use crate::session::receiver::State;
use crate::session::sender::Progress;
use crate::session::writer::Writer;
use crate::session::{Refused, Stage};
use crate::{Delivery, Error, Outgoing, QoS, Reason, Session, Text, Version};
use bytes::BytesMut;

/// What the server said.
#[derive(Debug)]
pub enum Event {
    /// The answer to CONNECT. After a refusal the machine is at its end.
    Connack(Box<Connack>),
    /// A message. With QoS 1 or 2 the answer is [`Client::acknowledge`].
    Publish(Publish),
    /// The answer to [`Client::subscribe`].
    Suback(Suback),
    /// The answer to [`Client::unsubscribe`].
    Unsuback(Suback),
    /// A message that was published is with the server, or was refused.
    Complete {
        /// What [`Client::publish`] gave.
        sequence: u64,
        /// Success, or the server's reason.
        reason: Reason,
    },
    /// A step of enhanced authentication.
    Auth(Auth),
    /// The server ends the connection.
    Disconnect(Disconnect),
}

/// A connection of the client's side. It owns the [`Session`] until [`Client::finish`].
#[derive(Debug)]
pub struct Client {
    session: Session,
    version: Version,
    /// Those that were asked for in CONNECT; the server's answer may change them.
    keep_alive_ms: u64,
    out: Outgoing,
    given: Given,
    taken: Taken,
    alias_maximum: u16,
    receive_size_max: u32,
    size_max: u32,
    quota: u16,
    last_output: u64,
    pinged: Option<u64>,
    connected: bool,
    closed: Option<Error>,
}

impl Client {
    /// Asks to be let in. Limits that the client sets itself are those of its CONNECT's properties.
    pub fn new(now: u64, connect: &Connect, mut session: Session) -> Self {
        session.restart();
        let number = |identifier| connect.properties.number(identifier);
        let alias_maximum = number(id::TOPIC_ALIAS_MAXIMUM).and_then(|maximum| u16::try_from(maximum).ok());
        let mut out = Outgoing::default();
        connect.encode(out.small());
        Self {
            session,
            version: connect.version,
            keep_alive_ms: u64::from(connect.keep_alive) * 1000,
            out,
            given: Given::default(),
            taken: Taken::default(),
            alias_maximum: alias_maximum.unwrap_or(0),
            receive_size_max: number(id::MAXIMUM_PACKET_SIZE).unwrap_or(read::VARIABLE_MAX + 5),
            size_max: u32::MAX,
            quota: u16::MAX,
            last_output: now,
            pinged: None,
            connected: false,
            closed: None,
        }
    }

    /// Takes packets from the buffer's front until one makes an event.
    pub fn handle_input(&mut self, now: u64, input: &mut BytesMut) -> Option<Event> {
        while self.closed.is_none() {
            match self.next_packet(now, input) {
                Ok(Some(Some(event))) => return Some(event),
                Ok(Some(None)) => {}
                Ok(None) => return None,
                Err(error) => self.fail(error),
            }
        }
        None
    }

    /// How many bytes the packet at the buffer's front still lacks; 0 if that isn't known yet.
    pub fn needed(&self, input: &[u8]) -> usize {
        match Header::read(input, self.receive_size_max) {
            Ok(Some(header)) => header.total().saturating_sub(input.len()),
            _ => 0,
        }
    }

    /// When [`Client::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<u64> {
        if self.closed.is_some() || self.keep_alive_ms == 0 {
            return None;
        }
        Some(self.pinged.unwrap_or(self.last_output).saturating_add(self.keep_alive_ms))
    }

    /// Pings, or gives a server up that didn't answer the last ping.
    pub fn handle_timeout(&mut self, now: u64) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        if self.pinged.is_some() || !self.connected {
            return self.fail(Error::new(Reason::KEEP_ALIVE_TIMEOUT, "the server doesn't answer"));
        }
        self.pinged = Some(now);
        Packet::Pingreq.encode(self.version, self.out.small());
    }

    /// What is to be written.
    pub fn poll_output(&mut self, now: u64) -> Outgoing {
        if !self.out.is_empty() {
            self.last_output = now;
        }
        core::mem::take(&mut self.out)
    }

    /// Why it is over.
    pub fn closed(&self) -> Option<Error> {
        self.closed
    }

    /// Whether the server let it in.
    pub fn is_connected(&self) -> bool {
        self.connected && self.closed.is_none()
    }

    /// Ends the machine, and keeps the session for the next connection.
    pub fn finish(mut self) -> Session {
        self.session.restart();
        self.session
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Publishes: at once, or when the server's receive maximum allows it. `None` with QoS 0.
    pub fn publish(&mut self, now: u64, delivery: Delivery) -> Result<Option<u64>, Refused> {
        if delivery.qos == QoS::AtMostOnce {
            if !self.is_connected() {
                return Err(Refused::NotConnected);
            }
            return if self.writer(now).0.publish(0, false, &delivery) {
                Ok(None)
            } else {
                Err(Refused::TooLarge)
            };
        }
        let sequence = self.session.sender.push(delivery, Stage::Queued, usize::from(self.quota))?;
        let dropped = self.pump(now);
        match dropped.iter().find(|(place, _)| *place == sequence) {
            Some((_, why)) => Err(*why),
            None => Ok(Some(sequence)),
        }
    }

    /// Subscribes; gives the packet identifier that SUBACK repeats, or `None` when all are in use.
    pub fn subscribe(&mut self, filters: Vec<Subscription>, properties: Properties) -> Option<u16> {
        let packet_id = self.session.sender.reserve_id()?;
        let packet = Packet::Subscribe(Subscribe { packet_id, properties, filters });
        packet.encode(self.version, self.out.small());
        Some(packet_id)
    }

    /// Unsubscribes; gives the packet identifier that UNSUBACK repeats, or `None` when all are in use.
    pub fn unsubscribe(&mut self, filters: Vec<Text>) -> Option<u16> {
        let packet_id = self.session.sender.reserve_id()?;
        let packet =
            Packet::Unsubscribe(Unsubscribe { packet_id, properties: Properties::default(), filters });
        packet.encode(self.version, self.out.small());
        Some(packet_id)
    }

    /// Answers a message, now that it is safe.
    pub fn acknowledge(&mut self, publish_qos: QoS, packet_id: u16, reason: Reason) {
        let kind = match publish_qos {
            QoS::AtMostOnce => return,
            QoS::AtLeastOnce => Kind::Puback,
            QoS::ExactlyOnce => {
                self.session.receiver.settle(packet_id, !reason.is_error());
                Kind::Pubrec
            }
        };
        ack::short(self.version, kind, packet_id, reason, self.out.small());
    }

    /// Says a step of enhanced authentication.
    pub fn authenticate(&mut self, auth: Auth) {
        Packet::Auth(auth).encode(self.version, self.out.small());
    }

    /// Takes leave.
    pub fn disconnect(&mut self, packet: Disconnect) {
        if self.closed.is_none() {
            Packet::Disconnect(packet).encode(self.version, self.out.small());
            self.closed = Some(Error::new(Reason::SUCCESS, "the client took leave"));
        }
    }

    fn fail(&mut self, error: Error) {
        if self.version.is_5() && self.connected {
            Packet::Disconnect(Disconnect::new(error.reason)).encode(self.version, self.out.small());
        }
        self.closed = Some(error);
    }

    fn writer(&mut self, now: u64) -> (Writer<'_>, &mut Session) {
        let Self { version, size_max, out, taken, session, .. } = self;
        (Writer { version: *version, size_max: *size_max, now, out, taken }, session)
    }

    fn pump(&mut self, now: u64) -> Vec<(u64, Refused)> {
        if !self.is_connected() {
            return Vec::new();
        }
        let quota = self.quota;
        let (mut writer, session) = self.writer(now);
        let dropped = writer.pump(&mut session.sender, quota);
        dropped.into_iter().map(|(entry, why)| (entry.sequence, why)).collect()
    }

    fn next_packet(&mut self, now: u64, input: &mut BytesMut) -> Result<Option<Option<Event>>, Error> {
        let Some(header) = Header::read(input, self.receive_size_max)? else { return Ok(None) };
        let Some(body) = header.take_body(input) else { return Ok(None) };
        let packet = Packet::decode(self.version, header.first, body)?;
        if !self.connected && !matches!(packet, Packet::Connack(_) | Packet::Auth(_)) {
            return Err(Error::protocol("a packet before CONNACK"));
        }
        self.packet(now, packet).map(Some)
    }

    fn packet(&mut self, now: u64, packet: Packet) -> Result<Option<Event>, Error> {
        Ok(match packet {
            Packet::Connack(connack) if !self.connected => {
                self.connack(now, &connack);
                Some(Event::Connack(connack))
            }
            Packet::Publish(publish) => return self.received(publish),
            Packet::Puback(ack) => return self.answered(now, Kind::Puback, &ack),
            Packet::Pubrec(ack) => return self.answered(now, Kind::Pubrec, &ack),
            Packet::Pubcomp(ack) => return self.answered(now, Kind::Pubcomp, &ack),
            Packet::Pubrel(ack) => {
                let known = self.session.receiver.release(ack.packet_id).is_some();
                self.session.receiver.complete(ack.packet_id);
                let reason = if known { Reason::SUCCESS } else { Reason::PACKET_IDENTIFIER_NOT_FOUND };
                ack::short(self.version, Kind::Pubcomp, ack.packet_id, reason, self.out.small());
                None
            }
            Packet::Suback(suback) => Some(Event::Suback(suback)),
            Packet::Unsuback(unsuback) => Some(Event::Unsuback(unsuback)),
            Packet::Pingresp => {
                (self.pinged, self.last_output) = (None, now);
                None
            }
            Packet::Auth(auth) => Some(Event::Auth(auth)),
            Packet::Disconnect(disconnect) if self.version.is_5() => {
                self.closed = Some(Error::new(disconnect.reason, "the server ended the connection"));
                Some(Event::Disconnect(disconnect))
            }
            _ => return Err(Error::protocol("a packet that only clients send")),
        })
    }

    fn connack(&mut self, now: u64, connack: &Connack) {
        if connack.reason.is_error() {
            self.closed = Some(Error::new(connack.reason, "the server refused"));
            return;
        }
        let number = |identifier| connack.properties.number(identifier);
        let two = |identifier| number(identifier).and_then(|value| u16::try_from(value).ok());
        self.connected = true;
        self.size_max = number(id::MAXIMUM_PACKET_SIZE).unwrap_or(u32::MAX);
        self.quota = two(id::RECEIVE_MAXIMUM).unwrap_or(u16::MAX);
        self.taken = Taken::new(two(id::TOPIC_ALIAS_MAXIMUM).unwrap_or(0));
        if let Some(seconds) = number(id::SERVER_KEEP_ALIVE) {
            self.keep_alive_ms = u64::from(seconds) * 1000;
        }
        if !connack.session_present {
            // §3.2.2.1.1: the server knows nothing of what it was sent or had sent.
            self.session.receiver = crate::session::receiver::Receiver::default();
            self.session.sender.forget_progress();
        }
        self.pump(now);
    }

    fn received(&mut self, mut publish: Publish) -> Result<Option<Event>, Error> {
        self.given.resolve(&mut publish, self.alias_maximum)?;
        if publish.qos == QoS::ExactlyOnce {
            match self.session.receiver.receive(publish.packet_id) {
                None => {}
                Some(State::Pending) => return Ok(None),
                Some(_) => {
                    let (id, reason) = (publish.packet_id, Reason::SUCCESS);
                    ack::short(self.version, Kind::Pubrec, id, reason, self.out.small());
                    return Ok(None);
                }
            }
        }
        Ok(Some(Event::Publish(publish)))
    }

    fn answered(&mut self, now: u64, kind: Kind, ack: &Ack) -> Result<Option<Event>, Error> {
        let progress = self.session.sender.answer(kind, ack.packet_id, ack.reason, false)?;
        match progress {
            Progress::Unknown if kind == Kind::Pubrec => {
                let reason = Reason::PACKET_IDENTIFIER_NOT_FOUND;
                ack::short(self.version, Kind::Pubrel, ack.packet_id, reason, self.out.small());
            }
            Progress::Received(..) | Progress::ReleasedBefore => {
                ack::short(self.version, Kind::Pubrel, ack.packet_id, Reason::SUCCESS, self.out.small());
            }
            Progress::Complete(sequence, _) => {
                self.pump(now);
                return Ok(Some(Event::Complete { sequence, reason: ack.reason }));
            }
            Progress::Unknown | Progress::Nothing => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
