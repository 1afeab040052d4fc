//! The server's end of a WebSocket with a client that says anything, cut anywhere: how it is cut changes nothing, what the
//! machine writes are whole frames, and it holds no more than a control frame.
//!
//! The first byte chooses the kind of messages and the size of pieces.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use nightjar_websocket::{Closed, Connection, Header, Kind, Sender, Settings};

const MESSAGE_MAX: u64 = 300;

fn run(kind: Kind, input: &[u8], size: usize) -> (Vec<Vec<u8>>, Vec<u8>, Option<Closed>) {
    let settings = Settings { kind, message_size_max: MESSAGE_MAX, ping_interval_ms: 10, timeout_ms: 35 };
    let mut connection = Connection::server(0, Arc::new(settings));
    let (mut messages, mut gathered, mut output) = (Vec::new(), Vec::new(), Vec::new());
    for piece in input.chunks(size) {
        let mut piece = piece.to_vec();
        let mut rest = piece.as_mut_slice();
        while let Some(piece) = connection.handle_input(0, &mut rest) {
            gathered.extend_from_slice(piece.bytes);
            assert!(gathered.len() as u64 <= MESSAGE_MAX);
            if piece.is_last {
                let message = std::mem::take(&mut gathered);
                assert!(kind == Kind::Binary || std::str::from_utf8(&message).is_ok());
                messages.push(message);
            }
        }
        assert!(rest.is_empty());
        output.extend(connection.poll_output());
    }
    let closed = connection.closed();
    while let Some(at) = connection.poll_timeout() {
        connection.handle_timeout(at);
    }
    assert!(connection.closed().is_some());
    (messages, output, closed)
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, input)) = input.split_first() else { return };
    let kind = if choice & 1 == 0 { Kind::Text } else { Kind::Binary };
    let whole = run(kind, input, input.len().max(1));
    assert_eq!(run(kind, input, usize::from(choice / 2) + 1), whole);
    let mut output = whole.1.as_slice();
    while !output.is_empty() {
        let (header, length) = Header::read(output, Sender::Server).unwrap().unwrap();
        output = &output[length + usize::try_from(header.length).unwrap()..];
    }
});
