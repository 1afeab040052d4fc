//! Hellos of DTLS: what isn't kept for an address that has shown nothing is never answered with more than it sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_stun::dtls_hello::{Cookies, Hello, is_dtls, renumber};

fuzz_target!(|input: &[u8]| {
    renumber(&mut input.to_vec(), u64::MAX);
    let Some(hello) = Hello::parse(input) else { return };
    assert!(is_dtls(input));
    let (cookies, remote) = (Cookies::new([7; 32]), ([192, 0, 2, 1], 5000).into());
    assert!(!cookies.is_good(0, remote, &hello), "nobody knows the secret");
    assert!(hello.verify_request(&cookies.make(0, remote, &hello)).len() <= input.len() + 32);
    assert!(hello.alert().len() <= input.len());
    let before = hello.before();
    let before = Hello::parse(&before).expect("a hello without its cookie is one");
    assert_eq!((before.message(), before.sequence(), before.random()), (0, 0, hello.random()));
});
