use super::*;
use crate::access::{AccessRef, ShaperRef};
use crate::testing::check;

/// `kind`: texts that are accepted, texts that are refused.
const CASES: &[(&str, &[&str], &[&str])] = &[
    ("any", &["x", "5", "[]", "{a: [b]}"], &[]),
    (
        "bool",
        &["true", "false", "on", "off", "yes", "no", "y", "n", "\"yes\""],
        &["1", "True", "[]", "''", "maybe"],
    ),
    ("int", &["0", "-5", "0x10", "0o17"], &["a", "1.5", "\"5\"", "[]", "99999999999999999999"]),
    ("int>0", &["1", "99999"], &["0", "-1"]),
    ("int>=0", &["0"], &["-1"]),
    ("int 1..99", &["1", "99"], &["0", "100"]),
    ("port 1..65535", &["65535"], &["0", "65536"]),
    ("number>=0", &["0", "1.5", "3"], &["-0.1", "x", "nan", "inf", "\"1\""]),
    ("octal", &["\"0644\"", "644", "0o644"], &["\"9\"", "x", "-1"]),
    (
        "duration(s)",
        &["1", "\"60\"", "5 minutes", "30d", "1000 ms"],
        &["0", "-1", "10 ms", "5 fortnights", "soon", "[]"],
    ),
    ("0|duration(s)", &["0", "1 m"], &["-1", "x"]),
    ("duration(s)|infinity", &["infinity", "infinite", "unlimited", "5"], &["never", "0"]),
    ("int>0|infinity", &["infinity", "unlimited", "5"], &["0", "infinit"]),
    ("plain|scram", &["plain", "\"scram\""], &["Plain", "md5", "[plain]"]),
    ("if_offline|bool", &["if_offline", "true"], &["sometimes"]),
    ("hard|soft|false", &["hard", "false"], &["no"]),
    ("string", &["x", "''", "\"5\"", "true"], &["5", "[]", "{}"]),
    ("name", &["x"], &["''", "5"]),
    ("non-empty string", &["x"], &["''"]),
    ("non-empty [domain]", &["[example.org]"], &["[]", "example.org"]),
    ("[string]", &["[]", "[a, b]", "{}"], &["a", "[1]", "{a: b}"]),
    ("string or [string]", &["a", "[a, b]", "[]"], &["5", "{a: b}"]),
    ("[string] joined with |", &["[a, b]", "a"], &["[1, [a]]", "{a: b}"]),
    ("map {string: string}", &["{a: b}", "{}", "[]"], &["{a: 1}", "[a]", "a"]),
    ("map {domain: map}", &["{example.org: {a: 1}}"], &["{a@b: {}}", "{example.org: 1}"]),
    (
        "{message: int>=0|infinite, presence: int>=0|infinite}",
        &["{message: 5}", "{}"],
        &["{mesage: 5}", "{message: -1}"],
    ),
    ("all|[ip_mask]", &["all", "[10.0.0.0/8, ::1]"], &["none", "[10.0.0.0/33]"]),
    (
        "domain",
        &["example.org", "EXAMPLE.org", "xn--mnchen-3ya.de", "\"[::1]\"", "localhost"],
        &["a@b", "''", "a/b"],
    ),
    ("jid", &["a@b", "b", "a@b/c"], &["''", "\"@b\"", "a@"]),
    ("ip", &["127.0.0.1", "\"::1\""], &["localhost", "1.2.3", "1.2.3.4/8"]),
    ("ipv4", &["127.0.0.1"], &["\"::1\""]),
    ("ipv6", &["\"::1\""], &["127.0.0.1"]),
    ("ip_mask", &["127.0.0.0/8", "::1/128"], &["x/8"]),
    (
        "ip:port or [ip:port]",
        &["192.0.2.1:3478", "\"[2001:db8::1]:3478\"", "[192.0.2.1:1]"],
        &["192.0.2.1", "192.0.2.1:0", "2001:db8::1", "example.org:3478", "192.0.2.1:65536"],
    ),
    ("regexp", &["^a.*$", "''"], &["(", "a{"]),
    ("language tag", &["en", "pt-BR", "zh-Hans-CN"], &["e n", "''", "-", "en_US"]),
    ("ldap filter", &["\"(a=b)\"", "''"], &["\"(a=b\"", "\")(\""]),
    ("SIP URI", &["\"sip:example.org;lr\""], &["example.org", "\"sip:\""]),
    (
        "MQTT topic filter",
        &["a", "\"#\"", "\"+\"", "\"a/+/#\"", "/", "\"%u/%c\"", "\"$SYS/#\""],
        &["\"\"", "\"a/#/b\"", "\"a#\"", "\"+b\"", "\"a/b+/c\""],
    ),
    (
        "url",
        &["http://a", "https://a.b:443/c?d", "\"https://[::1]:5443/x\"", "https://user@host/"],
        &["a", "ftp://a", "http://", "http://a:0", "http://a:x", "\"http://a b\""],
    ),
    ("url(tls,tcp,udp)", &["tls://a:5061"], &["http://a"]),
    ("url|auto|undefined", &["auto", "http://a"], &["automatic"]),
    ("int 0..65535|string \"unix:PATH\"", &["5222", "\"unix:/run/x\""], &["65536", "/run/x", "\"unix:\""]),
    ("ram|file", &["ram", "file"], &["disk"]),
    ("[ipv4|ipv6]", &["[ipv4, ipv6]"], &["[1.2.3.4]"]),
    ("PEM file", &["/etc/x.pem", "\"5\""], &["''", "[]"]),
    ("vCard map", &["{fn: Name, adr: [{home: true}]}"], &["{full_name: Name}"]),
    (
        "access rule",
        &["all", "admin", "[{allow: admin}, deny]", "{allow: {user: a@b}}"],
        &["''", "[]", "{permit: all}", "5 6:"],
    ),
    (
        "shaper rule",
        &["none", "fast", "1000", "{normal: all}", "[{10: admin}, 5]"],
        &["0", "{0: all}", "{normal: {usr: a}}"],
    ),
];

#[test]
fn types_accept_and_refuse() {
    for (kind, good, bad) in CASES {
        for text in *good {
            assert!(check(kind, text).is_ok(), "{kind}: {text}: {:?}", check(kind, text));
        }
        for text in *bad {
            let Err(remarks) = check(kind, text) else { panic!("{kind}: {text} is accepted") };
            assert!(!remarks.is_empty(), "{kind}: {text}");
        }
    }
}

#[test]
fn values_are_typed() {
    use std::time::Duration;
    let text = |text: &str| Value::Text(text.into());
    for (kind, written, value) in [
        ("bool", "on", Value::Bool(true)),
        ("int", "0o17", Value::Int(15)),
        ("octal", "\"0644\"", Value::Int(0o644)),
        ("duration(s)", "5 minutes", Value::Duration(Duration::from_secs(300))),
        ("0|duration(s)", "0", Value::Duration(Duration::ZERO)),
        ("duration(s)|infinity", "unlimited", Value::Infinity),
        ("string or [string]", "a", Value::List(vec![text("a")])),
        ("[string] joined with |", "[a, b]", text("a|b")),
        ("string|[string] joined with :", "[a, b]", text("a:b")),
        ("domain", "EXAMPLE.Org", text("example.org")),
        ("domain", "xn--mnchen-3ya.de", text("münchen.de")),
        (
            "map {name: int|name}",
            "{a: 1, b: c}",
            Value::Map(vec![("a".into(), Value::Int(1)), ("b".into(), text("c"))]),
        ),
        ("any", "[1, {a: b}]", Value::List(vec![Value::Int(1), Value::Map(vec![("a".into(), text("b"))])])),
        ("access rule", "all", Value::Access(AccessRef::All)),
        ("access rule", "none", Value::Access(AccessRef::None)),
        ("access rule", "c2s", Value::Access(AccessRef::Named("c2s".into()))),
        ("shaper rule", "unlimited", Value::Shaper(ShaperRef::Infinity)),
        ("shaper rule", "none", Value::Shaper(ShaperRef::None)),
    ] {
        assert_eq!(check(kind, written).unwrap(), value, "{kind}: {written}");
    }
}

#[test]
fn refusals_say_what_to_do() {
    for (kind, text, line) in [
        (
            "int",
            "\"5\"",
            "test.yml:1:1: option: `5` can't stand here; expected a whole number; remove the quotes: this is a number",
        ),
        (
            "string",
            "5",
            "test.yml:1:1: option: `5` can't stand here; expected a string; put it in quotes: \"5\"",
        ),
        (
            "always|never|roster",
            "alwyas",
            "test.yml:1:1: option: `alwyas` can't stand here; expected always, never, roster; did you mean `always`?",
        ),
        (
            "duration(s)",
            "5 mins ago",
            "test.yml:1:1: option: `5 mins ago` can't stand here: `mins ago` is no unit of time; expected a number of seconds or a duration such as `5 minutes`",
        ),
        (
            "int>0|infinity",
            "infinty",
            "test.yml:1:1: option: `infinty` can't stand here; expected a whole number from 1, or infinity; did you mean `infinity`?",
        ),
        (
            "[string]",
            "[a, 5]",
            "test.yml:1:5: option[2]: `5` can't stand here; expected a string; put it in quotes: \"5\"",
        ),
        (
            "{message: int, presence: int}",
            "{mesage: 5}",
            "test.yml:1:2: option: unknown option `mesage`; expected message, presence; did you mean `message`?",
        ),
        (
            "access rule",
            "{alow: all}",
            "test.yml:1:2: option: `alow` is neither `allow` nor `deny`; expected allow or deny and its conditions; did you mean `allow`?",
        ),
        (
            "url",
            "ftp://a",
            "test.yml:1:1: option: `ftp://a` can't stand here: the scheme `ftp` is not supported; expected a URL that begins with http:// or https://",
        ),
    ] {
        assert_eq!(check(kind, text).unwrap_err(), [line], "{kind}");
    }
}

#[test]
fn notations_that_mean_nothing_are_refused() {
    for notation in ["", "int 5", "map {string}", "[a!]", "string~(", "{a: ?}", "url(", "a|"] {
        assert!(Type::parse(notation).is_err(), "{notation}");
    }
}

#[test]
fn nested_options_find_their_place() {
    for (outer, path, good) in [
        ("map", "subject", true),
        ("list of maps", "[].host", true),
        ("map", "*.both", true),
        ("map {domain: map}", "*.type", true),
        ("bool", "x", false),
        ("[string]", "x", false),
        ("{a: int}", "[]", false),
    ] {
        let mut kind = Type::parse(outer).unwrap();
        assert_eq!(kind.attach(path, Type::Bool, DefaultValue::Unset), good, "{outer} {path}");
    }
}
