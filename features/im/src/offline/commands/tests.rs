use nightjar_base::commands::Value;
use nightjar_xmpp::{MessageType, Stanza};

use crate::offline::{FEATURE, storage};
use crate::testing::World;

async fn filled() -> World {
    let world = World::new(&[(&FEATURE, "{}")], &["hamlet"]).await;
    for _ in 0..25 {
        storage::put(&world.host.store, "hamlet", &Stanza::message(MessageType::Chat)).await.unwrap();
    }
    world
}

#[tokio::test]
async fn old_messages_go_a_batch_at_a_time() {
    let world = filled().await;
    let store = &world.host.store;
    assert_eq!(storage::delete_batch(store, 0, 10).await.unwrap(), 0, "nothing is so old");
    for wanted in [10, 10, 5, 0] {
        assert_eq!(storage::delete_batch(store, i64::MAX / 2, 10).await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn a_purge_is_begun_watched_and_ended() {
    let world = filled().await;
    for (name, wanted) in [
        ("delete_old_messages_status", "Operation not started"),
        ("abort_delete_old_messages", "No task running"),
    ] {
        assert_eq!(world.run(name, &["localhost"]).await, Ok(Value::text(wanted)), "{name}");
    }
    let batch = "delete_old_messages_batch";
    for wrong in
        [&["nowhere", "1", "10", "1"], &["localhost", "-1", "10", "1"], &["localhost", "1", "10", "0"]]
    {
        assert!(world.run(batch, wrong).await.is_err(), "{wrong:?}");
    }
    let words = &["localhost", "1", "10", "1"];
    assert_eq!(world.run(batch, words).await, Ok(Value::Told(true, "".into())));
    assert_eq!(world.run(batch, words).await, Ok(Value::Told(false, "Operation in progress".into())));
    let aborted = world.run("abort_delete_old_messages", &["localhost"]).await;
    assert_eq!(aborted, Ok(Value::text("Operation aborted")));
}
