use super::{completions, hint, split};

#[test]
fn a_line_becomes_words() {
    for (line, wanted) in [
        ("register a b", Some(vec!["register", "a", "b"])),
        ("  x  'two words' \"it's\" ", Some(vec!["x", "two words", "it's"])),
        ("set '' \"\"", Some(vec!["set", "", ""])),
        (r#"a\ b "c\"d" 'e\f'"#, Some(vec!["a b", "c\"d", r"e\f"])),
        ("pass$word`x`", Some(vec!["pass$word`x`"])),
        ("'open", None),
        ("", Some(vec![])),
    ] {
        let wanted = wanted.map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(split(line), wanted, "{line}");
    }
}

#[test]
fn names_are_completed_and_arguments_shown() {
    let names: Vec<String> =
        ["register user host password", "registered_users host", "status"].map(str::to_owned).into();
    for (typed, wanted) in [
        ("regis", vec!["register", "registered_users"]),
        ("help stat", vec!["help status"]),
        ("register a", vec![]),
        ("x", vec![]),
    ] {
        let got: Vec<_> = completions(&names, typed).into_iter().map(|pair| pair.replacement).collect();
        assert_eq!(got, wanted, "{typed}");
    }
    for (typed, wanted) in [
        ("register ", Some("user host password")),
        ("register a ", Some("host password")),
        ("register a b c", None),
        ("register a b c d", None),
        ("status", None),
        ("regi", None),
    ] {
        assert_eq!(hint(&names, typed).as_deref(), wanted, "{typed}");
    }
}
