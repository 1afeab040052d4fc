use proptest::prelude::*;

use super::*;

fn is_text(pieces: &[&[u8]]) -> bool {
    let mut utf8 = Utf8::default();
    pieces.iter().all(|piece| utf8.take(piece)) && utf8.is_whole()
}

#[test]
fn cut_anywhere() {
    // The longest and shortest of each length, and Autobahn's κόσμε.
    let text = "κόσμε\0\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}!".as_bytes();
    for first in 0..=text.len() {
        for second in first..=text.len() {
            assert!(is_text(&[&text[..first], &text[first..second], &text[second..]]));
        }
    }
}

#[test]
fn what_is_none_is_seen_at_once() {
    let table: [&[u8]; 9] =
        [b"\x80", b"\xff", b"\xc0", b"\xc1", b"\xe0\x80", b"\xed\xa0", b"\xf0\x80", b"\xf4\x90", b"\xf5"];
    for bytes in table {
        for cut in 0..bytes.len() {
            let mut utf8 = Utf8::default();
            assert!(utf8.take(b"ok") && utf8.take(&bytes[..cut]));
            assert!(!utf8.take(&bytes[cut..]), "{bytes:x?} cut at {cut}");
        }
    }
    assert!(!is_text(&[b"\xf0\x9f\x98"]));
}

proptest! {
    #[test]
    fn as_the_whole(pieces: Vec<Vec<u8>>) {
        let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(is_text(&slices), core::str::from_utf8(&pieces.concat()).is_ok());
    }
}
