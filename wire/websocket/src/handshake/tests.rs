use http::HeaderValue;

use super::*;

const SPOKEN: &[&str] = &["mqtt", "mqttv3.1"];
/// §1.3
const FIELDS: &[(&str, &str)] = &[
    ("host", "server.example.com"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
];

/// The request of §1.3, with these fields in place of its own; those without a value are left out.
fn fields(changes: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in FIELDS.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name)) {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// Names and values of header fields.
type Fields = &'static [(&'static str, &'static str)];

fn ask(changes: Fields) -> Result<Accepted, Refusal> {
    check(&Method::GET, Version::HTTP_11, &fields(changes), SPOKEN)
}

#[test]
fn the_example_of_the_specification() {
    let accepted = ask(&[]).unwrap();
    assert_eq!((&*accepted.accept, accepted.protocol), ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", None));
}

#[test]
fn what_is_accepted() {
    let table: [(Fields, Option<&str>); 7] = [
        (&[("upgrade", "WebSocket"), ("connection", "keep-alive, upgrade")], None),
        (&[("upgrade", "h2c, websocket")], None),
        (&[("content-length", "0")], None),
        (&[("sec-websocket-protocol", "mqtt")], Some("mqtt")),
        (&[("sec-websocket-protocol", "amqp, mqttv3.1 ,mqtt")], Some("mqttv3.1")),
        (&[("sec-websocket-protocol", "amqp"), ("sec-websocket-protocol", "mqtt")], Some("mqtt")),
        (&[("sec-websocket-extensions", "permessage-deflate")], None),
    ];
    for (changes, protocol) in table {
        assert_eq!(ask(changes).map(|accepted| accepted.protocol), Ok(protocol), "{changes:?}");
    }
}

#[test]
fn what_is_refused() {
    const KEY: Refusal = Refusal::Bad("Sec-WebSocket-Key must be given once, 16 bytes in Base64");
    const PROTOCOL: Refusal = Refusal::Bad("none of these subprotocols is spoken here");
    const BODY: Refusal = Refusal::Bad("the request must have no body");
    let table: [(Fields, Refusal); 15] = [
        (&[("upgrade", "")], Refusal::NotAsked),
        (&[("upgrade", "h2c")], Refusal::NotAsked),
        (&[("connection", "keep-alive")], Refusal::Bad("Connection must say Upgrade")),
        (&[("sec-websocket-version", "")], Refusal::Version),
        (&[("sec-websocket-version", "8")], Refusal::Version),
        (&[("sec-websocket-version", "13"), ("sec-websocket-version", "13")], Refusal::Version),
        (&[("sec-websocket-key", "")], KEY),
        (&[("sec-websocket-key", "c2hvcnQ=")], KEY),
        (&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ")], KEY),
        (&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="); 2], KEY),
        (&[("sec-websocket-protocol", "xmpp")], PROTOCOL),
        // It is compared as it stands.
        (&[("sec-websocket-protocol", "MQTT")], PROTOCOL),
        (&[("sec-websocket-protocol", ",")], PROTOCOL),
        (&[("content-length", "5")], BODY),
        (&[("transfer-encoding", "chunked")], BODY),
    ];
    for (changes, refusal) in table {
        assert_eq!(ask(changes), Err(refusal), "{changes:?}");
    }
    for (method, version) in [(Method::POST, Version::HTTP_11), (Method::GET, Version::HTTP_10)] {
        let refused = check(&method, version, &fields(&[]), SPOKEN);
        assert_eq!(refused, Err(Refusal::Bad("WebSocket begins with GET and HTTP/1.1")));
    }
}
