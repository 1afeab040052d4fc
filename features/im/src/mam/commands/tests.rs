use nightjar_base::commands::Value;
use nightjar_jid::Jid;

use crate::mam::{FEATURE, storage};
use crate::testing::{NOW, World};

async fn filled() -> World {
    let world = World::new(&[(&FEATURE, "{}")], &["hamlet"]).await;
    let peer = Jid::parse("juliet@localhost/x").unwrap();
    for number in 0..25 {
        let record = storage::Record {
            user: "hamlet",
            // Ten days and more ago; the last one is of today.
            id: if number == 24 { NOW * 1_000_000 } else { (NOW - 864_000 - number) * 1_000_000 },
            peer: &peer,
            xml: "<message xmlns='jabber:client'/>".to_owned(),
            body: None,
            origin_id: None,
        };
        world.host.store.transaction(vec![storage::put(record)]).await.unwrap();
    }
    world
}

#[tokio::test]
async fn old_messages_go_a_batch_at_a_time() {
    let world = filled().await;
    let store = &world.host.store;
    let before = (NOW - 86_400) * 1_000_000;
    for (kind, wanted) in [(Some("groupchat"), 0), (Some("chat"), 10), (None, 10), (None, 4), (None, 0)] {
        assert_eq!(storage::remove_batch(store, before, kind, 10).await.unwrap(), wanted, "{kind:?}");
    }
    assert_eq!(storage::count(store, "hamlet").await.unwrap(), 1);
}

#[tokio::test]
async fn a_purge_is_begun_watched_and_ended() {
    let world = filled().await;
    for (name, words, wanted) in [
        ("delete_old_mam_messages_status", &["localhost"][..], "Operation not started"),
        ("abort_delete_old_mam_messages", &["localhost"], "No task running"),
    ] {
        assert_eq!(world.run(name, words).await, Ok(Value::text(wanted)), "{name}");
    }
    let batch = "delete_old_mam_messages_batch";
    for wrong in [
        &["nowhere", "all", "1", "10", "1"],
        &["localhost", "none", "1", "10", "1"],
        &["localhost", "all", "-1", "10", "1"],
        &["localhost", "all", "1", "0", "1"],
        &["localhost", "all", "1", "10", "0"],
    ] {
        assert!(world.run(batch, wrong).await.is_err(), "{wrong:?}");
    }
    let words = &["localhost", "all", "1", "10", "1"];
    assert_eq!(world.run(batch, words).await, Ok(Value::Told(true, "".into())));
    assert_eq!(world.run(batch, words).await, Ok(Value::Told(false, "Operation in progress".into())));
    let aborted = world.run("abort_delete_old_mam_messages", &["localhost"]).await;
    assert_eq!(aborted, Ok(Value::text("Operation aborted")));
}
