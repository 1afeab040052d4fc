use std::time::Duration;

use super::*;
use crate::testing::{PLAIN, SHA1, SHA256, World, secret, storing};
use crate::{CacheOptions, PasswordFormat};

const TYPES: &str = "SELECT type FROM users WHERE username = ? AND {host} ORDER BY type";

fn accounts(world: &World, options: &AuthOptions) -> SqlAccounts {
    SqlAccounts::new(options, world.store.clone(), world.environment.clone())
}

async fn accepts(accounts: &SqlAccounts, user: &str, password: &str) -> bool {
    accounts.check_password(user, &secret(password)).await.unwrap() == MethodVerdict::Accepted
}

async fn names(accounts: &SqlAccounts, prefix: &str, after: &str, limit: u32) -> Vec<String> {
    let page = Page { prefix: Text::new(prefix), after: Text::new(after), limit };
    accounts.list(&page).await.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_new_account_is_kept_in_the_forms_of_the_options() {
    let format =
        |password_format, scram_hash| AuthOptions { password_format, scram_hash, ..AuthOptions::default() };
    let table = [
        (AuthOptions::default(), vec!["2", "3", "4"]),
        (format(Some(PasswordFormat::Plain), None), vec!["1"]),
        (format(Some(PasswordFormat::Plain), Some(ScramHash::Sha512)), vec!["1"]),
        (format(Some(PasswordFormat::Scram), None), vec!["2"]),
        (format(Some(PasswordFormat::Scram), Some(ScramHash::Sha256)), vec!["3"]),
        (format(None, Some(ScramHash::Sha512)), vec!["4"]),
        (storing(&[SHA256, PLAIN]), vec!["1", "3"]),
    ];
    for (options, types) in table {
        let world = World::new();
        let accounts = accounts(&world, &options);
        accounts.register("juliet", &secret("pencil")).await.unwrap();
        assert_eq!(world.column(TYPES, params!["juliet"]).await, types);
        let plain = world.column("SELECT password FROM users WHERE {host}", params![]).await;
        assert_eq!(plain.contains(&"pencil".to_owned()), types.contains(&"1"));
        assert!(accounts.exists("juliet").await.unwrap());
        assert!(accepts(&accounts, "juliet", "pencil").await);
        assert!(!accepts(&accounts, "juliet", "eraser").await);
        assert!(!accepts(&accounts, "romeo", "pencil").await);
        assert!(!accounts.exists("romeo").await.unwrap());
    }
}

#[tokio::test]
async fn a_name_is_given_once() {
    let world = World::new();
    let accounts = accounts(&world, &storing(&[SHA1]));
    let (first, second) = (secret("one"), secret("two"));
    let (one, two) = tokio::join!(accounts.register("juliet", &first), accounts.register("juliet", &second));
    let mut outcomes = [(one, "one"), (two, "two")];
    outcomes.sort_by_key(|(outcome, _)| outcome.is_err());
    assert_eq!((&outcomes[0].0, &outcomes[1].0), (&Ok(()), &Err(AuthError::Exists)));
    assert!(accepts(&accounts, "juliet", outcomes[0].1).await);
    assert!(!accepts(&accounts, "juliet", outcomes[1].1).await);
    // An account kept in another form is an account too.
    let plain = self::accounts(&world, &storing(&[PLAIN]));
    assert_eq!(plain.register("juliet", &first).await, Err(AuthError::Exists));
}

#[tokio::test]
async fn a_new_password_replaces_every_form() {
    let world = World::new();
    accounts(&world, &storing(&[PLAIN, SHA1])).register("juliet", &secret("pencil")).await.unwrap();
    world.sql("UPDATE users SET created_at = '2001-02-03 04:05:06' WHERE {host}", params![]).await;
    let accounts = accounts(&world, &storing(&[SHA1, SHA256]));
    assert!(accepts(&accounts, "juliet", "pencil").await);
    accounts.set_password("juliet", &secret("eraser")).await.unwrap();
    assert_eq!(world.column(TYPES, params!["juliet"]).await, ["2", "3"]);
    assert!(accepts(&accounts, "juliet", "eraser").await);
    assert!(!accepts(&accounts, "juliet", "pencil").await);
    let created = world.column("SELECT created_at FROM users WHERE type = 2 AND {host}", params![]).await;
    assert_eq!(created, ["2001-02-03 04:05:06"]);

    for password in ["", "\u{7}"] {
        let outcome = accounts.set_password("juliet", &secret(password)).await;
        assert_eq!(outcome, Err(AuthError::InvalidPassword));
    }
    assert!(accepts(&accounts, "juliet", "eraser").await);
    assert_eq!(accounts.set_password("nobody", &secret("x")).await, Err(AuthError::NotFound));
    assert!(!accounts.exists("nobody").await.unwrap());
}

/// XEP-0480: an upgrade adds keys and leaves the rest.
#[tokio::test]
async fn keys_can_be_added() {
    let world = World::new();
    let accounts = accounts(&world, &storing(&[SHA1]));
    accounts.register("juliet", &secret("pencil")).await.unwrap();
    assert!(accounts.scram_keys("juliet", ScramHash::Sha256).await.unwrap().is_none());
    let keys = ScramKeys::derive(ScramHash::Sha256, &secret("pencil"), b"salt", 4096).unwrap();
    accounts.set_keys("juliet", keys.clone()).await.unwrap();
    assert_eq!(accounts.credentials("juliet").await.unwrap().unwrap().types(), [SHA1, SHA256]);
    let kept = accounts.scram_keys("juliet", ScramHash::Sha256).await.unwrap().unwrap();
    assert_eq!(kept.salt(), b"salt");
    assert_eq!(accounts.set_keys("nobody", keys).await, Err(AuthError::NotFound));
}

#[tokio::test]
async fn a_removed_account_is_gone_from_this_host_only() {
    let world = World::new();
    let options = storing(&[SHA1]);
    let accounts = accounts(&world, &options);
    let other = SqlAccounts::new(&options, world.store.for_host("example.com"), world.environment.clone());
    accounts.register("juliet", &secret("pencil")).await.unwrap();
    assert!(!other.exists("juliet").await.unwrap());
    other.register("juliet", &secret("eraser")).await.unwrap();
    accounts.remove("juliet").await.unwrap();
    assert!(!accounts.exists("juliet").await.unwrap());
    assert!(!accepts(&accounts, "juliet", "pencil").await);
    assert!(accepts(&other, "juliet", "eraser").await);
    accounts.register("juliet", &secret("chalk")).await.unwrap();
    assert!(accepts(&accounts, "juliet", "chalk").await);
}

#[tokio::test]
async fn names_are_listed_by_page_and_prefix() {
    let world = World::new();
    let accounts = accounts(&world, &storing(&[PLAIN]));
    for user in ["b_x", "a", "bax", "b_y", "b%z", "c"] {
        accounts.register(user, &secret("x")).await.unwrap();
    }
    world
        .sql(
            "INSERT INTO users (username, server_host, type, password) VALUES ('a', 'example.org', 2, '')",
            params![],
        )
        .await;
    assert_eq!(names(&accounts, "", "", 10).await, ["a", "b%z", "b_x", "b_y", "bax", "c"]);
    assert_eq!(names(&accounts, "", "", 2).await, ["a", "b%z"]);
    assert_eq!(names(&accounts, "", "b%z", 2).await, ["b_x", "b_y"]);
    assert_eq!(names(&accounts, "", "c", 2).await, [""; 0]);
    assert_eq!(names(&accounts, "b_", "", 10).await, ["b_x", "b_y"]);
    assert_eq!(names(&accounts, "b_", "b_x", 10).await, ["b_y"]);
    assert_eq!(names(&accounts, "b%", "a", 10).await, ["b%z"]);
    for (prefix, count) in [("", 6), ("b", 4), ("b_", 2), ("d", 0)] {
        assert_eq!(accounts.count(prefix).await.unwrap(), count, "{prefix}");
    }
}

/// Accounts that have nothing else would be lost.
#[tokio::test]
async fn dropping_a_form_loses_no_account() {
    let world = World::new();
    accounts(&world, &storing(&[PLAIN])).register("old", &secret("pencil")).await.unwrap();
    let accounts = accounts(&world, &storing(&[PLAIN, SHA256]));
    accounts.register("new", &secret("pencil")).await.unwrap();
    assert_eq!(accounts.drop_password_type(PLAIN).await, Ok(1));
    assert_eq!(world.column(TYPES, params!["new"]).await, ["3"]);
    assert_eq!(world.column(TYPES, params!["old"]).await, ["1"]);
    assert_eq!(accounts.credentials("new").await.unwrap().unwrap().types(), [SHA256]);
}

/// Rows as ejabberd 26.07 and its predecessors write them; the keys are those of RFC 5802 and RFC 7677.
#[tokio::test]
async fn accounts_of_an_ejabberd_database() {
    const ROW: &str = "INSERT INTO users (username, server_host, type, password, serverkey, salt, iterationcount) \
                       VALUES (?, 'example.org', ?, ?, ?, ?, ?)";
    let sha1 = ("6dlGYMOdZcOPutkcNY8U2g7vK9Y=", "D+CSWLOshSulAsxiupA+qs2/fTE=", "QSXCR+Q6sek8bf92");
    let sha256 = (
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
    );
    let world = World::new();
    let keys = |(stored, server, salt): (&str, &str, &str), tag: &str| {
        (format!("{tag}{stored}"), server.to_owned(), salt.to_owned(), 4096)
    };
    let plain = || ("pencil".to_owned(), String::new(), String::new(), 0);
    let rows = [
        ("plain", 1, plain()),
        ("older-plain", 0, plain()),
        ("sha", 2, keys(sha1, "")),
        ("older-sha", 0, keys(sha1, "")),
        ("sha256", 3, keys(sha256, "")),
        ("older-sha256", 0, keys(sha256, "sha256:")),
    ];
    let accounts = accounts(&world, &AuthOptions::default());
    for (user, number, (password, serverkey, salt, iterations)) in rows {
        world.sql(ROW, params![user, number, password, serverkey, salt, iterations]).await;
        assert!(accepts(&accounts, user, "pencil").await, "{user}");
        assert!(!accepts(&accounts, user, "eraser").await, "{user}");
    }
}

#[tokio::test]
async fn scram_works_where_the_password_itself_is_kept() {
    let world = World::new();
    let accounts = accounts(&world, &storing(&[PLAIN]));
    accounts.register("juliet", &secret("pencil")).await.unwrap();
    for hash in ScramHash::ALL {
        let keys = accounts.scram_keys("juliet", hash).await.unwrap().unwrap();
        assert!(keys.check_password(&secret("pencil")));
        let decoy = ScramKeys::decoy(hash, world.environment.secret(), "juliet", ScramKeys::ITERATIONS);
        assert_eq!((keys.salt(), keys.iterations()), (decoy.salt(), decoy.iterations()));
        assert!(accounts.scram_keys("nobody", hash).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_cache_follows_its_options() {
    let hour = Duration::from_secs(3600);
    let cached = AuthOptions {
        cache: Some(CacheOptions { size: None, life_time: Some(hour), missed: true }),
        ..storing(&[PLAIN])
    };
    let uncached = AuthOptions { cache: None, ..cached.clone() };
    let world = World::new();
    let (cached, uncached) = (accounts(&world, &cached), accounts(&world, &uncached));
    uncached.register("juliet", &secret("pencil")).await.unwrap();
    assert!(accepts(&cached, "juliet", "pencil").await && accepts(&uncached, "juliet", "pencil").await);
    assert!(!cached.exists("romeo").await.unwrap());
    world.sql("UPDATE users SET password = 'eraser' WHERE {host}", params![]).await;
    uncached.register("romeo", &secret("x")).await.unwrap();
    assert!(accepts(&uncached, "juliet", "eraser").await && accepts(&cached, "juliet", "pencil").await);
    assert!(!cached.exists("romeo").await.unwrap());
    world.pass(hour);
    assert!(accepts(&cached, "juliet", "eraser").await && !accepts(&cached, "juliet", "pencil").await);
    assert!(cached.exists("romeo").await.unwrap());
}

/// A change by another server on the same database counts at once for a remembered password.
#[tokio::test]
async fn a_remembered_password_dies_with_the_keys_it_was_checked_against() {
    let world = World::new();
    let options = AuthOptions { cache: None, ..storing(&[SHA256]) };
    let (here, elsewhere) = (accounts(&world, &options), accounts(&world, &options));
    here.register("juliet", &secret("pencil")).await.unwrap();
    assert!(accepts(&here, "juliet", "pencil").await);
    elsewhere.set_password("juliet", &secret("eraser")).await.unwrap();
    assert!(!accepts(&here, "juliet", "pencil").await);
    assert!(accepts(&here, "juliet", "eraser").await);
}

#[tokio::test]
async fn a_dead_database_is_an_error_not_a_no() {
    let world = World::new();
    let accounts = accounts(&world, &AuthOptions::default());
    world.store.close().await;
    let error = Err(AuthError::Store(StoreError::Unavailable));
    assert_eq!(accounts.check_password("juliet", &secret("pencil")).await, error);
    assert_eq!(accounts.register("juliet", &secret("pencil")).await, error.map(|_: MethodVerdict| ()));
}
