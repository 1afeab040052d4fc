use super::FEATURE;
use crate::testing::World;

/// XEP-0328 §3.
#[tokio::test]
async fn addresses_are_prepared() {
    let world = World::new(&[(&FEATURE, "{access: admins}")], &["admin", "juliet"]).await;
    let admin = world.online("admin@localhost/a").await;
    let juliet = world.online("juliet@localhost/a").await;
    let ask = |kind: &str, jid: &str| {
        format!("<iq to='localhost' type='{kind}' id='1'><jid xmlns='urn:xmpp:jidprep:0'>{jid}</jid></iq>")
    };
    for (session, kind, jid, wanted) in [
        (
            &admin,
            "get",
            "ROMeo@MONTague.lit/Orchard",
            "<jid xmlns='urn:xmpp:jidprep:0'>romeo@montague.lit/Orchard</jid>",
        ),
        (&admin, "get", "ro meo@montague.lit", "<jid-malformed "),
        (&admin, "get", "", "<jid-malformed "),
        (&admin, "set", "romeo@montague.lit", "<not-allowed "),
        (&juliet, "get", "romeo@montague.lit", "<forbidden "),
    ] {
        let reply = world.exchange(session, &ask(kind, jid)).await;
        assert!(reply.len() == 1 && reply[0].contains(wanted), "{kind} {jid}: {reply:?}");
    }
    let announced = "urn:xmpp:jidprep:0".to_owned();
    assert!(world.disco_features("admin@localhost/a", "localhost").await.contains(&announced));
    assert!(!world.disco_features("juliet@localhost/a", "localhost").await.contains(&announced));
}
