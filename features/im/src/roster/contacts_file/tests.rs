use super::read;

#[test]
fn both_forms_are_read() {
    let bob = ["bob", "example.org", "a.<{%}>", "Bob \"B\""].map(str::to_owned);
    for (text, wanted) in [
        (
            "% Contacts\n[{<<\"bob\">>, <<\"example.org\">>, <<\"a.<{%}>\">>, <<\"Bob \\\"B\\\"\">>}].\n",
            Some(vec![bob.clone()]),
        ),
        ("[{\"bob\", \"example.org\", \"a.<{%}>\", \"Bob \\\"B\\\"\"}].", Some(vec![bob.clone()])),
        ("[[\"bob\", \"example.org\", \"a.<{%}>\", \"Bob \\\"B\\\"\"]]", Some(vec![bob])),
        ("[].", Some(vec![])),
        ("[{<<\"bob\">>}].", None),
        ("words", None),
    ] {
        assert_eq!(read(text).ok(), wanted, "{text}");
    }
}
