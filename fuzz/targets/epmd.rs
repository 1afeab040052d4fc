//! epmd: what any bytes from anywhere do to the daemon, at any pace, and what a daemon's answers do to us.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_erldist::epmd::{ConnectionId, Query, Request, Server, ServerOutput, ServerSettings};
use std::time::Duration;

const ID: ConnectionId = ConnectionId(1);

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let is_loopback = choice & 1 == 1;
    let relaxed = choice & 2 == 2;
    let whole = answered(relaxed, is_loopback, body, body.len().max(1));
    assert_eq!(whole, answered(relaxed, is_loopback, body, 1), "the answer depends on the pace");
    let ends = whole.contains(&ServerOutput::Shutdown);
    assert!(is_loopback || !ends, "another host ended the daemon");
    if let Ok(request) = Request::decode(body) {
        let bytes = request.encode();
        assert_eq!(Request::decode(&bytes[2..]), Ok(request));
    }
    for request in [Request::Names, Request::Port("a".into()), Request::Kill, Request::Dump] {
        let (mut query, _) = Query::new(&request);
        if let Ok(None) = query.handle_input(body) {
            let _ = query.handle_end();
        }
    }
});

fn answered(relaxed: bool, is_loopback: bool, body: &[u8], size: usize) -> Vec<ServerOutput> {
    let mut server = Server::new(ServerSettings { relaxed, ..ServerSettings::default() }, 7);
    assert!(server.connection_opened(Duration::ZERO, ID, is_loopback));
    body.chunks(size).for_each(|piece| server.handle_input(ID, piece));
    assert!(is_loopback || server.names().count() == 0, "another host registered a name");
    std::iter::from_fn(|| server.poll_output()).collect()
}
