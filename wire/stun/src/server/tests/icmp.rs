//! Errors of the way to a peer (RFC 8656 §11.5).

use super::{PEER, World, address, settings};
use crate::attribute::kind;
use crate::server::*;

fn told(world: &mut World, peer: &str, error: IcmpError) -> Option<Vec<u8>> {
    let id = world.allocation().id;
    world.sent.clear();
    world.server.peer_unreachable(world.now, id, address(peer), error);
    world.pump();
    world.sent.pop()
}

#[test]
fn a_client_is_told_that_a_peer_is_unreachable() {
    let mut world = World::new(settings());
    world.allocate();
    let error = IcmpError { kind: 3, code: 4, data: 1_400 };
    assert_eq!(told(&mut world, PEER, error), None, "it may not send there");
    world.permit(PEER);
    let bytes = told(&mut world, PEER, error).unwrap();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.class, message.method), (Class::Indication, Method::DATA));
    assert_eq!(message.get_xor_address(kind::XOR_PEER_ADDRESS), Some(address(PEER)));
    // Two bytes of nothing, seven bits of type, nine of code, the MTU (RFC 8656 §18.13).
    assert_eq!(message.get(kind::ICMP), Some([0, 0, 6, 4, 0, 0, 5, 120].as_slice()));
    assert_eq!(message.get(kind::DATA), None);
    assert_eq!(world.server.counters.icmp_errors, 1);
}

#[test]
fn only_errors_that_the_specification_names_are_told() {
    let mut world = World::new(settings());
    world.allocate();
    world.permit(PEER);
    for (kind, is_told) in
        [(0, false), (1, false), (3, true), (5, false), (11, true), (12, false), (255, false)]
    {
        let error = IcmpError { kind, code: 255, data: 0 };
        assert_eq!(told(&mut world, PEER, error).is_some(), is_told, "{kind}");
    }
    world.now += 300_000;
    assert_eq!(
        told(&mut world, PEER, IcmpError { kind: 3, code: 1, data: 0 }),
        None,
        "no permission any more"
    );
}
