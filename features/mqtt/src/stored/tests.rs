use super::{decode_pairs, encode_pairs};

#[test]
fn user_properties_are_stored_as_ejabberd_does() {
    // term_to_binary([{<<"a">>, <<"b">>}])
    let one = [131, 108, 0, 0, 0, 1, 104, 2, 109, 0, 0, 0, 1, 97, 109, 0, 0, 0, 1, 98, 106];
    for (pairs, bytes) in [(&[] as &[_], &[] as &[u8]), (&[("a", "b")], &one)] {
        assert_eq!(encode_pairs(pairs.iter().copied()), bytes);
        let read = decode_pairs(bytes);
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, pairs);
    }
}

#[test]
fn damaged_user_properties_are_read_as_far_as_they_go() {
    let pairs = [("a", "b"), ("c", "d")];
    let whole = encode_pairs(pairs.iter().copied());
    for length in 0..whole.len() {
        assert!(decode_pairs(&whole[..length]).len() <= 2);
    }
    assert_eq!(decode_pairs(&[131, 108, 0, 0, 0, 1, 104, 2, 109, 255, 255, 255, 255]), []);
}
