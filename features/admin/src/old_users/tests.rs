use nightjar_store::{Statement, params};

use crate::testing::{NOW, World, texts, told};

static LAST: Statement = Statement::upsert("last", &["username"], &["seconds", "state"]);

#[tokio::test]
async fn only_accounts_nobody_uses_are_removed() {
    let world = World::new(&["admin", "here", "never", "old", "young"]).await;
    let _here = world.session("here@localhost/phone", None).await;
    for (user, days) in [("old", 31), ("young", 2)] {
        let seconds = (NOW - days * 86_400).to_string();
        world.host.store.execute(&LAST, params![user, seconds, ""]).await.unwrap();
    }
    assert_eq!(
        world.run("delete_old_users_vhost", &["elsewhere", "1"]).await,
        Ok(told("Deleted 0 users: []"))
    );
    let wanted = "Deleted 2 users: [\"never@localhost\", \"old@localhost\"]";
    assert_eq!(world.run("delete_old_users", &["30"]).await, Ok(told(wanted)));
    let wanted = "Deleted 1 users: [\"young@localhost\"]";
    assert_eq!(world.run("delete_old_users_vhost", &["localhost", "1"]).await, Ok(told(wanted)));
    assert_eq!(world.run("registered_users", &["localhost"]).await, Ok(texts(&["admin", "here"])));
}
