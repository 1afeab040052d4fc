use super::masked;

#[test]
fn only_the_network_is_shown() {
    for (field, value, wanted) in [
        ("ip", "203.0.113.77", "203.0.113.x"),
        ("peer", "203.0.113.77:5222", "203.0.113.x"),
        ("ip", "Some(203.0.113.77)", "Some(203.0.113.x)"),
        ("peer", "[2001:db8:aa:bb::1]:443", "2001:db8:aa::x"),
        ("peer", "::ffff:203.0.113.77", "203.0.113.x"),
        ("ip", "127.0.0.1", "127.0.0.1"),
        ("peer", "[::1]:9", "[::1]:9"),
        ("address", "[::]:5222", "[::]:5222"),
        ("ip", "unix", "unix"),
        ("version", "203.0.113.77", "203.0.113.77"),
        // Whatever the field.
        ("source", "Address(203.0.113.77)", "Address(203.0.113.x)"),
        ("error", "connect to [2001:db8:aa::1]: refused", "connect to 2001:db8:aa::x: refused"),
        ("error", "203.0.113.77: refused by 203.0.113.78.", "203.0.113.x: refused by 203.0.113.x."),
        (
            "message",
            "from this IP address (2001:db8::1). Until 10:00:00",
            "from this IP address (2001:db8:0::x). Until 10:00:00",
        ),
        ("network", "203.0.113.77/32", "203.0.113.x/32"),
        // What only looks like it.
        (
            "message",
            "nightjar_base::delivery a::b_c 1.2.3 12:30",
            "nightjar_base::delivery a::b_c 1.2.3 12:30",
        ),
        ("jid", "romeo@203.0.113.77/x", "romeo@203.0.113.77/x"),
        ("message", "ä.ö: é", "ä.ö: é"),
    ] {
        assert_eq!(masked(field, value.to_owned()), wanted, "{field}={value}");
    }
}
