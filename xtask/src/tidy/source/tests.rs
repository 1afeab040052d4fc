use super::{code, imports};

#[test]
fn comments_and_literals_are_blanked() {
    for (text, wanted) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("let s = \"un\\\"safe\"; x", "let s =           ; x"),
        ("let s = r#\"a\"b\"#; x", "let s =         ; x"),
        ("b\"abc\" x", "       x"),
        ("'a' 'b", "    'b"),
        ("'\\'' x", "     x"),
        ("'\\u{1F600}' x", "            x"),
        ("b'\"' x", "     x"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("bar broken", "bar broken"),
        ("\"one\ntwo\" x", "    \n     x"),
    ] {
        assert_eq!(code(text), wanted, "{text:?}");
    }
}

#[test]
fn imports_are_expanded() {
    for (text, wanted) in [
        ("use std::fs;", vec![(1, "std::fs")]),
        (
            "\npub use std::{fs, net::{IpAddr, TcpStream}};",
            vec![(2, "std::fs"), (2, "std::net::IpAddr"), (2, "std::net::TcpStream")],
        ),
        ("use a::b as c;", vec![(1, "a::b")]),
        ("use ::tokio::net::*;", vec![(1, "tokio::net::*")]),
        ("pub(crate) use self::x;\nreuse x;", vec![(1, "self::x")]),
        ("use {a, b::c};", vec![(1, "a"), (1, "b::c")]),
    ] {
        let seen = imports(text);
        let seen: Vec<(usize, &str)> = seen.iter().map(|(line, path)| (*line, path.as_str())).collect();
        assert_eq!(seen, wanted, "{text:?}");
    }
}
