//! The server's machine with a client that says anything and a broker that answers when it likes: what the machine writes
//! are whole packets, and it holds no more than it promised to.
//!
//! The first byte chooses the settings. Each act is a byte, a byte for its number, and the bytes that the client says.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use nightjar_mqtt::frame::Header;
use nightjar_mqtt::{
    Accept, Connection, Delivery, Event, Message, Packet, Properties, QoS, Reason, Session, Settings, Text,
};
use std::sync::Arc;

const QUEUE: usize = 4;
const RECEIVE_MAXIMUM: u16 = 3;

struct Broker {
    connection: Connection,
    input: BytesMut,
    durable: bool,
    away: Option<Session>,
    /// Answers that are due.
    publishes: Vec<u16>,
    releases: Vec<u16>,
    received: Vec<u64>,
    now: u64,
}

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        connect_size_max: 4096,
        packet_size_max: 8192,
        receive_maximum: RECEIVE_MAXIMUM,
        in_flight_max: 2,
        topic_alias_maximum: 4,
        ..Settings::default()
    })
}

impl Broker {
    fn run(&mut self) {
        while let Some(event) = self.connection.handle_input(self.now, &mut self.input) {
            match event {
                Event::Connect(connect) => match (connect.authentication_method(), self.away.take()) {
                    (Some(_), away) => {
                        self.away = away;
                        self.connection.authenticate(Some(b"challenge"));
                    }
                    (None, Some(session)) => self.accept(session),
                    (None, None) => self.connection.refuse(Reason::SERVER_BUSY, Some("busy")),
                },
                Event::Authenticate { again: true, .. } => self.connection.authenticated(None),
                Event::Authenticate { .. } => match self.away.take() {
                    Some(session) => self.accept(session),
                    None => self.connection.authenticated(Some(b"last")),
                },
                Event::Publish(publish) => {
                    assert!(!publish.topic.is_empty());
                    if publish.qos > QoS::AtMostOnce {
                        self.publishes.push(publish.packet_id);
                    }
                }
                Event::Release { packet_id } => self.releases.push(packet_id),
                Event::Received { sequence, .. } => self.received.push(sequence),
                Event::Complete { .. } | Event::Dropped { .. } => assert!(self.durable),
                Event::Subscribe(packet) => self.connection.suback(packet.packet_id, &[Reason::SUCCESS]),
                Event::Unsubscribe(packet) => self.connection.unsuback(packet.packet_id, &[Reason::SUCCESS]),
            }
        }
        let mut output = BytesMut::from(&*self.connection.poll_output().to_vec());
        while !output.is_empty() {
            let header = Header::read(&output, u32::MAX).unwrap().unwrap();
            let body = header.take_body(&mut output).unwrap();
            Packet::decode(self.connection.version(), header.first, body).unwrap();
        }
        if let Some(session) = self.connection.session() {
            assert!(session.outgoing_count() <= QUEUE + 2);
        }
        assert!(self.publishes.len() <= usize::from(RECEIVE_MAXIMUM));
    }

    fn accept(&mut self, session: Session) {
        let accept = Accept { durable: self.durable, session_present: true, ..Accept::default() };
        self.connection.accept(self.now, session, &accept);
    }

    fn act(&mut self, act: u8, number: u8) {
        let qos = QoS::from_u8(number % 3).unwrap_or_default();
        match act % 8 {
            0 | 1 => {}
            2 => {
                let topic = Text::new(&"topic/".repeat(usize::from(number / 3 % 8) + 1)).unwrap();
                let payload = Bytes::from(vec![number; usize::from(number) * 16]);
                let message = Message::new(&topic, qos, false, &Properties::default(), &payload, self.now);
                let delivery = Delivery::new(Arc::new(message), qos);
                match &mut self.away {
                    Some(away) if qos > QoS::AtMostOnce => _ = away.enqueue(delivery),
                    Some(_) => {}
                    None => _ = self.connection.deliver(self.now, delivery),
                }
            }
            3 => {
                if let Some(id) = self.publishes.pop() {
                    let reason = if number < 128 { Reason::SUCCESS } else { Reason::NOT_AUTHORIZED };
                    self.connection.acknowledge(id, reason);
                }
            }
            4 => self.releases.drain(..).for_each(|id| self.connection.complete(id)),
            5 => self.received.drain(..).for_each(|sequence| self.connection.release(sequence)),
            6 => {
                self.now += u64::from(number) * 1000;
                self.connection.handle_timeout(self.now);
            }
            _ => {
                let lost = core::mem::replace(&mut self.connection, Connection::new(self.now, settings()));
                self.away = lost.finish().session.or(self.away.take());
                if let Some(away) = &mut self.away {
                    self.publishes.drain(..).for_each(|id| away.settle(id, number < 128));
                    self.releases.drain(..).for_each(|id| away.complete(id));
                    self.received.drain(..).for_each(|sequence| away.release(sequence));
                }
                self.input.clear();
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, mut rest)) = input.split_first() else { return };
    let mut broker = Broker {
        connection: Connection::new(0, settings()),
        input: BytesMut::new(),
        durable: choice & 1 != 0,
        away: Some(Session::new(QUEUE)),
        publishes: Vec::new(),
        releases: Vec::new(),
        received: Vec::new(),
        now: 0,
    };
    while let Some((&[act, number], tail)) = rest.split_first_chunk::<2>() {
        // Only the first acts are followed by what the client says.
        let length = if act % 8 < 2 { usize::from(number).min(tail.len()) } else { 0 };
        let (said, next) = tail.split_at(length);
        rest = next;
        broker.input.extend_from_slice(said);
        broker.act(act, number);
        broker.run();
    }
});
