use super::{decode, encode};
use nightjar_store::Value;

#[test]
fn whole_numbers_return() {
    for number in [0, 1, -1, 9_999, 10_000, -10_000, 10_001, 123_456_789, 100_000_000, i64::MAX, i64::MIN] {
        assert_eq!(decode(&encode(number)), Some(Value::Int(number)), "{number}");
    }
}

#[test]
fn fractions_read_as_text() {
    let words = |words: &[u16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    for (raw, expected) in [
        (words(&[2, 0, 0, 1, 12, 5_000]), "12.5"),
        (words(&[1, 0xffff, 0x4000, 3, 50]), "-0.005"),
        (words(&[3, 1, 0, 6, 1, 2, 3_456]), "10002.345600"),
        (words(&[0, 0, 0xc000, 0]), "NaN"),
    ] {
        assert_eq!(decode(&raw), Some(Value::from(expected)));
    }
    assert_eq!(decode(&words(&[1, 0, 0])), None);
    assert_eq!(decode(&words(&[2, 0, 0, 0, 1])), None);
    assert_eq!(decode(&[0; 9]), None);
}
