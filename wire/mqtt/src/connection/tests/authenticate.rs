use super::*;

fn asking(method: &str) -> Connect {
    let properties = Properties::builder().text(id::AUTHENTICATION_METHOD, method);
    with(properties.binary(id::AUTHENTICATION_DATA, b"first").finish())
}

fn auth(reason: Reason, method: &str, data: &[u8]) -> Packet {
    let properties = Properties::builder().text(id::AUTHENTICATION_METHOD, method);
    Packet::Auth(Auth { reason, properties: properties.binary(id::AUTHENTICATION_DATA, data).finish() })
}

fn challenged() -> Wire {
    let mut wire = Wire::new(Settings { connect_timeout_ms: 1000, ..Settings::default() });
    let events = wire.say(Packet::Connect(Box::new(asking("SCRAM-SHA-256"))));
    let [Event::Connect(connect)] = &*events else { panic!("{events:?}") };
    assert_eq!(connect.authentication_method(), Text::new("SCRAM-SHA-256"));
    assert_eq!(connect.authentication_data().as_deref(), Some(&b"first"[..]));
    assert_eq!(wire.connection.poll_timeout(), None);
    wire.connection.authenticate(Some(b"challenge"));
    assert_eq!(wire.heard(), [auth(Reason::CONTINUE_AUTHENTICATION, "SCRAM-SHA-256", b"challenge")]);
    wire
}

#[test]
fn steps_before_connack() {
    let mut wire = challenged();
    assert_eq!(wire.connection.poll_timeout(), Some(1000));
    let events = wire.say(auth(Reason::CONTINUE_AUTHENTICATION, "SCRAM-SHA-256", b"proof"));
    assert!(
        matches!(&*events, [Event::Authenticate { again: false, data: Some(data) }] if **data == *b"proof")
    );
    let accept = Accept { authentication_data: Some(b"last".to_vec()), ..Accept::default() };
    wire.connection.accept(0, Session::new(1), &accept);
    let heard = wire.heard();
    let [Packet::Connack(connack)] = &*heard else { panic!("{heard:?}") };
    // [MQTT-4.12.0-5]
    assert_eq!(connack.properties.text(id::AUTHENTICATION_METHOD), Text::new("SCRAM-SHA-256"));
    assert_eq!(connack.properties.bytes(id::AUTHENTICATION_DATA).as_deref(), Some(&b"last"[..]));
}

#[test]
fn what_may_not_come_before_connack() {
    let table = [
        Packet::Pingreq,
        Packet::Publish(publish(QoS::AtMostOnce, 0)),
        // [MQTT-4.12.0-1]
        auth(Reason::CONTINUE_AUTHENTICATION, "SCRAM-SHA-1", b""),
        auth(Reason::REAUTHENTICATE, "SCRAM-SHA-256", b""),
        auth(Reason::SUCCESS, "SCRAM-SHA-256", b""),
    ];
    for packet in table {
        let mut wire = challenged();
        assert!(wire.say(packet).is_empty());
        said(&wire.failed(Reason::PROTOCOL_ERROR), Reason::PROTOCOL_ERROR);
    }
    let mut wire = challenged();
    wire.say(Packet::Disconnect(Disconnect::new(Reason::SUCCESS)));
    assert_eq!(wire.connection.closed(), Some(Closed::ByClient(Reason::SUCCESS)));
    let mut wire = challenged();
    wire.connection.handle_timeout(1000);
    said(&wire.failed(Reason::MAXIMUM_CONNECT_TIME), Reason::MAXIMUM_CONNECT_TIME);
}

#[test]
fn authentication_that_was_not_agreed_on() {
    // [MQTT-4.12.0-6], [MQTT-4.12.0-7]
    let mut wire = Wire::new(Settings::default());
    wire.say(Packet::Connect(Box::new(v5())));
    wire.connection.authenticate(Some(b"x"));
    assert_eq!(wire.heard(), []);
    wire.connection.accept(0, Session::new(1), &Accept::default());
    wire.heard();
    wire.say(auth(Reason::REAUTHENTICATE, "M", b""));
    said(&wire.failed(Reason::PROTOCOL_ERROR), Reason::PROTOCOL_ERROR);
}

#[test]
fn again_while_connected() {
    let mut wire = Wire::connected(Settings::default(), asking("M"));
    wire.heard();
    let events = wire.say(auth(Reason::REAUTHENTICATE, "M", b"1"));
    assert!(matches!(&*events, [Event::Authenticate { again: true, .. }]));
    wire.connection.authenticate(Some(b"2"));
    // Messages flow meanwhile (§4.12.1).
    assert!(matches!(&*wire.say(Packet::Publish(publish(QoS::AtMostOnce, 0))), [Event::Publish(_)]));
    let events = wire.say(auth(Reason::CONTINUE_AUTHENTICATION, "M", b"3"));
    assert!(matches!(&*events, [Event::Authenticate { again: false, .. }]));
    wire.connection.authenticated(Some(b"4"));
    let expected = [auth(Reason::CONTINUE_AUTHENTICATION, "M", b"2"), auth(Reason::SUCCESS, "M", b"4")];
    assert_eq!(wire.heard(), expected);
    // [MQTT-4.12.1-1]; and a step that nobody asked for
    for packet in [auth(Reason::REAUTHENTICATE, "N", b""), auth(Reason::CONTINUE_AUTHENTICATION, "M", b"")] {
        let mut wire = Wire::connected(Settings::default(), asking("M"));
        wire.heard();
        assert!(wire.say(packet).is_empty());
        said(&wire.failed(Reason::PROTOCOL_ERROR), Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn again_has_its_time() {
    let settings = Settings { connect_timeout_ms: 1000, ..Settings::default() };
    let mut wire = Wire::connected(settings, asking("M"));
    wire.heard();
    wire.say(auth(Reason::REAUTHENTICATE, "M", b"1"));
    wire.connection.authenticate(Some(b"2"));
    wire.heard();
    assert_eq!(wire.connection.poll_timeout(), Some(1000));
    wire.connection.handle_timeout(999);
    assert_eq!(wire.connection.closed(), None);
    wire.connection.handle_timeout(1000);
    said(&wire.failed(Reason::MAXIMUM_CONNECT_TIME), Reason::MAXIMUM_CONNECT_TIME);
    let mut wire = Wire::connected(Settings { connect_timeout_ms: 1000, ..Settings::default() }, asking("M"));
    wire.say(auth(Reason::REAUTHENTICATE, "M", b"1"));
    wire.connection.authenticated(None);
    assert_eq!(wire.connection.poll_timeout(), None);
}
