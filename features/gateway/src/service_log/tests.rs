use super::FEATURE;
use crate::testing::{World, stanza};

#[tokio::test]
async fn loggers_get_what_users_send_and_get() {
    let world = World::new(&[(&FEATURE, "{loggers: [log.example, second.example]}")], &["juliet"]).await;
    let mut log = world.component("log.example").await;
    let mut second = world.component("second.example").await;
    let juliet = world.online("juliet@localhost/a").await;
    log.drain();
    second.drain();

    world.send(&juliet, "<message to='romeo@localhost/x' id='1'><body>hi</body></message>").await;
    for copy in [log.next().await, second.next().await] {
        assert!(copy.contains("from='localhost'"), "{copy}");
        assert!(
            copy.contains("<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'"),
            "{copy}"
        );
        assert!(copy.contains("from='juliet@localhost/a'") && copy.contains("<body>hi</body>"), "{copy}");
    }

    let mut written = Vec::new();
    let got = stanza("<message from='a@b/c' to='juliet@localhost/a' id='2'><body>back</body></message>");
    world.kernel.user_receive(&juliet, got, &mut written).await;
    assert_eq!(written.len(), 1);
    assert!(log.next().await.contains("<body>back</body>"));
}

#[tokio::test]
async fn what_loggers_say_is_not_logged() {
    let world = World::new(&[(&FEATURE, "{loggers: [log.example]}")], &["juliet"]).await;
    let mut log = world.component("log.example").await;
    let juliet = world.online("juliet@localhost/a").await;
    log.drain();
    world.send(&juliet, "<message to='log.example' id='1'><body>hi</body></message>").await;
    let received = log.drain();
    assert_eq!(received.len(), 1, "{received:?}");
    assert!(received[0].contains("id='1'"), "{received:?}");
}
