//! Erlang terms and frames: what is read is written and read again as the same, and no peer that knows the cookie
//! breaks a session.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_erldist::handshake::Peer;
use nightjar_erldist::message::{Frame, Limits, MessageReader, write};
use nightjar_erldist::rpc::{Outcome, Output, Session, SessionSettings};
use nightjar_erldist::term::{self, Term};
use nightjar_erldist::{Flags, NodeName, flags};
use std::time::Duration;

const WITH_HEADER: Flags = Flags(flags::OFFERED.0 | flags::DIST_HDR_ATOM_CACHE.0 | flags::FRAGMENTS.0);

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let agreed = if choice & 1 == 1 { WITH_HEADER } else { flags::OFFERED };
    match choice & 6 {
        0 => read_term(body),
        2 => read_frame(agreed, body),
        _ => serve(agreed, body),
    }
});

fn read_term(bytes: &[u8]) {
    let limits = term::Limits { bytes: 1 << 20, nodes: 10_000, depth: 64 };
    let Ok(term) = Term::decode(bytes, &limits) else { return };
    let _ = (term.to_string(), term.to_text());
    // A list whose tail is a list is one list: written, it may be less deep, never deeper.
    let written = term::encode(&term);
    let again = Term::decode(&written, &limits).expect("what was read can be written");
    assert_eq!(term::encode(&again), written);
}

fn read_frame(agreed: Flags, frame: &[u8]) {
    let Ok(Frame::Message(message)) = MessageReader::new(agreed, Limits::default()).read(frame) else {
        return;
    };
    let written = write(agreed, &message.control, message.payload.as_ref());
    let again = MessageReader::new(agreed, Limits::default()).read(&written[4..]);
    let Ok(Frame::Message(again)) = again else { panic!("{message:?}") };
    assert_eq!(again.control, message.control);
}

fn serve(agreed: Flags, bytes: &[u8]) {
    let name = |text| NodeName::parse(text).expect("a name");
    let peer = Peer { name: name("a@h"), flags: agreed, creation: 1, is_hidden: true, is_named_by_us: false };
    let now = Duration::ZERO;
    let mut session = Session::new(SessionSettings::new(name("b@h"), 2, 1), peer, now);
    session.call(now, "erlang", "node", Vec::new());
    for piece in bytes.chunks(1000) {
        session.handle_input(now, piece);
        while let Some(output) = session.poll_output() {
            if let Output::Call(call) = output {
                session.print(now, call.id, "text");
                session.finish(now, call.id, Outcome::Undefined);
            }
        }
    }
    session.connection_lost();
    assert_eq!(session.open_calls(), 0);
}
