//! Limits.

use core::net::IpAddr;
use std::sync::Arc;

use super::{Fill, PEER, World, address, client, id, settings, udp};
use crate::attribute::kind;
use crate::builder::Builder;
use crate::channel;
use crate::policy::Network;
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

#[test]
fn what_is_refused_from_now_on_is_reached_no_longer() {
    let mut world = World::new(settings());
    world.allocate();
    world.bind(0x4000, PEER);
    world.bind(0x4001, "198.51.100.8:1");
    let (id, data) = (world.allocation().id, channel::header(0x4000, 0));
    let mut stricter = settings();
    stricter.policy.blacklist.push(Network::new("198.51.100.7".parse().unwrap(), 32).unwrap());
    world.server.set_settings(Arc::new(stricter));
    assert_eq!(world.put(&data), FromClient::Nothing);
    assert_eq!(world.server.handle_peer(world.now, id, address(PEER), 1), None);
    assert!(matches!(world.put(&channel::header(0x4001, 0)), FromClient::Relay { .. }));
    assert_eq!((world.allocation().permissions, world.allocation().channels), (1, 1));
}

/// What a forged request makes us send: as little as there can be in it.
#[test]
fn answers_to_strangers_are_short() {
    let mut world = World::new(settings());
    let sizes = |world: &mut World, method: Method, fill: Fill<'_>| {
        let mut request = Vec::new();
        fill(Builder::new(&mut request, Class::Request, method, id(1))).finish();
        world.put(&request);
        (request.len(), world.answer().bytes().len())
    };
    // A header, a code without words, 11 bytes of realm, 29 of nonce, and two algorithms.
    assert_eq!(sizes(&mut world, Method::ALLOCATE, &udp), (28, 20 + 8 + 16 + 36 + 12));
    assert!(world.answer().get(kind::SOFTWARE).is_none());
    assert_eq!(sizes(&mut world, Method::BINDING, &|builder| builder), (20, 32));
    assert_eq!(sizes(&mut world, Method::BINDING, &|builder| builder.bytes(0x7ff0, b"")), (24, 36));
}

/// Row 77 of the hostile inputs: to a listener without TLS the hellos of DTLS are noise that leaves nothing behind.
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
    world.server.drain(true);
    assert_eq!(world.permit(PEER), 0);
    world.client = client(5001, Transport::Udp);
    assert_eq!(world.allocate(), 508);
    // Other settings don't end it.
    world.server.set_settings(Arc::new(settings()));
    assert_eq!(world.allocate(), 508);
    world.server.drain(false);
    assert_eq!(world.allocate(), 0);
}
