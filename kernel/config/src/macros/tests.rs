use super::*;
use crate::testing::{lines, load_files, node};

/// The tree after macros are replaced, and the remarks.
fn expanded(text: &str, environment: &[(&str, &str)]) -> (Node, Vec<String>) {
    let mut report = Report::default();
    let variables =
        environment.iter().map(|(name, value)| (format!("EJABBERD_MACRO_{name}"), (*value).to_owned()));
    let environment = Environment::default().with_variables(variables);
    let tree = expand(node(text), &environment, &mut report);
    (tree, report.finish().map_or_else(|errors| lines(&errors), |remarks| lines(&remarks)))
}

#[test]
fn macros_stand_for_values() {
    for (definitions, text, expected) in [
        ("A: 5", "x: A", "x: 5"),
        ("A: 5", "x: \"A\"", "x: 5"),
        ("A: [1, 2]", "x: {y: A}", "x: {y: [1, 2]}"),
        ("A: b", "x: \"@A@-@A@\"", "x: b-b"),
        ("PORT: 5280", "x: \"http://h:@PORT@/\"", "x: \"http://h:5280/\""),
        ("A: B, B: [C], C: 1", "x: A", "x: [1]"),
        ("A: \"@B@!\", B: c", "x: \"@A@\"", "x: \"c!\""),
        ("A: 5", "A: 1", "A: 1"),
        ("A: 5", "x: AB", "x: AB"),
        ("A: [1]", "x: \"@A@\"", "x: \"@A@\""),
        ("A: b", "x: \"a@b@A@c\"", "x: \"a@bbc\""),
        ("A: b", "x: \"admin@@A@\"", "x: admin@b"),
        ("A: b", "x: \"@@@\"", "x: \"@@@\""),
        ("A: b", "x: \"@A\"", "x: \"@A\""),
        ("A_1: b", "x: A_1", "x: b"),
    ] {
        let (tree, remarks) = expanded(&format!("define_macro: {{{definitions}}}\n{text}\n"), &[]);
        assert_eq!((tree, remarks), (node(expected), vec![]), "{definitions} / {text}");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let text = "define_macro: {A: 1, B: 2}\na: A\nb: B\nc: C\nd: D\n";
    let (tree, remarks) = expanded(text, &[("A", "7"), ("C", "[x, 'y']"), ("D", "")]);
    assert_eq!((tree, remarks), (node("a: 7\nb: 2\nc: [x, y]\nd: ''\n"), vec![]));
    let (_, remarks) = expanded("a: A", &[("A", "[")]);
    assert!(remarks[0].starts_with("<environment EJABBERD_MACRO_A>:1:1: this is not YAML"), "{remarks:?}");
}

#[test]
fn wrong_definitions_are_refused() {
    for (text, expected) in [
        ("define_macro: {a: 1}", "test.yml:1:16: define_macro.a: this can't be the name of a macro"),
        ("define_macro: {A: 1, A: 2}", "test.yml:1:22: define_macro.A: this macro is defined twice"),
        ("define_macro: [A]", "test.yml:1:15: define_macro: a list can't stand here"),
        ("define_macro: {A: A}\nx: A", "test.yml:1:19: x: the macro A is defined by itself"),
        (
            "define_macro: {A: [B], B: \"-@A@-\"}\nx: [A]",
            "test.yml:1:27: x[1][1]: the macro A is defined by itself",
        ),
    ] {
        let (_, remarks) = expanded(text, &[]);
        assert!(remarks.first().is_some_and(|line| line.starts_with(expected)), "{text}: {remarks:?}");
    }
}

#[test]
fn macros_can_not_multiply_without_end() {
    for last in ["[x, x, x, x]", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""] {
        let mut text = format!("define_macro:\n  M0: {last}\n");
        for level in 1..40 {
            let below = level - 1;
            let value = if last.starts_with('[') {
                format!("[M{below}, M{below}]")
            } else {
                format!("\"@M{below}@@M{below}@\"")
            };
            text.push_str(&format!("  M{level}: {value}\n"));
        }
        text.push_str("x: M39\n");
        let (_, remarks) = expanded(&text, &[]);
        assert!(remarks.iter().any(|line| line.contains("macros become more than")), "{remarks:?}");
    }
}

#[test]
fn macros_win_over_keywords_and_may_hold_them() {
    let text = "hosts: [a]\ndefine_macro: {M: macro, K: \"<@W@>\"}\ndefine_keyword: {M: keyword, W: word}\n\
                modules:\n  mod_vcard: {name: M, host: \"vjud.@HOST@\"}\n  mod_offline: {}\n\
                sql_password: K\n";
    let (config, _) = load_files(text, &[], &Environment::default()).unwrap();
    assert_eq!(config.host("a").module("mod_vcard").unwrap().text("name"), *"macro");
    assert_eq!(config.global.text("sql_password"), *"<word>");
}
