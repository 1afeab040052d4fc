//! What the client says.

use super::{Closed, Connection, Event, Pending, State, version_of};
use crate::frame::Header;
use crate::packet::properties::id;
use crate::packet::{Ack, Auth, Connect, Disconnect, Kind, Packet, Publish, ack};
use crate::session::receiver::State as Came;
use crate::session::sender::Progress;
use crate::{Error, QoS, Reason, topic};
use bytes::{Bytes, BytesMut};

impl Connection {
    /// The event of the next packet, if it has one; `None` when there is no whole packet.
    pub(super) fn next_packet(
        &mut self,
        now: u64,
        input: &mut BytesMut,
    ) -> Result<Option<Option<Event>>, Error> {
        let Some(first) = input.first() else { return Ok(None) };
        // [MQTT-3.1.0-1]
        if self.state == State::Silent && *first != Kind::Connect.first() {
            return Err(Error::protocol("the first packet isn't CONNECT"));
        }
        let Some(header) = Header::read(input, self.input_max())? else { return Ok(None) };
        if header.kind != Kind::Publish && header.total() > self.settings.connect_size_max as usize {
            return Err(Error::new(Reason::PACKET_TOO_LARGE, "a packet over the limit"));
        }
        let Some(body) = header.take_body(input) else { return Ok(None) };
        self.last_input = now;
        self.packets_received = self.packets_received.wrapping_add(1);
        match self.state {
            State::Silent => self.connect(header.first, body).map(Some),
            State::Connected => self.packet(Packet::decode(self.version, header.first, body)?).map(Some),
            // §4.12: until CONNACK there is AUTH or the end.
            _ => match Packet::decode(self.version, header.first, body)? {
                Packet::Auth(auth) => self.auth(&auth).map(|event| Some(Some(event))),
                Packet::Disconnect(packet) => self.client_leaves(&packet).map(|()| Some(None)),
                _ => Err(Error::protocol("a packet other than AUTH before CONNACK")),
            },
        }
    }

    fn connect(&mut self, first: u8, body: Bytes) -> Result<Option<Event>, Error> {
        self.version = version_of(&body);
        self.state = State::Deciding;
        let Packet::Connect(connect) = Packet::decode(self.version, first, body)? else { return Ok(None) };
        self.version = connect.version;
        self.remember(&connect);
        let valid = connect.will.as_ref().is_none_or(|will| will.payload_format_is_valid());
        if self.settings.check_payload_format && !valid {
            return Err(Error::new(Reason::PAYLOAD_FORMAT_INVALID, "the will isn't what its format says"));
        }
        if let Some(will) = &connect.will {
            topic::check_name(will.topic.as_bytes(), &self.settings.topic)?;
        }
        Ok(Some(Event::Connect(connect)))
    }

    fn remember(&mut self, connect: &Connect) {
        let number = |identifier| connect.properties.number(identifier);
        self.will = connect.will.as_ref().map(|will| Box::new(will.detached()));
        self.method = connect.authentication_method().map(|method| Box::new(method.detached()));
        self.session_expiry = connect.session_expiry_interval();
        self.expiry_was_zero = self.session_expiry == 0;
        self.size_max = number(id::MAXIMUM_PACKET_SIZE).unwrap_or(u32::MAX);
        let quota = number(id::RECEIVE_MAXIMUM).and_then(|maximum| u16::try_from(maximum).ok());
        self.quota = quota.unwrap_or(u16::MAX).min(self.settings.in_flight_max.max(1));
        let aliases = number(id::TOPIC_ALIAS_MAXIMUM).and_then(|maximum| u16::try_from(maximum).ok());
        self.taken = super::Taken::new(aliases.unwrap_or(0).min(self.settings.topic_alias_out_max));
        self.idle_ms = u64::from(connect.keep_alive) * 1500;
    }

    fn packet(&mut self, packet: Packet) -> Result<Option<Event>, Error> {
        match packet {
            Packet::Publish(publish) => self.publish(publish),
            Packet::Puback(ack) => self.answered(Kind::Puback, &ack),
            Packet::Pubrec(ack) => self.answered(Kind::Pubrec, &ack),
            Packet::Pubcomp(ack) => self.answered(Kind::Pubcomp, &ack),
            Packet::Pubrel(ack) => self.pubrel(&ack),
            Packet::Subscribe(subscribe) => Ok(Some(Event::Subscribe(subscribe))),
            Packet::Unsubscribe(unsubscribe) => Ok(Some(Event::Unsubscribe(unsubscribe))),
            Packet::Pingreq => {
                // [MQTT-3.12.4-1]
                Packet::Pingresp.encode(self.version, self.out.packet());
                Ok(None)
            }
            Packet::Disconnect(disconnect) => self.client_leaves(&disconnect).map(|()| None),
            Packet::Auth(auth) => self.auth(&auth).map(Some),
            // [MQTT-3.1.0-2]
            Packet::Connect(_) => Err(Error::protocol("a second CONNECT")),
            _ => Err(Error::protocol("a packet that only servers send")),
        }
    }

    fn publish(&mut self, mut publish: Publish) -> Result<Option<Event>, Error> {
        self.given.resolve(&mut publish, self.settings.topic_alias_maximum)?;
        // [MQTT-3.3.4-6]
        if publish.properties.find(id::SUBSCRIPTION_IDENTIFIER).is_some() {
            return Err(Error::protocol("a subscription identifier from a client"));
        }
        let fault = self.fault(&publish);
        // Only MQTT 5 can refuse a message and go on.
        if let Some(error) = fault.filter(|_| publish.qos == QoS::AtMostOnce || !self.version.is_5()) {
            return Err(error);
        }
        if publish.qos == QoS::AtMostOnce {
            return Ok(Some(Event::Publish(publish)));
        }
        let packet_id = publish.packet_id;
        let waiting =
            self.pending.iter().find(|pending| pending.packet_id == packet_id).map(|pending| pending.qos);
        if waiting.is_some_and(|qos| qos != publish.qos) {
            return Err(Error::protocol("a packet identifier that is in use"));
        }
        if waiting.is_none() {
            self.check_receive_maximum()?;
        }
        let seen = match (publish.qos, &mut self.session) {
            (QoS::ExactlyOnce, Some(session)) => session.receiver.receive(packet_id),
            _ => None,
        };
        // Sent again although this connection hasn't answered: the answer to the first is one to both.
        if waiting.is_some() && matches!(seen, None | Some(Came::Pending)) {
            return Ok(None);
        }
        self.pending.push_back(Pending { packet_id, qos: publish.qos, answer: None });
        self.unanswered = self.unanswered.saturating_add(1);
        match (seen, fault) {
            (Some(Came::Pending), _) => Ok(None),
            // [MQTT-4.3.3-10]: no second delivery, but an answer.
            (Some(_), _) => {
                self.acknowledge(packet_id, Reason::SUCCESS);
                Ok(None)
            }
            (None, None) => Ok(Some(Event::Publish(publish))),
            (None, Some(error)) => {
                self.acknowledge(packet_id, error.reason);
                Ok(None)
            }
        }
    }

    /// What makes a message one that isn't taken, though the packet is right.
    fn fault(&self, publish: &Publish) -> Option<Error> {
        if self.settings.check_payload_format && !publish.payload_format_is_valid() {
            return Some(Error::new(
                Reason::PAYLOAD_FORMAT_INVALID,
                "the payload isn't what its format says",
            ));
        }
        topic::check_name(publish.topic.as_bytes(), &self.settings.topic).err()
    }

    /// [MQTT-3.3.4-7] and [MQTT-3.3.4-9], from the other end. What was under way on earlier connections doesn't count.
    fn check_receive_maximum(&self) -> Result<(), Error> {
        if self.version.is_5() && self.unanswered >= self.settings.receive_maximum {
            return Err(Error::new(
                Reason::RECEIVE_MAXIMUM_EXCEEDED,
                "more messages than the receive maximum",
            ));
        }
        Ok(())
    }

    fn answered(&mut self, kind: Kind, ack: &Ack) -> Result<Option<Event>, Error> {
        let Some(session) = &mut self.session else { return Ok(None) };
        let progress = session.sender.answer(kind, ack.packet_id, ack.reason, self.durable)?;
        match progress {
            Progress::Unknown if kind == Kind::Pubrec => {
                let reason = Reason::PACKET_IDENTIFIER_NOT_FOUND;
                ack::short(self.version, Kind::Pubrel, ack.packet_id, reason, self.out.packet());
            }
            Progress::Received(sequence, kept) if self.durable => {
                return Ok(Some(Event::Received { sequence, kept }));
            }
            Progress::Received(..) | Progress::ReleasedBefore => {
                ack::short(self.version, Kind::Pubrel, ack.packet_id, Reason::SUCCESS, self.out.packet());
            }
            Progress::Complete(sequence, kept) => {
                if self.durable {
                    self.events.push_back(Event::Complete { sequence, kept, reason: ack.reason });
                }
                self.pump_at(self.last_input);
            }
            Progress::Unknown | Progress::Nothing => {}
        }
        Ok(self.events.pop_front())
    }

    /// [MQTT-4.3.3-11]
    fn pubrel(&mut self, ack: &Ack) -> Result<Option<Event>, Error> {
        let packet_id = ack.packet_id;
        match self.session.as_mut().and_then(|session| session.receiver.release(packet_id)) {
            Some(Came::Safe) if self.durable => return Ok(Some(Event::Release { packet_id })),
            Some(Came::Safe) => self.complete(packet_id),
            Some(Came::Releasing | Came::ReleasedBefore) => {}
            Some(Came::Pending) => return Err(Error::protocol("PUBREL before PUBREC")),
            None => {
                self.unanswered = self.unanswered.saturating_sub(1);
                let reason = Reason::PACKET_IDENTIFIER_NOT_FOUND;
                ack::short(self.version, Kind::Pubcomp, packet_id, reason, self.out.packet());
            }
        }
        Ok(None)
    }

    fn client_leaves(&mut self, packet: &Disconnect) -> Result<(), Error> {
        if let Some(expiry) = packet.properties.number(id::SESSION_EXPIRY_INTERVAL) {
            // §3.14.2.2.2
            if self.expiry_was_zero && expiry != 0 {
                return Err(Error::protocol("a session that was to end can't be kept"));
            }
            self.session_expiry = expiry;
        }
        // [MQTT-3.14.4-3]
        if packet.reason == Reason::SUCCESS {
            self.will = None;
        }
        self.closed = Some(Closed::ByClient(packet.reason));
        Ok(())
    }

    fn auth(&mut self, auth: &Auth) -> Result<Event, Error> {
        // [MQTT-4.12.0-1], [MQTT-4.12.1-1]
        if self.method.as_deref() != auth.method().as_ref() || self.method.is_none() {
            return Err(Error::protocol("another method of authentication than that of CONNECT"));
        }
        let again = auth.reason == Reason::REAUTHENTICATE;
        let expected = match self.state {
            State::Connected if again => !self.reauthenticating,
            State::Connected => self.reauthenticating && auth.reason == Reason::CONTINUE_AUTHENTICATION,
            _ => auth.reason == Reason::CONTINUE_AUTHENTICATION,
        };
        if !expected {
            return Err(Error::protocol("a step of authentication that wasn't asked for"));
        }
        if self.state == State::Connected {
            if again {
                self.deadline = self.last_input.saturating_add(self.settings.connect_timeout_ms);
            }
            self.reauthenticating = true;
        } else {
            self.state = State::Deciding;
        }
        Ok(Event::Authenticate { again, data: auth.data() })
    }
}
