use super::masked;

#[test]
fn only_the_network_is_shown() {
    for (field, value, wanted) in [
        ("ip", "203.0.113.77", "203.0.113.x"),
        ("peer", "203.0.113.77:5222", "203.0.113.x"),
        ("ip", "Some(203.0.113.77)", "203.0.113.x"),
        ("peer", "[2001:db8:aa:bb::1]:443", "2001:db8:aa::x"),
        ("ip", "127.0.0.1", "127.0.0.1"),
        ("peer", "[::1]:9", "[::1]:9"),
        ("ip", "unix", "unix"),
        ("version", "203.0.113.77", "203.0.113.77"),
    ] {
        assert_eq!(masked(field, value.to_owned()), wanted, "{field}={value}");
    }
}
