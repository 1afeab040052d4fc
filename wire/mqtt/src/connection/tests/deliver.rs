use super::*;

fn ack(packet_id: u16) -> Ack {
    Ack::new(packet_id, Reason::SUCCESS)
}

/// PUBLISH packets as packet identifier, DUP and payload; anything else as it is.
fn seen(packets: Vec<Packet>) -> Vec<(u16, bool, String)> {
    let short = |packet| match packet {
        Packet::Publish(publish) => {
            (publish.packet_id, publish.dup, String::from_utf8_lossy(&publish.payload).into_owned())
        }
        Packet::Pubrel(ack) => (ack.packet_id, false, "PUBREL".to_owned()),
        other => panic!("{other:?}"),
    };
    packets.into_iter().map(short).collect()
}

fn entry(packet_id: u16, dup: bool, payload: &str) -> (u16, bool, String) {
    (packet_id, dup, payload.to_owned())
}

fn quota(receive_maximum: u16) -> Connect {
    with(Properties::builder().two(id::RECEIVE_MAXIMUM, receive_maximum).finish())
}

fn ready(connect: Connect) -> Wire {
    let mut wire = Wire::connected(Settings::default(), connect);
    wire.heard();
    wire
}

#[test]
fn each_quality_has_its_exchange() {
    for connect in [v5(), v3()] {
        let mut wire = ready(connect);
        assert_eq!(wire.connection.deliver(0, delivery(QoS::AtMostOnce, "0")), Ok(Delivered::Sent));
        assert_eq!(wire.connection.deliver(0, delivery(QoS::AtLeastOnce, "1")), Ok(Delivered::Queued(0)));
        assert_eq!(wire.connection.deliver(0, delivery(QoS::ExactlyOnce, "2")), Ok(Delivered::Queued(1)));
        let expected = [entry(0, false, "0"), entry(1, false, "1"), entry(2, false, "2")];
        assert_eq!(seen(wire.heard()), expected);
        let events = wire.say(Packet::Puback(ack(1)));
        assert!(
            matches!(&*events, [Event::Complete { sequence: 0, reason: Reason::SUCCESS, .. }]),
            "{events:?}"
        );
        let events = wire.say(Packet::Pubrec(ack(2)));
        assert!(matches!(&*events, [Event::Received { sequence: 1, .. }]));
        // PUBREL promises that the message will not come again: it waits for the store.
        assert_eq!(wire.heard(), []);
        wire.connection.release(1);
        assert_eq!(wire.heard(), [Packet::Pubrel(ack(2))]);
        let events = wire.say(Packet::Pubcomp(ack(2)));
        assert!(matches!(&*events, [Event::Complete { sequence: 1, .. }]));
        assert_eq!(wire.connection.session().unwrap().outgoing_count(), 0);
    }
}

#[test]
fn without_a_store_the_machine_answers_itself() {
    let mut wire = Wire::new(Settings::default());
    wire.say(Packet::Connect(Box::new(v5())));
    wire.connection.accept(0, Session::new(10), &Accept::default());
    wire.connection.deliver(0, delivery(QoS::ExactlyOnce, "2")).unwrap();
    wire.heard();
    assert!(wire.say(Packet::Pubrec(ack(1))).is_empty());
    assert_eq!(wire.heard(), [Packet::Pubrel(ack(1))]);
    // Said twice, answered twice.
    assert!(wire.say(Packet::Pubrec(ack(1))).is_empty());
    assert_eq!(wire.heard(), [Packet::Pubrel(ack(1))]);
    assert!(wire.say(Packet::Pubcomp(ack(1))).is_empty());
    wire.say(Packet::Publish(publish(QoS::ExactlyOnce, 5)));
    wire.connection.acknowledge(5, Reason::SUCCESS);
    assert!(wire.say(Packet::Pubrel(ack(5))).is_empty());
    assert_eq!(wire.heard(), [Packet::Pubrec(ack(5)), Packet::Pubcomp(ack(5))]);
}

#[test]
fn the_client_s_receive_maximum_is_kept() {
    // [MQTT-3.3.4-7], [MQTT-4.9.0-2], [MQTT-4.9.0-3]
    let mut wire = ready(quota(2));
    for number in ["a", "b", "c", "d"] {
        wire.connection.deliver(0, delivery(QoS::ExactlyOnce, number)).unwrap();
    }
    wire.connection.deliver(0, delivery(QoS::AtMostOnce, "0")).unwrap();
    assert_eq!(seen(wire.heard()), [entry(1, false, "a"), entry(2, false, "b"), entry(0, false, "0")]);
    wire.say(Packet::Pubrec(ack(1)));
    wire.connection.release(0);
    assert_eq!(wire.heard(), [Packet::Pubrel(ack(1))]);
    wire.say(Packet::Pubcomp(ack(1)));
    assert_eq!(seen(wire.heard()), [entry(3, false, "c")]);
    // A refusal makes room as well.
    let events = wire.say(Packet::Pubrec(Ack::new(2, Reason::QUOTA_EXCEEDED)));
    assert!(matches!(&*events, [Event::Complete { sequence: 1, reason: Reason::QUOTA_EXCEEDED, .. }]));
    assert_eq!(seen(wire.heard()), [entry(4, false, "d")]);
}

#[test]
fn the_queue_is_bounded() {
    let mut wire = ready(quota(2));
    let results: Vec<_> =
        (0..14).map(|_| wire.connection.deliver(0, delivery(QoS::AtLeastOnce, "x"))).collect();
    assert!(results[..12].iter().all(Result::is_ok));
    assert_eq!(results[12..], [Err(Refused::QueueFull), Err(Refused::QueueFull)]);
    let mut session = Session::new(1);
    assert_eq!(session.enqueue(delivery(QoS::AtLeastOnce, "x")), Ok(0));
    assert_eq!(session.enqueue(delivery(QoS::AtLeastOnce, "x")), Err(Refused::QueueFull));
}

#[test]
fn all_is_sent_again_in_order() {
    // [MQTT-4.4.0-1], [MQTT-4.6.0-1], [MQTT-3.3.1-1]
    for connect in [v5(), v3()] {
        let mut wire = ready(connect.clone());
        for (qos, payload) in [
            (QoS::ExactlyOnce, "a"),
            (QoS::AtLeastOnce, "b"),
            (QoS::ExactlyOnce, "c"),
            (QoS::AtLeastOnce, "d"),
        ] {
            wire.connection.deliver(0, delivery(qos, payload)).unwrap();
        }
        wire.heard();
        wire.say(Packet::Pubrec(ack(3)));
        wire.connection.release(2);
        wire.say(Packet::Puback(ack(4)));
        let mut session = wire.connection.finish().session.unwrap();
        assert_eq!(session.enqueue(delivery(QoS::AtLeastOnce, "e")), Ok(4));
        let mut wire = Wire::new(Settings::default());
        wire.join(connect, session, true);
        let mut heard = wire.heard();
        assert!(matches!(heard.remove(0), Packet::Connack(connack) if connack.session_present));
        let expected =
            [entry(1, true, "a"), entry(2, true, "b"), entry(3, false, "PUBREL"), entry(5, false, "e")];
        assert_eq!(seen(heard), expected);
    }
}

#[test]
fn a_release_that_is_stored_late() {
    let mut wire = ready(v5());
    wire.connection.deliver(0, delivery(QoS::ExactlyOnce, "a")).unwrap();
    wire.say(Packet::Pubrec(ack(1)));
    let session = wire.connection.finish().session.unwrap();
    let mut wire = Wire::new(Settings::default());
    wire.join(v5(), session, true);
    // The client has it, and the store doesn't know that yet: nothing may be said of it.
    assert_eq!(wire.heard().len(), 1);
    wire.connection.release(0);
    assert_eq!(wire.heard(), [Packet::Pubrel(ack(1))]);
}

#[test]
fn held_messages_wait_for_the_store() {
    let mut wire = ready(v5());
    assert_eq!(wire.connection.hold(0, delivery(QoS::ExactlyOnce, "a")), Ok(0));
    assert_eq!(wire.connection.deliver(0, delivery(QoS::AtLeastOnce, "b")), Ok(Delivered::Queued(1)));
    assert_eq!(wire.heard(), []);
    wire.connection.stored(0, 0);
    assert_eq!(seen(wire.heard()), [entry(1, false, "a"), entry(2, false, "b")]);
    // The store may be done after the connection.
    wire.connection.hold(0, delivery(QoS::ExactlyOnce, "c")).unwrap();
    let mut session = wire.connection.finish().session.unwrap();
    session.stored(2);
    let mut wire = Wire::new(Settings::default());
    wire.join(v5(), session, true);
    assert_eq!(
        seen(wire.heard().split_off(1)),
        [entry(1, true, "a"), entry(2, true, "b"), entry(3, false, "c")]
    );
}

#[test]
fn large_packets_are_not_sent() {
    // [MQTT-3.1.2-24], [MQTT-3.1.2-25]: as if they had been.
    let small = || with(Properties::builder().four(id::MAXIMUM_PACKET_SIZE, 100).finish());
    let large = "x".repeat(100);
    let mut wire = ready(small());
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
        assert_eq!(wire.connection.deliver(0, delivery(qos, &large)), Err(Refused::TooLarge));
    }
    assert_eq!(wire.connection.session().unwrap().outgoing_count(), 0);
    let mut session = wire.connection.finish().session.unwrap();
    let lost = session.enqueue(delivery(QoS::AtLeastOnce, &large)).unwrap();
    session.enqueue(delivery(QoS::AtLeastOnce, "fits")).unwrap();
    let mut wire = Wire::new(Settings::default());
    wire.join(small(), session, true);
    assert_eq!(seen(wire.heard().split_off(1))[0].2, "fits");
    let events = wire.bytes(&[]);
    assert!(
        matches!(&*events, [Event::Dropped { sequence, why: Refused::TooLarge, .. }] if *sequence == lost),
        "{events:?}"
    );
}

#[test]
fn expired_messages_are_not_sent() {
    // [MQTT-3.3.2-5]
    let expiring = |qos| {
        let delivery = delivery(qos, "old");
        let properties = Properties::builder().four(id::MESSAGE_EXPIRY_INTERVAL, 10).finish();
        let payload = Bytes::from_static(b"old");
        let message = Message::new(&text("t"), qos, false, &properties, &payload, 0);
        Delivery { message: Arc::new(message), ..delivery }
    };
    let mut wire = ready(quota(1));
    assert_eq!(wire.connection.deliver(10_000, expiring(QoS::AtMostOnce)), Err(Refused::Expired));
    wire.connection.deliver(0, expiring(QoS::AtLeastOnce)).unwrap();
    wire.connection.deliver(0, expiring(QoS::AtLeastOnce)).unwrap();
    wire.connection.deliver(0, delivery(QoS::AtLeastOnce, "lasting")).unwrap();
    assert_eq!(seen(wire.heard()), [entry(1, false, "old")]);
    wire.now = 10_000;
    let events = wire.say(Packet::Puback(ack(1)));
    assert!(matches!(events[0], Event::Complete { sequence: 0, reason: Reason::SUCCESS, .. }));
    assert!(matches!(events[1], Event::Dropped { sequence: 1, why: Refused::Expired, .. }));
    assert_eq!(seen(wire.heard()), [entry(3, false, "lasting")]);
}

#[test]
fn aliases_for_the_client() {
    // [MQTT-3.1.2-26], [MQTT-3.1.2-27]
    let mut wire = ready(with(Properties::builder().two(id::TOPIC_ALIAS_MAXIMUM, 1).finish()));
    for _ in 0..2 {
        wire.connection.deliver(0, delivery(QoS::AtMostOnce, "x")).unwrap();
    }
    let other = Message::new(
        &text("another/topic"),
        QoS::AtMostOnce,
        false,
        &Properties::default(),
        &Bytes::new(),
        0,
    );
    wire.connection.deliver(0, Delivery::new(Arc::new(other), QoS::AtMostOnce)).unwrap();
    let topics: Vec<_> = wire
        .heard()
        .into_iter()
        .map(|packet| match packet {
            Packet::Publish(publish) => (publish.topic.as_str().to_owned(), publish.topic_alias()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [("topic/of/it", Some(1)), ("", Some(1)), ("another/topic", None)];
    assert_eq!(topics, expected.map(|(topic, alias)| (topic.to_owned(), alias)));
}

#[test]
fn answers_that_do_not_fit() {
    let mut wire = ready(v5());
    // Nothing was sent with these.
    assert!(wire.say(Packet::Puback(ack(9))).is_empty());
    assert!(wire.say(Packet::Pubcomp(ack(9))).is_empty());
    assert!(wire.say(Packet::Pubrec(ack(9))).is_empty());
    assert_eq!(wire.heard(), [Packet::Pubrel(Ack::new(9, Reason::PACKET_IDENTIFIER_NOT_FOUND))]);
    for (qos, answer) in [
        (QoS::ExactlyOnce, Packet::Puback(ack(1))),
        (QoS::ExactlyOnce, Packet::Pubcomp(ack(1))),
        (QoS::AtLeastOnce, Packet::Pubrec(ack(1))),
        (QoS::AtLeastOnce, Packet::Pubcomp(ack(1))),
    ] {
        let mut wire = ready(v5());
        wire.connection.deliver(0, delivery(qos, "x")).unwrap();
        wire.heard();
        assert!(wire.say(answer).is_empty());
        said(&wire.failed(Reason::PROTOCOL_ERROR), Reason::PROTOCOL_ERROR);
    }
    // One that waits can't be answered.
    let mut wire = ready(quota(1));
    for _ in 0..2 {
        wire.connection.deliver(0, delivery(QoS::AtLeastOnce, "x")).unwrap();
    }
    wire.heard();
    assert!(wire.say(Packet::Puback(ack(2))).is_empty());
    assert_eq!(wire.connection.session().unwrap().outgoing_count(), 2);
}

#[test]
fn nothing_is_delivered_to_nobody() {
    let mut wire = Wire::new(Settings::default());
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce] {
        assert_eq!(wire.connection.deliver(0, delivery(qos, "x")), Err(Refused::NotConnected));
    }
    let mut wire = ready(v5());
    wire.connection.disconnect(Reason::ADMINISTRATIVE_ACTION, None);
    assert_eq!(wire.connection.deliver(0, delivery(QoS::AtMostOnce, "x")), Err(Refused::NotConnected));
}

#[test]
fn large_answers_are_not_sent() {
    let mut wire = ready(with(Properties::builder().four(id::MAXIMUM_PACKET_SIZE, 10).finish()));
    wire.connection.suback(1, &[Reason::SUCCESS; 20]);
    said(&wire.heard(), Reason::PACKET_TOO_LARGE);
    assert!(wire.connection.closed().is_some());
}
