use nightjar_base::commands::{CommandError, Value};

use crate::testing::{World, drain, texts, told};

#[tokio::test]
async fn sessions_are_listed() {
    let world = World::new(&["alice", "bob"]).await;
    let _all = [
        world.session("bob@localhost/desk", None).await,
        world.session("alice@localhost/phone", Some(("away", "out", 5))).await,
        world.session("alice@localhost/desk", None).await,
    ];
    let all = texts(&["alice@localhost/desk", "alice@localhost/phone", "bob@localhost/desk"]);
    for (command, words, wanted) in [
        ("connected_users", &[][..], all.clone()),
        ("connected_users_number", &[], Value::Integer(3)),
        ("connected_users_vhost", &["localhost"], all),
        ("connected_users_vhost", &["elsewhere"], texts(&[])),
        ("user_resources", &["alice", "localhost"], texts(&["desk", "phone"])),
        ("user_resources", &["carol", "localhost"], texts(&[])),
        ("num_resources", &["alice", "localhost"], Value::Integer(2)),
        ("num_resources", &["alice", "elsewhere"], Value::Integer(0)),
        ("resource_num", &["alice", "localhost", "2"], Value::text("phone")),
    ] {
        assert_eq!(world.run(command, words).await, Ok(wanted), "{command} {words:?}");
    }
    for number in ["0", "3", "-1"] {
        let wanted = CommandError::Arguments(format!("Wrong resource number: {number}"));
        assert_eq!(world.run("resource_num", &["alice", "localhost", number]).await, Err(wanted));
    }
}

#[tokio::test]
async fn how_sessions_are_connected_is_told() {
    let world = World::new(&["alice"]).await;
    let _phone = world.session("alice@localhost/phone", Some(("away", "out", 5))).await;
    let row = || {
        vec![
            Value::text("c2s_tls"),
            Value::text("192.0.2.1"),
            Value::Integer(4711),
            Value::Integer(5),
            Value::text("ejabberd@localhost"),
            Value::Integer(0),
            Value::text("away"),
            Value::text("phone"),
            Value::text("out"),
        ]
    };
    let of_alice = world.run("user_sessions_info", &["alice", "localhost"]).await;
    assert_eq!(of_alice, Ok(Value::List(vec![Value::Tuple(row())])));
    let mut with_jid = row();
    with_jid.insert(0, Value::text("alice@localhost/phone"));
    let of_all = world.run("connected_users_info", &[]).await;
    assert_eq!(of_all, Ok(Value::List(vec![Value::Tuple(with_jid)])));
}

#[tokio::test]
async fn sessions_are_ended() {
    let world = World::new(&["alice"]).await;
    let phone = world.session("alice@localhost/phone", None).await;
    let desk = world.session("alice@localhost/desk", None).await;
    for (resource, reason) in [("phone", "stuck"), ("none", ""), ("a\u{7}b", ""), ("phone", "")] {
        let words = ["alice", "localhost", resource, reason];
        assert_eq!(world.run("kick_session", &words).await, Ok(Value::Done(true)));
    }
    assert_eq!(drain(&phone).await, ["Conflict: stuck", "Conflict: Kicked by administrator"]);
    assert_eq!(world.run("kick_user", &["alice", "localhost"]).await, Ok(told("Kicked sessions: 2")));
    assert_eq!(world.run_version(1, "kick_user", &["alice", "localhost"]).await, Ok(Value::Integer(2)));
    assert_eq!(world.run("kick_user", &["bob", "localhost"]).await, Ok(told("Kicked sessions: 0")));
    assert_eq!(world.run("kick_users", &["localhost"]).await, Ok(Value::Integer(2)));
    assert_eq!(world.run("kick_users", &["elsewhere"]).await, Ok(Value::Integer(0)));
    assert_eq!(drain(&desk).await, ["PolicyViolation: has been kicked"; 3]);
}
