use super::super::{Item, Kind};
use super::Covers;
use crate::tidy::File;

fn sources() -> Vec<File> {
    [
        (
            "features/im/src/ping/tests.rs",
            "#[test]\nfn quiet_clients_are_pinged() { host(\"ping_interval: 1\") }",
        ),
        ("features/im/src/ping/mod.rs", "ping_ack_timeout"),
        ("server/src/ctl/tests.rs", "call(\"kick_user\"); // XEP-0133"),
        ("tests/interop/suites/features.py", "@test(\"ping (XEP-0199)\")"),
    ]
    .map(|(path, text)| File { path: path.to_owned(), text: text.to_owned() })
    .into()
}

#[test]
fn tests_cover_what_they_name() {
    let sources = sources();
    let covers = Covers::new(
        &sources,
        "kind\titem\ttest\nmodule-option\tmod_mam.*\tfeatures/im/src/ping/tests.rs::quiet_clients_are_pinged\n",
    );
    assert_eq!(covers.complaints(), [""; 0]);
    for (kind, scope, name, covered) in [
        (Kind::Module, "", "mod_ping", true),
        (Kind::ModuleOption, "mod_ping", "ping_interval", true),
        (Kind::ModuleOption, "mod_ping", "ping_ack_timeout", false),
        (Kind::ModuleOption, "mod_offline", "ping_interval", false),
        (Kind::ModuleOption, "mod_mam", "default", true),
        (Kind::Command, "", "kick_user", true),
        (Kind::Command, "", "kick", false),
        (Kind::Xep, "", "XEP-0199", true),
        (Kind::Xep, "", "XEP-0045", false),
    ] {
        assert_eq!(covers.test_of(&Item::new(kind, scope, name)).is_some(), covered, "{scope} {name}");
    }
}

#[test]
fn a_listed_test_must_exist() {
    let sources = sources();
    for (test, there) in [
        ("features/im/src/ping/tests.rs::quiet_clients_are_pinged", true),
        ("features/im/src/ping/tests.rs::no_such_test", false),
        ("tests/interop/suites/features.py::ping (XEP-0199)", true),
        ("tests/interop/suites/nowhere.py", false),
        ("features/im/src/ping/mod.rs", false),
    ] {
        let list = format!("kind\titem\ttest\nxep\tXEP-0001\t{test}\n");
        assert_eq!(Covers::new(&sources, &list).complaints().is_empty(), there, "{test}");
    }
}
