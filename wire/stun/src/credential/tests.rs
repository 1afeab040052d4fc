use super::{Algorithm, Key, userhash};

#[test]
fn a_key_is_not_printed() {
    let key = Key::long_term("alice", "example.org", "canary", Algorithm::Sha256);
    assert_eq!(format!("{key:?}"), "Key");
}

#[test]
fn a_name_is_hidden_with_its_realm() {
    assert_ne!(userhash("alice", "example.org"), userhash("alice", "example.com"));
    // RFC 8489 §B.1
    let wanted = "4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704";
    let hex: String =
        userhash("マトリックス", "example.org").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, wanted);
}
