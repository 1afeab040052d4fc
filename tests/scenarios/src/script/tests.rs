use super::{Act, Part, Script, Step, filled_in};

#[test]
fn a_script_is_read() {
    let text = "# Title\nclient romeo = montague/garden\n\nromeo connects\nromeo sends:\n    <presence/>\n\n    <message>\n      <body>x</body>\n    </message>\nromeo receives nothing\n";
    let step = |line, act| Step { line, client: "romeo".to_owned(), act };
    let wanted = Script {
        parts: vec![Part {
            name: "romeo".to_owned(),
            account: "montague".to_owned(),
            resource: "garden".to_owned(),
        }],
        steps: vec![
            step(4, Act::Connects),
            step(5, Act::Sends("<presence/>\n\n<message>\n<body>x</body>\n</message>".to_owned())),
            step(11, Act::ReceivesNothing),
        ],
    };
    assert_eq!(Script::parse(text).unwrap(), wanted);
}

#[test]
fn mistakes_are_told_with_their_line() {
    for (text, wanted) in [
        ("client romeo", "line 1"),
        ("client a = b/c\nb connects", "line 2: nobody is called `b`"),
        ("client a = b/c\n\na dances", "line 3"),
        ("client a = b/c\na sends:\n", "line 2"),
    ] {
        assert_eq!(Script::parse(text).unwrap_err().to_string(), wanted, "{text:?}");
    }
}

#[test]
fn names_are_filled_in() {
    let names = [("a".to_owned(), "x@y/z".to_owned()), ("a.bare".to_owned(), "x@y".to_owned())];
    assert_eq!(
        filled_in("<m to='{a}' from='{a.bare}' id='{any}'/>", &names),
        "<m to='x@y/z' from='x@y' id='{any}'/>"
    );
}
