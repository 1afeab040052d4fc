//! The machines of streams between servers, the one that is called and the one that calls, driven by arbitrary bytes in
//! arbitrary pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| nightjar_xmpp::fuzz::fuzz_s2s(input));
