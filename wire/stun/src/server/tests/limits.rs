//! Limits and whom relays reach, whatever arrives.

use core::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use proptest::prelude::*;

use super::{PEER, World, address, client, id, settings, udp};
use crate::attribute::kind;
use crate::builder::Builder;
use crate::channel;
use crate::server::*;

pub(super) struct Two(pub(super) std::sync::Mutex<usize>);

impl Quota for Two {
    fn take(&self, _: IpAddr, _: &str) -> Result<(), Refused> {
        let mut taken = self.0.lock().unwrap();
        if *taken == 2 {
            return Err(Refused::Account);
        }
        *taken += 1;
        Ok(())
    }

    fn give_back(&self, _: IpAddr, _: &str) {
        *self.0.lock().unwrap() -= 1;
    }
}

#[test]
fn quotas_hold_and_are_given_back() {
    let mut world = World::with(settings(), Arc::new(Two(std::sync::Mutex::default())));
    for (port, code) in [(1, 0), (2, 0), (3, 486)] {
        world.client = client(port, Transport::Udp);
        assert_eq!(world.allocate(), code, "{port}");
    }
    world.client = client(1, Transport::Udp);
    world.server.handle_closed(&world.client.clone());
    world.client = client(3, Transport::Udp);
    assert_eq!(world.allocate(), 0);
    for number in 1..=10 {
        assert_eq!(world.permit(&format!("198.51.100.{number}:1")), 0);
    }
    assert_eq!(world.permit("198.51.100.11:1"), 508);
    assert_eq!(world.permit("198.51.100.10:1"), 0);
}

/// Row 75 of the hostile inputs.
#[test]
fn nobody_is_flooded_with_answers_to_forged_requests() {
    let mut world = World::new(settings());
    let request = world.request(Method::ALLOCATE, &udp);
    let (mut asked, mut answered) = (0, 0);
    for _ in 0..10_000 {
        asked += request.len();
        world.sent.clear();
        world.put(&request);
        answered += world.sent.iter().map(Vec::len).sum::<usize>();
    }
    assert!(answered < asked + 4_096, "{answered} bytes for {asked}");
    assert!(world.server.counters.answers_withheld > 9_000);
    // Another address is answered, and this one is again later.
    world.client.remote = address("203.0.113.77:1");
    world.sent.clear();
    world.put(&request);
    assert_eq!(world.sent.len(), 1);
    world.client = client(5000, Transport::Udp);
    world.now += 60_000;
    assert_eq!(world.allocate(), 0);
}

/// Row 77 of the hostile inputs: there is no DTLS, so its hellos are noise that leaves nothing behind.
#[test]
fn hellos_of_dtls_are_noise() {
    let mut world = World::new(settings());
    // A DTLS 1.2 record with a ClientHello that has no cookie (RFC 6347 §4.3.2).
    let mut hello = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 1, 0, 0, 88];
    hello.resize(113, 0);
    for port in 0..10_000 {
        world.client = client(1_025 + port, Transport::Udp);
        world.put(&hello);
    }
    assert_eq!(world.server.counters.noise, 10_000);
    assert_eq!((world.sent.len(), world.outputs.len(), world.server.allocations().count()), (0, 0, 0));
    assert_eq!(world.server.poll_timeout(), None);
}

/// Row 78 of the hostile inputs: tickets aren't given (RFC 8016), so a client that comes again and again from other ports
/// asks for relays as anybody does.
#[test]
fn tickets_of_mobility_beat_no_quota() {
    const MOBILITY_TICKET: u16 = 0x8030;
    let mut world = World::with(settings(), Arc::new(Two(std::sync::Mutex::default())));
    for (port, code) in [(1, 0), (2, 0), (3, 486), (4, 486)] {
        world.client = client(port, Transport::Udp);
        assert_eq!(
            world.ask(Method::ALLOCATE, &|builder| udp(builder).bytes(MOBILITY_TICKET, b"")),
            code,
            "{port}"
        );
        assert_eq!(world.answer().get(MOBILITY_TICKET), None);
        world.client = client(port + 100, Transport::Udp);
        assert_eq!(
            world.ask(Method::REFRESH, &|builder| builder.bytes(MOBILITY_TICKET, b"ticket")),
            437,
            "{port}"
        );
    }
    assert_eq!(world.server.allocations().count(), 2);
}

#[test]
fn a_relay_carries_no_more_than_it_may() {
    let mut world = World::new(Settings { bytes_a_second: Some(1_000), ..settings() });
    world.allocate();
    world.bind(0x4000, PEER);
    let (id, peer) = (world.allocation().id, address(PEER));
    let carried = |world: &mut World| {
        (0..100).filter(|_| world.server.handle_peer(world.now, id, peer, 100).is_some()).count()
    };
    assert_eq!(carried(&mut world), 10);
    world.now += 500;
    assert_eq!(carried(&mut world), 5);
    world.now += 60_000;
    assert_eq!(carried(&mut world), 10);
    assert_eq!(world.server.counters.packets_over_rate, 275);
}

#[test]
fn nothing_is_taken_while_draining() {
    let mut world = World::new(settings());
    world.allocate();
    world.server.drain();
    assert_eq!(world.permit(PEER), 0);
    world.client = client(5001, Transport::Udp);
    assert_eq!(world.allocate(), 508);
}

proptest! {
    /// Whatever arrives, nothing is relayed to a refused address and nothing exceeds its limit.
    #[test]
    fn policy_and_limits_hold(steps in proptest::collection::vec((0_u8..6, any::<u32>(), 0_u16..4), 1..60)) {
        let mut world = World::with(settings(), Arc::new(Two(std::sync::Mutex::default())));
        for (step, bits, port) in steps {
            world.client = client(7000 + port, Transport::Udp);
            world.now += u64::from(bits % 100_000);
            world.server.handle_timeout(world.now);
            world.pump();
            let ip = IpAddr::V4(bits.to_be_bytes().map(|byte| [10, 127, 198, 51, 100, 8, 169, 254][usize::from(byte) % 8]).into());
            let peer = SocketAddr::new(ip, 1 + port);
            let relayed = match step {
                0 => { world.allocate(); FromClient::Nothing }
                1 => { world.permit(&peer.to_string()); FromClient::Nothing }
                2 => { world.bind(0x4000 + port, &peer.to_string()); FromClient::Nothing }
                3 => world.put(&channel::header(0x4000 + (bits % 8) as u16, 0)),
                4 => world.put(&bits.to_be_bytes()),
                _ => {
                    let mut send = Vec::new();
                    Builder::new(&mut send, Class::Indication, Method::SEND, id(1))
                        .xor_address(kind::XOR_PEER_ADDRESS, peer).bytes(kind::DATA, b"x").finish();
                    world.put(&send)
                }
            };
            if let FromClient::Relay { peer, .. } = relayed {
                prop_assert_eq!(settings().policy.check(peer), Ok(()));
            }
            prop_assert!(world.server.allocations().count() <= 2);
            prop_assert!(world.server.allocations().all(|own| own.permissions <= 10));
        }
    }
}
