use super::*;
use crate::frame::apply_mask;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const TEXT: Opcode = Opcode::Message(Kind::Text);
const BINARY: Opcode = Opcode::Message(Kind::Binary);
const MORE: Opcode = Opcode::Continuation;

fn settings(kind: Kind) -> Arc<Settings> {
    Arc::new(Settings { kind, message_size_max: 1000, ping_interval_ms: 60_000, timeout_ms: 300_000 })
}

/// A client's frame.
fn frame(opcode: Opcode, is_last: bool, payload: &[u8]) -> Vec<u8> {
    let (mut frame, mut key) = (Vec::new(), KEY);
    Header { opcode, is_last, mask: Some(KEY), length: payload.len() as u64 }.write(&mut frame);
    let start = frame.len();
    frame.extend_from_slice(payload);
    apply_mask(&mut key, &mut frame[start..]);
    frame
}

fn last(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame(opcode, true, payload)
}

/// What comes of bytes that come in pieces of `size`: messages, the last one perhaps unfinished, and what is written.
fn run(kind: Kind, bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, Vec<u8>, Option<Closed>) {
    let mut connection = Connection::server(0, settings(kind));
    let (mut messages, mut output, mut gathered) = (Vec::new(), Vec::new(), Vec::new());
    for piece in bytes.chunks(size.max(1)) {
        let mut piece = piece.to_vec();
        let mut input = piece.as_mut_slice();
        while let Some(piece) = connection.handle_input(1, &mut input) {
            gathered.extend_from_slice(piece.bytes);
            if piece.is_last {
                messages.push(mem::take(&mut gathered));
            }
        }
        assert!(input.is_empty(), "all is taken");
        output.extend(connection.poll_output());
    }
    assert!(
        connection.partial.capacity() == 0 || !connection.partial.is_empty(),
        "nothing is kept for nothing"
    );
    (messages, output, connection.closed())
}

/// The same however the bytes are cut.
fn check(kind: Kind, bytes: &[u8], messages: &[&[u8]], output: &[u8], closed: Option<Closed>) {
    for size in [bytes.len(), 1, 2, 3, 5, 7, 20] {
        let (got, written, ended) = run(kind, bytes, size);
        assert_eq!(got, messages, "in pieces of {size}");
        assert_eq!((&*written, ended), (output, closed), "in pieces of {size}");
    }
}

#[test]
fn messages_and_what_stands_between_their_frames() {
    // §5.7: a single frame; fragments
    check(
        Kind::Text,
        &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
        &[b"Hello"],
        b"",
        None,
    );
    let parts = [frame(TEXT, false, b"Hel"), last(MORE, b"lo")].concat();
    check(Kind::Text, &parts, &[b"Hello"], b"", None);
    // §5.5.2: a ping is answered with its own words, inside a message too; §5.5.3: nobody has asked for a pong.
    let parts = [
        frame(BINARY, false, b"Hel"),
        last(Opcode::Ping, b"Hello"),
        last(Opcode::Pong, b"?"),
        frame(MORE, false, b""),
        last(Opcode::Ping, b""),
        last(MORE, b"lo"),
        last(BINARY, b""),
        last(BINARY, &[7; 300]),
    ];
    let output = b"\x8a\x05Hello\x8a\0";
    check(Kind::Binary, &parts.concat(), &[b"Hello", b"", &[7; 300]], output, None);
    let parts = [frame(TEXT, false, b"\xce"), last(Opcode::Ping, b""), last(MORE, b"\xba")].concat();
    check(Kind::Text, &parts, &["κ".as_bytes()], b"\x8a\0", None);
    // The last empty frame ends a message.
    let parts = [frame(TEXT, false, b"Hello"), last(MORE, b"")].concat();
    check(Kind::Text, &parts, &[b"Hello"], b"", None);
}

fn fault(kind: Kind, bytes: &[u8], code: Code, detail: &'static str) {
    let mut output = Vec::new();
    Header { opcode: Opcode::Close, is_last: true, mask: None, length: detail.len() as u64 + 2 }
        .write(&mut output);
    output.extend(code.0.to_be_bytes());
    output.extend(detail.bytes());
    // Whatever follows is passed over.
    let bytes = [bytes, &last(Opcode::Ping, b"more")].concat();
    check(kind, &bytes, &[], &output, Some(Closed::ByFault(Fault::new(code, detail))));
}

#[test]
fn faults_end_the_connection_with_their_code() {
    let part = frame(TEXT, false, b"");
    let table: [(Kind, Vec<u8>, Code, &str); 13] = [
        (Kind::Text, last(MORE, b"x"), Code::PROTOCOL_ERROR, "the continuation of no message"),
        (
            Kind::Text,
            [part.clone(), last(TEXT, b"x")].concat(),
            Code::PROTOCOL_ERROR,
            "a message inside another",
        ),
        (Kind::Binary, last(TEXT, b"x"), Code::UNSUPPORTED_DATA, "text is not spoken here"),
        (Kind::Text, last(BINARY, b"x"), Code::UNSUPPORTED_DATA, "only text is spoken here"),
        (Kind::Text, last(TEXT, b"\xff"), Code::INVALID_DATA, "a text that isn't UTF-8"),
        (Kind::Text, [part, last(MORE, b"\xff")].concat(), Code::INVALID_DATA, "a text that isn't UTF-8"),
        (
            Kind::Text,
            b"\xc1".to_vec(),
            Code::PROTOCOL_ERROR,
            "a reserved bit of an extension that was not agreed on",
        ),
        (Kind::Text, last(Opcode::Close, b"\x03"), Code::PROTOCOL_ERROR, "half a close code"),
        (
            Kind::Text,
            last(Opcode::Close, b"\x03\xe8\xff"),
            Code::INVALID_DATA,
            "a close reason that isn't UTF-8",
        ),
        (
            Kind::Text,
            last(Opcode::Close, &[0, 0]),
            Code::PROTOCOL_ERROR,
            "a close code that no frame may hold",
        ),
        // Only the header has come, and nothing was gathered.
        (Kind::Binary, last(BINARY, &[0; 1001])[..8].to_vec(), Code::TOO_LARGE, "a message over the limit"),
        (
            Kind::Binary,
            b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".to_vec(),
            Code::TOO_LARGE,
            "a message over the limit",
        ),
        (
            Kind::Binary,
            b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
            Code::PROTOCOL_ERROR,
            "a length of 64 bits",
        ),
    ];
    for (kind, bytes, code, detail) in table {
        fault(kind, &bytes, code, detail);
    }
    // §5.7: unmasked, as only a server may send it.
    fault(Kind::Text, b"\x81\x05Hello", Code::PROTOCOL_ERROR, "a client's frame that isn't masked");
}

#[test]
fn the_limit_is_that_of_a_message_not_of_a_frame() {
    let parts = [frame(BINARY, false, &[1; 600]), last(MORE, &[1; 400])].concat();
    check(Kind::Binary, &parts, &[&[1; 1000]], b"", None);
    let parts = [frame(BINARY, false, &[1; 600]), last(MORE, &[1; 401])].concat();
    let (messages, _, closed) = run(Kind::Binary, &parts, 100);
    let is_too_large = matches!(closed, Some(Closed::ByFault(Fault { code: Code::TOO_LARGE, .. })));
    assert_eq!((messages.len(), is_too_large), (0, true));
}

#[test]
fn a_text_that_ends_inside_a_character() {
    let (_, _, closed) = run(Kind::Text, &last(TEXT, b"x\xce"), 100);
    let fault = Fault::new(Code::INVALID_DATA, "a text that ends inside a character");
    assert_eq!(closed, Some(Closed::ByFault(fault)));
}

#[test]
fn a_close_frame_is_answered_with_its_code() {
    let at = |payload: &[u8]| last(Opcode::Close, payload);
    check(Kind::Text, &at(b""), &[], b"\x88\0", Some(Closed::ByPeer(None)));
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1014, 3000, 4999] {
        let [high, low] = u16::to_be_bytes(code);
        let closed = Some(Closed::ByPeer(Some(Code(code))));
        check(Kind::Text, &at(&[high, low, b'b', b'y', b'e']), &[], &[0x88, 2, high, low], closed);
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        let (_, _, closed) = run(Kind::Text, &at(&u16::to_be_bytes(code)), 100);
        assert!(matches!(closed, Some(Closed::ByFault(_))), "{code}");
    }
}

#[test]
fn the_server_closes_once() {
    let mut connection = Connection::server(0, settings(Kind::Text));
    connection.close(Code::GOING_AWAY, &"é".repeat(100));
    connection.close(Code::NORMAL, "");
    let output = connection.poll_output();
    // 61 whole characters: the 62nd would have been cut.
    assert_eq!((output.len(), &output[..4]), (2 + 2 + 122, &[0x88, 124, 0x03, 0xe9][..]));
    assert_eq!(connection.closed(), Some(Closed::ByCaller(Code::GOING_AWAY)));
    let mut ping = last(Opcode::Ping, b"");
    assert_eq!(connection.handle_input(1, &mut ping.as_mut_slice()), None);
    assert!(connection.poll_output().is_empty());
    assert_eq!(connection.poll_timeout(), None);
}

#[test]
fn messages_of_the_server_have_one_header() {
    let mut connection = Connection::server(0, settings(Kind::Binary));
    for (length, header) in
        [(5, &[0x82, 5][..]), (256, &[0x82, 126, 1, 0]), (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0])]
    {
        let mut out = Vec::new();
        connection.write_message(&[IoSlice::new(&[7; 3]), IoSlice::new(&vec![7; length - 3])], &mut out);
        assert_eq!((&out[..header.len()], out.len()), (header, header.len() + length));
        assert!(out[header.len()..].iter().all(|byte| *byte == 7));
    }
}

#[test]
fn a_silent_client_is_asked_twice() {
    let mut connection = Connection::server(0, settings(Kind::Text));
    for at in [60_000, 120_000] {
        assert_eq!(connection.poll_timeout(), Some(at));
        connection.handle_timeout(at - 1);
        assert!(connection.poll_output().is_empty());
        connection.handle_timeout(at);
        assert_eq!(connection.poll_output(), b"\x89\0");
    }
    let mut pong = last(Opcode::Pong, b"");
    connection.handle_input(130_000, &mut pong.as_mut_slice());
    assert_eq!(connection.poll_timeout(), Some(190_000));
    for at in [190_000, 250_000] {
        connection.handle_timeout(at);
    }
    assert_eq!(connection.closed(), None);
    connection.handle_timeout(310_000);
    assert_eq!(connection.closed(), Some(Closed::BySilence));
}

#[test]
fn silence_without_questions() {
    let settings = Settings { ping_interval_ms: 0, ..Settings::clone(&settings(Kind::Text)) };
    let mut connection = Connection::server(5, Arc::new(settings.clone()));
    assert_eq!(connection.poll_timeout(), Some(300_005));
    connection.handle_timeout(300_005);
    assert_eq!(connection.closed(), Some(Closed::BySilence));
    let connection = Connection::server(5, Arc::new(Settings { timeout_ms: 0, ..settings }));
    assert_eq!(connection.poll_timeout(), None);
}

#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Connection>() <= 144, "{}", size_of::<Connection>());
}

/// The client's end, whose masks are 1, 2, 3 and so on.
fn client() -> Connection {
    let mut last = 0_u32;
    let masks = Masks::new(move || {
        last += 1;
        last.to_be_bytes()
    });
    Connection::client(0, settings(Kind::Binary), masks)
}

#[test]
fn a_client_masks_each_frame_with_another_mask() {
    let mut connection = client();
    let mut out = Vec::new();
    connection.write_message(&[IoSlice::new(&[0; 3]), IoSlice::new(&[0; 2])], &mut out);
    assert_eq!(out, [0x82, 0x85, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
    // A server's frames come as they are; a ping is answered.
    let mut frames = b"\x89\x01\x10\x82\x05Hello".to_vec();
    let piece = connection.handle_input(1, &mut frames.as_mut_slice()).map(|piece| piece.bytes.to_vec());
    assert_eq!(piece.as_deref(), Some(&b"Hello"[..]));
    assert_eq!(connection.poll_output(), [0x8a, 0x81, 0, 0, 0, 2, 0x10]);
    connection.close(Code::NORMAL, "");
    assert_eq!(connection.poll_output(), [0x88, 0x82, 0, 0, 0, 3, 0x03, 0xe8]);
    assert_eq!(connection.closed(), Some(Closed::ByCaller(Code::NORMAL)));
}

#[test]
fn what_no_server_may_send() {
    let huge = b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
    let table: [(&[u8], Code, &str); 7] = [
        (b"\x82\x85\x37\xfa\x21\x3d\x7f", Code::PROTOCOL_ERROR, "a server's frame that is masked"),
        (b"\x89\x80\0\0\0\0", Code::PROTOCOL_ERROR, "a server's frame that is masked"),
        (b"\x83\0", Code::PROTOCOL_ERROR, "a reserved opcode"),
        (b"\x80\0", Code::PROTOCOL_ERROR, "the continuation of no message"),
        (b"\x81\x01x", Code::UNSUPPORTED_DATA, "text is not spoken here"),
        (b"\x88\x02\x03\xed", Code::PROTOCOL_ERROR, "a close code that no frame may hold"),
        (huge, Code::TOO_LARGE, "a message over the limit"),
    ];
    for (bytes, code, detail) in table {
        let mut connection = client();
        let mut bytes = bytes.to_vec();
        assert_eq!(connection.handle_input(1, &mut bytes.as_mut_slice()), None, "{detail}");
        assert_eq!(connection.closed(), Some(Closed::ByFault(Fault::new(code, detail))));
        // The close frame that says so is masked as well.
        let (header, length) = Header::read(&connection.poll_output(), Sender::Client).unwrap().unwrap();
        assert_eq!((header.opcode, length), (Opcode::Close, 6), "{detail}");
    }
    // What a server says is a client's fault.
    let mut connection = client();
    let mut bytes = b"\x88\x02\x03\xf0".to_vec();
    assert_eq!(connection.handle_input(1, &mut bytes.as_mut_slice()), None);
    assert_eq!(connection.closed(), Some(Closed::ByPeer(Some(Code::POLICY_VIOLATION))));
}
