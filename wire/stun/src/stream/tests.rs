use super::{Piece, first};

#[test]
fn messages_are_told_apart() {
    let binding = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    for length in 0..20 {
        assert_eq!(first(&binding[..length], true), Piece::Part, "{length}");
    }
    assert_eq!(first(&binding, false), Piece::Whole(20));
    assert_eq!(first(&[&binding[..], &[1]].concat(), false), Piece::Whole(20));
    assert_eq!(first(&[0x40, 0, 0, 1, 9], true), Piece::Part, "padding belongs to it");
    assert_eq!(first(&[0x40, 0, 0, 1, 9, 0, 0, 0], true), Piece::Whole(8));
}

/// Row 74 of the hostile inputs.
#[test]
fn other_protocols_are_noticed_at_once() {
    for text in [&b"GET / HTTP/1.1"[..], &[0x16, 3, 1, 2], &[0x80, 1, 0, 0], &[0, 1, 0, 3], &[0xc0, 0, 0, 0]]
    {
        assert_eq!(first(text, false), Piece::Foreign, "{text:?}");
    }
}
