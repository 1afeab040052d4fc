use super::super::File;
use super::complaints;

/// A method of `lines` lines at an indentation, between others.
fn with_function(lines: usize) -> File {
    let body = "        call();\n".repeat(lines - 2);
    let text = format!(
        "trait T {{\n    fn bodiless(&self) -> u8;\n}}\nimpl T for U {{\n    fn short(&self) {{}}\n\n    pub(crate) async fn long<'a>(&self) {{\n{body}    }}\n}}\n"
    );
    File { path: "a/src/x.rs".to_owned(), text }
}

fn with_lines(lines: usize) -> File {
    File { path: "a/src/x.rs".to_owned(), text: "const X: u8 = 1;\n".repeat(lines) }
}

const HEAD: &str = "path\tfunction\tlines\n";

#[test]
fn limits_are_held() {
    for (file, wanted) in [
        (with_function(70), vec![]),
        (with_function(71), vec!["a/src/x.rs:7: long: 71 lines, at most 70"]),
        (with_lines(600), vec![]),
        (with_lines(601), vec!["a/src/x.rs: 601 lines, at most 600"]),
    ] {
        assert_eq!(complaints(&[file], HEAD), wanted);
    }
}

#[test]
fn the_list_of_exceptions_only_shrinks() {
    for (file, entry, wanted) in [
        (with_function(90), "a/src/x.rs\tlong\t90", None),
        (with_function(91), "a/src/x.rs\tlong\t90", Some("a/src/x.rs:7: long: 91 lines, long.tsv allows 90")),
        (
            with_function(80),
            "a/src/x.rs\tlong\t90",
            Some("a/src/x.rs:7: long: 80 lines now: lower 90 in long.tsv"),
        ),
        (
            with_function(60),
            "a/src/x.rs\tlong\t90",
            Some("a/src/x.rs:7: long: short now: take it off long.tsv"),
        ),
        (with_lines(9), "a/src/x.rs\tlong\t90", Some("a/src/x.rs long: is no more: take it off long.tsv")),
        (with_lines(700), "a/src/x.rs\t-\t700", None),
    ] {
        let seen = complaints(&[file], &format!("{HEAD}{entry}\n"));
        assert_eq!(seen.first().map(String::as_str), wanted, "{entry}");
    }
}
