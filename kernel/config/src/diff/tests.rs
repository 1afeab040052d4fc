use super::*;
use crate::testing::config;

const BASE: &str = "hosts: [a, b]\nlanguage: en\nsql_password: old\n\
    acl: {admin: {user: u@a}}\n\
    listen: [{port: 1, module: ejabberd_c2s}, {port: 2, module: ejabberd_c2s}]\n\
    modules: {mod_adhoc: {}, mod_stream_mgmt: {resume_timeout: 60}}\n\
    host_config: {b: {cache_size: 5}}\n";

/// What is printed when a text in the base file is replaced by another.
fn lines(from: &str, to: &str) -> Vec<String> {
    assert!(BASE.contains(from), "{from}");
    diff(&config(BASE), &config(&BASE.replace(from, to))).iter().map(Change::to_string).collect()
}

#[test]
fn nothing_changed() {
    assert_eq!(
        lines("hosts: [a, b]", "# other words, same meaning\nhosts:\n  - a\n  - b"),
        Vec::<String>::new()
    );
    assert_eq!(lines("resume_timeout: 60", "resume_timeout: 1 minute"), Vec::<String>::new());
}

#[test]
fn each_change_is_told_once() {
    for (from, to, expected) in [
        ("[a, b]", "[a, b, c]", &["host c added"][..]),
        ("[a, b]\n", "[b]\n", &["host a removed"]),
        ("language: en", "language: de", &["language: en -> de"]),
        ("language: en", "", &[]),
        ("sql_password: old", "sql_password: new", &["sql_password changed"]),
        (
            "cache_size: 5",
            "cache_size: 6",
            &["b: cache_size: 5 -> 6", "b: mod_stream_mgmt: cache_size: 5 -> 6"],
        ),
        ("user: u@a", "user: v@a", &["access rules changed"]),
        (
            "{port: 2, module: ejabberd_c2s}",
            "{port: 3, module: ejabberd_c2s}",
            &[
                "listener ejabberd_c2s on 0.0.0.0:2/tcp removed",
                "listener ejabberd_c2s on 0.0.0.0:3/tcp added",
            ],
        ),
        (
            "{port: 2, module: ejabberd_c2s}",
            "{port: 2, module: ejabberd_c2s, tls: true}",
            &["listener ejabberd_c2s on 0.0.0.0:2/tcp: tls: false -> true"],
        ),
        (
            "mod_adhoc: {}",
            "mod_vcard: {}",
            &["a: mod_vcard started", "a: mod_adhoc stopped", "b: mod_vcard started", "b: mod_adhoc stopped"],
        ),
        (
            "resume_timeout: 60",
            "resume_timeout: 0",
            &["a: mod_stream_mgmt: resume_timeout: 60 -> 0", "b: mod_stream_mgmt: resume_timeout: 60 -> 0"],
        ),
        ("host_config:", "api_permissions: {}\nhost_config:", &["api_permissions changed"]),
        ("cache_size: 5", "cache_size: 5, acl: {x: {user: y}}", &["b: access rules changed"]),
        ("language: en", "certfiles: [x.pem]", &["certfiles: unset -> [x.pem]"]),
    ] {
        let lines = lines(from, to);
        assert_eq!(lines, expected, "{from} -> {to}");
    }
}
