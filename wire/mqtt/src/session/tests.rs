use super::*;
use crate::{Kept, Message, Properties, QoS, Text};
use bytes::Bytes;
use sender::{Progress, Step};
use std::sync::Arc;

/// What nobody stored is known by.
const KEPT: Kept = Kept { delivery: 0, message: Some(0) };

fn delivery(qos: QoS) -> Delivery {
    let topic = Text::new("t").unwrap();
    let message = Message::new(&topic, qos, false, &Properties::default(), &Bytes::new(), 0);
    Delivery::new(Arc::new(message), qos)
}

/// Packet identifiers that are put on the wire now; those of PUBREL are negative.
fn pump(sender: &mut Sender, quota: usize) -> Vec<i32> {
    let mut sent = Vec::new();
    let send = |step: Step<'_>| {
        sent.push(match step {
            Step::Publish { packet_id, .. } => i32::from(packet_id),
            Step::Pubrel { packet_id } => -i32::from(packet_id),
        });
        true
    };
    sender.pump(0, quota, send, |_, _| {});
    sent
}

fn puback(sender: &mut Sender, packet_id: u16) -> Progress {
    let success = crate::Reason::SUCCESS;
    sender.answer(crate::packet::Kind::Puback, packet_id, success, false).unwrap()
}

#[test]
fn packet_identifiers_follow_the_sequence() {
    for (sequence, expected) in [(0, 1), (65_534, 65_535), (65_535, 1), (u64::MAX, 1)] {
        assert_eq!(packet_id(sequence), expected);
    }
}

#[test]
fn an_identifier_in_use_is_passed_over() {
    // [MQTT-2.2.1-3]
    let mut sender = Sender::new(10);
    sender.push(delivery(QoS::AtLeastOnce), Stage::Queued, 0).unwrap();
    assert_eq!(pump(&mut sender, 10), [1]);
    // The first is never answered, while all others pass.
    for round in 1..140_000_u64 {
        let sequence = sender.push(delivery(QoS::AtLeastOnce), Stage::Queued, 0).unwrap();
        let id = packet_id(sequence);
        assert_ne!(id, 1, "{round}");
        assert_eq!(pump(&mut sender, 10), [i32::from(id)]);
        assert_eq!(puback(&mut sender, id), Progress::Complete(sequence, KEPT));
    }
    assert_eq!(puback(&mut sender, 1), Progress::Complete(0, KEPT));
}

#[test]
fn there_are_no_more_messages_than_identifiers() {
    let mut session = Session::new(usize::MAX);
    for number in 0..65_535 {
        assert_eq!(session.enqueue(delivery(QoS::AtLeastOnce)), Ok(number));
    }
    assert_eq!(session.enqueue(delivery(QoS::AtLeastOnce)), Err(Refused::QueueFull));
    assert_eq!(pump(&mut session.sender, 2), [1, 2]);
    assert_eq!(puback(&mut session.sender, 2), Progress::Complete(1, KEPT));
    // 1 is in use, and so are those that wait, from 3 on.
    assert_eq!(session.enqueue(delivery(QoS::AtLeastOnce)).map(packet_id), Ok(2));
}

#[test]
fn a_stored_session_comes_back() {
    let stored = |sequence, stage, qos: Option<QoS>| Stored {
        sequence,
        stage,
        reference: 0,
        delivery: qos.map(delivery),
    };
    let entries = vec![
        stored(70_000, Stage::Queued, Some(QoS::AtLeastOnce)),
        stored(65_540, Stage::Released, None),
        stored(65_536, Stage::Sent, Some(QoS::ExactlyOnce)),
        stored(69_000, Stage::Received, None),
        stored(69_500, Stage::Held, Some(QoS::ExactlyOnce)),
    ];
    let mut session = Session::restore(10, entries, vec![9, 3, 9], 5);
    assert_eq!(session.received().collect::<Vec<_>>(), [3, 9]);
    assert_eq!(session.next_sequence(), 70_001);
    let again: Vec<_> = session.outgoing().map(|entry| (entry.sequence, entry.stage)).collect();
    let expected = [
        (65_536, Stage::Sent),
        (65_540, Stage::Released),
        (69_000, Stage::Released),
        (69_500, Stage::Queued),
        (70_000, Stage::Queued),
    ];
    assert_eq!(again, expected);
    // [MQTT-4.4.0-1]: with the identifiers that the other side knows.
    assert_eq!(pump(&mut session.sender, 10), [2, -6, -3466, 3966, 4466]);
    assert_eq!(Session::restore(10, Vec::new(), Vec::new(), 7).next_sequence(), 7);
}

#[test]
fn an_idle_session_holds_nothing() {
    let mut session = Session::new(1000);
    for _ in 0..100 {
        session.enqueue(delivery(QoS::AtLeastOnce)).unwrap();
    }
    for id in pump(&mut session.sender, 100) {
        puback(&mut session.sender, id as u16);
    }
    assert_eq!(session.sender.memory(), 0);
    assert!(size_of::<Session>() <= 96, "{}", size_of::<Session>());
}
