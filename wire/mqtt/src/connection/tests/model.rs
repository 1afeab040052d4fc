//! Random clients, lost connections and killed servers: what was acknowledged with QoS 1 arrives at least once, with QoS 2
//! exactly once, in both directions. The client is a simple one of its own, and the store forgets what it wasn't told.

use super::*;
use crate::session::{Session, Stage, Stored};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug)]
enum Act {
    /// The client publishes.
    Publish(QoS),
    /// The broker delivers.
    Deliver(QoS),
    /// So many bytes reach the server.
    ToServer(usize),
    /// So many bytes reach the client.
    ToClient(usize),
    /// The store does what was asked of it first.
    Store,
    /// The connection is lost, and what was on its way with it.
    Cut,
    /// The server is killed: only what is stored remains.
    Kill,
}

fn act() -> impl Strategy<Value = Act> {
    let qos = prop_oneof![Just(QoS::AtLeastOnce), Just(QoS::ExactlyOnce)];
    prop_oneof![
        3 => qos.clone().prop_map(Act::Publish),
        3 => qos.prop_map(Act::Deliver),
        6 => (1..80_usize).prop_map(Act::ToServer),
        6 => (1..80_usize).prop_map(Act::ToClient),
        6 => Just(Act::Store),
        1 => Just(Act::Cut),
        1 => Just(Act::Kill),
    ]
}

/// A client as the specification draws it (§4.3), which never forgets.
#[derive(Default)]
struct Client {
    input: BytesMut,
    output: Vec<u8>,
    /// What isn't answered yet: packet identifier, message, whether PUBREC came.
    outbox: Vec<(u16, Publish, bool)>,
    accepted: Vec<(QoS, String)>,
    unreleased: BTreeSet<u16>,
    received: Vec<(QoS, String)>,
    last_id: u16,
    connected: bool,
}

impl Client {
    fn say(&mut self, packet: &Packet) {
        packet.encode(Version::V5, &mut self.output);
    }

    fn connect(&mut self) {
        self.input.clear();
        self.output.clear();
        self.connected = false;
        let connect = Connect {
            clean_start: false,
            ..with(Properties::builder().two(id::RECEIVE_MAXIMUM, 3).finish())
        };
        self.say(&Packet::Connect(Box::new(connect)));
    }

    fn connected(&mut self) {
        self.connected = true;
        for (packet_id, publish, released) in self.outbox.clone() {
            if released {
                self.say(&Packet::Pubrel(Ack::new(packet_id, Reason::SUCCESS)));
            } else {
                self.say(&Packet::Publish(Publish { dup: true, ..publish }));
            }
        }
    }

    fn publish(&mut self, qos: QoS, payload: &str) {
        // Identifiers are few, so that they are used again and again.
        let used = |id: &u16| self.outbox.iter().any(|(other, ..)| other == id);
        let Some(packet_id) = (1..=5).map(|step| (self.last_id + step) % 5 + 1).find(|id| !used(id)) else {
            return;
        };
        self.last_id = packet_id;
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        let publish = Publish { payload, ..publish(qos, packet_id) };
        if self.connected {
            self.say(&Packet::Publish(publish.clone()));
        }
        self.outbox.push((packet_id, publish, false));
    }

    fn accept(&mut self, packet_id: u16, released: bool) {
        let found = |entry: &&mut (u16, Publish, bool)| entry.0 == packet_id;
        let Some(entry) = self.outbox.iter_mut().find(found) else { return };
        if !entry.2 {
            self.accepted.push((entry.1.qos, String::from_utf8_lossy(&entry.1.payload).into_owned()));
        }
        entry.2 = true;
        if !released {
            self.outbox.retain(|(id, ..)| *id != packet_id);
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        while let Some(header) = Header::read(&self.input, u32::MAX).unwrap() {
            let Some(body) = header.take_body(&mut self.input) else { return };
            match Packet::decode(Version::V5, header.first, body).unwrap() {
                Packet::Connack(_) => self.connected(),
                Packet::Publish(publish) => {
                    let (id, payload) =
                        (publish.packet_id, String::from_utf8_lossy(&publish.payload).into_owned());
                    if publish.qos == QoS::AtLeastOnce {
                        self.received.push((publish.qos, payload));
                        self.say(&Packet::Puback(Ack::new(id, Reason::SUCCESS)));
                        continue;
                    }
                    if self.unreleased.insert(id) {
                        self.received.push((publish.qos, payload));
                    }
                    self.say(&Packet::Pubrec(Ack::new(id, Reason::SUCCESS)));
                }
                Packet::Pubrel(ack) => {
                    self.unreleased.remove(&ack.packet_id);
                    self.say(&Packet::Pubcomp(Ack::new(ack.packet_id, Reason::SUCCESS)));
                }
                Packet::Puback(ack) => self.accept(ack.packet_id, false),
                Packet::Pubrec(ack) => {
                    self.accept(ack.packet_id, true);
                    self.say(&Packet::Pubrel(Ack::new(ack.packet_id, Reason::SUCCESS)));
                }
                Packet::Pubcomp(ack) => self.accept(ack.packet_id, false),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// What the store is asked to do, and for which connection.
enum Order {
    Take { publish: Publish, connection: u32 },
    Forget(u16),
    Row(u64, Delivery),
    Released(u64),
    Delete(u64),
}

/// A broker with one client and a store that takes its time.
struct Broker {
    connection: Connection,
    generation: u32,
    input: BytesMut,
    output: Vec<u8>,
    orders: VecDeque<Order>,
    stored_messages: Vec<(QoS, String)>,
    stored_ids: BTreeSet<u16>,
    rows: BTreeMap<u64, Option<Delivery>>,
    promised: Vec<(QoS, String)>,
    next: u64,
    away: Option<Session>,
}

fn settings() -> Arc<Settings> {
    Arc::new(Settings { receive_maximum: 5, ..Settings::default() })
}

impl Broker {
    fn new() -> Self {
        Self {
            connection: Connection::new(0, settings()),
            generation: 0,
            input: BytesMut::new(),
            output: Vec::new(),
            orders: VecDeque::new(),
            stored_messages: Vec::new(),
            stored_ids: BTreeSet::new(),
            rows: BTreeMap::new(),
            promised: Vec::new(),
            next: 0,
            away: Some(Session::new(1000)),
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.connection.handle_input(0, &mut self.input) {
            match event {
                Event::Connect(_) => {
                    let accept = Accept { session_present: true, durable: true, ..Accept::default() };
                    self.connection.accept(0, self.away.take().unwrap(), &accept);
                }
                Event::Publish(publish) => {
                    self.orders.push_back(Order::Take { publish, connection: self.generation });
                }
                Event::Release { packet_id } => self.orders.push_back(Order::Forget(packet_id)),
                Event::Received { sequence, .. } => self.orders.push_back(Order::Released(sequence)),
                Event::Complete { sequence, .. } => self.orders.push_back(Order::Delete(sequence)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(self.connection.closed(), None);
        self.output.extend(self.connection.poll_output().to_vec());
    }

    fn deliver(&mut self, delivery: Delivery) {
        let sequence = match (delivery.qos, &mut self.away) {
            (QoS::ExactlyOnce, Some(away)) => away.hold(delivery.clone()).unwrap(),
            (_, Some(away)) => away.enqueue(delivery.clone()).unwrap(),
            (QoS::ExactlyOnce, None) => self.connection.hold(0, delivery.clone()).unwrap(),
            (_, None) => match self.connection.deliver(0, delivery.clone()) {
                Ok(Delivered::Queued(sequence)) => sequence,
                other => panic!("{other:?}"),
            },
        };
        self.orders.push_back(Order::Row(sequence, delivery));
        self.events();
    }

    fn store(&mut self) {
        match self.orders.pop_front() {
            None => {}
            Some(Order::Take { publish, connection }) => self.take(&publish, connection),
            Some(Order::Forget(packet_id)) => {
                self.stored_ids.remove(&packet_id);
                match &mut self.away {
                    Some(away) => away.complete(packet_id),
                    None => self.connection.complete(packet_id),
                }
            }
            Some(Order::Row(sequence, delivery)) => {
                let payload = String::from_utf8_lossy(delivery.message.payload()).into_owned();
                self.promised.push((delivery.qos, payload));
                self.rows.insert(sequence, Some(delivery));
                self.next = self.next.max(sequence + 1);
                match &mut self.away {
                    Some(away) => away.stored(sequence),
                    None => self.connection.stored(0, sequence),
                }
            }
            Some(Order::Released(sequence)) => {
                self.rows.insert(sequence, None);
                match &mut self.away {
                    Some(away) => away.release(sequence),
                    None => self.connection.release(sequence),
                }
            }
            Some(Order::Delete(sequence)) => {
                self.rows.remove(&sequence);
            }
        }
        self.events();
    }

    fn take(&mut self, publish: &Publish, connection: u32) {
        self.stored_messages.push((publish.qos, String::from_utf8_lossy(&publish.payload).into_owned()));
        if publish.qos == QoS::ExactlyOnce {
            self.stored_ids.insert(publish.packet_id);
        }
        match &mut self.away {
            Some(away) => away.settle(publish.packet_id, true),
            None if publish.qos == QoS::ExactlyOnce || connection == self.generation => {
                self.connection.acknowledge(publish.packet_id, Reason::SUCCESS);
            }
            None => {}
        }
    }

    fn cut(&mut self, kill: bool) {
        let lost = core::mem::replace(&mut self.connection, Connection::new(0, settings()));
        self.away = self.away.take().or(lost.finish().session);
        self.generation += 1;
        self.input.clear();
        self.output.clear();
        if kill {
            self.orders.clear();
            let row = |(sequence, delivery): (&u64, &Option<Delivery>)| Stored {
                sequence: *sequence,
                stage: if delivery.is_some() { Stage::Sent } else { Stage::Released },
                reference: 0,
                delivery: delivery.clone(),
            };
            let rows = self.rows.iter().map(row).collect();
            let ids = self.stored_ids.iter().copied().collect();
            self.away = Some(Session::restore(1000, rows, ids, self.next));
        }
    }
}

fn run(acts: &[Act]) -> (Client, Broker) {
    let (mut client, mut broker) = (Client::default(), Broker::new());
    client.connect();
    let mut number = 0;
    let rest = core::iter::repeat_n([Act::ToServer(9999), Act::Store, Act::ToClient(9999)], 200).flatten();
    for act in acts.iter().copied().chain([Act::Cut]).chain(rest) {
        number += 1;
        match act {
            Act::Publish(qos) => client.publish(qos, &format!("c{number}")),
            Act::Deliver(qos) => broker.deliver(delivery(qos, &format!("s{number}"))),
            Act::ToServer(count) => {
                let count = count.min(client.output.len());
                broker.input.extend(client.output.drain(..count));
                broker.events();
            }
            Act::ToClient(count) => {
                let count = count.min(broker.output.len());
                let bytes: Vec<u8> = broker.output.drain(..count).collect();
                client.hear(&bytes);
            }
            Act::Store => broker.store(),
            Act::Cut | Act::Kill => {
                broker.cut(matches!(act, Act::Kill));
                client.connect();
            }
        }
    }
    (client, broker)
}

fn each_once(promised: &[(QoS, String)], arrived: &[(QoS, String)]) {
    for message in promised {
        let count = arrived.iter().filter(|other| *other == message).count();
        let (least, most) = if message.0 == QoS::ExactlyOnce { (1, 1) } else { (1, usize::MAX) };
        assert!((least..=most).contains(&count), "{message:?} arrived {count} times");
    }
    // What wasn't promised may have arrived, but not twice either.
    let mut seen = BTreeSet::new();
    for message in arrived.iter().filter(|message| message.0 == QoS::ExactlyOnce) {
        assert!(seen.insert(message), "{message:?} arrived twice");
    }
}

proptest! {
    #[test]
    fn what_is_promised_arrives(acts in prop::collection::vec(act(), 1..150)) {
        let (client, broker) = run(&acts);
        each_once(&client.accepted, &broker.stored_messages);
        each_once(&broker.promised, &client.received);
        // In the end nothing is under way.
        prop_assert!(client.outbox.is_empty() && client.unreleased.is_empty());
        prop_assert!(broker.rows.is_empty() && broker.stored_ids.is_empty());
        let session = broker.connection.session().unwrap();
        prop_assert_eq!((session.outgoing_count(), session.received().count()), (0, 0));
    }
}
