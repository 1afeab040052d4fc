//! Names that clients hide (RFC 8489 §14.4).

use super::{REALM, World, id, settings, udp};
use crate::attribute::kind;
use crate::builder::Builder;
use crate::credential::{ALGORITHMS, Algorithm, Integrity, Key, userhash};
use crate::nonce::{Features, Nonces};
use crate::server::*;

fn allocate(world: &mut World, user: &str) -> Vec<u8> {
    allocate_with(world, user, "wonderland")
}

fn allocate_with(world: &mut World, user: &str, password: &str) -> Vec<u8> {
    let key = Key::long_term("alice", REALM, password, Algorithm::Sha256);
    let mut request = Vec::new();
    udp(Builder::new(&mut request, Class::Request, Method::ALLOCATE, id(77)))
        .bytes(kind::USERHASH, &userhash(user, REALM))
        .bytes(kind::REALM, REALM.as_bytes())
        .bytes(kind::NONCE, &world.nonce)
        .bytes(kind::PASSWORD_ALGORITHMS, &ALGORITHMS)
        .bytes(kind::PASSWORD_ALGORITHM, &[0, 2, 0, 0])
        .sign(&key, Integrity::Sha256)
        .finish();
    request
}

#[test]
fn a_hidden_name_is_understood_where_that_is_offered() {
    for (username_anonymity, user, wanted) in
        [(true, "alice", None), (true, "mallory", Some([4, 38])), (false, "alice", Some([4, 1]))]
    {
        let features = Features { password_algorithms: true, username_anonymity };
        let nonces = Nonces::new([3; 32], 3600, features);
        let mut world = World::new(Settings { nonces, ..settings() });
        let bare = world.request(Method::ALLOCATE, &udp);
        world.put(&bare);
        world.nonce = world.answer().get(kind::NONCE).unwrap().to_vec();
        let request = allocate(&mut world, user);
        world.put(&request);
        let answer = world.answer();
        let code = answer.get(kind::ERROR_CODE).map(|value| [value[2], value[3]]);
        assert_eq!(code, wanted, "{username_anonymity} {user}");
        assert_eq!(answer.get(kind::NONCE).is_some(), wanted.is_some(), "the client may try again");
        assert_eq!(world.server.allocations().count(), usize::from(wanted.is_none()));
    }
}

#[test]
fn a_hidden_name_that_is_not_found_is_asked_for_as_it_is() {
    // A hash that nobody has and a wrong password look the same.
    for (user, password) in [("nobody", "wonderland"), ("alice", "guess")] {
        let mut world = World::new(settings());
        let bare = world.request(Method::ALLOCATE, &udp);
        world.put(&bare);
        world.nonce = world.answer().get(kind::NONCE).unwrap().to_vec();
        let request = allocate_with(&mut world, user, password);
        world.put(&request);
        let answer = world.answer();
        assert_eq!(answer.get(kind::ERROR_CODE).map(|value| [value[2], value[3]]), Some([4, 38]));
        world.nonce = answer.get(kind::NONCE).unwrap().to_vec();
        assert!(world.nonce.starts_with(b"obMatJos2gAAA"), "hiding isn't offered this time");
        let request = allocate(&mut world, "alice");
        world.put(&request);
        assert_eq!(
            world.answer().get(kind::ERROR_CODE).map(|value| [value[2], value[3]]),
            Some([4, 1]),
            "what wasn't offered isn't taken"
        );
        assert_eq!(world.ask(Method::ALLOCATE, &udp), 0, "the name as it is will do");
    }
}

#[test]
fn nobody_is_asked_for_a_hidden_name_that_was_not_offered() {
    let features = Features { password_algorithms: true, username_anonymity: false };
    let mut world = World::new(Settings { nonces: Nonces::new([3; 32], 3600, features), ..settings() });
    world.nonce = world.server.settings.nonces.make(world.client.remote.ip(), world.now / 1000).into_bytes();
    let request = allocate(&mut world, "alice");
    let client = world.client;
    world.server.handle_input(world.now, &client, &request);
    assert!(matches!(world.server.poll_output(), Some(Output::Send { .. })));
    assert_eq!(world.server.poll_output(), None);
}
