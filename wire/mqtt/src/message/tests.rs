use super::*;
use crate::frame::Header;
use crate::packet::Packet;
use bytes::BytesMut;

fn properties() -> Properties {
    Properties::builder()
        .byte(id::PAYLOAD_FORMAT_INDICATOR, 1)
        .two(id::TOPIC_ALIAS, 7)
        .four(id::MESSAGE_EXPIRY_INTERVAL, 60)
        .text(id::RESPONSE_TOPIC, "answers")
        .binary(id::CORRELATION_DATA, b"42")
        .user("a", "1")
        .user("a", "2")
        .finish()
}

fn message(payload: &[u8]) -> Message {
    let topic = Text::new("weather/rome").unwrap();
    Message::new(&topic, QoS::ExactlyOnce, true, &properties(), &Bytes::copy_from_slice(payload), 1000)
}

fn one(version: Version, identifiers: &Identifiers) -> One<'_> {
    let (qos, alias) = (QoS::AtLeastOnce, Alias::None);
    One {
        version,
        packet_id: 9,
        dup: false,
        qos,
        retain: false,
        identifiers,
        alias,
        now: 2000,
        size_max: u32::MAX,
    }
}

/// The PUBLISH that a receiver reads.
fn sent(message: &Message, one: &One<'_>) -> Publish {
    let mut out = Outgoing::default();
    assert!(message.encode(one, &mut out));
    let mut input = BytesMut::from(&*out.to_vec());
    let header = Header::read(&input, u32::MAX).unwrap().unwrap();
    let body = header.take_body(&mut input).unwrap();
    match Packet::decode(one.version, header.first, body) {
        Ok(Packet::Publish(publish)) => publish,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_all_receive() {
    for payload in [&b""[..], b"sun", &vec![b'x'; COPY_BELOW], &vec![b'x'; COPY_BELOW - 1]] {
        let message = message(payload);
        assert_eq!((message.topic(), &**message.payload()), (&b"weather/rome"[..], payload));
        assert_eq!(message.expires_at, 61_000);
        let kept =
            Properties::from_bytes(message.properties(), crate::packet::properties::Place::Publish).unwrap();
        assert_eq!(kept.iter().map(|(identifier, _)| identifier).collect::<Vec<_>>(), [1, 8, 9, 38, 38]);
        for version in [Version::V3_1, Version::V3_1_1] {
            let publish = sent(&message, &one(version, &Identifiers::None));
            assert_eq!((&*publish.payload, publish.packet_id, publish.qos), (payload, 9, QoS::AtLeastOnce));
            assert_eq!((publish.topic.as_str(), publish.dup, publish.retain), ("weather/rome", false, false));
        }
    }
}

#[test]
fn what_each_receives() {
    let message = message(b"sun");
    let identifiers = Identifiers::None.with(3).with(300).with(5);
    let mut one = one(Version::V5, &identifiers);
    (one.dup, one.retain, one.alias) = (true, true, Alias::New(4));
    let publish = sent(&message, &one);
    assert!(publish.dup && publish.retain);
    // [MQTT-3.3.2-6]: a second of the minute is over.
    assert_eq!(publish.properties.number(id::MESSAGE_EXPIRY_INTERVAL), Some(59));
    assert_eq!(publish.topic_alias(), Some(4));
    let marks =
        publish.properties.iter().filter(|(identifier, _)| *identifier == id::SUBSCRIPTION_IDENTIFIER);
    let numbers: Vec<_> = marks.map(|(_, value)| value).collect();
    use crate::packet::properties::Value::Variable;
    assert_eq!(numbers, [Variable(3), Variable(300), Variable(5)]);
    // [MQTT-3.3.2-4], [MQTT-3.3.2-15], [MQTT-3.3.2-16], [MQTT-3.3.2-17], [MQTT-3.3.2-18], [MQTT-3.3.2-20]
    assert_eq!(publish.properties.text(id::RESPONSE_TOPIC), Text::new("answers"));
    assert_eq!(publish.properties.bytes(id::CORRELATION_DATA).as_deref(), Some(&b"42"[..]));
    assert_eq!(publish.properties.user().collect::<Vec<_>>(), [("a", "1"), ("a", "2")]);
    one.alias = Alias::Known(4);
    let publish = sent(&message, &one);
    assert_eq!((publish.topic.as_str(), publish.topic_alias()), ("", Some(4)));
}

#[test]
fn nothing_is_put_in_where_nothing_is_needed() {
    let topic = Text::new("a").unwrap();
    let message =
        Message::new(&topic, QoS::AtMostOnce, false, &Properties::default(), &Bytes::from_static(b"x"), 0);
    let mut out = Outgoing::default();
    let none = Identifiers::None;
    for (version, qos) in [(Version::V3_1_1, QoS::AtMostOnce), (Version::V5, QoS::AtLeastOnce)] {
        assert!(message.encode(&One { qos, ..one(version, &none) }, &mut out));
    }
    assert_eq!(out.to_vec(), [0x30, 4, 0, 1, b'a', b'x', 0x32, 7, 0, 1, b'a', 0, 9, 0, b'x']);
}

#[test]
fn packets_over_the_limit_are_not_written() {
    let message = message(b"sun");
    let whole = {
        let mut out = Outgoing::default();
        assert!(message.encode(&one(Version::V5, &Identifiers::None), &mut out));
        out.len() as u32
    };
    for (size_max, fits) in [(whole, true), (whole - 1, false)] {
        let mut out = Outgoing::default();
        assert_eq!(message.encode(&One { size_max, ..one(Version::V5, &Identifiers::None) }, &mut out), fits);
        assert_eq!(out.is_empty(), !fits);
    }
}
