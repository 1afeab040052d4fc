//! Messages of STUN from datagrams and from streams: what is read is never beyond the message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_stun::credential::{Algorithm, Key};
use nightjar_stun::message::Message;
use nightjar_stun::stream;

fuzz_target!(|input: &[u8]| {
    for has_allocation in [false, true] {
        let _ = stream::first(input, has_allocation);
    }
    let Ok(message) = Message::parse(input) else { return };
    assert_eq!(message.bytes(), input);
    for attribute in message.attributes() {
        assert!(attribute.value.len() <= input.len());
        let _ = message.get_u32(attribute.kind);
        let _ = message.get_xor_address(attribute.kind);
    }
    let _ = message.unknown(&[]);
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let key = Key::long_term("alice", "example.org", "not in the corpus", algorithm);
        assert!(!message.verify(&key), "nobody knows the key");
    }
});
