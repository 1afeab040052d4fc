use super::*;

fn read(piece: &str) -> StreamOpen {
    opening(piece.as_bytes(), &Limits::default()).unwrap().0
}

#[test]
fn reads_the_opening_tag() {
    let open = read(
        "<stream:stream from=\"a&amp;b@c\" to='capulet.lit' id='x' version='1.0' xml:lang='de' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' other='1'>",
    );
    assert_eq!((open.prefix.as_str(), open.name.as_str()), ("stream", "stream"));
    assert_eq!(open.ns, "http://etherx.jabber.org/streams");
    assert_eq!(open.content_ns, "jabber:client");
    let attrs = [&open.from, &open.to, &open.id, &open.version, &open.lang]
        .map(|attr| attr.as_deref().unwrap_or("-"));
    assert_eq!(attrs, ["a&b@c", "capulet.lit", "x", "1.0", "de"]);
    let prefixes: Vec<(&str, &str)> =
        open.prefixes.iter().map(|(prefix, ns)| (prefix.as_str(), ns.as_str())).collect();
    assert_eq!(prefixes, [("stream", open.ns.as_str()), ("db", "jabber:server:dialback")]);
}

#[test]
fn leaves_out_what_is_not_there() {
    let open = read("<stream>");
    assert_eq!((open.prefix.as_str(), open.ns.as_str(), open.content_ns.as_str()), ("", "", ""));
    assert!(open.to.is_none() && open.from.is_none() && open.version.is_none() && open.lang.is_none());
    assert_eq!(opening(b"<a/>", &Limits::default()).map(|(_, empty)| empty), Ok(true));
}

#[test]
fn usual_streams_cost_no_memory_for_their_prefixes() {
    for (opening, usual) in [
        ("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", true),
        ("<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server'>", true),
        (
            "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' \
             xmlns:stream='http://etherx.jabber.org/streams'>",
            true,
        ),
        (
            "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>",
            true,
        ),
        ("<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>", false),
    ] {
        let scope = Scope::new(read(opening).root());
        assert_eq!(matches!(scope, Scope::Known(_)), usual, "{opening}");
    }
}
