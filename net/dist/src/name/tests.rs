use super::*;

fn made(text: &str, kind: Kind) -> Result<String, NameError> {
    let host = |kind| if kind == Kind::Short { "tea" } else { "tea.example.org" }.to_owned();
    node_name(text, kind, host).map(|name| name.to_string())
}

fn malformed(text: &str, why: Malformed) -> NameError {
    NameError::Malformed(text.to_owned(), why)
}

#[test]
fn names_of_both_kinds_are_told_apart() {
    let rows = [
        ("nj", Kind::Short, Ok("nj@tea")),
        ("nj", Kind::Long, Ok("nj@tea.example.org")),
        ("nj@localhost", Kind::Short, Ok("nj@localhost")),
        ("nj@10.0.0.1", Kind::Long, Ok("nj@10.0.0.1")),
        ("nj@::1", Kind::Long, Ok("nj@::1")),
        ("nj@a.b", Kind::Short, Err(NameError::Dot("nj@a.b".into()))),
        ("nj@localhost", Kind::Long, Err(NameError::NoDot("nj@localhost".into()))),
        ("", Kind::Short, Err(malformed("", Malformed::Form))),
        ("@host", Kind::Short, Err(malformed("@host", Malformed::Form))),
        ("a@b@c", Kind::Short, Err(malformed("a@b@c", Malformed::Form))),
        ("a b@c", Kind::Short, Err(malformed("a b@c", Malformed::Character(' ')))),
        ("a@c\n", Kind::Short, Err(malformed("a@c\n", Malformed::Character('\n')))),
    ];
    for (text, kind, wanted) in rows {
        assert_eq!(made(text, kind), wanted.map(str::to_owned), "{text:?} as {kind:?}");
    }
    let long = "a".repeat(300);
    assert_eq!(made(&long, Kind::Short), Err(malformed(&long, Malformed::TooLong)));
}

#[test]
fn this_machine_s_name() {
    let hosts = "127.0.0.1 localhost\n127.0.1.1 tea.example.org tea # me\n";
    let rows = [
        ("tea", Kind::Short, "", "", "tea"),
        ("tea.example.net", Kind::Short, hosts, "", "tea"),
        ("tea.example.net", Kind::Long, hosts, "", "tea.example.net"),
        ("tea", Kind::Long, hosts, "search other.org", "tea.example.org"),
        ("cup", Kind::Long, hosts, "nameserver 1.1.1.1\nsearch other.org more.org", "cup.other.org"),
        ("cup", Kind::Long, hosts, "", "cup"),
    ];
    for (kernel, kind, hosts, resolver, wanted) in rows {
        assert_eq!(host_name(kernel, kind, hosts, resolver), wanted);
    }
}
