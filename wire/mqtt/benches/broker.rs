//! What a broker does for each message: finding who subscribed among a million subscriptions, reading a PUBLISH, and writing
//! it for one receiver. Memory is printed first.

use std::hint::black_box;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, criterion_group, criterion_main};
use nightjar_mqtt::connection::Connection;
use nightjar_mqtt::tree::{RetainedTree, Scratch, SubscriptionTree};
use nightjar_mqtt::{
    Accept, Connect, Delivery, Event, Message, Packet, Properties, Publish, QoS, Session, Settings, Text,
    Version,
};

const SUBSCRIPTIONS: u32 = 1_000_000;

fn topic(number: u32) -> String {
    format!("site/{}/device/{}/sensor/{}", number % 97, number / 97 % 103, number)
}

/// Nine of ten name one topic; the others have a wildcard in the middle or at the end.
fn filter(number: u32) -> String {
    match number % 20 {
        0 => format!("site/+/device/{}/sensor/{}", number / 97 % 103, number),
        1 => format!("site/{}/device/{}/sensor/{}/#", number % 97, number / 97 % 103, number),
        _ => topic(number),
    }
}

/// Bytes that the process holds.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn trees(criterion: &mut Criterion) {
    let before = resident();
    let mut tree = SubscriptionTree::new(42);
    for number in 0..SUBSCRIPTIONS {
        tree.insert(filter(number).as_bytes(), number, 0_u8);
    }
    eprintln!("subscription: {} bytes", (resident() - before) / SUBSCRIPTIONS as usize);
    let topics: Vec<String> = (0..100_000).map(|number| topic(number * 7919 % SUBSCRIPTIONS)).collect();
    let (mut scratch, mut next) = (Scratch::default(), topics.iter().cycle());
    criterion.bench_function("match one of a million", |bencher| {
        bencher.iter(|| {
            let mut found = 0;
            let topic = next.next().map(String::as_bytes).unwrap_or_default();
            tree.matches(topic, &mut scratch, |one| {
                black_box(&one);
                found += 1;
            });
            assert!(found > 0);
        });
    });
    drop(tree);
    let before = resident();
    let mut retained = RetainedTree::new();
    for number in 0..SUBSCRIPTIONS {
        retained.insert(topic(number).as_bytes(), number);
    }
    eprintln!("retained topic: {} bytes", (resident().saturating_sub(before)) / SUBSCRIPTIONS as usize);
    criterion.bench_function("find one of a million retained by a wildcard", |bencher| {
        bencher.iter(|| {
            let filter = format!("site/+/device/{}/sensor/{}", 77_777 / 97 % 103, 77_777);
            let mut found = 0;
            retained.matches(filter.as_bytes(), usize::MAX, |_| {
                found += 1;
                std::ops::ControlFlow::Continue(())
            });
            assert_eq!(found, 1);
        });
    });
}

fn publish(qos: QoS) -> Publish {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic: Text::new("site/17/device/42/temperature").unwrap_or_default(),
        packet_id: u16::from(qos > QoS::AtMostOnce),
        properties: Properties::default(),
        payload: Bytes::from(vec![b'x'; 100]),
    }
}

fn connected(version: Version) -> Connection {
    let mut connection = Connection::new(0, Arc::new(Settings::default()));
    let mut input = Vec::new();
    let id = Text::new("bench").unwrap_or_default();
    Packet::Connect(Box::new(Connect::new(version, id))).encode(version, &mut input);
    connection.handle_input(0, &mut BytesMut::from(&*input));
    connection.accept(0, Session::new(100), &Accept::default());
    connection
}

fn messages(criterion: &mut Criterion) {
    for (version, qos) in
        [(Version::V3_1_1, QoS::AtMostOnce), (Version::V5, QoS::AtMostOnce), (Version::V5, QoS::AtLeastOnce)]
    {
        let name = |what| format!("{what}, {version:?} {qos:?}");
        let mut bytes = Vec::new();
        Packet::Publish(publish(qos)).encode(version, &mut bytes);
        let many = bytes.repeat(64);
        let (mut connection, mut input) = (connected(version), BytesMut::new());
        criterion.bench_function(&name("receive 64 in one read"), |bencher| {
            bencher.iter(|| {
                input.extend_from_slice(&many);
                while let Some(event) = connection.handle_input(0, &mut input) {
                    let Event::Publish(publish) = event else { continue };
                    black_box(Arc::new(Message::from_publish(&publish, 0)));
                    connection.acknowledge(publish.packet_id, nightjar_mqtt::Reason::SUCCESS);
                }
                connection.poll_output().len()
            });
        });
        let message = Arc::new(Message::from_publish(&publish(qos), 0));
        let mut receiver = connected(version);
        let mut lent = receiver.poll_output();
        criterion.bench_function(&name("deliver 64"), |bencher| {
            bencher.iter(|| {
                receiver.lend(std::mem::take(&mut lent));
                for _ in 0..64 {
                    black_box(receiver.deliver(0, Delivery::new(Arc::clone(&message), qos)).is_ok());
                }
                lent = receiver.poll_output();
                if qos > QoS::AtMostOnce {
                    let mut answers = BytesMut::new();
                    let session = receiver.session().map(|session| session.next_sequence()).unwrap_or(0);
                    for sequence in session.saturating_sub(64)..session {
                        let [high, low] = nightjar_mqtt::packet_id(sequence).to_be_bytes();
                        answers.extend_from_slice(&[0x40, 2, high, low]);
                    }
                    receiver.handle_input(0, &mut answers);
                }
            });
        });
    }
}

criterion_group!(benches, trees, messages);
criterion_main!(benches);
