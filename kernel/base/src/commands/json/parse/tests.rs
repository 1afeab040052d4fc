use super::{Unreadable, parse};

#[test]
fn a_key_stands_once_and_depth_is_bounded() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let duplicate = |key: &str| Err(Unreadable::Duplicate(key.to_owned()));
    let cases: &[(&str, Result<&str, Unreadable>)] = &[
        ("{\"a\":[1,-2,\"x\",true,null]}", Ok("{\"a\":[1,-2,\"x\",true,null]}")),
        (" [] \n", Ok("[]")),
        ("{\"a\":1,\"a\":1}", duplicate("a")),
        ("{\"a\":1,\"\\u0061\":1}", duplicate("a")),
        ("{\"x\":[{\"b at line 1\":1,\"b at line 1\":2}]}", duplicate("b at line 1")),
        ("", Err(Unreadable::Malformed)),
        ("{\"a\"", Err(Unreadable::Malformed)),
        ("[1] [2]", Err(Unreadable::Malformed)),
        ("{a:1}", Err(Unreadable::Malformed)),
        ("[\"\\ud800\"]", Err(Unreadable::Malformed)),
        ("1e999", Err(Unreadable::Malformed)),
    ];
    for (text, wanted) in cases {
        let got = parse(text.as_bytes()).map(|json| json.to_string());
        assert_eq!(got.as_deref(), wanted.as_ref().map(|text| *text), "{text}");
    }
    assert!(parse(deep(100).as_bytes()).is_ok());
    assert_eq!(parse(deep(100_000).as_bytes()), Err(Unreadable::Malformed));
    assert_eq!(parse(b"[\"\xff\"]"), Err(Unreadable::Malformed));
}
