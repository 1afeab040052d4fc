use super::*;
use crate::connection::{Accept, Connection, Event as ServerEvent, Settings};
use crate::{Message, packet::Publish};
use bytes::Bytes;
use std::sync::Arc;

/// A client and a server that stores everything at once.
struct Pair {
    client: Client,
    server: Connection,
    to_client: BytesMut,
    to_server: BytesMut,
    now: u64,
    /// What each side was given.
    client_events: Vec<Event>,
    taken: Vec<Publish>,
}

impl Pair {
    fn new(connect: &Connect, settings: Settings) -> Self {
        let mut pair = Self {
            client: Client::new(0, connect, Session::new(100)),
            server: Connection::new(0, Arc::new(settings)),
            to_client: BytesMut::new(),
            to_server: BytesMut::new(),
            now: 0,
            client_events: Vec::new(),
            taken: Vec::new(),
        };
        pair.exchange();
        pair
    }

    /// Both sides talk until they have nothing to say.
    fn exchange(&mut self) {
        loop {
            self.to_server.extend_from_slice(&self.client.poll_output(self.now).to_vec());
            while let Some(event) = self.server.handle_input(self.now, &mut self.to_server) {
                self.serve(event);
            }
            let answer = self.server.poll_output().to_vec();
            if answer.is_empty() {
                return;
            }
            self.to_client.extend_from_slice(&answer);
            while let Some(event) = self.client.handle_input(self.now, &mut self.to_client) {
                if let Event::Publish(publish) = &event {
                    self.client.acknowledge(publish.qos, publish.packet_id, Reason::SUCCESS);
                }
                self.client_events.push(event);
            }
        }
    }

    fn serve(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Connect(_) => self.server.accept(self.now, Session::new(100), &Accept::default()),
            ServerEvent::Publish(publish) => {
                if publish.qos > QoS::AtMostOnce {
                    self.server.acknowledge(publish.packet_id, Reason::SUCCESS);
                }
                self.taken.push(publish);
            }
            ServerEvent::Subscribe(subscribe) => {
                let granted: Vec<_> =
                    subscribe.filters.iter().map(|filter| Reason(filter.qos as u8)).collect();
                self.server.suback(subscribe.packet_id, &granted);
            }
            ServerEvent::Unsubscribe(unsubscribe) => {
                self.server.unsuback(unsubscribe.packet_id, &[Reason::SUCCESS])
            }
            other => panic!("{other:?}"),
        }
    }

    fn publish(&mut self, qos: QoS, payload: &str) -> Option<u64> {
        let sequence = self.client.publish(self.now, delivery(qos, payload)).unwrap();
        self.exchange();
        sequence
    }
}

fn delivery(qos: QoS, payload: &str) -> Delivery {
    let topic = Text::new("topic/of/it").unwrap();
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    Delivery::new(Arc::new(Message::new(&topic, qos, false, &Properties::default(), &payload, 0)), qos)
}

fn connect(version: Version) -> Connect {
    Connect { keep_alive: 10, ..Connect::new(version, Text::new("c").unwrap()) }
}

#[test]
fn messages_to_the_server() {
    for version in [Version::V3_1, Version::V3_1_1, Version::V5] {
        let mut pair = Pair::new(&connect(version), Settings::default());
        assert!(pair.client.is_connected());
        pair.client_events.clear();
        assert_eq!(pair.publish(QoS::AtMostOnce, "0"), None);
        for (qos, sequence) in [(QoS::AtLeastOnce, 0), (QoS::ExactlyOnce, 1), (QoS::ExactlyOnce, 2)] {
            assert_eq!(pair.publish(qos, "x"), Some(sequence));
            let event = pair.client_events.pop();
            let done = matches!(event, Some(Event::Complete { sequence: done, reason: Reason::SUCCESS }) if done == sequence);
            assert!(done, "{event:?}");
        }
        let topics: Vec<_> = pair.taken.iter().map(|publish| publish.topic.as_str()).collect();
        assert_eq!(topics, ["topic/of/it"; 4]);
        assert_eq!(pair.client.session().outgoing_count(), 0);
    }
}

#[test]
fn messages_from_the_server() {
    for version in [Version::V3_1_1, Version::V5] {
        let mut pair = Pair::new(&connect(version), Settings::default());
        pair.client_events.clear();
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            pair.server.deliver(0, delivery(qos, "x")).unwrap();
        }
        pair.exchange();
        let qualities: Vec<_> = pair
            .client_events
            .iter()
            .map(|event| match event {
                Event::Publish(publish) => publish.qos,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(qualities, [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce]);
        assert_eq!(pair.server.session().unwrap().outgoing_count(), 0);
        assert_eq!(pair.client.session().received().count(), 0);
    }
}

#[test]
fn subscriptions() {
    let mut pair = Pair::new(&connect(Version::V5), Settings::default());
    pair.client_events.clear();
    let filters = vec![Subscription::new(Text::new("a/#").unwrap(), QoS::ExactlyOnce)];
    let properties = Properties::builder().subscription_identifier(7).finish();
    let subscribed = pair.client.subscribe(filters, properties).unwrap();
    let unsubscribed = pair.client.unsubscribe(vec![Text::new("a/#").unwrap()]).unwrap();
    assert_ne!(subscribed, unsubscribed);
    pair.exchange();
    let [Event::Suback(suback), Event::Unsuback(unsuback)] = &*pair.client_events else {
        panic!("{:?}", pair.client_events)
    };
    assert_eq!((suback.packet_id, &*suback.reasons), (subscribed, &[Reason::GRANTED_QOS_2][..]));
    assert_eq!(unsuback.packet_id, unsubscribed);
}

#[test]
fn pings_keep_it_alive() {
    let mut pair = Pair::new(&connect(Version::V3_1_1), Settings::default());
    assert_eq!(pair.client.poll_timeout(), Some(10_000));
    pair.now = 10_000;
    pair.client.handle_timeout(10_000);
    pair.exchange();
    assert_eq!((pair.client.poll_timeout(), pair.server.poll_timeout()), (Some(20_000), Some(25_000)));
    // A server that doesn't answer is given up.
    pair.client.handle_timeout(20_000);
    pair.client.handle_timeout(29_999);
    assert!(pair.client.is_connected());
    pair.client.handle_timeout(30_000);
    assert_eq!(pair.client.closed().map(|error| error.reason), Some(Reason::KEEP_ALIVE_TIMEOUT));
}

#[test]
fn the_server_s_limits_are_kept() {
    let settings = Settings {
        receive_maximum: 1,
        packet_size_max: 100,
        topic_alias_maximum: 1,
        keep_alive_max: 5,
        ..Settings::default()
    };
    let mut pair = Pair::new(&connect(Version::V5), settings);
    assert_eq!(pair.client.poll_timeout(), Some(5000));
    for _ in 0..3 {
        pair.client.publish(0, delivery(QoS::ExactlyOnce, "x")).unwrap();
    }
    pair.exchange();
    assert_eq!((pair.taken.len(), pair.server.closed()), (3, None));
    let large = "x".repeat(100);
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
        assert_eq!(pair.client.publish(0, delivery(qos, &large)), Err(Refused::TooLarge));
    }
}

#[test]
fn what_is_under_way_is_sent_again() {
    let mut pair = Pair::new(&connect(Version::V5), Settings::default());
    pair.client.publish(0, delivery(QoS::ExactlyOnce, "a")).unwrap();
    let mut client = Client::new(0, &connect(Version::V5), pair.client.finish());
    assert_eq!(client.publish(0, delivery(QoS::AtMostOnce, "now")), Err(Refused::NotConnected));
    client.poll_output(0);
    // CONNACK with a session, and without one: what is sent again is marked, or is as new ([MQTT-3.2.2-5]).
    client.handle_input(0, &mut BytesMut::from(&[0x20, 3, 1, 0, 0][..]));
    assert_eq!(client.poll_output(0).to_vec()[0], 0x3c);
    let mut client = Client::new(0, &connect(Version::V5), client.finish());
    client.poll_output(0);
    client.handle_input(0, &mut BytesMut::from(&[0x20, 3, 0, 0, 0][..]));
    assert_eq!(client.poll_output(0).to_vec()[0], 0x34);
}

#[test]
fn what_servers_may_not_say() {
    for bytes in [&[0xc0, 0][..], &[0x10, 0], &[0x20, 3, 0, 0, 0], &[0xe0, 1], &[0x00]] {
        let mut pair = Pair::new(&connect(Version::V5), Settings::default());
        pair.client.handle_input(0, &mut BytesMut::from(bytes));
        let ended = pair.client.closed().is_some();
        // Half a packet is no fault yet.
        assert_eq!(ended, bytes != [0xe0, 1], "{bytes:?}");
    }
    let mut client = Client::new(0, &connect(Version::V5), Session::new(1));
    assert!(client.handle_input(0, &mut BytesMut::from(&[0xd0, 0][..])).is_none());
    assert_eq!(client.closed().map(|error| error.reason), Some(Reason::PROTOCOL_ERROR));
}

#[test]
fn endings() {
    let mut pair = Pair::new(&connect(Version::V5), Settings::default());
    pair.server.disconnect(Reason::SERVER_SHUTTING_DOWN, None);
    pair.exchange();
    assert!(
        matches!(pair.client_events.last(), Some(Event::Disconnect(packet)) if packet.reason == Reason::SERVER_SHUTTING_DOWN)
    );
    assert!(!pair.client.is_connected());
    let mut pair = Pair::new(&connect(Version::V5), Settings::default());
    pair.client.disconnect(Disconnect::new(Reason::SUCCESS));
    pair.exchange();
    assert_eq!(pair.server.closed(), Some(crate::connection::Closed::ByClient(Reason::SUCCESS)));
    let mut client = Client::new(0, &connect(Version::V3_1_1), Session::new(1));
    let refusal = client.handle_input(0, &mut BytesMut::from(&[0x20, 2, 0, 5][..]));
    assert!(matches!(refusal, Some(Event::Connack(connack)) if connack.reason == Reason::NOT_AUTHORIZED));
    assert_eq!(client.closed().map(|error| error.reason), Some(Reason::NOT_AUTHORIZED));
}
