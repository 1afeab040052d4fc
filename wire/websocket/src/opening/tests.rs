use super::*;

const TARGET: Target<'_> = Target { authority: "server.example.com", path: "/chat?x", protocol: "mqtt" };
/// The bytes of the key of §1.3.
const NONCE: [u8; 16] = *b"the sample nonce";
const RIGHT: &[(&str, &str)] = &[
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("Sec-WebSocket-Protocol", "mqtt"),
];

/// The answer of §1.3, with these fields in place of its own; those without a value are left out.
fn answer(changes: &[(&str, &str)]) -> String {
    let mut head = "HTTP/1.1 101 Switching Protocols\r\n".to_owned();
    let kept = RIGHT.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    for (name, value) in kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// What comes of bytes, the same however they are cut.
fn check(bytes: &[u8], wanted: Result<Option<&[u8]>, NotOpened>) {
    for size in [bytes.len(), 1, 2, 3, 7, 100] {
        let (mut opening, _) = Opening::new(&TARGET, NONCE);
        let mut chunks = bytes.chunks(size.max(1));
        let mut got = Ok(None);
        while got == Ok(None)
            && let Some(chunk) = chunks.next()
        {
            got = opening.handle_input(chunk);
        }
        if let Ok(Some(rest)) = &mut got {
            chunks.for_each(|chunk| rest.extend_from_slice(chunk));
        }
        let wanted = wanted.map(|rest| rest.map(<[u8]>::to_vec));
        assert_eq!(
            got,
            wanted,
            "in pieces of {size}: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
        );
    }
}

#[test]
fn the_example_of_the_specification() {
    let (_, request) = Opening::new(&TARGET, NONCE);
    let wanted = "GET /chat?x HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Protocol: mqtt\r\n\r\n";
    assert_eq!(request, wanted);
    check(answer(&[]).as_bytes(), Ok(Some(b"")));
}

#[test]
fn what_is_accepted() {
    let table: [&[(&str, &str)]; 5] = [
        &[("upgrade", "WebSocket"), ("Upgrade", "")],
        &[("Connection", "keep-alive, upgrade")],
        &[("Server", "a\u{e9}")],
        &[("Content-Length", "0")],
        &[("Sec-WebSocket-Protocol", "  mqtt  ")],
    ];
    for changes in table {
        check(answer(changes).as_bytes(), Ok(Some(b"")));
    }
    let frames = b"\x82\x02\xd0\0\r\n\r\n";
    check(&[answer(&[]).as_bytes(), frames].concat(), Ok(Some(frames)));
    // Frames may come with the head, as many as they like.
    let frames = vec![b'\n'; 2 * HEAD_MAX];
    check(&[answer(&[]).as_bytes(), &frames].concat(), Ok(Some(&frames)));
}

#[test]
fn what_is_refused() {
    const UPGRADES: NotOpened = NotOpened::Wrong("its answer upgrades to no WebSocket");
    const ACCEPT: NotOpened =
        NotOpened::Wrong("its answer has another Sec-WebSocket-Accept than the key asks for");
    const EXTENSION: NotOpened = NotOpened::Wrong("its answer has an extension that wasn't asked for");
    const PROTOCOL: NotOpened =
        NotOpened::Wrong("its answer doesn't have the subprotocol that was asked for");
    let table: [(&[(&str, &str)], NotOpened); 11] = [
        (&[("Upgrade", "")], UPGRADES),
        (&[("Upgrade", "h2c")], UPGRADES),
        (&[("Connection", "")], UPGRADES),
        (&[("Connection", "close")], UPGRADES),
        (&[("Sec-WebSocket-Accept", "")], ACCEPT),
        // Its case matters.
        (&[("Sec-WebSocket-Accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")], ACCEPT),
        (&[("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); 2], ACCEPT),
        (&[("Sec-WebSocket-Extensions", "permessage-deflate")], EXTENSION),
        (&[("Sec-WebSocket-Protocol", "")], PROTOCOL),
        (&[("Sec-WebSocket-Protocol", "mqttv3.1")], PROTOCOL),
        (&[("Sec-WebSocket-Protocol", "mqtt, xmpp")], PROTOCOL),
    ];
    for (changes, refused) in table {
        check(answer(changes).as_bytes(), Err(refused));
    }
}

#[test]
fn what_is_another_answer() {
    let table: [(&[u8], NotOpened); 9] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NotOpened::Status(200)),
        (b"HTTP/1.1 302 Found\r\nLocation: ws://other.example/\r\n\r\n", NotOpened::Status(302)),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", NotOpened::Status(401)),
        (b"HTTP/1.1 404\r\n\r\n", NotOpened::Status(404)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", NotOpened::Status(100)),
        (b"HTTP/1.0 101 Switching Protocols\r\n\r\n", NotOpened::NoHttp),
        (b"HTTP/2 101 Switching Protocols\r\n\r\n", NotOpened::NoHttp),
        (b"\x20\x02\0\0\r\n\r\n", NotOpened::NoHttp),
        (b"HTTP/1.1 101 Switching Protocols\r\n: x\r\n\r\n", NotOpened::NoHttp),
    ];
    for (bytes, refused) in table {
        check(bytes, Err(refused));
    }
    check(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs", Ok(None));
}

#[test]
fn a_line_is_looked_at_when_it_is_whole() {
    check(b"\n\x81He", Ok(None));
    check(b"\n\x81He\n", Err(NotOpened::NoHttp));
}

#[test]
fn a_head_is_bounded() {
    let first = "HTTP/1.1 101 Switching Protocols\r\n";
    let filler = |length: usize| format!("X: {}\r\n", "x".repeat(length - 5));
    let rest = answer(&[]).replace(first, "");
    let room = HEAD_MAX - first.len() - rest.len();
    check(format!("{first}{}{rest}", filler(room)).as_bytes(), Ok(Some(b"")));
    check(format!("{first}{}{rest}", filler(room + 1)).as_bytes(), Err(NotOpened::TooLarge));
    check(format!("{first}X: {}", "x".repeat(2 * HEAD_MAX)).as_bytes(), Err(NotOpened::TooLarge));
    check(format!("{first}{}", "X: y\r\n".repeat(101)).as_bytes(), Err(NotOpened::TooLarge));
    check("x".repeat(2 * HEAD_MAX).as_bytes(), Err(NotOpened::NoHttp));
    // That it is no WebSocket is known before.
    let long = format!("HTTP/1.1 200 OK\r\n{}", filler(2 * HEAD_MAX));
    check(long.as_bytes(), Err(NotOpened::Status(200)));
}
