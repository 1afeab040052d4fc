use nightjar_base::commands::{CommandError, Value};

use crate::testing::{World, drain};

fn presence(jid: &str, show: &str, status: &str) -> Value {
    Value::Tuple(vec![Value::text(jid), Value::text(show), Value::text(status)])
}

#[tokio::test]
async fn the_highest_priority_speaks_for_an_account() {
    let world = World::new(&["alice"]).await;
    let get = || world.run("get_presence", &["alice", "localhost"]);
    assert_eq!(get().await, Ok(presence("alice@localhost", "unavailable", "")));
    let _desk = world.session("alice@localhost/desk", None).await;
    assert_eq!(get().await, Ok(presence("alice@localhost/desk", "unavailable", "")));
    let _phone = world.session("alice@localhost/phone", Some(("", "out", 1))).await;
    assert_eq!(get().await, Ok(presence("alice@localhost/phone", "available", "out")));
    let _tablet = world.session("alice@localhost/tablet", Some(("dnd", "", 7))).await;
    assert_eq!(get().await, Ok(presence("alice@localhost/tablet", "dnd", "")));
}

#[tokio::test]
async fn presence_is_set_for_a_session() {
    let world = World::new(&["alice"]).await;
    let phone = world.session("alice@localhost/phone", None).await;
    let set = async |version, resource, kind, priority| {
        let words = ["alice", "localhost", resource, kind, "away", "BB", priority];
        world.run_version(version, "set_presence", &words).await
    };
    assert_eq!(set(1, "phone", "available", "7").await, Ok(Value::Done(true)));
    assert_eq!(super::shown(&phone), ("away".to_owned(), "BB".into()));
    assert_eq!(phone.priority(), Some(7));
    assert_eq!(set(0, "phone", "available", "-1").await, Ok(Value::Done(true)));
    assert_eq!(phone.priority(), Some(-1));
    assert_eq!(set(1, "phone", "unavailable", "0").await, Ok(Value::Done(true)));
    assert_eq!(phone.priority(), None);
    let gone = CommandError::Failed("User session not found".into());
    assert_eq!(set(1, "none", "available", "7").await, Err(gone));
    for (kind, priority) in [("sleepy", "7"), ("available", "128")] {
        let result = set(1, "phone", kind, priority).await;
        assert!(matches!(result, Err(CommandError::Arguments(_))), "{result:?}");
    }
    drain(&phone).await;
}

#[tokio::test]
async fn sessions_are_found_by_status() {
    let world = World::new(&["alice", "bob"]).await;
    let _all = [
        world.session("alice@localhost/phone", Some(("away", "two\nlines", 5))).await,
        world.session("bob@localhost/desk", Some(("", "", 0))).await,
        world.session("bob@localhost/idle", None).await,
    ];
    let away = |row: &[Value]| Ok(Value::List(vec![Value::Tuple(row.to_vec())]));
    let new = [Value::text("alice@localhost/phone"), Value::Integer(5), Value::text("two\\nlines")];
    let old = [
        Value::text("alice"),
        Value::text("localhost"),
        Value::text("phone"),
        Value::Integer(5),
        Value::text("two\\nlines"),
    ];
    assert_eq!(world.run("status_list", &["away"]).await, away(&new));
    assert_eq!(world.run("status_list_host", &["localhost", "away"]).await, away(&new));
    assert_eq!(world.run_version(2, "status_list", &["away"]).await, away(&old));
    assert_eq!(world.run_version(0, "status_list_host", &["localhost", "away"]).await, away(&old));
    for (command, words, wanted) in [
        ("status_num", &["all"][..], 3),
        ("status_num", &["available"], 1),
        ("status_num", &["unavailable"], 1),
        ("status_num", &["dnd"], 0),
        ("status_num_host", &["localhost", "away"], 1),
        ("status_num_host", &["elsewhere", "away"], 0),
        ("status_num_host", &["all", "all"], 3),
    ] {
        assert_eq!(world.run(command, words).await, Ok(Value::Integer(wanted)), "{command} {words:?}");
    }
}
