use super::described;
use std::path::PathBuf;

#[test]
fn a_suite_says_how_it_is_run() {
    for (text, wanted) in [
        ("# server: nightjar.yml.in\n# seconds: 30\n\nimport x\n", Some((Some("nightjar.yml.in"), 30))),
        ("// A few words.\n// server: none\nimport x", Some((None, 120))),
        ("import x\n# server: late.yml\n", None),
        ("# server: a.yml\n# seconds: many\n", None),
    ] {
        let suite = described("s".to_owned(), PathBuf::new(), text).ok();
        let seen = suite.as_ref().map(|suite| (suite.configuration.as_deref(), suite.limit.as_secs()));
        assert_eq!(seen, wanted, "{text:?}");
    }
}
