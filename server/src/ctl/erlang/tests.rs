use super::{atom, reason, string};

#[test]
fn terms_look_like_erlangs() {
    for (text, wanted) in [
        ("info", "info"),
        ("ejabberd@localhost", "ejabberd@localhost"),
        ("ejabberd@example.org", "'ejabberd@example.org'"),
        ("Upper", "'Upper'"),
        ("it's", "'it\\'s'"),
        ("", "''"),
    ] {
        assert_eq!(atom(text), wanted, "{text}");
    }
    assert_eq!(string("a \"b\"\n"), "\"a \\\"b\\\"\\n\"");
    assert_eq!(reason("no_session"), "no_session");
    assert_eq!(reason("Unknown virtual host"), "\"Unknown virtual host\"");
}
