use std::time::Duration;

use nightjar_stun::credential::{Algorithm, Key};

use super::{Keys, LIFETIME, MAX};

fn key(password: &str) -> Key {
    Key::long_term("alice", "example.org", password, Algorithm::Md5)
}

#[test]
fn a_key_is_known_for_a_while_and_for_its_algorithm() {
    let (keys, now) = (Keys::default(), Duration::from_secs(100));
    keys.keep(keys.generation(), "alice", Algorithm::Md5, key("secret"), now);
    let short = Duration::from_millis(1);
    for (user, algorithm, at, expected) in [
        ("alice", Algorithm::Md5, now, true),
        ("alice", Algorithm::Md5, now + LIFETIME - short, true),
        ("alice", Algorithm::Md5, now + LIFETIME, false),
        ("alice", Algorithm::Sha256, now, false),
        ("bob", Algorithm::Md5, now, false),
    ] {
        assert_eq!(keys.find(user, algorithm, at) == Some(key("secret")), expected, "{user} at {at:?}");
    }
    keys.keep(keys.generation(), "alice", Algorithm::Md5, key("other"), now + LIFETIME);
    assert!(keys.find("alice", Algorithm::Md5, now + LIFETIME) == Some(key("other")));
}

#[test]
fn what_was_looked_up_before_a_change_is_not_kept_after_it() {
    let (keys, now) = (Keys::default(), Duration::ZERO);
    let generation = keys.generation();
    keys.keep(generation, "alice", Algorithm::Md5, key("old"), now);
    keys.forget();
    assert!(keys.find("alice", Algorithm::Md5, now).is_none());
    keys.keep(generation, "alice", Algorithm::Md5, key("old"), now);
    assert!(keys.find("alice", Algorithm::Md5, now).is_none());
    keys.keep(keys.generation(), "alice", Algorithm::Md5, key("new"), now);
    assert!(keys.find("alice", Algorithm::Md5, now) == Some(key("new")));
}

#[test]
fn keys_are_bounded() {
    let keys = Keys::default();
    for number in 0..=MAX {
        keys.keep(keys.generation(), &format!("user{number}"), Algorithm::Md5, key("secret"), Duration::ZERO);
    }
    assert!(keys.0.lock().keys.len() <= MAX);
    assert!(keys.find(&format!("user{MAX}"), Algorithm::Md5, Duration::ZERO).is_some());
}
