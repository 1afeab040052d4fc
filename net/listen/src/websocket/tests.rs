use std::collections::BTreeMap;
use std::future::poll_fn;
use std::path::Path;

use http::{HeaderName, Request};
use nightjar_config::{Declarations, Environment, load_with};
use nightjar_websocket::frame::{Header, Opcode, Sender, apply_mask};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::*;
use crate::socket::Socket;

fn config(lines: &str) -> Config {
    let yaml = format!("hosts: [example.org, localhost]\n{lines}\n");
    let files = BTreeMap::from([("a.yml".into(), yaml.into_bytes())]);
    let declarations = Declarations { toplevel: TOPLEVEL, ..Declarations::default() };
    load_with(Path::new("a.yml"), &declarations, &Environment::default(), &files).unwrap().0
}

fn ask(lines: &str, changes: &[(&'static str, &str)]) -> (u16, http::HeaderMap, String) {
    let mut request = Request::new(());
    let fields = [
        ("host", "xmpp.example.net:5443"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chat, superchat"),
    ];
    for (name, value) in fields.iter().chain(changes) {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    match answer(&request.into_parts().0, &config(lines), &["chat"]) {
        Ok(response) => (response.status().as_u16(), response.headers().clone(), String::new()),
        Err(response) => (response.status().as_u16(), response.headers().clone(), response.into_body()),
    }
}

#[test]
fn the_answers_header() {
    let (status, headers, _) = ask("", &[]);
    assert_eq!(status, 101);
    let table = [
        (UPGRADE, "websocket"),
        (CONNECTION, "Upgrade"),
        (SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        (SEC_WEBSOCKET_PROTOCOL, "chat"),
    ];
    for (name, value) in table {
        assert_eq!(headers.get(&name).and_then(|value| value.to_str().ok()), Some(value), "{name}");
    }
}

#[test]
fn refusals_say_what_would_do() {
    let (status, headers, body) = ask("", &[("sec-websocket-version", "8")]);
    assert_eq!((status, &*body), (426, "the version of WebSocket here is 13.\n"));
    assert_eq!(headers.get(SEC_WEBSOCKET_VERSION).unwrap(), "13");
    let (status, headers, _) = ask("", &[("upgrade", "h2c")]);
    assert_eq!((status, headers.get(UPGRADE).unwrap().to_str().unwrap()), (426, "websocket"));
    assert_eq!(ask("", &[("sec-websocket-key", "x")]).0, 400);
}

#[test]
fn whose_pages_may_connect() {
    let listed = "websocket_origin: [\"https://chat.test:8081\", \"https://one.test https://two.test/\"]";
    let table: &[(&str, &str, bool)] = &[
        // The host that is asked, a virtual host, and names below one, by any port.
        ("", "https://xmpp.example.net", true),
        ("", "https://XMPP.example.net:8443", true),
        ("", "https://example.org", true),
        ("", "https://chat.example.org", true),
        ("", "http://localhost:3000", true),
        ("", "https://example.net", false),
        ("", "https://evilexample.org", false),
        ("", "https://example.org.evil.test", false),
        ("", "https://example.org@evil.test", false),
        ("", "null", false),
        ("", "file://", false),
        ("", "", false),
        (listed, "https://chat.test:8081", true),
        (listed, "HTTPS://chat.test:8081", true),
        (listed, "https://one.test", true),
        (listed, "https://two.test", true),
        (listed, "https://chat.test", false),
        (listed, "http://one.test", false),
        (listed, "https://example.org", false),
        ("websocket_origin: https://one.test", "https://one.test", true),
        ("websocket_origin: ignore", "https://evil.test", true),
        ("websocket_origin: ignore", "null", true),
    ];
    for (lines, origin, may) in table {
        let status = if *may { 101 } else { 403 };
        assert_eq!(ask(lines, &[("origin", origin)]).0, status, "{lines}: {origin}");
    }
    // An address of IPv6 has colons of its own.
    assert_eq!(ask("", &[("host", "[::1]:5443"), ("origin", "http://[::1]")]).0, 101);
    assert_eq!(ask("", &[("host", "[::1]:5443"), ("origin", "http://[::2]")]).0, 403);
}

#[test]
fn settings_are_shared_until_they_change() {
    let shared = SharedSettings::default();
    let before = shared.get(&config(""), Kind::Text, 10);
    assert_eq!((before.ping_interval_ms, before.timeout_ms), (60_000, 300_000));
    assert!(Arc::ptr_eq(&before, &shared.get(&config(""), Kind::Text, 10)));
    let after = shared.get(&config("websocket_ping_interval: 3\nwebsocket_timeout: 7"), Kind::Text, 10);
    assert_eq!((after.ping_interval_ms, after.timeout_ms), (3_000, 7_000));
}

fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let (mut frame, mut key) = (Vec::new(), [1, 2, 3, 4]);
    Header { opcode, is_last: true, mask: Some(key), length: payload.len() as u64 }.write(&mut frame);
    let start = frame.len();
    frame.extend_from_slice(payload);
    apply_mask(&mut key, &mut frame[start..]);
    frame
}

fn pair(early: Vec<u8>) -> (WebSocket, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let settings = SharedSettings::default().get(&config(""), Kind::Binary, 1000);
    (WebSocket::server(0, Transport::new(Socket::Unix(ours)), early, settings), theirs)
}

/// Reads until a message is whole or the connection has ended.
async fn message(socket: &mut WebSocket) -> Option<Vec<u8>> {
    let (mut gathered, mut is_whole) = (Vec::new(), false);
    while !is_whole {
        let mut take = |piece: &Piece<'_>| {
            gathered.extend_from_slice(piece.bytes);
            is_whole |= piece.is_last;
        };
        if !poll_fn(|context| socket.poll_read(context, 1, &mut take)).await.unwrap() {
            return None;
        }
    }
    Some(gathered)
}

#[tokio::test]
async fn messages_both_ways() {
    let binary = Opcode::Message(Kind::Binary);
    let (mut socket, mut peer) = pair(masked(binary, b"early"));
    assert_eq!(message(&mut socket).await.unwrap(), b"early");
    peer.write_all(&[masked(Opcode::Ping, b"?"), masked(binary, b"late")].concat()).await.unwrap();
    assert_eq!(message(&mut socket).await.unwrap(), b"late");
    socket.send(&[IoSlice::new(b"one "), IoSlice::new(b"message")]);
    let mut output = [0; 3 + 2 + 11];
    peer.read_exact(&mut output).await.unwrap();
    assert_eq!(&output, b"\x8a\x01?\x82\x0bone message");
    assert_eq!((socket.unsent(), socket.poll_timeout()), (0, Some(60_001)));
    socket.handle_timeout(60_001);
    peer.read_exact(&mut output[..2]).await.unwrap();
    assert_eq!(&output[..2], b"\x89\0");
}

#[tokio::test]
async fn both_ends() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let settings = SharedSettings::default().get(&config(""), Kind::Binary, 1000);
    let transport = |socket| Transport::new(Socket::Unix(socket));
    let masks = Masks::new(|| [9, 8, 7, 6]);
    let mut server = WebSocket::server(0, transport(theirs), Vec::new(), Arc::clone(&settings));
    let mut client = WebSocket::client(0, transport(ours), b"\x82\x05early".to_vec(), settings, masks);
    assert_eq!(message(&mut client).await.unwrap(), b"early");
    client.send(&[IoSlice::new(b"one "), IoSlice::new(b"message")]);
    assert_eq!(message(&mut server).await.unwrap(), b"one message");
    server.send(&[IoSlice::new(b"an answer")]);
    assert_eq!(message(&mut client).await.unwrap(), b"an answer");
    drop(server.close(Code::GOING_AWAY, "bye"));
    assert_eq!(message(&mut client).await, None);
    assert_eq!(client.closed(), Some(Closed::ByPeer(Some(Code::GOING_AWAY))));
}

#[tokio::test]
async fn nothing_follows_a_close_frame() {
    let (mut socket, mut peer) = pair(Vec::new());
    peer.write_all(&masked(Opcode::Close, &[0x03, 0xe8])).await.unwrap();
    assert_eq!(message(&mut socket).await, None);
    assert_eq!(socket.closed(), Some(Closed::ByPeer(Some(Code::NORMAL))));
    socket.send(&[IoSlice::new(b"too late")]);
    drop(socket.close(Code::GOING_AWAY, "too late"));
    let mut output = Vec::new();
    peer.read_to_end(&mut output).await.unwrap();
    assert_eq!(output, [0x88, 2, 0x03, 0xe8]);
    let read = Header::read(&output, Sender::Server).unwrap().unwrap().0;
    assert_eq!(read.opcode, Opcode::Close);
}
