use super::*;

#[test]
fn the_first_packet_is_connect() {
    // [MQTT-3.1.0-1]
    for first in
        [&[0xc0, 0][..], &[0x82, 0xff, 0xff, 0xff, 0x7f], b"GET / HTTP/1.1\r\n", &[0x16, 3, 1], &[0x11]]
    {
        let mut wire = Wire::new(Settings::default());
        assert!(wire.bytes(first).is_empty());
        assert_eq!(wire.failed(Reason::PROTOCOL_ERROR), []);
    }
    // [MQTT-3.1.0-2]
    let mut wire = Wire::connected(Settings::default(), v5());
    wire.heard();
    assert!(wire.say(Packet::Connect(Box::new(v5()))).is_empty());
    said(&wire.failed(Reason::PROTOCOL_ERROR), Reason::PROTOCOL_ERROR);
}

#[test]
fn memory_is_bounded_before_connect() {
    let settings = Settings { connect_size_max: 1000, ..Settings::default() };
    let mut wire = Wire::new(settings);
    // The length alone is enough to refuse it.
    assert!(wire.bytes(&[0x10, 0xe9, 0x07]).is_empty());
    assert_eq!(wire.failed(Reason::PACKET_TOO_LARGE), []);
    // Later only messages may be larger.
    let settings = || Settings { connect_size_max: 1000, ..Settings::default() };
    for (first, refused) in [(0x82, true), (0xa2, true), (0x30, false)] {
        let mut wire = Wire::connected(settings(), v5());
        assert!(wire.bytes(&[first, 0xe9, 0x07]).is_empty());
        assert_eq!(wire.connection.closed().is_some(), refused);
    }
}

#[test]
fn unknown_versions_are_told() {
    for level in [0, 3, 6, 0x84, 255] {
        let mut wire = Wire::new(Settings::default());
        wire.bytes(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', level, 2, 0, 0, 0, 1, b'a']);
        // MQTT 3.1.1 [MQTT-3.1.2-2]
        assert_eq!(wire.connection.poll_output().to_vec(), [0x20, 2, 0, 1], "{level}");
        assert!(wire.connection.closed().is_some());
    }
}

#[test]
fn a_malformed_connect_is_answered_in_its_version() {
    let mut wire = Wire::new(Settings::default());
    wire.bytes(&[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 3, 0, 0, 0, 0, 1, b'a']);
    said(&wire.failed(Reason::MALFORMED_PACKET), Reason::MALFORMED_PACKET);
    let mut wire = Wire::new(Settings::default());
    wire.bytes(&[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 3, 0, 0, 0, 1, b'a']);
    assert_eq!(wire.failed(Reason::MALFORMED_PACKET), []);
    // MQTT 3.1.1 [MQTT-3.1.3-8]
    let mut wire = Wire::new(Settings::default());
    wire.say(Packet::Connect(Box::new(Connect { clean_start: false, client_id: Text::default(), ..v3() })));
    said(&wire.failed(Reason::CLIENT_IDENTIFIER_NOT_VALID), Reason::CLIENT_IDENTIFIER_NOT_VALID);
}

#[test]
fn acceptance_names_the_limits() {
    let settings = Settings {
        packet_size_max: 5000,
        receive_maximum: 7,
        topic_alias_maximum: 3,
        keep_alive_max: 60,
        ..Settings::default()
    };
    let mut wire = Wire::new(settings);
    wire.say(Packet::Connect(Box::new(Connect { client_id: Text::default(), ..v5() })));
    let accept = Accept {
        session_present: true,
        session_expiry: Some(30),
        client_id: Some(text("made")),
        response_information: Some(text("r")),
        user_properties: vec![("a".to_owned(), "b".to_owned())],
        // Not asked for, so there is no method to name ([MQTT-4.12.0-6]).
        authentication_data: Some(vec![1]),
        ..Accept::default()
    };
    wire.connection.accept(0, Session::new(10), &accept);
    let properties = Properties::builder()
        .four(id::SESSION_EXPIRY_INTERVAL, 30)
        .two(id::RECEIVE_MAXIMUM, 7)
        .four(id::MAXIMUM_PACKET_SIZE, 5000)
        .text(id::ASSIGNED_CLIENT_IDENTIFIER, "made")
        .two(id::TOPIC_ALIAS_MAXIMUM, 3)
        .two(id::SERVER_KEEP_ALIVE, 60)
        .text(id::RESPONSE_INFORMATION, "r")
        .user("a", "b")
        .finish();
    let connack = Connack { session_present: true, reason: Reason::SUCCESS, properties };
    assert_eq!(wire.heard(), [Packet::Connack(Box::new(connack))]);
    assert_eq!(wire.connection.poll_timeout(), Some(90_000));
    assert_eq!(wire.connection.finish().session_expiry, 30);
}

#[test]
fn refusals() {
    let table = [
        (Version::V5, Reason::BAD_USER_NAME_OR_PASSWORD, Some(Reason::BAD_USER_NAME_OR_PASSWORD)),
        (Version::V3_1_1, Reason::BAD_USER_NAME_OR_PASSWORD, Some(Reason::BAD_USER_NAME_OR_PASSWORD)),
        (Version::V3_1, Reason::BANNED, Some(Reason::NOT_AUTHORIZED)),
        (Version::V3_1_1, Reason::SERVER_SHUTTING_DOWN, Some(Reason::SERVER_UNAVAILABLE)),
        (Version::V3_1_1, Reason::PAYLOAD_FORMAT_INVALID, None),
    ];
    for (version, reason, heard) in table {
        let mut wire = Wire::new(Settings::default());
        wire.say(Packet::Connect(Box::new(Connect {
            will: Some(will()),
            ..Connect::new(version, text("c"))
        })));
        wire.connection.refuse(reason, Some("no"));
        match heard {
            Some(heard) => said(&wire.heard(), heard),
            None => assert_eq!(wire.heard(), []),
        }
        assert_eq!(wire.connection.closed(), Some(Closed::ByBroker(reason)));
        // [MQTT-3.1.4-6]: whatever comes after is not looked at.
        assert!(wire.say(Packet::Pingreq).is_empty());
        assert_eq!(wire.heard(), []);
        let end = wire.connection.finish();
        assert!(end.session.is_none() && end.will.is_none());
    }
}

#[test]
fn packets_behind_connect_wait_for_the_answer() {
    // [MQTT-3.1.4-5] lets a client say more at once.
    let mut wire = Wire::new(Settings::default());
    let mut bytes = Vec::new();
    Packet::Connect(Box::new(v3())).encode(Version::V3_1_1, &mut bytes);
    Packet::Publish(publish(QoS::AtMostOnce, 0)).encode(Version::V3_1_1, &mut bytes);
    assert!(matches!(&*wire.bytes(&bytes), [Event::Connect(_)]));
    assert!(!wire.connection.wants_input());
    wire.connection.accept(0, Session::new(10), &Accept::default());
    assert!(wire.connection.wants_input());
    assert!(matches!(&*wire.bytes(&[]), [Event::Publish(_)]));
}

#[test]
fn silence_before_connect_ends_it() {
    let mut wire = Wire::new(Settings { connect_timeout_ms: 500, ..Settings::default() });
    assert_eq!(wire.connection.poll_timeout(), Some(500));
    wire.bytes(&[0x10, 14]);
    wire.connection.handle_timeout(499);
    assert_eq!(wire.connection.closed(), None);
    wire.connection.handle_timeout(500);
    assert_eq!(wire.failed(Reason::MAXIMUM_CONNECT_TIME), []);
    assert_eq!(wire.connection.poll_timeout(), None);
}

/// Row 88 of the hostile inputs: whoever wants no keep-alive gets one.
#[test]
fn keep_alive() {
    // [MQTT-3.1.2-22]: one and a half times, from the last whole packet.
    for (connect, heard) in [(v5(), true), (v3(), false)] {
        let mut wire = Wire::connected(Settings::default(), Connect { keep_alive: 10, ..connect });
        wire.heard();
        assert_eq!(wire.connection.poll_timeout(), Some(15_000));
        wire.now = 9000;
        wire.say(Packet::Pingreq);
        // [MQTT-3.12.4-1]
        assert_eq!(wire.heard(), [Packet::Pingresp]);
        assert_eq!(wire.connection.poll_timeout(), Some(24_000));
        wire.now = 20_000;
        wire.bytes(&[0x30, 0x7f, 0]);
        wire.connection.handle_timeout(23_999);
        assert_eq!(wire.connection.closed(), None);
        wire.connection.handle_timeout(24_000);
        assert_eq!(wire.failed(Reason::KEEP_ALIVE_TIMEOUT).len(), usize::from(heard));
    }
    // Without one the client is never late, unless the server says so.
    let wire = Wire::connected(Settings::default(), v5());
    assert_eq!(wire.connection.poll_timeout(), None);
    let settings = || Settings { keep_alive_max: 100, ..Settings::default() };
    assert_eq!(Wire::connected(settings(), v3()).connection.poll_timeout(), Some(150_000));
    let long = Connect { keep_alive: u16::MAX, ..v3() };
    assert_eq!(Wire::connected(settings(), long).connection.poll_timeout(), Some(150_000));
}

fn will() -> Will {
    Will {
        qos: QoS::AtLeastOnce,
        retain: true,
        topic: text("gone"),
        payload: Bytes::from_static(b"bye"),
        properties: Properties::default(),
    }
}

#[test]
fn the_will_is_for_those_who_did_not_take_leave() {
    let leave = |reason| Some(Packet::Disconnect(Disconnect::new(reason)));
    let table = [
        (v5(), None, true),
        (v3(), None, true),
        // [MQTT-3.14.4-3]
        (v5(), leave(Reason::SUCCESS), false),
        (v3(), leave(Reason::SUCCESS), false),
        (v5(), leave(Reason::DISCONNECT_WITH_WILL), true),
        (v5(), leave(Reason::UNSPECIFIED_ERROR), true),
    ];
    for (connect, last, published) in table {
        let mut wire = Wire::connected(Settings::default(), Connect { will: Some(will()), ..connect });
        if let Some(packet) = last {
            wire.say(packet);
            assert!(matches!(wire.connection.closed(), Some(Closed::ByClient(_))));
        }
        assert_eq!(wire.connection.finish().will.map(|will| *will), published.then(will));
    }
    let mut wire = Wire::connected(Settings::default(), Connect { will: Some(will()), ..v5() });
    wire.heard();
    wire.connection.disconnect(Reason::SESSION_TAKEN_OVER, None);
    said(&wire.heard(), Reason::SESSION_TAKEN_OVER);
    assert!(wire.connection.finish().will.is_some());
}

#[test]
fn a_will_is_checked() {
    let settings =
        || Settings { topic: crate::topic::Limits { levels_max: 2, length_max: 100 }, ..Settings::default() };
    let mut wire = Wire::new(settings());
    wire.say(Packet::Connect(Box::new(Connect {
        will: Some(Will { topic: text("a/b/c"), ..will() }),
        ..v5()
    })));
    said(&wire.failed(Reason::TOPIC_NAME_INVALID), Reason::TOPIC_NAME_INVALID);
    let properties = Properties::builder().byte(id::PAYLOAD_FORMAT_INDICATOR, 1).finish();
    let payload = Bytes::from_static(b"\xff");
    let mut wire = Wire::new(settings());
    wire.say(Packet::Connect(Box::new(Connect {
        will: Some(Will { properties, payload, ..will() }),
        ..v5()
    })));
    said(&wire.failed(Reason::PAYLOAD_FORMAT_INVALID), Reason::PAYLOAD_FORMAT_INVALID);
}

#[test]
fn session_expiry() {
    let expiry = |seconds| Properties::builder().four(id::SESSION_EXPIRY_INTERVAL, seconds).finish();
    let ended = |connect, last: Option<u32>| {
        let mut wire = Wire::connected(Settings::default(), connect);
        wire.heard();
        if let Some(seconds) = last {
            wire.say(Packet::Disconnect(Disconnect { reason: Reason::SUCCESS, properties: expiry(seconds) }));
        }
        (wire.connection.closed(), wire.connection.finish().session_expiry)
    };
    assert_eq!(ended(v5(), None).1, 0);
    assert_eq!(ended(with(expiry(9)), None).1, 9);
    assert_eq!(ended(with(expiry(9)), Some(0)).1, 0);
    assert_eq!(ended(with(expiry(9)), Some(20)).1, 20);
    assert_eq!(ended(v3(), None).1, 0);
    assert_eq!(ended(Connect { clean_start: false, ..v3() }, None).1, u32::MAX);
    // §3.14.2.2.2
    let (closed, expiry) = ended(v5(), Some(5));
    assert!(matches!(closed, Some(Closed::ByFault(error)) if error.reason == Reason::PROTOCOL_ERROR));
    assert_eq!(expiry, 0);
}

#[test]
fn packets_of_servers_are_refused() {
    let packets = [
        Packet::Connack(Box::new(Connack {
            session_present: false,
            reason: Reason::SUCCESS,
            properties: Properties::default(),
        })),
        Packet::Pingresp,
        Packet::Suback(crate::Suback { packet_id: 1, properties: Properties::default(), reasons: vec![] }),
        Packet::Unsuback(crate::Suback { packet_id: 1, properties: Properties::default(), reasons: vec![] }),
    ];
    for packet in packets {
        let mut wire = Wire::connected(Settings::default(), v5());
        wire.heard();
        assert!(wire.say(packet).is_empty());
        said(&wire.failed(Reason::PROTOCOL_ERROR), Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn words_are_left_out_for_a_client_that_takes_little() {
    // [MQTT-3.14.2-3]
    let properties = Properties::builder().four(id::MAXIMUM_PACKET_SIZE, 20).finish();
    let mut wire = Wire::connected(Settings::default(), with(properties));
    wire.heard();
    wire.connection.disconnect(Reason::ADMINISTRATIVE_ACTION, Some("a long sentence about it"));
    let none = Disconnect::new(Reason::ADMINISTRATIVE_ACTION);
    assert_eq!(wire.heard(), [Packet::Disconnect(none)]);
}

#[test]
fn subscriptions_are_the_broker_s() {
    let mut wire = Wire::connected(Settings::default(), v5());
    wire.heard();
    let filters = vec![Subscription::new(text("a/#"), QoS::AtLeastOnce)];
    let subscribe = Subscribe { packet_id: 5, properties: Properties::default(), filters };
    let events = wire.say(Packet::Subscribe(subscribe.clone()));
    assert!(matches!(&*events, [Event::Subscribe(seen)] if *seen == subscribe));
    wire.connection.suback(5, &[Reason::GRANTED_QOS_1]);
    let unsubscribe =
        Unsubscribe { packet_id: 6, properties: Properties::default(), filters: vec![text("a/#")] };
    let events = wire.say(Packet::Unsubscribe(unsubscribe.clone()));
    assert!(matches!(&*events, [Event::Unsubscribe(seen)] if *seen == unsubscribe));
    wire.connection.unsuback(6, &[Reason::SUCCESS]);
    let answer = |packet_id, reason| crate::Suback {
        packet_id,
        properties: Properties::default(),
        reasons: vec![reason],
    };
    // [MQTT-3.8.4-2], [MQTT-3.8.4-6], [MQTT-3.10.4-4]
    let expected =
        [Packet::Suback(answer(5, Reason::GRANTED_QOS_1)), Packet::Unsuback(answer(6, Reason::SUCCESS))];
    assert_eq!(wire.heard(), expected);
}
