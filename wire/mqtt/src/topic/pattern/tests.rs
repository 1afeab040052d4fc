use super::*;

fn covers(pattern: &str, topic: &str, user: &str, client_id: &str) -> bool {
    let in_group = |group: &str| group == "staff";
    let who = Who { user, domain: "example.org", client_id, in_group: &in_group };
    Pattern::parse(pattern).unwrap().covers(topic.as_bytes(), &who)
}

#[test]
fn patterns_cover_topics() {
    for (pattern, topic, expected) in [
        ("a/b", "a/b", true),
        ("a/b", "a/c", false),
        ("a/b", "a/b/c", false),
        ("a/b/c", "a/b", false),
        ("a/+", "a/b", true),
        ("a/+", "a/+", true),
        ("a/+", "a/#", false),
        ("a/#", "a", true),
        ("a/#", "a/b/c", true),
        ("a/#", "a/+/c", true),
        ("a/#", "a/#", true),
        // A filter that means more than the pattern
        ("a/b/#", "a/#", false),
        ("a/b/#", "a/+/c", false),
        ("a/b", "+/b", false),
        ("a/b", "#", false),
        ("#", "#", true),
        ("#", "$SYS/x", false),
        ("+/x", "$SYS/x", false),
        ("$SYS/#", "$SYS/x", true),
        ("%u/#", "romeo/x", true),
        ("%u/#", "juliet/x", false),
        ("%d/%u/%c", "example.org/romeo/phone", true),
        ("%d/%u/%c", "example.org/romeo/other", false),
        ("%g/x", "staff/x", true),
        ("%g/x", "guests/x", false),
        // Only whole levels are replaced.
        ("x%u", "xromeo", false),
        ("x%u", "x%u", true),
    ] {
        assert_eq!(covers(pattern, topic, "romeo", "phone"), expected, "{pattern} {topic}");
    }
}

/// A user or a client may be called `+` or `#`.
#[test]
fn wildcards_in_names_gain_nothing() {
    for (pattern, topic, user, client_id) in [
        ("home/%u/#", "home/+/x", "+", "c"),
        ("home/%u", "home/#", "#", "c"),
        ("home/%c/x", "home/+/x", "u", "+"),
        ("home/%c", "home/#", "u", "#"),
        // A name with a slash in it is no level, nor two.
        ("home/%u", "home/a/b", "a/b", "c"),
        ("home/%c/x", "home/a/b/x", "u", "a/b"),
    ] {
        assert!(!covers(pattern, topic, user, client_id), "{pattern} {topic}");
    }
}

#[test]
fn patterns_are_filters() {
    for wrong in ["", "a#", "#/a", "a/+b", "$share/g"] {
        assert_eq!(Pattern::parse(wrong), Err(PatternError));
    }
}
