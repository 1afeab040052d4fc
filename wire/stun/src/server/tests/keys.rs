//! Keys that may be out of date.

use super::*;

#[test]
fn a_key_that_is_out_of_date_leaves_the_request_waiting() {
    let mut world = World::with(settings(), Arc::new(Unlimited));
    world.permit(PEER);
    world.client = client(7000, Transport::Udp);
    world.sent.clear();
    let request = world.request(Method::ALLOCATE, &udp);
    let client = world.client;
    world.server.handle_input(world.now, &client, &request);
    let Some(Output::Authenticate { ticket, algorithm, .. }) = world.server.poll_output() else { panic!() };
    let key = |password| Key::long_term("alice", REALM, password, algorithm);
    let alice = || "alice".to_owned();
    assert!(!world.server.try_key(world.now, ticket, alice(), key("old")));
    assert_eq!(world.server.poll_output(), None);
    assert!(world.server.try_key(world.now, ticket, alice(), key("wonderland")));
    assert!(matches!(world.server.poll_output(), Some(Output::Allocate { .. })));
    assert!(!world.server.try_key(world.now, ticket, alice(), key("wonderland")), "a ticket is good once");
}
