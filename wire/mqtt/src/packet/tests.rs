use super::properties::{Properties, id};
use super::*;
use crate::frame::Header;
use crate::{QoS, Reason, Text};
use bytes::BytesMut;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The one packet in these bytes.
fn read(version: Version, hex: &str) -> Result<Packet, Error> {
    let mut input = BytesMut::from(&*bytes(hex));
    let header = Header::read(&input, u32::MAX)?.expect("a whole header");
    let body = header.take_body(&mut input).expect("a whole packet");
    assert!(input.is_empty(), "{hex}");
    Packet::decode(version, header.first, body)
}

/// The bytes are the packet, and the packet is the bytes.
fn both_ways(version: Version, hex: &str, packet: &Packet) {
    assert_eq!(read(version, hex).as_ref(), Ok(packet), "{hex}");
    let mut written = Vec::new();
    packet.encode(version, &mut written);
    assert_eq!(written, bytes(hex), "{packet:?}");
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn none() -> Properties {
    Properties::default()
}

#[test]
fn connect_of_three_versions() {
    let plain = |version| Packet::Connect(Box::new(Connect::new(version, text("a"))));
    both_ways(Version::V3_1, "100f 0006 4d5149736470 03 02 0000 0001 61", &plain(Version::V3_1));
    both_ways(Version::V3_1_1, "100d 0004 4d515454 04 02 0000 0001 61", &plain(Version::V3_1_1));
    both_ways(Version::V5, "100e 0004 4d515454 05 02 0000 00 0001 61", &plain(Version::V5));
    let full = Connect {
        clean_start: false,
        keep_alive: 10,
        will: Some(Will {
            qos: QoS::AtLeastOnce,
            retain: true,
            topic: text("w"),
            payload: Bytes::from_static(b"x"),
            properties: Properties::builder().four(id::WILL_DELAY_INTERVAL, 5).finish(),
        }),
        user_name: Some(text("u")),
        password: Some(Bytes::from_static(b"p")),
        properties: Properties::builder().four(id::SESSION_EXPIRY_INTERVAL, 10).finish(),
        ..Connect::new(Version::V5, text("a"))
    };
    // Figure 3-6 of the specification has these flags and the session expiry.
    let hex =
        "1025 0004 4d515454 05 ec 000a 05 11 0000000a 0001 61 05 18 00000005 0001 77 0001 78 0001 75 0001 70";
    both_ways(Version::V5, hex, &Packet::Connect(Box::new(full.clone())));
    assert_eq!(full.session_expiry_interval(), 10);
    assert_eq!(full.will.map(|will| will.delay_interval()), Some(5));
    assert!(!format!("{:?}", read(Version::V5, hex)).contains("112"), "the password is not to be seen");
}

#[test]
fn session_expiry_of_old_clients() {
    let mut connect = Connect::new(Version::V3_1_1, text("a"));
    assert_eq!(connect.session_expiry_interval(), 0);
    connect.clean_start = false;
    assert_eq!(connect.session_expiry_interval(), u32::MAX);
}

#[test]
fn refused_connects() {
    use Reason as R;
    let table = [
        // [MQTT-3.1.2-1], [MQTT-3.1.2-2]
        ("100d 0004 4d515455 04 02 0000 0001 61", R::MALFORMED_PACKET),
        ("100d 0004 4d515454 06 02 0000 0001 61", R::UNSUPPORTED_PROTOCOL_VERSION),
        ("100d 0004 4d515454 03 02 0000 0001 61", R::UNSUPPORTED_PROTOCOL_VERSION),
        ("100d 0004 4d515454 84 02 0000 0001 61", R::UNSUPPORTED_PROTOCOL_VERSION),
        // [MQTT-3.1.2-3]: the reserved flag
        ("100d 0004 4d515454 04 03 0000 0001 61", R::MALFORMED_PACKET),
        ("100e 0004 4d515454 05 03 0000 00 0001 61", R::MALFORMED_PACKET),
        // [MQTT-3.1.2-11], [MQTT-3.1.2-13]: QoS or retain without a will; [MQTT-3.1.2-12]: QoS 3
        ("100d 0004 4d515454 04 0a 0000 0001 61", R::MALFORMED_PACKET),
        ("100d 0004 4d515454 04 22 0000 0001 61", R::MALFORMED_PACKET),
        ("1013 0004 4d515454 04 1e 0000 0001 61 0001 77 0001 78", R::MALFORMED_PACKET),
        // A will to a topic that is a filter
        ("1013 0004 4d515454 04 06 0000 0001 61 0001 23 0001 78", R::TOPIC_NAME_INVALID),
        // MQTT 3.1.1 [MQTT-3.1.2-22]: a password without a user name
        ("1010 0004 4d515454 04 42 0000 0001 61 0001 70", R::MALFORMED_PACKET),
        // MQTT 3.1.1 [MQTT-3.1.3-8]: no identifier and a session to keep
        ("100c 0004 4d515454 04 00 0000 0000", R::CLIENT_IDENTIFIER_NOT_VALID),
        ("100e 0006 4d5149736470 03 02 0000 0000", R::CLIENT_IDENTIFIER_NOT_VALID),
        // The end is missing, or isn't the end
        ("100c 0004 4d515454 04 02 0000 0001", R::MALFORMED_PACKET),
        ("100e 0004 4d515454 04 02 0000 0001 61 00", R::MALFORMED_PACKET),
        // [MQTT-3.1.3-4], [MQTT-1.5.4-1], [MQTT-1.5.4-2]: a surrogate, U+0000, an overlong slash
        ("100f 0004 4d515454 04 02 0000 0003 eda080", R::MALFORMED_PACKET),
        ("100d 0004 4d515454 04 02 0000 0001 00", R::MALFORMED_PACKET),
        ("100e 0004 4d515454 04 02 0000 0002 c0af", R::MALFORMED_PACKET),
        // §3.1.2.11: a receive maximum of 0, a property twice, data of authentication without a method
        ("1011 0004 4d515454 05 02 0000 03 21 0000 0001 61", R::PROTOCOL_ERROR),
        ("1014 0004 4d515454 05 02 0000 06 21 0001 21 0001 0001 61", R::PROTOCOL_ERROR),
        ("1012 0004 4d515454 05 02 0000 04 16 0001 70 0001 61", R::PROTOCOL_ERROR),
        ("1013 0004 4d515454 05 02 0000 05 27 00000000 0001 61", R::PROTOCOL_ERROR),
        // [MQTT-3.1.2-29]: neither 0 nor 1
        ("1010 0004 4d515454 05 02 0000 02 17 02 0001 61", R::PROTOCOL_ERROR),
        // A property of PUBLISH, one that doesn't exist, one that is cut, a length beyond the packet
        ("1010 0004 4d515454 05 02 0000 02 01 01 0001 61", R::MALFORMED_PACKET),
        ("1010 0004 4d515454 05 02 0000 02 7f 01 0001 61", R::MALFORMED_PACKET),
        ("1010 0004 4d515454 05 02 0000 02 21 00 0001 61", R::MALFORMED_PACKET),
        ("100e 0004 4d515454 05 02 0000 7f 0001 61", R::MALFORMED_PACKET),
    ];
    for (hex, reason) in table {
        assert_eq!(read(Version::V5, hex).map_err(|error| error.reason), Err(reason), "{hex}");
    }
}

#[test]
fn old_clients_may_leave_strings_out() {
    // MQTT 3.1 §3.1: the flags announce a user name and a password, and there is neither.
    let packet = read(Version::V3_1, "100f 0006 4d5149736470 03 c2 0000 0001 61").unwrap();
    let Packet::Connect(connect) = packet else { panic!("{packet:?}") };
    assert_eq!((connect.user_name, connect.password), (None, None));
}

#[test]
fn connack() {
    let packet = |present, reason, properties| {
        Packet::Connack(Box::new(Connack { session_present: present, reason, properties }))
    };
    both_ways(Version::V3_1_1, "2002 01 00", &packet(true, Reason::SUCCESS, none()));
    both_ways(Version::V3_1_1, "2002 00 05", &packet(false, Reason::NOT_AUTHORIZED, none()));
    both_ways(Version::V5, "2003 00 87 00", &packet(false, Reason::NOT_AUTHORIZED, none()));
    let properties =
        Properties::builder().two(id::RECEIVE_MAXIMUM, 10).text(id::REASON_STRING, "ok").finish();
    both_ways(Version::V5, "200b 00 00 08 21 000a 1f 0002 6f6b", &packet(false, Reason::SUCCESS, properties));
    // A refusal by a server that doesn't know MQTT 5.
    assert_eq!(
        read(Version::V5, "2002 00 84"),
        Ok(packet(false, Reason::UNSUPPORTED_PROTOCOL_VERSION, none()))
    );
    // [MQTT-3.2.2-1], [MQTT-3.2.2-6]
    for hex in ["2002 02 00", "2002 01 05", "2002 00 06"] {
        assert!(read(Version::V3_1_1, hex).is_err(), "{hex}");
    }
}

#[test]
fn publish() {
    let plain = Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: false,
        topic: text("a/b"),
        packet_id: 0,
        properties: none(),
        payload: Bytes::from_static(b"hi"),
    };
    both_ways(Version::V3_1_1, "3007 0003 612f62 6869", &Packet::Publish(plain.clone()));
    both_ways(Version::V5, "3008 0003 612f62 00 6869", &Packet::Publish(plain.clone()));
    let all = Publish { dup: true, qos: QoS::ExactlyOnce, retain: true, packet_id: 10, ..plain.clone() };
    both_ways(Version::V3_1_1, "3d09 0003 612f62 000a 6869", &Packet::Publish(all));
    let aliased = Publish {
        topic: Text::default(),
        properties: Properties::builder().two(id::TOPIC_ALIAS, 3).finish(),
        payload: Bytes::new(),
        ..plain
    };
    assert_eq!(aliased.topic_alias(), Some(3));
    both_ways(Version::V5, "3006 0000 03 23 0003", &Packet::Publish(aliased));
}

#[test]
fn refused_publishes() {
    use Reason as R;
    let table = [
        // [MQTT-3.3.1-4], [MQTT-3.3.1-2]
        (Version::V3_1_1, "3607 0003 612f62 0001", R::MALFORMED_PACKET),
        (Version::V5, "3805 0003 612f62", R::MALFORMED_PACKET),
        // [MQTT-2.2.1-3]
        (Version::V3_1_1, "3207 0003 612f62 0000", R::PROTOCOL_ERROR),
        // [MQTT-3.3.2-2], [MQTT-4.7.3-1]
        (Version::V3_1_1, "3005 0003 612f2b", R::TOPIC_NAME_INVALID),
        (Version::V3_1_1, "3005 0003 612f23", R::TOPIC_NAME_INVALID),
        (Version::V3_1_1, "3002 0000", R::PROTOCOL_ERROR),
        (Version::V5, "3003 0000 00", R::PROTOCOL_ERROR),
        // [MQTT-3.3.2-8]
        (Version::V5, "3006 0000 03 23 0000", R::TOPIC_ALIAS_INVALID),
        // §3.3.2.3.2, [MQTT-3.3.2-14], §3.3.2.3.8
        (Version::V5, "3008 0003 612f62 02 01 02", R::PROTOCOL_ERROR),
        (Version::V5, "300a 0003 612f62 04 08 0001 23", R::PROTOCOL_ERROR),
        (Version::V5, "3008 0003 612f62 02 0b 00", R::PROTOCOL_ERROR),
        // The topic is longer than the packet
        (Version::V3_1_1, "3004 0003 612f", R::MALFORMED_PACKET),
    ];
    for (version, hex, reason) in table {
        assert_eq!(read(version, hex).map_err(|error| error.reason), Err(reason), "{hex}");
    }
}

#[test]
fn answers() {
    let packet = |first: &str, ack| match first {
        "40" => Packet::Puback(ack),
        "50" => Packet::Pubrec(ack),
        "62" => Packet::Pubrel(ack),
        _ => Packet::Pubcomp(ack),
    };
    for first in ["40", "50", "62", "70"] {
        let packet = |ack| packet(first, ack);
        let success = packet(Ack::new(10, Reason::SUCCESS));
        both_ways(Version::V3_1_1, &format!("{first}02 000a"), &success);
        both_ways(Version::V5, &format!("{first}02 000a"), &success);
        assert_eq!(read(Version::V5, &format!("{first}03 000a 00")), Ok(success.clone()));
        assert_eq!(read(Version::V5, &format!("{first}04 000a 00 00")), Ok(success));
        let named = if matches!(first, "40" | "50") {
            Reason::QUOTA_EXCEEDED
        } else {
            Reason::PACKET_IDENTIFIER_NOT_FOUND
        };
        both_ways(Version::V5, &format!("{first}03 000a {:02x}", named.0), &packet(Ack::new(10, named)));
        let properties = Properties::builder().text(id::REASON_STRING, "x").finish();
        let worded = packet(Ack { properties, ..Ack::new(10, Reason::SUCCESS) });
        both_ways(Version::V5, &format!("{first}08 000a 00 04 1f 0001 78"), &worded);
        // A code of another packet, packet identifier 0, bytes too many before MQTT 5
        assert!(read(Version::V5, &format!("{first}03 000a 01")).is_err());
        assert!(read(Version::V5, &format!("{first}02 0000")).is_err());
        assert!(read(Version::V3_1_1, &format!("{first}03 000a 00")).is_err());
    }
}

#[test]
fn subscriptions() {
    // Figure 3-23 of MQTT 3.1.1
    let filters = vec![
        Subscription::new(text("a/b"), QoS::AtLeastOnce),
        Subscription::new(text("c/d"), QoS::ExactlyOnce),
    ];
    let packet = Packet::Subscribe(Subscribe { packet_id: 10, properties: none(), filters: filters.clone() });
    both_ways(Version::V3_1_1, "820e 000a 0003 612f62 01 0003 632f64 02", &packet);
    let options = Subscription {
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DontSend,
        ..Subscription::new(text("a"), QoS::ExactlyOnce)
    };
    let subscribe = Subscribe {
        packet_id: 10,
        properties: Properties::builder().subscription_identifier(300).finish(),
        filters: vec![options],
    };
    assert_eq!(subscribe.subscription_identifier(), Some(300));
    both_ways(Version::V5, "820a 000a 03 0b ac02 0001 61 2e", &Packet::Subscribe(subscribe));
    let leave = Unsubscribe { packet_id: 10, properties: none(), filters: vec![text("a/b"), text("c/d")] };
    both_ways(Version::V3_1_1, "a20c 000a 0003 612f62 0003 632f64", &Packet::Unsubscribe(leave.clone()));
    both_ways(Version::V5, "a20d 000a 00 0003 612f62 0003 632f64", &Packet::Unsubscribe(leave));
}

#[test]
fn refused_subscriptions() {
    use Reason as R;
    let table = [
        // [MQTT-3.8.3-2], [MQTT-3.10.3-2]
        (Version::V3_1_1, "8202 000a", R::PROTOCOL_ERROR),
        (Version::V3_1_1, "a202 000a", R::PROTOCOL_ERROR),
        // [MQTT-2.1.3-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1]
        (Version::V3_1_1, "8008 000a 0003 612f62 01", R::MALFORMED_PACKET),
        (Version::V3_1_1, "a007 000a 0003 612f62", R::MALFORMED_PACKET),
        // [MQTT-3.8.3-5]; bits that MQTT 5 uses are reserved before
        (Version::V5, "8207 000a 00 0001 61 40", R::MALFORMED_PACKET),
        (Version::V3_1_1, "8206 000a 0001 61 04", R::MALFORMED_PACKET),
        // §3.8.3.1: QoS 3, retain handling 3; [MQTT-3.8.3-4]: no local on a shared subscription
        (Version::V5, "8207 000a 00 0001 61 03", R::PROTOCOL_ERROR),
        (Version::V5, "8207 000a 00 0001 61 30", R::PROTOCOL_ERROR),
        (Version::V5, "8210 000a 00 000a 2473686172652f672f61 04", R::PROTOCOL_ERROR),
        // Options are missing
        (Version::V3_1_1, "8205 000a 0001 61", R::MALFORMED_PACKET),
        // Two subscription identifiers
        (Version::V5, "820b 000a 04 0b01 0b02 0001 61 00", R::PROTOCOL_ERROR),
    ];
    for (version, hex, reason) in table {
        assert_eq!(read(version, hex).map_err(|error| error.reason), Err(reason), "{hex}");
    }
}

#[test]
fn suback_and_unsuback() {
    let packet = |reasons: &[Reason]| Suback { packet_id: 10, properties: none(), reasons: reasons.to_vec() };
    let granted = [Reason::SUCCESS, Reason::GRANTED_QOS_2, Reason::UNSPECIFIED_ERROR];
    both_ways(Version::V3_1_1, "9005 000a 00 02 80", &Packet::Suback(packet(&granted)));
    both_ways(Version::V5, "9006 000a 00 00 02 80", &Packet::Suback(packet(&granted)));
    both_ways(Version::V3_1_1, "b002 000a", &Packet::Unsuback(packet(&[])));
    let gone = [Reason::SUCCESS, Reason::NO_SUBSCRIPTION_EXISTED];
    both_ways(Version::V5, "b005 000a 00 00 11", &Packet::Unsuback(packet(&gone)));
    assert!(read(Version::V3_1_1, "b003 000a 00").is_err());
    // MQTT 3.1.1 has one failure, and its UNSUBACK says nothing.
    let mut written = Vec::new();
    Packet::Suback(packet(&[Reason::NOT_AUTHORIZED])).encode(Version::V3_1_1, &mut written);
    Packet::Unsuback(packet(&[Reason::NOT_AUTHORIZED])).encode(Version::V3_1_1, &mut written);
    assert_eq!(written, bytes("9003 000a 80 b002 000a"));
}

#[test]
fn endings_and_pings() {
    for version in [Version::V3_1, Version::V3_1_1, Version::V5] {
        both_ways(version, "c000", &Packet::Pingreq);
        both_ways(version, "d000", &Packet::Pingresp);
        both_ways(version, "e000", &Packet::Disconnect(Disconnect::new(Reason::SUCCESS)));
        assert!(read(version, "c001 00").is_err());
    }
    both_ways(Version::V5, "e001 8e", &Packet::Disconnect(Disconnect::new(Reason::SESSION_TAKEN_OVER)));
    let properties = Properties::builder().four(id::SESSION_EXPIRY_INTERVAL, 0).finish();
    let packet = Packet::Disconnect(Disconnect { reason: Reason::DISCONNECT_WITH_WILL, properties });
    both_ways(Version::V5, "e007 04 05 11 00000000", &packet);
    let properties = Properties::builder().text(id::AUTHENTICATION_METHOD, "M").finish();
    let packet = Packet::Auth(Auth { reason: Reason::CONTINUE_AUTHENTICATION, properties });
    both_ways(Version::V5, "f006 18 04 15 0001 4d", &packet);
    both_ways(Version::V5, "f000", &Packet::Auth(Auth { reason: Reason::SUCCESS, properties: none() }));
    // [MQTT-3.14.1-1], [MQTT-3.14.2-1], [MQTT-3.15.1-1], [MQTT-3.15.2-1], and AUTH before MQTT 5
    for (version, hex) in [
        (Version::V5, "e100"),
        (Version::V5, "e001 01"),
        (Version::V3_1_1, "e001 00"),
        (Version::V5, "f100"),
        (Version::V5, "f001 17"),
        (Version::V3_1_1, "f000"),
        (Version::V5, "0000"),
    ] {
        assert!(read(version, hex).is_err(), "{hex}");
    }
}

#[test]
fn flags_of_all_types() {
    for first in 0..=255_u8 {
        let valid = match first >> 4 {
            0 => false,
            3 => true,
            6 | 8 | 10 => first & 15 == 2,
            _ => first & 15 == 0,
        };
        assert_eq!(Kind::from_first(first).is_ok(), valid, "{first:#x}");
    }
}

mod random {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What can be read can be written, and is the same when it is read again.
        #[test]
        fn reading_what_was_written(first in 0x10..=0xff_u8, body in prop::collection::vec(any::<u8>(), 0..64), five: bool) {
            let version = if five { Version::V5 } else { Version::V3_1_1 };
            let Ok(packet) = Packet::decode(version, first, body.into()) else { return Ok(()) };
            let mut written = Vec::new();
            packet.encode(version, &mut written);
            let mut input = BytesMut::from(&*written);
            let header = Header::read(&input, u32::MAX).unwrap().unwrap();
            let again = Packet::decode(version, header.first, header.take_body(&mut input).unwrap());
            prop_assert_eq!(again, Ok(packet));
            prop_assert!(input.is_empty());
        }
    }
}
