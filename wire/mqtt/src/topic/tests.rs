use super::*;

/// The examples of §4.7.1 to §4.7.3.
const MATCHES: [(&str, &str, bool); 32] = [
    ("sport/tennis/player1/#", "sport/tennis/player1", true),
    ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
    ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
    ("sport/#", "sport", true),
    ("sport/#", "sports", false),
    ("#", "a", true),
    ("#", "/", true),
    ("sport/tennis/+", "sport/tennis/player1", true),
    ("sport/tennis/+", "sport/tennis/player1/ranking", false),
    ("sport/+", "sport", false),
    ("sport/+", "sport/", true),
    ("+/+", "/finance", true),
    ("/+", "/finance", true),
    ("+", "/finance", false),
    ("+/tennis/#", "sport/tennis", true),
    ("sport/+/player1", "sport/tennis/player1", true),
    ("sport/+/player1", "sport//player1", true),
    ("sport/+/player1", "sport/player1", false),
    // [MQTT-4.7.2-1]
    ("#", "$SYS/uptime", false),
    ("+/uptime", "$SYS/uptime", false),
    ("+/monitor/Clients", "$SYS/monitor/Clients", false),
    ("$SYS/#", "$SYS/uptime", true),
    ("$SYS/#", "$SYS", true),
    ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
    ("a/#", "a/$SYS", true),
    ("a/+", "a/$SYS", true),
    // [MQTT-4.7.3-4]: names are compared byte by byte; slashes count
    ("ACCOUNTS", "Accounts", false),
    ("Accounts payable", "Accounts payable", true),
    ("/finance", "finance", false),
    ("finance/", "finance", false),
    ("/", "/", true),
    ("//", "/", false),
];

pub(crate) fn matching_table() -> impl Iterator<Item = (&'static [u8], &'static [u8], bool)> {
    MATCHES.iter().map(|(filter, name, expected)| (filter.as_bytes(), name.as_bytes(), *expected))
}

#[test]
fn filters_match_names() {
    for (filter, name, expected) in matching_table() {
        assert_eq!(matches(filter, name), expected, "{filter:?} {name:?}");
    }
}

#[test]
fn names() {
    let limits = Limits { levels_max: 3, length_max: 10 };
    let long = "a/".repeat(LEVELS_MAX - 1);
    let longer = "/".repeat(LEVELS_MAX);
    for (name, limits, valid) in [
        ("a", limits, true),
        ("/", limits, true),
        ("a b/ü/c", limits, true),
        ("$SYS/x", limits, true),
        ("", limits, false),
        ("a/+", limits, false),
        ("a#", limits, false),
        ("a/b/c/d", limits, false),
        ("12345678901", limits, false),
        (&long, Limits::default(), true),
        (&longer, Limits::default(), false),
        (&longer, Limits { levels_max: usize::MAX, length_max: usize::MAX }, false),
    ] {
        let expected = if valid { Ok(()) } else { Err(Reason::TOPIC_NAME_INVALID) };
        assert_eq!(check_name(name.as_bytes(), &limits).map_err(|error| error.reason), expected, "{name}");
    }
}

#[test]
fn filters() {
    let limits = Limits { levels_max: 3, length_max: 20 };
    for (filter, valid) in [
        ("#", true),
        ("+", true),
        ("+/a/#", true),
        ("/", true),
        ("a/b/c", true),
        ("", false),
        // [MQTT-4.7.1-1]
        ("a#", false),
        ("a/#/b", false),
        ("#/", false),
        ("##", false),
        // [MQTT-4.7.1-2]
        ("a+", false),
        ("a/+b", false),
        ("++", false),
        ("a/b/c/d", false),
        // [MQTT-4.8.2-1], [MQTT-4.8.2-2]; the group is no level of the filter
        ("$share/g/a/b/c", true),
        ("$share/g/#", true),
        ("$share/g//", true),
        ("$share/g", false),
        ("$share/g/", false),
        ("$share//a", false),
        ("$share/+/a", false),
        ("$share/g#/a", false),
        ("$share/", false),
        ("$share", false),
        ("$share/g/a#", false),
        ("$shared/a", true),
    ] {
        let expected = if valid { Ok(()) } else { Err(Reason::TOPIC_FILTER_INVALID) };
        assert_eq!(
            check_filter(filter.as_bytes(), &limits).map_err(|error| error.reason),
            expected,
            "{filter}"
        );
    }
    let shared = Shared { group: b"g", filter: b"a/+" };
    assert_eq!(Shared::parse(b"$share/g/a/+"), Some(shared));
    assert_eq!(Shared::parse(b"$shared/g/a"), None);
}
