use super::*;
use crate::testing::node;

#[test]
fn places_read_like_paths() {
    let listen = Place::TOP.key("listen");
    let second = listen.index(1);
    assert_eq!(second.key("port").to_string(), "listen[2].port");
    assert_eq!(Place::TOP.to_string(), "");
    assert_eq!(second.last_key(), Some("listen"));
    assert_eq!(Place::TOP.last_key(), None);
}

#[test]
fn nodes_are_equal_when_they_say_the_same() {
    for (left, right, same) in [
        ("{a: 1}", "a: 1", true),
        ("a: x", "a: \"x\"", true),
        ("a: 1", "a: \"1\"", false),
        ("[a, b]", "- a\n- b", true),
        ("[a, b]", "[b, a]", false),
        ("{}", "[]", false),
        ("a:", "a: ''", false),
    ] {
        assert_eq!(node(left) == node(right), same, "{left} {right}");
    }
}

#[test]
fn nodes_describe_themselves() {
    for (text, described) in [
        ("[a:]", "a list"),
        ("[]", "an empty list"),
        ("{}", "an empty map"),
        ("{a: b}", "a map"),
        ("5", "a number"),
        ("\"5\"", "a string"),
        ("''", "an empty string"),
    ] {
        assert_eq!(node(text).describe(), described, "{text}");
    }
    assert_eq!(node("a:").get("a").unwrap().describe(), "nothing");
    assert_eq!(node("{a: [1, 2], b: 3}").size(), 5);
}
