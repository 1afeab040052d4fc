//! Either end of a WebSocket with a peer that says anything, cut anywhere: how it is cut changes nothing, what the machine
//! writes are whole frames, and it holds no more than a control frame. The same bytes as an answer to a client's request.
//!
//! The first byte chooses the end, the kind of messages and the size of pieces.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use nightjar_websocket::{
    Closed, Connection, Header, Kind, Masks, NotOpened, Opening, Sender, Settings, Target,
};

const MESSAGE_MAX: u64 = 300;

fn run(end: Sender, kind: Kind, input: &[u8], size: usize) -> (Vec<Vec<u8>>, Vec<u8>, Option<Closed>) {
    let settings = Settings { kind, message_size_max: MESSAGE_MAX, ping_interval_ms: 10, timeout_ms: 35 };
    let settings = Arc::new(settings);
    let mut connection = match end {
        Sender::Server => Connection::server(0, settings),
        Sender::Client => Connection::client(0, settings, Masks::new(|| [1, 2, 3, 4])),
    };
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

fn open(input: &[u8], size: usize) -> Result<Option<Vec<u8>>, NotOpened> {
    let target = Target { authority: "example.org", path: "/", protocol: "mqtt" };
    let (mut opening, _) = Opening::new(&target, *b"the sample nonce");
    let mut pieces = input.chunks(size);
    while let Some(piece) = pieces.next() {
        if let Some(mut rest) = opening.handle_input(piece)? {
            pieces.for_each(|piece| rest.extend_from_slice(piece));
            return Ok(Some(rest));
        }
    }
    Ok(None)
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, input)) = input.split_first() else { return };
    let kind = if choice & 1 == 0 { Kind::Text } else { Kind::Binary };
    let end = if choice & 2 == 0 { Sender::Server } else { Sender::Client };
    let size = usize::from(choice / 4) + 1;
    let whole = run(end, kind, input, input.len().max(1));
    assert_eq!(run(end, kind, input, size), whole);
    let mut output = whole.1.as_slice();
    while !output.is_empty() {
        let (header, length) = Header::read(output, end).unwrap().unwrap();
        output = &output[length + usize::try_from(header.length).unwrap()..];
    }
    assert_eq!(open(input, size), open(input, input.len().max(1)));
});
