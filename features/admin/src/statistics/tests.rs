use nightjar_base::commands::{CommandError, Value};

use crate::testing::World;

#[tokio::test]
async fn numbers_are_told() {
    let world = World::new(&["alice", "bob"]).await;
    let _session = world.session("bob@localhost/desk", None).await;
    for (command, words, wanted) in [
        ("stats", &["registeredusers"][..], 2),
        ("stats", &["onlineusers"], 1),
        ("stats", &["onlineusersnode"], 1),
        ("stats", &["uptimeseconds"], 0),
        ("stats_host", &["registeredusers", "localhost"], 2),
        ("stats_host", &["onlineusers", "localhost"], 1),
    ] {
        assert_eq!(world.run(command, words).await, Ok(Value::Integer(wanted)), "{command} {words:?}");
    }
    assert!(matches!(world.run("stats", &["processes"]).await, Ok(Value::Integer(_))));
    let unknown = world.run("stats", &["weather"]).await;
    assert_eq!(unknown, Err(CommandError::Arguments("Unknown statistic: weather".into())));
    let elsewhere = world.run("stats_host", &["onlineusers", "elsewhere"]).await;
    assert_eq!(elsewhere, Err(CommandError::Failed("Unknown virtual host".into())));
}
