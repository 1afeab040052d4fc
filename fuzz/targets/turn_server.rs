//! The TURN server as a machine that anybody may use: whatever packets arrive, nothing is relayed to a refused address and
//! there is no more state than was opened.
//!
//! The input is a list of packets, each behind a byte that says who sends it and a byte that says how long it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_stun::nonce::{Features, Nonces};
use nightjar_stun::policy::Policy;
use nightjar_stun::server::{
    Alternate, Authentication, Client, FromClient, IcmpError, Output, Relayed, Server, Settings, Transport,
    Unlimited,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

const CLIENTS: u8 = 4;

fn settings() -> Settings {
    let features = Features { password_algorithms: true, username_anonymity: false };
    Settings {
        use_turn: true,
        authentication: Authentication::Anonymous,
        realm: "example.org".to_owned(),
        software: "nightjar".to_owned(),
        has_ipv4: true,
        has_ipv6: false,
        bytes_a_second: None,
        permissions_max: 4,
        lifetime_default: 600,
        lifetime_max: 3600,
        policy: Policy::default(),
        nonces: Nonces::new([3; 32], 3600, features),
        other_address: Some(SocketAddr::from(([203, 0, 113, 2], 3479))),
        alternate: Alternate { v4: Some(SocketAddr::from(([203, 0, 113, 9], 3478))), ..Alternate::default() },
    }
}

fuzz_target!(|input: &[u8]| {
    let policy = Policy::default();
    let mut server = Server::new(Arc::new(settings()), Arc::new(Unlimited), 42);
    let (mut rest, mut now, mut open) = (input, 1_000_000, 0_usize);
    while let Some((&[who, length], tail)) = rest.split_first_chunk::<2>() {
        let (packet, next) = tail.split_at(tail.len().min(usize::from(length)));
        rest = next;
        now += u64::from(who) * 10;
        let client = Client {
            transport: Transport::Udp,
            local: SocketAddr::from((Ipv4Addr::new(203, 0, 113, 1), 3478)),
            remote: SocketAddr::from((Ipv4Addr::new(203, 0, 113, 9), 5000 + u16::from(who % CLIENTS))),
        };
        server.handle_timeout(now);
        if let FromClient::Relay { peer, data, .. } = server.handle_input(now, &client, packet) {
            assert_eq!(policy.check(peer), Ok(()));
            assert!(packet.get(data).is_some());
        }
        // A peer sends, and another can't be reached: whoever the packet's bytes name.
        let ids: Vec<_> = server.allocations().map(|own| own.id).collect();
        if let Some((&[a, b, c, d, e, f], _)) = packet.split_first_chunk::<6>() {
            let peer = SocketAddr::from(([a, b, c, d], u16::from_be_bytes([e, f])));
            for id in ids {
                let heard = server.handle_peer(now, id, peer, packet.len()).is_some();
                assert!(!heard || policy.check_ip(peer.ip()).is_ok());
                server.peer_unreachable(now, id, peer, IcmpError { kind: who, code: length, data: 0 });
            }
        }
        while let Some(output) = server.poll_output() {
            match output {
                Output::SendFrom { client: from, bytes } => {
                    assert!([3478, 3479].contains(&from.local.port()) && from.local != client.local);
                    assert!(from.remote.ip() == client.remote.ip() && bytes.len() <= 128);
                }
                Output::Allocate { ticket, .. } => {
                    open += 1;
                    let v4 = Some(SocketAddr::from((Ipv4Addr::new(192, 0, 2, 15), 50_000)));
                    server.allocated(now, ticket, Ok(Relayed { v4, ..Relayed::default() }));
                }
                Output::Free { family: None, .. } => open -= 1,
                Output::Authenticate { ticket, .. } => server.authenticated(now, ticket, None),
                _ => {}
            }
        }
        assert!(server.allocations().count() <= open.min(usize::from(CLIENTS)));
    }
});
