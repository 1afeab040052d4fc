use super::*;
use std::time::Duration;

const START: Duration = Duration::ZERO;
const HERE: ConnectionId = ConnectionId(1);
const OTHER: ConnectionId = ConnectionId(2);

/// What Erlang/OTP 25 sends for `erl -sname bob -hidden` that listens on 34329.
const ALIVE2: &[u8] = b"\0\x10x\x86\x19H\0\0\x06\0\x05\0\x03bob\0\0";

fn server(relaxed: bool) -> Server {
    Server::new(ServerSettings { relaxed, names: 3, connections: 4, ..ServerSettings::default() }, 1000)
}

/// Opens a connection, sends a request, and tells what was sent back and whether the connection was closed.
fn ask(server: &mut Server, id: ConnectionId, is_loopback: bool, request: &[u8]) -> (Vec<u8>, bool) {
    assert!(server.connection_opened(START, id, is_loopback));
    server.handle_input(id, request);
    drain(server, id)
}

fn drain(server: &mut Server, id: ConnectionId) -> (Vec<u8>, bool) {
    let (mut sent, mut is_closed) = (Vec::new(), false);
    while let Some(output) = server.poll_output() {
        match output {
            ServerOutput::Send { to, bytes } if to == id && !is_closed => sent.extend(bytes),
            ServerOutput::Close { connection } if connection == id => is_closed = true,
            other => panic!("{other:?}"),
        }
    }
    (sent, is_closed)
}

fn bob() -> Registration {
    Registration::new("bob", 34329, NodeKind::Hidden)
}

#[test]
fn requests_are_written_and_read() {
    let rows: [(Request, &[u8]); 6] = [
        (Request::Register(bob()), ALIVE2),
        (Request::Port("bob".into()), b"\0\x04zbob"),
        (Request::Names, b"\0\x01n"),
        (Request::Dump, b"\0\x01d"),
        (Request::Kill, b"\0\x01k"),
        (Request::Stop("bob".into()), b"\0\x04sbob"),
    ];
    for (request, bytes) in rows {
        assert_eq!(request.encode(), bytes);
        assert_eq!(Request::decode(&bytes[2..]), Ok(request));
    }
}

#[test]
fn answers_are_read_at_any_pace() {
    let port = [b"w\0".as_slice(), &ALIVE2[3..]].concat();
    let names = || Answer::Names { port: 4369, nodes: vec![("bob".into(), 34329), ("b-2".into(), 1)] };
    let rows: Vec<(Request, &[u8], Result<Answer, EpmdError>)> = vec![
        (Request::Register(bob()), b"v\0\0\x01\x02\x03", Ok(Answer::Registered { creation: 0x1_0203 })),
        (Request::Register(bob()), b"y\0\0\x02", Ok(Answer::Registered { creation: 2 })),
        (Request::Register(bob()), b"v\x01\0\0\0\x63", Ok(Answer::Refused)),
        (Request::Register(bob()), b"q", Err(EpmdError::Tag(b'q'))),
        (Request::Register(bob()), b"v\0\0", Err(EpmdError::Closed)),
        (Request::Port("bob".into()), &port, Ok(Answer::Port(Some(bob())))),
        (Request::Port("bob".into()), &port[..port.len() - 2], Ok(Answer::Port(Some(bob())))),
        (Request::Port("bob".into()), b"w\x01", Ok(Answer::Port(None))),
        (Request::Port("bob".into()), b"w\0\x11", Err(EpmdError::Closed)),
        (Request::Port("bob".into()), b"x\0", Err(EpmdError::Tag(b'x'))),
        (Request::Names, b"\0\0\x11\x11name bob at port 34329\nname b-2 at port 1\n", Ok(names())),
        (Request::Names, b"\0\0\x11\x11nonsense\n", Err(EpmdError::Malformed)),
        (Request::Names, b"\0\x01\0\0", Err(EpmdError::Malformed)),
        (Request::Names, b"\0", Err(EpmdError::Closed)),
        (Request::Dump, b"\0\0\x11\x11active name\n\0", Ok(Answer::Text("active name\n".into()))),
        (Request::Kill, b"OK", Ok(Answer::Text("OK".into()))),
        (Request::Stop("bob".into()), b"NOEXIST", Ok(Answer::Text("NOEXIST".into()))),
        (Request::Kill, b"", Err(EpmdError::Closed)),
    ];
    for (request, bytes, expected) in rows {
        for size in [1, 3, 1000] {
            let (mut query, _) = Query::new(&request);
            let mut pieces = bytes.chunks(size);
            let early = pieces.find_map(|piece| query.handle_input(piece).transpose());
            assert_eq!(early.unwrap_or_else(|| query.handle_end()), expected, "{request:?} {bytes:?}");
        }
    }
}

#[test]
fn an_endless_answer_is_refused() {
    let (mut query, _) = Query::new(&Request::Names);
    let refused = (0..2000).find_map(|_| query.handle_input(&[b'a'; 1024]).err());
    assert_eq!(refused, Some(EpmdError::TooLong));
}

#[test]
fn a_node_is_found_while_its_connection_lives() {
    let mut server = server(false);
    let (sent, is_closed) = ask(&mut server, HERE, true, ALIVE2);
    assert_eq!((sent.as_slice(), is_closed), (&b"v\0\0\0\x03\xe9"[..], false));
    let found = [b"w\0".as_slice(), &ALIVE2[3..]].concat();
    assert_eq!(ask(&mut server, OTHER, false, b"\0\x04zbob"), (found, true));
    assert_eq!(ask(&mut server, OTHER, false, b"\0\x05zbobo"), (b"w\x01".to_vec(), true));
    let names = b"\0\0\x11\x11name bob at port 34329\n".to_vec();
    assert_eq!(ask(&mut server, OTHER, false, b"\0\x01n"), (names, true));
    let dump = b"\0\0\x11\x11active name     <bob> at port 34329, fd = 1\n\0".to_vec();
    assert_eq!(ask(&mut server, OTHER, true, b"\0\x01d"), (dump, true));
    assert_eq!(ask(&mut server, OTHER, true, ALIVE2), (b"v\x01\0\0\0\0".to_vec(), true), "taken");
    server.connection_closed(HERE);
    assert_eq!(server.names().count(), 0);
    let (again, _) = ask(&mut server, HERE, true, ALIVE2);
    assert_eq!(again, b"v\0\0\0\x03\xea", "another life, another creation");
}

#[test]
fn older_nodes_get_the_older_answer() {
    let mut server = server(false);
    let old = Registration { highest: 5, ..bob() };
    let (sent, _) = ask(&mut server, HERE, true, &Request::Register(old).encode());
    assert_eq!(&sent[..3], b"y\0\0");
    assert!((1..=3).contains(&sent[3]));
}

#[test]
fn a_new_creation_never_falls_among_the_old_ones() {
    let mut server = Server::new(ServerSettings::default(), u32::MAX);
    let (sent, _) = ask(&mut server, HERE, true, ALIVE2);
    assert_eq!(sent, b"v\0\0\0\0\x04");
}

/// Hostile row 98: other hosts may look names up and nothing else; what is no request has no answer.
#[test]
fn who_may_not_ask_gets_no_answer() {
    let rows: [(&str, bool, &[u8]); 11] = [
        ("a registration from another host", false, ALIVE2),
        ("a dump for another host", false, b"\0\x01d"),
        ("a kill from another host", false, b"\0\x01k"),
        ("a stop from another host", false, b"\0\x04sbob"),
        ("a stop without the option", true, b"\0\x04sbob"),
        ("an unknown request", true, b"\0\x01q"),
        ("an empty request", true, b"\0\0"),
        ("HTTP", true, b"GET / HTTP/1.1\r\n\r\n"),
        ("names and more", true, b"\0\x02nn"),
        ("a name of no text", true, b"\0\x02z\xff"),
        ("a registration cut short", true, b"\0\x05x\x86\x19H\0"),
    ];
    for (name, is_loopback, request) in rows {
        let mut server = server(false);
        assert_eq!(ask(&mut server, OTHER, is_loopback, request), (Vec::new(), true), "{name}");
        assert_eq!(server.names().count(), 0, "{name}");
    }
}

#[test]
fn names_that_cannot_be_are_refused() {
    for name in ["", "bob@host", "a b", "a\nname evil at port 1", &"a".repeat(256)] {
        let mut server = server(false);
        let request = Request::Register(Registration { name: name.into(), ..bob() }).encode();
        assert_eq!(ask(&mut server, HERE, true, &request), (b"v\x01\0\0\0\0".to_vec(), true), "{name:?}");
    }
}

#[test]
fn the_daemon_is_only_ended_while_it_is_not_needed() {
    let mut strict = server(false);
    ask(&mut strict, HERE, true, ALIVE2);
    assert_eq!(ask(&mut strict, OTHER, true, b"\0\x01k"), (b"NO".to_vec(), true));
    strict.connection_closed(HERE);
    for mut server in [strict, server(true)] {
        assert!(server.connection_opened(START, OTHER, true));
        server.handle_input(OTHER, b"\0\x01k");
        let outputs: Vec<_> = std::iter::from_fn(|| server.poll_output()).collect();
        let sent = ServerOutput::Send { to: OTHER, bytes: b"OK".to_vec() };
        assert_eq!(outputs, [sent, ServerOutput::Close { connection: OTHER }, ServerOutput::Shutdown]);
    }
}

#[test]
fn a_relaxed_daemon_takes_names_away() {
    let mut server = server(true);
    ask(&mut server, HERE, true, ALIVE2);
    assert!(server.connection_opened(START, OTHER, true));
    server.handle_input(OTHER, b"\0\x04sbob");
    assert_eq!(server.poll_output(), Some(ServerOutput::Close { connection: HERE }));
    assert_eq!(drain(&mut server, OTHER), (b"STOPPED".to_vec(), true));
    assert_eq!(ask(&mut server, OTHER, true, b"\0\x04sbob"), (b"NOEXIST".to_vec(), true));
}

#[test]
fn connections_names_and_time_are_bounded() {
    let mut server = server(false);
    for id in 0..3 {
        let name = format!("node{id}");
        let request = Request::Register(Registration { name, ..bob() }).encode();
        let (sent, is_closed) = ask(&mut server, ConnectionId(id), true, &request);
        assert_eq!((sent[1], is_closed), (0, false));
    }
    let (sent, is_closed) = ask(&mut server, ConnectionId(9), true, ALIVE2);
    assert_eq!((sent[1], is_closed), (1, true), "too many names");
    assert!(server.connection_opened(START, ConnectionId(10), false));
    assert!(!server.connection_opened(START, ConnectionId(11), false), "too many connections");
    server.handle_input(ConnectionId(10), b"\0");
    let deadline = server.poll_timeout().unwrap();
    server.handle_timeout(deadline - Duration::from_nanos(1));
    assert_eq!(server.poll_output(), None);
    server.handle_timeout(deadline);
    assert_eq!(drain(&mut server, ConnectionId(10)), (Vec::new(), true));
    assert_eq!(server.poll_timeout(), None, "nodes may be silent");
    assert_eq!(server.names().count(), 3);
}

#[test]
fn requests_come_at_any_pace() {
    let mut server = server(false);
    assert!(server.connection_opened(START, HERE, true));
    for (position, byte) in ALIVE2.iter().enumerate() {
        assert_eq!(server.poll_output(), None, "before byte {position}");
        server.handle_input(HERE, &[*byte]);
    }
    assert_eq!(drain(&mut server, HERE).0[..2], *b"v\0");
    server.handle_input(HERE, &[b'x'; 4096]);
    assert_eq!(server.poll_output(), None, "a node has nothing more to say");
}
