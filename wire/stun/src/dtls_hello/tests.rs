use super::*;

/// A hello of a client.
fn hello(sequence: u8, message: u8, cookie: &[u8]) -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([7; 32]);
    body.push(0);
    body.push(cookie.len() as u8);
    body.extend(cookie);
    body.extend([0, 2, 0xc0, 0x2b, 1, 0]);
    let length = body.len() as u8;
    let mut bytes = vec![22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, sequence, 0, length + 12];
    bytes.extend([1, 0, 0, length, 0, message, 0, 0, 0, 0, 0, length]);
    bytes.extend(body);
    bytes
}

fn somebody() -> SocketAddr {
    "192.0.2.1:5000".parse().unwrap()
}

#[test]
fn a_cookie_shows_who_gets_our_packets() {
    let cookies = Cookies::new([1; 32]);
    let bytes = hello(3, 0, b"");
    let first = Hello::parse(&bytes).unwrap();
    assert!(!cookies.is_good(0, somebody(), &first), "a hello without a cookie");
    let cookie = cookies.make(0, somebody(), &first);
    let answer = first.verify_request(&cookie);
    assert!(answer.len() <= bytes.len());
    assert_eq!(answer.get(3..11), bytes.get(3..11), "the record's number is the hello's");
    let bytes = hello(4, 1, &cookie);
    let second = Hello::parse(&bytes).unwrap();
    assert_eq!((second.cookie(), second.message(), second.sequence()), (Some(cookie), 1, 4));
    for (now, from, is_good) in [
        (0, "192.0.2.1:5000", true),
        (59_999, "192.0.2.1:5000", true),
        (60_000, "192.0.2.1:5000", false),
        (0, "192.0.2.1:5001", false),
        (0, "192.0.2.2:5000", false),
    ] {
        assert_eq!(cookies.is_good(now, from.parse().unwrap(), &second), is_good, "{now} {from}");
    }
    assert!(!Cookies::new([2; 32]).is_good(0, somebody(), &second), "another server's");
    let mut other = bytes.clone();
    other[30] ^= 1;
    assert!(!cookies.is_good(0, somebody(), &Hello::parse(&other).unwrap()), "another handshake's");
    assert_eq!(second.before(), hello(0, 0, b""));
}

#[test]
fn whatever_is_no_whole_hello_is_nothing() {
    let whole = hello(0, 1, &[9; 32]);
    assert!(Hello::parse(&whole).is_some());
    let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
    let changed = [(0, 23), (1, 3), (4, 1), (12, 9), (13, 2), (16, 1), (21, 1), (24, 1), (59, 200), (59, 33)];
    let changed = changed.into_iter().map(|(at, value)| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        bytes
    });
    let longer = [whole.clone(), vec![0]].concat();
    for bytes in cut.chain(changed).chain([longer]) {
        assert!(Hello::parse(&bytes).is_none(), "{bytes:?}");
    }
    // A cookie that says to be longer than the hello.
    let mut bytes = whole.clone();
    bytes[60] = 255;
    assert!(Hello::parse(&bytes).is_none());
}

#[test]
fn whatever_comes_is_looked_at_without_harm() {
    let cookies = Cookies::new([1; 32]);
    let whole = hello(0, 1, &[9; 32]);
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            if let Some(hello) = Hello::parse(&bytes) {
                let answer = hello.verify_request(&cookies.make(0, somebody(), &hello));
                assert!(answer.len() <= bytes.len());
                assert!(!cookies.is_good(0, somebody(), &hello));
                assert!(Hello::parse(&hello.before()).is_some());
            }
            renumber(&mut bytes, u64::MAX);
        }
    }
}

#[test]
fn dtls_1_0_is_told_that_it_is_outdated() {
    let mut bytes = hello(5, 0, b"");
    assert!(!Hello::parse(&bytes).unwrap().is_outdated());
    bytes[26] = 0xff;
    let old = Hello::parse(&bytes).unwrap();
    assert!(old.is_outdated());
    assert_eq!(old.alert(), [21, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 2, 2, 70]);
}

#[test]
fn records_that_are_not_encrypted_are_counted_on() {
    let mut bytes = [hello(1, 0, b""), hello(2, 0, b"")].concat();
    let mut encrypted = hello(0, 0, b"");
    encrypted[4] = 1;
    bytes.extend(&encrypted);
    renumber(&mut bytes, 5);
    assert_eq!(bytes, [hello(6, 0, b""), hello(7, 0, b""), encrypted].concat());
}

#[test]
fn the_first_byte_tells() {
    for (first, expected) in
        [(0, false), (3, false), (19, false), (20, true), (22, true), (63, true), (64, false)]
    {
        assert_eq!(is_dtls(&[first, 1]), expected, "{first}");
    }
    assert!(!is_dtls(&[]));
}
