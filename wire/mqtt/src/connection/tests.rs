use super::*;
use crate::message::{Delivery, Message};
use crate::packet::{Ack, Subscription};
use std::sync::Arc;

mod authenticate;
mod connect;
mod deliver;
mod model;
mod receive;

/// A connection and the client's end of its transport.
struct Wire {
    connection: Connection,
    input: BytesMut,
    now: u64,
}

impl Wire {
    fn new(settings: Settings) -> Self {
        Self { connection: Connection::new(0, Arc::new(settings)), input: BytesMut::new(), now: 0 }
    }

    /// A client that was let in with a new session that is stored.
    fn connected(settings: Settings, connect: Connect) -> Self {
        let mut wire = Self::new(settings);
        wire.join(connect, Session::new(10), false);
        wire
    }

    fn join(&mut self, connect: Connect, session: Session, session_present: bool) {
        let version = connect.version;
        let events = self.say(Packet::Connect(Box::new(connect)));
        assert!(matches!(&*events, [Event::Connect(_)]), "{events:?}");
        let accept = Accept { session_present, durable: true, ..Accept::default() };
        self.connection.accept(self.now, session, &accept);
        assert_eq!(self.connection.version(), version);
    }

    /// What the broker is asked when the client says these packets.
    fn say(&mut self, packet: Packet) -> Vec<Event> {
        let version = match &packet {
            Packet::Connect(connect) => connect.version,
            _ => self.connection.version(),
        };
        let mut bytes = Vec::new();
        packet.encode(version, &mut bytes);
        self.bytes(&bytes)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.input.extend_from_slice(bytes);
        let (connection, input, now) = (&mut self.connection, &mut self.input, self.now);
        core::iter::from_fn(|| connection.handle_input(now, input)).collect()
    }

    /// What the client hears.
    fn heard(&mut self) -> Vec<Packet> {
        let mut bytes = BytesMut::from(&*self.connection.poll_output().to_vec());
        let mut packets = Vec::new();
        while !bytes.is_empty() {
            let header = Header::read(&bytes, u32::MAX).unwrap().unwrap();
            let body = header.take_body(&mut bytes).unwrap();
            packets.push(Packet::decode(self.connection.version(), header.first, body).unwrap());
        }
        let (_, sent) = self.connection.take_packet_counts();
        assert_eq!(usize::try_from(sent).unwrap(), packets.len(), "{packets:?}");
        packets
    }

    /// The connection was ended for this fault of the client, which hears of it in these packets.
    #[track_caller]
    fn failed(&mut self, reason: Reason) -> Vec<Packet> {
        match self.connection.closed() {
            Some(Closed::ByFault(error)) => assert_eq!(error.reason, reason, "{error}"),
            other => panic!("{other:?}"),
        }
        self.heard()
    }
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn v5() -> Connect {
    Connect::new(Version::V5, text("c"))
}

fn v3() -> Connect {
    Connect::new(Version::V3_1_1, text("c"))
}

fn with(properties: Properties) -> Connect {
    Connect { properties, ..v5() }
}

fn publish(qos: QoS, packet_id: u16) -> Publish {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: text("a/b"),
        packet_id,
        properties: Properties::default(),
        payload: Bytes::from_static(b"x"),
    }
}

fn delivery(qos: QoS, payload: &str) -> Delivery {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    let message = Message::new(&text("topic/of/it"), qos, false, &Properties::default(), &payload, 0);
    Delivery::new(Arc::new(message), qos)
}

/// DISCONNECT or CONNACK with this reason, whatever words come with it.
#[track_caller]
fn said(packets: &[Packet], expected: Reason) {
    match packets {
        [Packet::Disconnect(packet)] => assert_eq!(packet.reason, expected),
        [Packet::Connack(packet)] => assert_eq!(packet.reason, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Connection>() + size_of::<Session>() <= 512, "{}", size_of::<Connection>());
}
