use super::*;
use crate::testing::load_text;

const WRONG: &str =
    "hosts: [a.org]\nlanguage: [en]\nmodules:\n  mod_adhok: {}\n  mod_ping: {}\nsql_password: 5222\n";

#[test]
fn people_see_the_line_and_what_to_do() {
    let errors = load_text(WRONG).unwrap_err();
    let text = render(&errors, false);
    let expected = "error: modules.mod_adhok: there is no module `mod_adhok`
 --> test.yml:4:3
  |
4 |   mod_adhok: {}
  |   ^^^^^^^^^
  |
  = help: did you mean `mod_adhoc`?
";
    assert!(text.contains(expected), "{text}");
    assert!(
        text.contains("2 | language: [en]\n  |           ^^^ expected a language tag such as en or pt-BR"),
        "{text}"
    );
    assert!(
        text.contains("warning: modules.mod_ping: the module `mod_ping` is known and not supported yet"),
        "{text}"
    );
    assert!(!text.contains("5222"), "a secret is shown: {text}");
    assert!(text.contains("error: sql_password: a number can't stand here\n--> test.yml:6:15\n"), "{text}");
    assert_ne!(render(&errors, true), text);
}

#[test]
fn programs_see_json() {
    let errors = load_text(WRONG).unwrap_err();
    let json: serde_json::Value = serde_json::from_str(&render_json(&errors)).unwrap();
    let one = json.as_array().unwrap().iter().find(|one| one["line"] == 4).unwrap();
    assert_eq!(
        one,
        &serde_json::json!({
            "severity": "error", "file": "test.yml", "line": 4, "column": 3, "path": "modules.mod_adhok",
            "message": "there is no module `mod_adhok`", "suggestion": "did you mean `mod_adhoc`?"
        })
    );
}

#[test]
fn one_mistake_is_reported_once_however_many_hosts_it_touches() {
    let text = "hosts: [a, b, c]\nhost_config: {a: {language: de}}\nmodules: {mod_adhoc: {report_commands_node: perhaps}}\n";
    let errors = load_text(text).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:#?}");
}

#[test]
fn errors_come_first_and_in_the_order_of_the_file() {
    let order: Vec<(Severity, u32)> =
        load_text(WRONG).unwrap_err().iter().map(|one| (one.severity, one.line)).collect();
    use Severity::{Error, Warning};
    assert_eq!(order, [(Error, 2), (Error, 4), (Error, 6), (Warning, 5)]);
}

#[test]
fn reports_have_an_end() {
    let mut text = String::from("hosts: [a]\n");
    for number in 0..2000 {
        text.push_str(&format!("unknown_{number}: x\n"));
    }
    assert_eq!(load_text(&text).unwrap_err().len(), MAX_KEPT);
}
