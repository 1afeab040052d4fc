use super::{header, parse, stream_length};

#[test]
fn channel_data_has_four_bytes_in_front() {
    assert_eq!(header(0x4001, 3), [0x40, 1, 0, 3]);
    for (bytes, wanted) in [
        (&b"\x40\x01\x00\x03abc"[..], Some((0x4001, &b"abc"[..]))),
        (b"\x40\x01\x00\x03abc\x00", Some((0x4001, b"abc"))),
        (b"\x4f\xff\x00\x00", Some((0x4fff, b""))),
        (b"\x40\x01\x00\x04abc", None),
        (b"\x7f\xff\x00\x00", Some((0x7fff, b""))),
        (b"\x80\x00\x00\x00", None),
        (b"\x3f\xff\x00\x00", None),
        (b"\x40\x01\x00", None),
        (b"", None),
    ] {
        assert_eq!(parse(bytes), wanted, "{bytes:?}");
    }
}

#[test]
fn on_a_stream_it_is_padded() {
    assert_eq!(stream_length(&[0x40, 0, 0, 0]), Some(4));
    assert_eq!(stream_length(&[0x40, 0, 0, 5]), Some(12));
    assert_eq!(stream_length(&[0x00, 1, 0, 4]), None);
}
