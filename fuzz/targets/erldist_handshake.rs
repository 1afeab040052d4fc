//! The Erlang handshake: whoever does not know the cookie never gets in, whatever is said, dialled or dialling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_erldist::handshake::{Handshake, Local, Output, Randomness};
use nightjar_erldist::{Cookie, NodeName, flags};
use std::time::Duration;

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let whole = heard(*choice, body, body.len().max(1));
    assert_eq!(whole, heard(*choice, body, 1), "what is said depends on the pace");
});

fn heard(choice: u8, body: &[u8], size: usize) -> Vec<Output> {
    let name = |text| NodeName::parse(text).expect("a name");
    let local = Local {
        name: name("b@h"),
        flags: flags::OFFERED,
        creation: 1,
        cookie: Cookie::new("not in the corpus"),
        timeout: Duration::from_secs(7),
    };
    let random = Randomness { challenge: 7, name: 8, creation: 9 };
    let now = Duration::ZERO;
    let mut handshake = match choice & 3 {
        0 => Handshake::accept(local, &[name("a@h"), name("c@h")], random, now),
        1 => Handshake::dial(local, name("a@h"), 6, random, now),
        2 => Handshake::dial(local, name("a@h"), 5, random, now),
        _ => Handshake::dial_unnamed(local, name("a@h"), random, now),
    };
    body.chunks(size).for_each(|piece| handshake.handle_input(piece));
    let outputs: Vec<Output> = std::iter::from_fn(|| handshake.poll_output()).collect();
    assert!(!outputs.iter().any(|output| matches!(output, Output::Established(_))), "in without the cookie");
    handshake.handle_timeout(Duration::from_secs(7));
    assert_eq!(handshake.poll_timeout(), None, "no end");
    outputs
}
