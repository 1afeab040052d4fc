use super::{Class, Message, MessageError, Method, TransactionId, class_and_method, type_word};
use crate::attribute::{ErrorCode, kind};
use crate::builder::Builder;
use crate::credential::{Algorithm, Integrity, Key, userhash};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// RFC 5769 §2.1
const REQUEST: &str = "
    00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74
    00 24 00 04 6e 00 01 ff 80 29 00 08 93 2f f9 b1 51 26 3b 36
    00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20
    00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2
    80 28 00 04 e5 7a 3b cf";
/// RFC 5769 §2.2
const ANSWER_IPV4: &str = "
    01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 08 00 01 a1 47 e1 12 a6 43
    00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7
    80 28 00 04 c0 7d 4c 96";
/// RFC 5769 §2.3
const ANSWER_IPV6: &str = "
    01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9
    00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41
    80 28 00 04 c8 fb 0b 4c";
/// RFC 5769 §2.4
const LONG_TERM: &str = "
    00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
    00 06 00 12 e3 83 9e e3 83 88 e3 83 aa e3 83 83 e3 82 af e3 82 b9 00 00
    00 15 00 1c 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 79 36 34 73 41
    00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
    00 08 00 14 f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 8c a8 96 66";

#[test]
fn the_examples_of_rfc_5769_are_read() {
    let key = Key::short_term("VOkJxbRl1RmTxUk/WvJxBt");
    for (text, class, mapped) in [
        (REQUEST, Class::Request, None),
        (ANSWER_IPV4, Class::Success, Some("192.0.2.1:32853")),
        (ANSWER_IPV6, Class::Success, Some("[2001:db8:1234:5678:11:2233:4455:6677]:32853")),
    ] {
        let bytes = hex(text);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.class, message.method), (class, Method::BINDING));
        assert!(message.has_fingerprint() && message.verify(&key));
        assert!(!message.verify(&Key::short_term("VOkJxbRl1RmTxUk")));
        let found = message.get_xor_address(kind::XOR_MAPPED_ADDRESS);
        assert_eq!(found, mapped.map(|address| address.parse().unwrap()));
    }
    let bytes = hex(REQUEST);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.get(kind::USERNAME), Some(b"evtj:h6vY".as_slice()));
    assert_eq!(message.unknown(&[kind::USERNAME]), [0x0024]);
}

#[test]
fn a_long_term_credential_is_checked() {
    let bytes = hex(LONG_TERM);
    let message = Message::parse(&bytes).unwrap();
    let key = Key::long_term("マトリックス", "example.org", "TheMatrIX", Algorithm::Md5);
    assert!(message.verify(&key));
    assert!(!message.verify(&Key::long_term("マトリックス", "example.com", "TheMatrIX", Algorithm::Md5)));
}

/// RFC 8489 §B.1, as its erratum 6268 gives it
const HIDDEN_NAME: &str = "
    00 01 00 90 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
    00 1e 00 20 4a 3c f3 8f ef 69 92 bd a9 52 c6 78 04 17 da 0f 24 81 94 15 56 9e 60 b2 05 c4 6e 41 40 7f 17 04
    00 15 00 29 6f 62 4d 61 74 4a 6f 73 32 41 41 41 43 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39
    46 53 54 76 79 36 34 73 41 00 00 00
    00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
    00 1d 00 04 00 02 00 00
    00 1c 00 20 b5 c7 bf 00 5b 6c 52 a2 1c 51 c5 e8 92 f8 19 24 13 62 96 cb 92 7c 43 14 93 09 27 8c c6 51 8e 65";

#[test]
fn a_hidden_name_is_checked_with_sha256() {
    let bytes = hex(HIDDEN_NAME);
    let message = Message::parse(&bytes).unwrap();
    let user = "マトリックス";
    assert_eq!(message.get(kind::USERHASH), Some(userhash(user, "example.org").as_slice()));
    assert_eq!(message.get(kind::NONCE), Some(b"obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA".as_slice()));
    for (password, algorithm, is_right) in [
        ("TheMatrIX", Algorithm::Sha256, true),
        ("TheMatrIX", Algorithm::Md5, false),
        ("TheMatrix", Algorithm::Sha256, false),
    ] {
        let key = Key::long_term(user, "example.org", password, algorithm);
        assert_eq!(message.verify(&key), is_right, "{password} {algorithm:?}");
    }
    assert!(message.has_integrity_sha256());
}

/// RFC 8489 §10, §14.15, §14.16: no server of ours sends clients elsewhere, but what does so is understood.
#[test]
fn an_alternate_server_is_written_and_read() {
    for alternate in ["192.0.2.44:3478", "[2001:db8::44]:5349"] {
        let alternate = alternate.parse().unwrap();
        let mut out = Vec::new();
        Builder::new(&mut out, Class::Error, Method::ALLOCATE, TransactionId([1; 16]))
            .error_code(ErrorCode::TRY_ALTERNATE)
            .address(kind::ALTERNATE_SERVER, alternate)
            .bytes(kind::ALTERNATE_DOMAIN, b"turn.example.org")
            .finish();
        let message = Message::parse(&out).unwrap();
        assert_eq!(
            message.get(kind::ERROR_CODE).map(|value| &value[2..]),
            Some(&b"\x03\x00Try Alternate"[..])
        );
        assert_eq!(message.get_address(kind::ALTERNATE_SERVER), Some(alternate));
        assert_eq!(message.get(kind::ALTERNATE_DOMAIN), Some(b"turn.example.org".as_slice()));
        assert!(message.unknown(&[kind::ERROR_CODE]).is_empty(), "both may be left out of account");
    }
    for broken in
        [&b""[..], &[0, 1, 1], &[0, 1, 1, 1, 1, 1, 1], &[0, 3, 1, 1, 1, 1, 1, 1], &[0, 2, 1, 1, 1, 1, 1, 1]]
    {
        let mut out = Vec::new();
        Builder::new(&mut out, Class::Error, Method::ALLOCATE, TransactionId([1; 16]))
            .bytes(kind::ALTERNATE_SERVER, broken)
            .finish();
        assert_eq!(Message::parse(&out).unwrap().get_address(kind::ALTERNATE_SERVER), None, "{broken:?}");
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let key = Key::short_term("VOkJxbRl1RmTxUk/WvJxBt");
    let bytes = hex(REQUEST);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let accepted =
            Message::parse(&changed).is_ok_and(|message| message.has_fingerprint() && message.verify(&key));
        assert!(!accepted, "byte {at}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let whole = hex(ANSWER_IPV4);
    for length in 0..whole.len() {
        assert!(Message::parse(&whole[..length]).is_err(), "{length}");
    }
    for (text, error) in [
        ("", MessageError::Foreign),
        ("16 03 01 02 00 01 00 01 fc 03 03 00 00 00 00 00 00 00 00 00 00", MessageError::Foreign),
        ("47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a 0d 0a 0d 0a", MessageError::Foreign),
        ("00 01 00 02 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 00 00", MessageError::Foreign),
        // An attribute longer than the message, and one that ends inside its header.
        ("00 01 00 04 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 00 06 ff ff", MessageError::Malformed),
        (
            "00 01 00 08 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 00 06 00 05 01 02 03 04",
            MessageError::Malformed,
        ),
        (
            "00 01 00 08 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 80 28 00 04 01 02 03 04",
            MessageError::Fingerprint,
        ),
    ] {
        assert_eq!(Message::parse(&hex(text)).unwrap_err(), error, "{text}");
    }
}

#[test]
fn a_message_of_very_many_attributes_is_refused() {
    let mut bytes = hex("00 01 00 00 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00");
    bytes.extend(std::iter::repeat_n([0x7f, 0, 0, 0], 100).flatten());
    bytes[2..4].copy_from_slice(&400_u16.to_be_bytes());
    assert_eq!(Message::parse(&bytes).unwrap_err(), MessageError::Malformed);
}

#[test]
fn attributes_behind_the_integrity_do_not_count() {
    let key = Key::short_term("k");
    let mut out = Vec::new();
    Builder::new(&mut out, Class::Request, Method::ALLOCATE, TransactionId([1; 16]))
        .bytes(kind::USERNAME, b"alice")
        .sign(&key, Integrity::Sha1)
        .bytes(kind::REALM, b"smuggled")
        .finish();
    let message = Message::parse(&out).unwrap();
    assert!(message.verify(&key));
    assert_eq!((message.get(kind::USERNAME), message.get(kind::REALM)), (Some(b"alice".as_slice()), None));
}

#[test]
fn what_is_written_is_read() {
    for integrity in [Integrity::Sha1, Integrity::Sha256] {
        let key = Key::long_term("u", "r", "p", Algorithm::Sha256);
        let mut out = b"before".to_vec();
        let peer = "[2001:db8::1]:4711".parse().unwrap();
        let mut transaction = [7; 16];
        transaction[..4].copy_from_slice(&super::MAGIC_COOKIE);
        Builder::new(&mut out, Class::Error, Method::CREATE_PERMISSION, TransactionId(transaction))
            .error_code(ErrorCode::STALE_NONCE)
            .xor_address(kind::XOR_PEER_ADDRESS, peer)
            .unknown_attributes(&[1, 2, 3])
            .sign(&key, integrity)
            .finish_with_fingerprint();
        let message = Message::parse(&out[6..]).unwrap();
        assert_eq!((message.class, message.method), (Class::Error, Method::CREATE_PERMISSION));
        assert_eq!(
            message.get(kind::ERROR_CODE).unwrap(),
            [&[0, 0, 4, 38], "Stale Nonce".as_bytes()].concat()
        );
        assert_eq!(message.get_xor_address(kind::XOR_PEER_ADDRESS), Some(peer));
        assert_eq!(message.get(kind::UNKNOWN_ATTRIBUTES), Some([0, 1, 0, 2, 0, 3].as_slice()));
        assert!(message.has_fingerprint() && message.verify(&key) && !message.transaction.is_classic());
        assert_eq!(message.has_integrity_sha256(), integrity == Integrity::Sha256);
    }
}

#[test]
fn types_are_bits_apart() {
    for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
        for method in 0..0x1000 {
            let word = type_word(class, Method(method));
            assert_eq!((word & 0xc000, class_and_method(word)), (0, (class, Method(method))));
        }
    }
    assert_eq!(type_word(Class::Error, Method::ALLOCATE), 0x0113);
}
