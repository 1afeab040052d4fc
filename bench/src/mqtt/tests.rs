use super::*;

#[test]
fn frames_are_read_as_they_are_written() {
    for (qos, length) in [(0, 3), (1, 100), (2, 122), (1, 20_000), (0, 300_000)] {
        let mut bytes = Vec::new();
        publish("a/b", qos, 0x1234, &vec![7; length], &mut bytes);
        for cut in [0, 1, 3, bytes.len() - 1] {
            assert_eq!(next_frame(bytes.get(..cut).unwrap()), None, "{cut} of {length}");
        }
        let frame = next_frame(&bytes).unwrap();
        let wanted = if qos == 0 { 0 } else { 0x1234 };
        assert_eq!((frame.kind(), frame.qos(), frame.total), (PUBLISH, qos, bytes.len()));
        assert_eq!(frame.identified(), (wanted, vec![7; length].as_slice()));
    }
}

#[test]
fn answers() {
    let mut bytes = Vec::new();
    answer(PUBACK, 0x0102, &mut bytes);
    answer(PUBREL, 0x0304, &mut bytes);
    assert_eq!(bytes, [0x40, 2, 1, 2, 0x62, 2, 3, 4]);
    assert_eq!(next_frame(&bytes).unwrap().identified(), (0x0102, [].as_slice()));
}
