use nightjar_base::commands::{CommandError, Value};

use crate::testing::{World, drain, texts, told};

#[tokio::test]
async fn accounts_are_made_listed_and_removed() {
    let world = World::new(&["alice"]).await;
    let register = |words| world.run("register", words);
    assert_eq!(
        register(&["bob", "localhost", "secret"]).await,
        Ok(told("User bob@localhost successfully registered"))
    );
    assert_eq!(
        register(&["Bob", "localhost", "other"]).await,
        Err(CommandError::Conflict("User Bob@localhost already registered".into()))
    );
    assert_eq!(
        register(&["bob", "elsewhere", "secret"]).await,
        Err(CommandError::Coded {
            word: "cannot_register",
            number: 10001,
            text: "Unknown virtual host".into()
        })
    );
    assert!(matches!(register(&["a b", "localhost", "x"]).await, Err(CommandError::Coded { .. })));
    assert!(matches!(register(&["carol", "localhost", ""]).await, Err(CommandError::Coded { .. })));
    assert_eq!(world.run("registered_users", &["localhost"]).await, Ok(texts(&["alice", "bob"])));
    let unknown = CommandError::Failed("Unknown virtual host".into());
    assert_eq!(world.run("registered_users", &["elsewhere"]).await, Err(unknown.clone()));
    assert_eq!(world.run("registered_vhosts", &[]).await, Ok(texts(&["localhost"])));

    let session = world.session("bob@localhost/phone", None).await;
    assert_eq!(world.run("unregister", &["bob", "localhost"]).await, Ok(told("")));
    assert_eq!(drain(&session).await, ["Conflict: User removed"]);
    assert_eq!(world.run("unregister", &["bob", "localhost"]).await, Ok(told("")));
    assert_eq!(world.run("unregister", &["bob", "elsewhere"]).await, Err(unknown));
    assert_eq!(world.run("registered_users", &["localhost"]).await, Ok(texts(&["alice"])));
}

#[tokio::test]
async fn passwords_are_checked_and_changed() {
    let world = World::new(&["alice"]).await;
    let done = |done| Ok(Value::Done(done));
    let nobody = || Err(CommandError::NotFound("unknown_user".into()));
    for (command, words, wanted) in [
        ("check_account", &["alice", "localhost"][..], done(true)),
        ("check_account", &["alice", "LOCALHOST"], done(true)),
        ("check_account", &["bob", "localhost"], done(false)),
        ("check_account", &["alice", "elsewhere"], done(false)),
        ("check_password", &["alice", "localhost", "alice"], done(true)),
        ("check_password", &["alice", "localhost", "wrong"], done(false)),
        ("check_password", &["alice", "elsewhere", "alice"], done(false)),
        ("change_password", &["alice", "localhost", "newer"], done(true)),
        ("check_password", &["alice", "localhost", "newer"], done(true)),
        ("check_password", &["alice", "localhost", "alice"], done(false)),
        ("change_password", &["bob", "localhost", "x"], nobody()),
        ("change_password", &["alice", "elsewhere", "x"], nobody()),
        // printf newer | md5sum
        (
            "check_password_hash",
            &["alice", "localhost", "a2e72f5ba2e7f5cc46ae1ca1d1e7ea21", "md5"],
            done(false),
        ),
        (
            "check_password_hash",
            &["alice", "localhost", "X", "md4"],
            Err(CommandError::Failed("unkown_hash_method".into())),
        ),
        ("check_password_hash", &["bob", "localhost", "X", "md5"], nobody()),
    ] {
        assert_eq!(world.run(command, words).await, wanted, "{command} {words:?}");
    }
}

#[test]
fn hashes_are_those_of_the_usual_tools() {
    for (method, wanted) in [
        ("md5", "5EBE2294ECD0E0F08EAB7690D2A6EE69"),
        ("sha", "E5E9FA1BA31ECD1AE84F75CAAA474F3A663F05F4"),
        ("sha256", "2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B"),
    ] {
        assert_eq!(super::digest(method, b"secret").as_deref(), Some(wanted));
    }
    assert_eq!(super::digest("crc32", b"secret"), None);
}
