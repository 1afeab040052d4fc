use super::*;

#[test]
fn finds_what_was_meant() {
    let names = ["hosts", "host_config", "auth_method", "mod_roster", "mod_register", "db_type"];
    for (typed, meant) in [
        ("host", Some("hosts")),
        ("hsots", Some("hosts")),
        ("auth_mehtod", Some("auth_method")),
        ("authmethod", Some("auth_method")),
        ("mod_rooster", Some("mod_roster")),
        ("MOD_ROSTER", Some("mod_roster")),
        ("dbtype", Some("db_type")),
        ("completely_else", None),
        ("", None),
    ] {
        assert_eq!(nearest(typed, names), meant, "{typed}");
    }
}

#[test]
fn counts_edits() {
    for (left, right, expected) in [
        ("", "", 0),
        ("a", "", 1),
        ("ab", "ba", 1),
        ("kitten", "sitting", 3),
        ("Ä", "ä", 0),
        ("abc", "abc", 0),
    ] {
        assert_eq!(distance(left, right), expected, "{left} {right}");
        assert_eq!(distance(right, left), expected, "{right} {left}");
    }
}
