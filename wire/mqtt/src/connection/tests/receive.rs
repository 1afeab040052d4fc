use super::*;

fn ack(packet_id: u16) -> Ack {
    Ack::new(packet_id, Reason::SUCCESS)
}

#[test]
fn messages_of_each_quality() {
    for connect in [v5(), v3(), Connect::new(Version::V3_1, text("c"))] {
        let mut wire = Wire::connected(Settings::default(), connect);
        wire.heard();
        for (qos, packet_id) in [(QoS::AtMostOnce, 0), (QoS::AtLeastOnce, 1), (QoS::ExactlyOnce, 2)] {
            let message = publish(qos, packet_id);
            let events = wire.say(Packet::Publish(message.clone()));
            assert!(matches!(&*events, [Event::Publish(seen)] if *seen == message), "{events:?}");
        }
        // Nothing is promised before the broker has it.
        assert_eq!(wire.heard(), []);
        wire.connection.acknowledge(1, Reason::SUCCESS);
        wire.connection.acknowledge(2, Reason::SUCCESS);
        assert_eq!(wire.heard(), [Packet::Puback(ack(1)), Packet::Pubrec(ack(2))]);
        // [MQTT-4.3.3-11]
        let events = wire.say(Packet::Pubrel(ack(2)));
        assert!(matches!(&*events, [Event::Release { packet_id: 2 }]));
        assert_eq!(wire.heard(), []);
        wire.connection.complete(2);
        assert_eq!(wire.heard(), [Packet::Pubcomp(ack(2))]);
        assert_eq!(wire.connection.session().unwrap().received().count(), 0);
    }
}

#[test]
fn answers_keep_the_order_of_messages() {
    // [MQTT-4.6.0-2], [MQTT-4.6.0-3]
    let mut wire = Wire::connected(Settings::default(), v5());
    wire.heard();
    for packet_id in 1..=4 {
        wire.say(Packet::Publish(publish(QoS::AtLeastOnce, packet_id)));
    }
    wire.connection.acknowledge(3, Reason::SUCCESS);
    wire.connection.acknowledge(2, Reason::NOT_AUTHORIZED);
    assert_eq!(wire.heard(), []);
    wire.connection.acknowledge(1, Reason::NO_MATCHING_SUBSCRIBERS);
    let expected = [
        Packet::Puback(Ack::new(1, Reason::NO_MATCHING_SUBSCRIBERS)),
        Packet::Puback(Ack::new(2, Reason::NOT_AUTHORIZED)),
        Packet::Puback(ack(3)),
    ];
    assert_eq!(wire.heard(), expected);
}

#[test]
fn exactly_once_is_delivered_once() {
    let mut wire = Wire::connected(Settings::default(), v5());
    wire.heard();
    let first = publish(QoS::ExactlyOnce, 7);
    let again = Publish { dup: true, ..first.clone() };
    assert_eq!(wire.say(Packet::Publish(first)).len(), 1);
    // Not safe yet, so that one answer will do for both.
    assert!(wire.say(Packet::Publish(again.clone())).is_empty());
    wire.connection.acknowledge(7, Reason::SUCCESS);
    assert_eq!(wire.heard(), [Packet::Pubrec(ack(7))]);
    // [MQTT-4.3.3-10]
    assert!(wire.say(Packet::Publish(again.clone())).is_empty());
    assert_eq!(wire.heard(), [Packet::Pubrec(ack(7))]);
    // The same on the next connection.
    let session = wire.connection.finish().session.unwrap();
    assert_eq!(session.received().collect::<Vec<_>>(), [7]);
    let mut wire = Wire::new(Settings::default());
    wire.join(v5(), session, true);
    wire.heard();
    assert!(wire.say(Packet::Publish(again)).is_empty());
    assert_eq!(wire.heard(), [Packet::Pubrec(ack(7))]);
    wire.say(Packet::Pubrel(ack(7)));
    wire.connection.complete(7);
    wire.heard();
    // Released: it is another message now.
    assert_eq!(wire.say(Packet::Publish(publish(QoS::ExactlyOnce, 7))).len(), 1);
}

#[test]
fn a_connection_that_is_lost_before_the_message_is_safe() {
    let lost = || {
        let mut wire = Wire::connected(Settings::default(), v5());
        assert_eq!(wire.say(Packet::Publish(publish(QoS::ExactlyOnce, 7))).len(), 1);
        wire.connection.finish().session.unwrap()
    };
    let again = || Packet::Publish(Publish { dup: true, ..publish(QoS::ExactlyOnce, 7) });
    // It becomes safe while nobody is there.
    let mut session = lost();
    session.settle(7, true);
    let mut wire = Wire::new(Settings::default());
    wire.join(v5(), session, true);
    wire.heard();
    assert!(wire.say(again()).is_empty());
    assert_eq!(wire.heard(), [Packet::Pubrec(ack(7))]);
    // It becomes safe after the client is back.
    let mut wire = Wire::new(Settings::default());
    wire.join(v5(), lost(), true);
    wire.heard();
    assert!(wire.say(again()).is_empty());
    assert_eq!(wire.heard(), []);
    wire.connection.acknowledge(7, Reason::SUCCESS);
    assert_eq!(wire.heard(), [Packet::Pubrec(ack(7))]);
    // It never becomes safe.
    let mut session = lost();
    session.settle(7, false);
    let mut wire = Wire::new(Settings::default());
    wire.join(v5(), session, true);
    assert_eq!(wire.say(again()).len(), 1);
}

#[test]
fn a_refused_message_is_forgotten() {
    let mut wire = Wire::connected(Settings::default(), v5());
    wire.heard();
    wire.say(Packet::Publish(publish(QoS::ExactlyOnce, 7)));
    wire.connection.acknowledge(7, Reason::NOT_AUTHORIZED);
    assert_eq!(wire.heard(), [Packet::Pubrec(Ack::new(7, Reason::NOT_AUTHORIZED))]);
    // §4.3.3: the identifier is free again.
    assert_eq!(wire.say(Packet::Publish(publish(QoS::ExactlyOnce, 7))).len(), 1);
}

#[test]
fn releases_that_do_not_fit() {
    let mut wire = Wire::connected(Settings::default(), v5());
    wire.heard();
    assert!(wire.say(Packet::Pubrel(ack(9))).is_empty());
    let unknown = Ack::new(9, Reason::PACKET_IDENTIFIER_NOT_FOUND);
    assert_eq!(wire.heard(), [Packet::Pubcomp(unknown)]);
    let mut wire = Wire::connected(Settings::default(), v3());
    wire.heard();
    wire.say(Packet::Pubrel(ack(9)));
    assert_eq!(wire.heard(), [Packet::Pubcomp(ack(9))]);
    // PUBREL before PUBREC
    wire.say(Packet::Publish(publish(QoS::ExactlyOnce, 7)));
    wire.say(Packet::Pubrel(ack(7)));
    assert_eq!(wire.failed(Reason::PROTOCOL_ERROR), []);
}

#[test]
fn the_receive_maximum() {
    let settings = || Settings { receive_maximum: 2, ..Settings::default() };
    // [MQTT-3.3.4-7], [MQTT-3.3.4-9]: PUBACK and PUBCOMP make room, PUBREC doesn't.
    let mut wire = Wire::connected(settings(), v5());
    wire.heard();
    wire.say(Packet::Publish(publish(QoS::AtLeastOnce, 1)));
    wire.connection.acknowledge(1, Reason::SUCCESS);
    wire.say(Packet::Publish(publish(QoS::ExactlyOnce, 2)));
    wire.connection.acknowledge(2, Reason::SUCCESS);
    wire.say(Packet::Pubrel(ack(2)));
    wire.connection.complete(2);
    for packet_id in [3, 4] {
        assert_eq!(wire.say(Packet::Publish(publish(QoS::ExactlyOnce, packet_id))).len(), 1);
        wire.connection.acknowledge(packet_id, Reason::SUCCESS);
    }
    assert_eq!(wire.say(Packet::Publish(publish(QoS::AtMostOnce, 0))).len(), 1);
    wire.heard();
    assert!(wire.say(Packet::Publish(publish(QoS::AtLeastOnce, 5))).is_empty());
    said(&wire.failed(Reason::RECEIVE_MAXIMUM_EXCEEDED), Reason::RECEIVE_MAXIMUM_EXCEEDED);
    // [MQTT-4.9.0-1]: each connection begins with the whole of it, and what was too much is as if it never came.
    let session = wire.connection.finish().session.unwrap();
    assert_eq!(session.received().collect::<Vec<_>>(), [3, 4]);
    let mut wire = Wire::new(settings());
    wire.join(v5(), session, true);
    for packet_id in [6, 7] {
        assert_eq!(wire.say(Packet::Publish(publish(QoS::ExactlyOnce, packet_id))).len(), 1);
    }
    assert!(wire.say(Packet::Publish(publish(QoS::ExactlyOnce, 8))).is_empty());
    wire.failed(Reason::RECEIVE_MAXIMUM_EXCEEDED);
    assert_eq!(wire.connection.finish().session.unwrap().received().collect::<Vec<_>>(), [3, 4, 6, 7]);
    // An older client knows no maximum: it isn't read from.
    let mut wire = Wire::connected(settings(), v3());
    let said: usize = (1..=5).map(|id| wire.say(Packet::Publish(publish(QoS::AtLeastOnce, id))).len()).sum();
    assert_eq!((said, wire.connection.wants_input()), (2, false));
    wire.connection.acknowledge(1, Reason::SUCCESS);
    assert_eq!((wire.bytes(&[]).len(), wire.connection.wants_input()), (1, false));
}

#[test]
fn topic_aliases() {
    let settings = Settings { topic_alias_maximum: 2, ..Settings::default() };
    let aliased = |topic: &str, alias| {
        let properties = Properties::builder().two(id::TOPIC_ALIAS, alias).finish();
        Packet::Publish(Publish { topic: text(topic), properties, ..publish(QoS::AtMostOnce, 0) })
    };
    let mut wire = Wire::connected(settings, v5());
    wire.heard();
    let topic = |events: Vec<Event>| match &*events {
        [Event::Publish(publish)] => publish.topic.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(topic(wire.say(aliased("one", 1))), "one");
    assert_eq!(topic(wire.say(aliased("two", 2))), "two");
    assert_eq!(topic(wire.say(aliased("", 1))), "one");
    // [MQTT-3.3.2-12]: given again
    assert_eq!(topic(wire.say(aliased("three", 1))), "three");
    assert_eq!(topic(wire.say(aliased("", 1))), "three");
    assert_eq!(topic(wire.say(aliased("", 2))), "two");
    // [MQTT-3.3.2-9]
    assert!(wire.say(aliased("x", 3)).is_empty());
    said(&wire.failed(Reason::TOPIC_ALIAS_INVALID), Reason::TOPIC_ALIAS_INVALID);
    // [MQTT-3.3.2-7]: they end with the connection.
    let session = wire.connection.finish().session.unwrap();
    let mut wire = Wire::new(Settings::default());
    wire.join(v5(), session, true);
    wire.heard();
    assert!(wire.say(aliased("", 1)).is_empty());
    said(&wire.failed(Reason::PROTOCOL_ERROR), Reason::PROTOCOL_ERROR);
}

#[test]
fn messages_that_are_not_taken() {
    let settings = || Settings {
        topic: crate::topic::Limits { levels_max: 2, length_max: 1000 },
        packet_size_max: 100,
        ..Settings::default()
    };
    let deep = |qos, id| Packet::Publish(Publish { topic: text("a/b/c"), ..publish(qos, id) });
    let broken = |qos, id| {
        let properties = Properties::builder().byte(id::PAYLOAD_FORMAT_INDICATOR, 1).finish();
        Packet::Publish(Publish { properties, payload: Bytes::from_static(b"\xff"), ..publish(qos, id) })
    };
    let mut wire = Wire::connected(settings(), v5());
    wire.heard();
    for (packet, heard) in [
        (deep(QoS::AtLeastOnce, 1), Packet::Puback(Ack::new(1, Reason::TOPIC_NAME_INVALID))),
        (deep(QoS::ExactlyOnce, 2), Packet::Pubrec(Ack::new(2, Reason::TOPIC_NAME_INVALID))),
        (broken(QoS::AtLeastOnce, 3), Packet::Puback(Ack::new(3, Reason::PAYLOAD_FORMAT_INVALID))),
    ] {
        assert!(wire.say(packet).is_empty());
        assert_eq!(wire.heard(), [heard]);
    }
    let mark = Properties::builder().subscription_identifier(1).finish();
    for (packet, reason) in [
        (deep(QoS::AtMostOnce, 0), Reason::TOPIC_NAME_INVALID),
        (broken(QoS::AtMostOnce, 0), Reason::PAYLOAD_FORMAT_INVALID),
        // [MQTT-3.3.4-6]
        (
            Packet::Publish(Publish { properties: mark, ..publish(QoS::AtMostOnce, 0) }),
            Reason::PROTOCOL_ERROR,
        ),
        // [MQTT-3.2.2-15]
        (
            Packet::Publish(Publish { payload: vec![0; 101].into(), ..publish(QoS::AtMostOnce, 0) }),
            Reason::PACKET_TOO_LARGE,
        ),
    ] {
        let mut wire = Wire::connected(settings(), v5());
        wire.heard();
        assert!(wire.say(packet).is_empty());
        said(&wire.failed(reason), reason);
    }
    let mut wire = Wire::connected(settings(), v3());
    wire.heard();
    assert!(wire.say(deep(QoS::ExactlyOnce, 1)).is_empty());
    assert_eq!(wire.failed(Reason::TOPIC_NAME_INVALID), []);
    assert_eq!(wire.connection.finish().session.unwrap().received().count(), 0);
}

#[test]
fn packets_that_drip_in() {
    let mut bytes = Vec::new();
    Packet::Publish(publish(QoS::AtMostOnce, 0)).encode(Version::V5, &mut bytes);
    let mut wire = Wire::connected(Settings::default(), v5());
    for byte in &bytes[..bytes.len() - 1] {
        assert!(wire.bytes(&[*byte]).is_empty());
    }
    assert_eq!(wire.connection.needed(&wire.input), 1);
    assert_eq!(wire.bytes(&bytes[bytes.len() - 1..]).len(), 1);
}
