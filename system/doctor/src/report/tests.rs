use nightjar_firewall::Line;

use super::*;

fn findings() -> Vec<Finding> {
    let line = Line { file: "nightjar.yml".to_owned(), line: 7, option: "loglevel".to_owned() };
    vec![
        Finding::new("api-open", "A", "B"),
        Finding::new("loglevel-debug", "everything is logged", "write `loglevel: info`").at(Some(line)),
    ]
}

#[test]
fn a_person_sees_line_reason_and_remedy() {
    let shown = text(&findings()[1..], false);
    let expected = "warning loglevel-debug  nightjar.yml:7  loglevel\n  everything is logged.\n  \
                    why  the log tells who talks to whom, and grows fast.\n  fix  write `loglevel: info`\n\n\
                    0 critical, 1 warning, 0 advice\n";
    assert_eq!(shown, expected);
    assert!(text(&findings(), true).starts_with("\x1b[1;31mcritical\x1b[0m api-open\n"));
    assert_eq!(text(&[], false), "nothing to report\n");
}

#[test]
fn a_program_gets_the_same() {
    let parsed: serde_json::Value = serde_json::from_str(&json(&findings())).unwrap();
    assert_eq!(parsed[1]["id"], "loglevel-debug");
    assert_eq!(parsed[1]["severity"], "warning");
    assert_eq!(parsed[1]["line"]["line"], 7);
    assert_eq!(parsed[0]["line"], serde_json::Value::Null);
    assert_eq!(json(&[]), "[]");
}

#[test]
fn the_worst_finding_is_the_verdict() {
    let advice = [Finding::new("log-modules-fully", "A", "B")];
    assert_eq!([&findings()[..], &findings()[1..], &advice, &[]].map(verdict), [2, 1, 0, 0]);
}
