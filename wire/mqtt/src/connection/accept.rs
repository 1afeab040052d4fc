//! The broker's answers to CONNECT and AUTH.

use super::{Connection, State};
use crate::packet::properties::{Properties, id};
use crate::packet::read::VARIABLE_MAX;
use crate::packet::{Auth, Connack, Packet};
use crate::{Reason, Session, Text};

/// How a client is let in.
#[derive(Clone, Debug, Default)]
pub struct Accept {
    /// Whether the session is one that was there before.
    pub session_present: bool,
    /// Whether what happens to the session is stored: [`super::Event::Release`], [`super::Event::Received`] and
    /// [`super::Event::Complete`] come only then.
    pub durable: bool,
    /// Seconds, if the server keeps the session for less long than was asked for.
    pub session_expiry: Option<u32>,
    /// The identifier of a client that gave none.
    pub client_id: Option<Text>,
    /// Where the client may expect answers (§3.2.2.3.15).
    pub response_information: Option<Text>,
    /// The last data of enhanced authentication.
    pub authentication_data: Option<Vec<u8>>,
    /// Further properties for CONNACK.
    pub user_properties: Vec<(String, String)>,
}

impl Connection {
    /// Lets the client in, and sends again what is under way in its session, in order.
    pub fn accept(&mut self, now: u64, mut session: Session, accept: &Accept) {
        if self.closed.is_some() || !matches!(self.state, State::Deciding | State::Challenged) {
            return;
        }
        session.restart();
        let properties = self.connack_properties(accept);
        let packet = Packet::Connack(Box::new(Connack {
            session_present: accept.session_present && self.version != crate::Version::V3_1,
            reason: Reason::SUCCESS,
            properties,
        }));
        packet.encode(self.version, self.out.packet());
        self.session_expiry = accept.session_expiry.unwrap_or(self.session_expiry);
        self.state = State::Connected;
        self.last_input = now;
        self.durable = accept.durable;
        self.session = Some(session);
        self.pump_at(now);
    }

    fn connack_properties(&mut self, accept: &Accept) -> Properties {
        let settings = self.settings.clone();
        let maximum = u64::from(settings.keep_alive_max) * 1500;
        let keep_alive_shortened = maximum != 0 && (self.idle_ms == 0 || self.idle_ms > maximum);
        if keep_alive_shortened {
            self.idle_ms = maximum;
        }
        let mut made = Properties::builder();
        if let Some(expiry) = accept.session_expiry.filter(|expiry| *expiry != self.session_expiry) {
            made = made.four(id::SESSION_EXPIRY_INTERVAL, expiry);
        }
        if settings.receive_maximum != u16::MAX {
            made = made.two(id::RECEIVE_MAXIMUM, settings.receive_maximum.max(1));
        }
        if settings.packet_size_max < VARIABLE_MAX + 5 {
            made = made.four(id::MAXIMUM_PACKET_SIZE, settings.packet_size_max.max(1));
        }
        if let Some(client_id) = &accept.client_id {
            made = made.text(id::ASSIGNED_CLIENT_IDENTIFIER, client_id.as_str());
        }
        if settings.topic_alias_maximum > 0 {
            made = made.two(id::TOPIC_ALIAS_MAXIMUM, settings.topic_alias_maximum);
        }
        if keep_alive_shortened {
            made = made.two(id::SERVER_KEEP_ALIVE, settings.keep_alive_max);
        }
        if let Some(information) = &accept.response_information {
            made = made.text(id::RESPONSE_INFORMATION, information.as_str());
        }
        if let Some(method) = &self.method {
            made = made.text(id::AUTHENTICATION_METHOD, method.as_str());
            if let Some(data) = &accept.authentication_data {
                made = made.binary(id::AUTHENTICATION_DATA, data);
            }
        }
        for (name, value) in &accept.user_properties {
            made = made.user(name, value);
        }
        made.finish()
    }

    /// Turns the client away: CONNACK with the reason, or its return code, and the end.
    pub fn refuse(&mut self, reason: Reason, words: Option<&str>) {
        if self.state != State::Connected {
            // [MQTT-3.1.2-10]: there is no session, so there is no will.
            self.will = None;
            self.disconnect(reason, words);
        }
    }

    /// Asks the client for its next step of enhanced authentication.
    pub fn authenticate(&mut self, data: Option<&[u8]>) {
        if self.closed.is_none()
            && self.auth_packet(Reason::CONTINUE_AUTHENTICATION, data)
            && self.state == State::Deciding
        {
            self.state = State::Challenged;
        }
    }

    /// Says that the client proved itself again while it was connected.
    pub fn authenticated(&mut self, data: Option<&[u8]>) {
        if self.closed.is_none() && self.state == State::Connected && self.reauthenticating {
            self.reauthenticating = false;
            self.auth_packet(Reason::SUCCESS, data);
        }
    }

    fn auth_packet(&mut self, reason: Reason, data: Option<&[u8]>) -> bool {
        let Some(method) = &self.method else { return false };
        let mut properties = Properties::builder().text(id::AUTHENTICATION_METHOD, method.as_str());
        if let Some(data) = data {
            properties = properties.binary(id::AUTHENTICATION_DATA, data);
        }
        let packet = Packet::Auth(Auth { reason, properties: properties.finish() });
        packet.encode(self.version, self.out.packet());
        true
    }
}
