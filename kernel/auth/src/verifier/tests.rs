use super::*;
use crate::testing::{PLAIN, SHA1, SHA256, SHA512, World, secret};

fn verifier(world: &World, types: &[PasswordType]) -> Verifier {
    Verifier::new(world.environment.clone(), types)
}

async fn stored(verifier: &Verifier, password: &str) -> StoredCredentials {
    let plain = verifier.derives.then(|| secret(password));
    StoredCredentials { plain, keys: verifier.keys(&secret(password)).await.unwrap() }
}

#[tokio::test]
async fn right_and_wrong_passwords() {
    let world = World::new();
    for types in [&[PLAIN][..], &[SHA1], &[SHA512], &[PLAIN, SHA256], &[SHA1, SHA256, SHA512]] {
        let verifier = verifier(&world, types);
        let stored = stored(&verifier, "pencil").await;
        assert_eq!(stored.types(), types);
        for (password, right) in [("pencil", true), ("pencil", true), ("Pencil", false), ("", false)] {
            let found = verifier.check("juliet", Some(&stored), &secret(password)).await.unwrap();
            assert_eq!(found, right, "{types:?} {password}");
        }
        assert!(!verifier.check("nobody", None, &secret("pencil")).await.unwrap());
    }
    let empty = StoredCredentials { plain: Some(secret("")), keys: Vec::new() };
    assert!(!verifier(&world, &[PLAIN]).check("juliet", Some(&empty), &secret("")).await.unwrap());
}

/// The second login with the same password needs no derivation; another password, other keys, an unknown account do.
#[tokio::test]
async fn a_verified_password_is_remembered() {
    let world = World::new();
    let verifier = verifier(&world, &[SHA256]);
    let (old, new) = (stored(&verifier, "pencil").await, stored(&verifier, "pencil").await);
    assert!(verifier.check("juliet", Some(&old), &secret("pencil")).await.unwrap());
    world.environment.refuse_derivations();
    assert!(verifier.check("juliet", Some(&old), &secret("pencil")).await.unwrap());
    for (stored, password) in [(Some(&old), "eraser"), (Some(&new), "pencil"), (None, "pencil")] {
        let outcome = verifier.check("juliet", stored, &secret(password)).await;
        assert_eq!(outcome, Err(AuthError::Stopping), "{password}");
    }
}

#[tokio::test]
async fn derived_keys_are_remembered_for_one_password() {
    let world = World::new();
    let verifier = verifier(&world, &[PLAIN]);
    let keys = verifier.derive("juliet", ScramHash::Sha1, &secret("pencil")).await.unwrap();
    assert!(keys.check_password(&secret("pencil")));
    world.environment.refuse_derivations();
    let again = verifier.derive("juliet", ScramHash::Sha1, &secret("pencil")).await.unwrap();
    assert!(Arc::ptr_eq(&keys, &again));
    for (user, hash, password) in [
        ("juliet", ScramHash::Sha1, "eraser"),
        ("juliet", ScramHash::Sha256, "pencil"),
        ("romeo", ScramHash::Sha1, "pencil"),
    ] {
        assert!(verifier.derive(user, hash, &secret(password)).await.is_err(), "{user} {hash:?} {password}");
    }
}

/// An unknown account costs a derivation wherever a known one does, and is remembered likewise.
#[tokio::test]
async fn unknown_accounts_take_as_long() {
    let world = World::new();
    let plain = verifier(&world, &[PLAIN, SHA256]);
    plain.pretend_to_derive("nobody", ScramHash::Sha1).await.unwrap();
    world.environment.refuse_derivations();
    plain.pretend_to_derive("nobody", ScramHash::Sha1).await.unwrap();
    assert!(plain.pretend_to_derive("nothing", ScramHash::Sha1).await.is_err());
    // Keys of this hash are kept, so a known account needs no derivation either.
    plain.pretend_to_derive("nothing", ScramHash::Sha256).await.unwrap();
    verifier(&world, &[SHA256]).pretend_to_derive("nothing", ScramHash::Sha1).await.unwrap();
}

#[tokio::test]
async fn prohibited_passwords_make_no_keys() {
    let world = World::new();
    let verifier = verifier(&world, &[SHA256]);
    for password in ["", "\u{7}"] {
        assert_eq!(verifier.keys(&secret(password)).await.unwrap_err(), AuthError::InvalidPassword);
    }
}
