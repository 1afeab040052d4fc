use super::*;

#[test]
fn remaining_lengths() {
    // Table 2-1 of MQTT 3.1.1: the smallest and the largest number of each size.
    let table: [(&[u8], u32); 8] = [
        (&[0], 0),
        (&[0x7f], 127),
        (&[0x80, 0x01], 128),
        (&[0xff, 0x7f], 16_383),
        (&[0x80, 0x80, 0x01], 16_384),
        (&[0xff, 0xff, 0x7f], 2_097_151),
        (&[0x80, 0x80, 0x80, 0x01], 2_097_152),
        (&[0xff, 0xff, 0xff, 0x7f], 268_435_455),
    ];
    for (bytes, value) in table {
        assert_eq!(variable(bytes), Ok(Some((value, bytes.len()))));
        for cut in 0..bytes.len() {
            assert_eq!(variable(&bytes[..cut]), Ok(None));
        }
        let mut written = Vec::new();
        crate::packet::write::variable(&mut written, value as usize);
        assert_eq!(
            (written.len(), &*written),
            (crate::packet::write::variable_length(value as usize), bytes)
        );
    }
    // [MQTT-1.5.5-1], and five bytes
    for bytes in [&[0x80, 0][..], &[0xff, 0x80, 0], &[0xff, 0xff, 0xff, 0xff], &[0x80, 0x80, 0x80, 0x80, 1]] {
        assert!(variable(bytes).is_err());
    }
}

#[test]
fn packets_are_cut_from_a_stream() {
    let stream = [0xc0, 0, 0x30, 3, 0, 1, b'a', 0xc0, 0];
    // In pieces of each size.
    for size in 1..=stream.len() {
        let (mut input, mut kinds) = (BytesMut::new(), Vec::new());
        for piece in stream.chunks(size) {
            input.extend_from_slice(piece);
            while let Ok(Some(header)) = Header::read(&input, 100) {
                let Some(body) = header.take_body(&mut input) else { break };
                kinds.push((header.kind, body.len()));
            }
        }
        assert_eq!(kinds, [(Kind::Pingreq, 0), (Kind::Publish, 3), (Kind::Pingreq, 0)]);
        assert!(input.is_empty());
    }
}

#[test]
fn a_large_packet_is_refused_by_its_first_bytes() {
    let at = |limit| Header::read(&[0x30, 0xff, 0x7f], limit).map_err(|error| error.reason);
    assert_eq!(at(16_385), Err(Reason::PACKET_TOO_LARGE));
    assert_eq!(at(16_386).map(|header| header.map(|header| header.total())), Ok(Some(16_386)));
}
