use nightjar_config::node::{Content, Entry, Position, Source};

use super::*;

fn at() -> Position {
    Position::start_of(&Source::unnamed())
}

fn word(text: &str) -> Node {
    Node::string(text, at())
}

fn map(entries: &[(&str, Node)]) -> Node {
    let entry =
        |(key, value): &(&str, Node)| Entry { key: (*key).into(), key_at: at(), value: value.clone() };
    Node { content: Content::Map(entries.iter().map(entry).collect()), at: at() }
}

fn one(url: &str, entries: &[(&str, Node)]) -> Result<Server, String> {
    servers(&map(&[(url, map(entries))])).map(|mut servers| servers.remove(0))
}

fn topic_pair() -> (&'static str, Node) {
    ("publish", map(&[("here/a", word("there/a")), ("b", word("b"))]))
}

#[test]
fn urls() {
    let cases = [
        ("mqtt://broker", Version::V3_1_1, false, "broker", 1883),
        ("mqtts://broker/", Version::V3_1_1, true, "broker", 8883),
        ("mqtt5://broker:99", Version::V5, false, "broker", 99),
        ("mqtt5s://[::1]:7/x", Version::V5, true, "::1", 7),
        ("mqtt5s://[::1]", Version::V5, true, "::1", 8883),
    ];
    for (url, version, is_tls, host, port) in cases {
        let wanted = Address { url: url.to_owned(), version, is_tls, host: host.to_owned(), port, web: None };
        assert_eq!(address(url), Ok(wanted), "{url}");
    }
    for (url, words) in [
        ("broker", "no URL"),
        ("http://broker", "scheme"),
        ("ws4://broker", "scheme"),
        ("ws://broker:1/a b", "spaces"),
        ("wss://broker:1/a\r\nHost: x", "spaces"),
        ("ws5://broker\r\n/", "spaces"),
        ("ws5://br\u{f6}ker/", "ASCII"),
        ("ws://broker:/", "port"),
        ("wss:///mqtt", "host"),
        ("wss://user:password@broker/mqtt", "authentication"),
        ("mqtt://", "host"),
        ("mqtt://broker:0", "port"),
        ("mqtt://broker:x", "port"),
        ("mqtt://[::1]7", "port"),
        ("mqtt://user:password@broker", "authentication"),
    ] {
        let error = address(url).unwrap_err();
        assert!(error.contains(words), "{url}: {error}");
    }
}

#[test]
fn urls_of_websocket() {
    let cases = [
        ("ws://broker", Version::V3_1_1, false, 80, "broker", "/"),
        ("wss://broker/mqtt", Version::V3_1_1, true, 443, "broker", "/mqtt"),
        ("ws5://broker:8080/a/b?c=d#e", Version::V5, false, 8080, "broker:8080", "/a/b?c=d"),
        ("wss5://broker:443?c", Version::V5, true, 443, "broker", "/?c"),
        ("wss5://broker:80", Version::V5, true, 80, "broker:80", "/"),
        ("ws://[::1]/", Version::V3_1_1, false, 80, "[::1]", "/"),
        ("ws://[::1]:81/", Version::V3_1_1, false, 81, "[::1]:81", "/"),
    ];
    for (url, version, is_tls, port, authority, path) in cases {
        let address = address(url).unwrap();
        assert_eq!((address.version, address.is_tls, address.port), (version, is_tls, port), "{url}");
        let web = Web { authority: authority.to_owned(), path: path.to_owned() };
        assert_eq!(address.web, Some(web), "{url}");
    }
}

#[test]
fn topics_are_mapped_in_both_directions() {
    let subscribe = ("subscribe", map(&[("there/c", word("here/c"))]));
    let server = one("mqtt://broker", &[topic_pair(), subscribe]).unwrap();
    let text = |topic: Option<&Text>| topic.map(|topic| topic.as_str().to_owned());
    assert_eq!(text(server.remote_topic(b"here/a")).as_deref(), Some("there/a"));
    assert_eq!(text(server.remote_topic(b"b")).as_deref(), Some("b"));
    assert_eq!(text(server.remote_topic(b"there/a")), None);
    assert_eq!(text(server.local_topic(b"there/c")).as_deref(), Some("here/c"));
    assert_eq!(text(server.local_topic(b"here/c")), None);
}

#[test]
fn who_we_are_there() {
    let read = |url: &str, given: &[(&str, Node)]| {
        one(url, &[topic_pair(), ("authentication", map(given))]).map(|server| server.authentication)
    };
    let password = [("username", word("me")), ("password", word("0123"))];
    // A password that looks like a number stays as it was written.
    let Ok(Authentication::Password { user, password }) = read("mqtt://broker", &password) else {
        panic!("a password")
    };
    assert_eq!((user.as_str(), password.as_slice()), ("me", &b"0123"[..]));
    let certificate = [("certfile", word("/me.pem"))];
    assert!(
        matches!(read("mqtt5s://broker", &certificate), Ok(Authentication::Certificate(file)) if file == "/me.pem")
    );
    assert!(matches!(read("mqtt://broker", &[]), Ok(Authentication::None)));
    assert!(read("mqtt://broker", &certificate).is_err());
    for wrong in [&[("username", word("me"))][..], &[("user", word("me"))]] {
        assert!(read("mqtts://broker", wrong).is_err());
    }
    let all = [("username", word("me")), ("password", word("x")), ("certfile", word("/me.pem"))];
    assert!(read("mqtts://broker", &all).is_err());
}

#[test]
fn mistakes() {
    let wild = ("subscribe", map(&[("a/#", word("b"))]));
    let list = ("publish", map(&[("a", map(&[]))]));
    for (entries, words) in [
        (vec![], "must be set"),
        (vec![("publsh", map(&[]))], "publsh"),
        (vec![wild], "a/#"),
        (vec![list], "must be a topic"),
        (vec![("publish", map(&[("", word("b"))]))], "no topic"),
    ] {
        let error = one("mqtt://broker", &entries).err().unwrap_or_default();
        assert!(error.starts_with("servers: mqtt://broker: ") && error.contains(words), "{words}: {error}");
    }
    assert!(servers(&map(&[])).unwrap().is_empty());
}
