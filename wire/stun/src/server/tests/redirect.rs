//! Clients that are sent to another server (RFC 8489 §10).

use core::net::IpAddr;
use std::sync::Arc;

use super::{Fill, World, address, client, settings, udp};
use crate::address::decode;
use crate::attribute::kind;
use crate::server::*;

const V4: &str = "192.0.2.99:3478";
const V6: &str = "[2001:db8::99]:3478";

fn alternate() -> Alternate {
    Alternate { v4: Some(address(V4)), v6: Some(address(V6)), domain: Some("other.example.org".to_owned()) }
}

fn draining(alternate: Alternate) -> World {
    let mut world = World::new(Settings { alternate, ..settings() });
    world.server.drain(true);
    world
}

/// What the last answer tells of other servers, in its order.
fn told(world: &World) -> Vec<SocketAddr> {
    let answer = world.answer();
    let servers = answer.attributes().filter(|attribute| attribute.kind == kind::ALTERNATE_SERVER);
    servers.filter_map(|attribute| decode(attribute.value)).collect()
}

#[test]
fn a_draining_server_tells_of_another_of_the_clients_family_first() {
    let v6 = "[2001:db8::5]:5000";
    for (remote, wanted) in [("203.0.113.9:5000", [V4, V6]), (v6, [V6, V4])] {
        let mut world = draining(alternate());
        world.client.remote = address(remote);
        assert_eq!(world.allocate(), 300);
        assert_eq!(told(&world), wanted.map(address));
        let key = Key::long_term("alice", super::REALM, "wonderland", Algorithm::Sha256);
        assert!(world.answer().verify(&key), "the answer is signed");
        assert_eq!((world.server.counters.redirected, world.server.counters.draining), (1, 1));
    }
}

#[test]
fn the_other_certificates_name_is_for_clients_of_tls() {
    for (transport, is_told) in
        [(Transport::Udp, false), (Transport::Tcp, false), (Transport::Tls, true), (Transport::Dtls, true)]
    {
        let mut world = draining(alternate());
        world.client = client(5000, transport);
        assert_eq!(world.allocate(), 300);
        let name = world.answer().get(kind::ALTERNATE_DOMAIN).map(<[u8]>::to_vec);
        assert_eq!(name, is_told.then(|| b"other.example.org".to_vec()), "{transport:?}");
    }
}

#[test]
fn nobody_unknown_is_told() {
    let mut world = draining(alternate());
    let request = world.request(Method::ALLOCATE, &udp);
    world.put(&request);
    assert_eq!(world.answer().get(kind::ERROR_CODE).map(|value| [value[2], value[3]]), Some([4, 1]));
    assert_eq!(told(&world), []);
    world.password = "guess";
    assert_eq!(world.allocate(), 401);
    assert_eq!(told(&world), []);
    // Where nobody is asked nobody is known.
    let anonymous =
        Settings { authentication: Authentication::Anonymous, alternate: alternate(), ..settings() };
    let mut world = World::new(anonymous);
    world.server.drain(true);
    let request = world.request(Method::ALLOCATE, &udp);
    world.put(&request);
    assert_eq!(world.answer().get(kind::ERROR_CODE).map(|value| [value[2], value[3]]), Some([5, 8]));
    assert_eq!((told(&world), world.server.counters.redirected), (vec![], 0));
}

#[test]
fn nobody_is_sent_where_it_came_from_nor_to_another_family_only() {
    let here = client(5000, Transport::Udp).local;
    for alternate in [
        Alternate::default(),
        Alternate { v4: Some(here), ..alternate() },
        Alternate { v4: None, ..alternate() },
    ] {
        let mut world = draining(alternate);
        assert_eq!(world.allocate(), 508);
        assert_eq!(told(&world), []);
    }
}

#[test]
fn what_was_reserved_here_is_not_sought_elsewhere() {
    let mut world = draining(alternate());
    let reserved: Fill<'_> = &|builder| udp(builder).bytes(kind::RESERVATION_TOKEN, &[9; 8]);
    assert_eq!(world.ask(Method::ALLOCATE, reserved), 508);
}

struct Full(Refused);

impl Quota for Full {
    fn take(&self, _: IpAddr, _: &str) -> Result<(), Refused> {
        Err(self.0)
    }

    fn give_back(&self, _: IpAddr, _: &str) {}
}

#[test]
fn a_full_server_tells_of_another_and_a_clients_own_limit_does_not() {
    for (refused, code) in [(Refused::Server, 300), (Refused::Address, 486), (Refused::Account, 486)] {
        let settings = Settings { alternate: alternate(), ..settings() };
        let mut world = World::with(settings, Arc::new(Full(refused)));
        assert_eq!(world.allocate(), code, "{refused:?}");
    }
    let mut world = World::with(settings(), Arc::new(Full(Refused::Server)));
    assert_eq!(world.allocate(), 486);
}

#[test]
fn want_of_ports_sends_clients_elsewhere_and_want_of_a_family_does_not() {
    for (error, code) in
        [(ErrorCode::INSUFFICIENT_CAPACITY, [3, 0]), (ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED, [4, 40])]
    {
        let mut world = World::new(Settings { alternate: alternate(), ..settings() });
        world.permit(super::PEER);
        let request = world.request(Method::ALLOCATE, &udp);
        let client = world.client;
        world.server.handle_input(world.now, &client, &request);
        let Some(Output::Authenticate { ticket, algorithm, .. }) = world.server.poll_output() else {
            panic!()
        };
        let key = Key::long_term("alice", super::REALM, "wonderland", algorithm);
        world.server.authenticated(world.now, ticket, Some(("alice".to_owned(), key)));
        let Some(Output::Allocate { ticket, .. }) = world.server.poll_output() else { panic!() };
        world.server.allocated(world.now, ticket, Err(error));
        world.pump();
        assert_eq!(world.answer().get(kind::ERROR_CODE).map(|value| [value[2], value[3]]), Some(code));
    }
}

#[test]
fn relays_that_are_there_go_on_while_clients_are_sent_elsewhere() {
    let mut world = World::new(Settings { alternate: alternate(), ..settings() });
    assert_eq!(world.allocate(), 0);
    world.server.drain(true);
    assert_eq!(world.permit(super::PEER), 0);
    assert_eq!(world.ask(Method::REFRESH, &|builder| builder.u32(kind::LIFETIME, 600)), 0);
    world.client = client(5001, Transport::Udp);
    assert_eq!(world.allocate(), 300);
}
