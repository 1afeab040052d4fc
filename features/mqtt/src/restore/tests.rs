use nightjar_mqtt::client::Event;
use nightjar_mqtt::packet::properties::id;
use nightjar_mqtt::{Connect, Properties, QoS, Reason, Session, Subscription, Will};

use super::places;
use crate::testing::{Peer, World, text};

#[test]
fn places_are_kept_and_gaps_are_filled_in_order() {
    for (known, expected) in [
        (vec![], vec![]),
        (vec![None, None], vec![0, 1]),
        (vec![Some(7), None], vec![7, 8]),
        (vec![None, None, Some(7), None, Some(9), None], vec![5, 6, 7, 8, 9, 10]),
        // There is no room where it was: it goes behind all, and those after it behind it.
        (vec![None, Some(0), None], vec![1, 0, 2]),
        (vec![Some(3), None, Some(4), None], vec![3, 5, 4, 6]),
        // 65,535 places later the packet identifier is the same.
        (vec![Some(0), Some(65_534), None], vec![0, 65_534, 65_536]),
    ] {
        let known: Vec<Option<u64>> = known;
        assert_eq!(places(&known), expected, "{known:?}");
    }
}

/// A client whose session lasts for a minute.
fn lasting(connect: &mut Connect) {
    connect.properties = Properties::builder().four(id::SESSION_EXPIRY_INTERVAL, 60).finish();
}

fn with_will(connect: &mut Connect) {
    lasting(connect);
    let delay = Properties::builder().four(id::WILL_DELAY_INTERVAL, 10).user("a", "b").finish();
    connect.will = Some(Will {
        topic: text("will"),
        payload: "gone".into(),
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: delay,
    });
}

async fn come(peer: &mut Peer, payloads: &[&str]) {
    for payload in payloads {
        let came = peer
            .next(|event| match event {
                Event::Publish(publish) => Some(publish.payload.clone()),
                _ => None,
            })
            .await;
        assert_eq!(came, payload.as_bytes());
    }
}

async fn rows(world: &World, table: &'static str) -> usize {
    let statement =
        nightjar_store::Statement::interned(&format!("SELECT 1 FROM nightjar_mqtt_{table} WHERE {{host}}"));
    world.host.store.query(statement, Vec::new()).await.unwrap().len()
}

/// Nothing is stored of any message.
async fn assert_nothing_is_left(world: &World) {
    for table in ["message", "delivery", "received"] {
        assert_eq!(rows(world, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn subscriptions_and_what_waits_survive_a_kill() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let mut ann = world.try_connect("ann", "phone", lasting).await.unwrap();
    ann.subscribe("a/+", QoS::AtLeastOnce).await;
    ann.subscribe("b", QoS::ExactlyOnce).await;
    let session = ann.end();
    let mut ben = world.connect("ben", "desk").await;
    for (topic, payload) in [("a/b", "one"), ("b", "two"), ("a/c", "three")] {
        assert_eq!(ben.publish(topic, payload, false).await, Reason::SUCCESS);
    }
    ben.cut();
    let world = world.killed("{}", 1000).await;
    let mut ann = world.try_resume("ann", "phone", session, lasting).await.unwrap();
    come(&mut ann, &["one", "two", "three"]).await;
    // The subscription holds, too.
    let mut ben = world.connect("ben", "desk").await;
    ben.publish("a/x", "four", false).await;
    come(&mut ann, &["four"]).await;
    assert!(ann.told().is_empty());
    assert_nothing_is_left(&world).await;
}

#[tokio::test]
async fn what_is_under_way_to_a_connected_client_survives_a_kill() {
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let world = World::new("", "{}", &["ann", "ben"]).await;
        let mut ann = world.try_connect("ann", "phone", lasting).await.unwrap();
        ann.subscribe("a", qos).await;
        let mut ben = world.try_connect("ben", "desk", lasting).await.unwrap();
        for payload in ["one", "two"] {
            ben.send("a", payload, qos, false);
            ben.next(|event| matches!(event, Event::Complete { .. }).then_some(())).await;
        }
        // Ann hasn't looked yet.
        let (ann, ben) = (ann.cut(), ben.cut());
        let world = world.killed("{}", 1000).await;
        let mut ann = world.try_resume("ann", "phone", ann, lasting).await.unwrap();
        come(&mut ann, &["one", "two"]).await;
        let mut ben = world.try_resume("ben", "desk", ben, lasting).await.unwrap();
        ben.send("a", "three", qos, false);
        ben.next(|event| matches!(event, Event::Complete { .. }).then_some(())).await;
        come(&mut ann, &["three"]).await;
        // PUBREC, PUBREL and PUBCOMP: each waits for what was submitted before.
        for _ in 0..4 {
            rows(&world, "delivery").await;
            assert!(ann.told().is_empty());
        }
        assert_nothing_is_left(&world).await;
    }
}

#[tokio::test]
async fn a_message_that_was_received_is_not_taken_twice_after_a_kill() {
    // Row 93: the client doesn't know that the server has it.
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let mut ann = world.try_connect("ann", "phone", lasting).await.unwrap();
    ann.subscribe("a", QoS::ExactlyOnce).await;
    let mut ben = world.try_connect("ben", "desk", lasting).await.unwrap();
    ben.send("a", "once", QoS::ExactlyOnce, false);
    ben.half_pump();
    assert_eq!(rows(&world, "received").await, 1);
    let (ann, ben) = (ann.cut(), ben.cut());
    let world = world.killed("{}", 1000).await;
    let mut ben = world.try_resume("ben", "desk", ben, lasting).await.unwrap();
    ben.next(|event| matches!(event, Event::Complete { .. }).then_some(())).await;
    let mut ann = world.try_resume("ann", "phone", ann, lasting).await.unwrap();
    come(&mut ann, &["once"]).await;
    ben.send("a", "the last", QoS::ExactlyOnce, false);
    ben.next(|event| matches!(event, Event::Complete { .. }).then_some(())).await;
    come(&mut ann, &["the last"]).await;
}

#[tokio::test]
async fn retained_messages_of_a_new_subscription_survive_a_kill() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let mut ben = world.connect("ben", "desk").await;
    ben.publish("a", "kept", true).await;
    let world = world.killed("{}", 1000).await;
    let mut ann = world.try_connect("ann", "phone", lasting).await.unwrap();
    ann.client.subscribe(vec![Subscription::new(text("a"), QoS::AtLeastOnce)], Properties::default());
    ann.half_pump();
    assert_eq!(rows(&world, "delivery").await, 1);
    let ann = ann.cut();
    let world = world.killed("{}", 1000).await;
    let mut ann = world.try_resume("ann", "phone", ann, lasting).await.unwrap();
    come(&mut ann, &["kept"]).await;
}

#[tokio::test]
async fn sessions_end_in_time_after_a_kill() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let mut away = world.try_connect("ann", "away", lasting).await.unwrap();
    away.subscribe("a", QoS::AtLeastOnce).await;
    away.end();
    let mut there = world.try_connect("ann", "there", lasting).await.unwrap();
    there.subscribe("a", QoS::AtLeastOnce).await;
    let mut ben = world.connect("ben", "desk").await;
    ben.publish("a", "lost", false).await;
    there.cut();
    ben.cut();
    assert_eq!(rows(&world, "delivery").await, 2);
    // The first has been away for a minute, the second ended with the server as far as it knows.
    let world = world.killed("{}", 59_500).await;
    assert_eq!(world.broker().census().sessions, 2);
    world.pass(1000);
    assert_eq!(world.broker().census().sessions, 1);
    world.pass(60_000);
    assert_eq!(world.broker().census().sessions, 0);
    for table in ["session", "subscription", "message", "delivery"] {
        assert_eq!(rows(&world, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_clean_start_leaves_nothing_of_the_session_before() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let mut ann = world.try_connect("ann", "phone", lasting).await.unwrap();
    ann.subscribe("a", QoS::ExactlyOnce).await;
    ann.end();
    let mut ben = world.connect("ben", "desk").await;
    ben.publish("a", "lost", false).await;
    let ann = world
        .try_connect("ann", "phone", |connect| {
            lasting(connect);
            connect.clean_start = true;
        })
        .await
        .unwrap();
    assert_nothing_is_left(&world).await;
    assert_eq!((rows(&world, "session").await, rows(&world, "subscription").await), (1, 0));
    ann.cut();
    let world = world.killed("{}", 1000).await;
    let mut ann = world.try_connect("ann", "phone", lasting).await.unwrap();
    assert!(ann.told().is_empty());
    // A session of this connection alone isn't stored after it.
    ann.end();
    world.try_connect("ann", "phone", |_| {}).await.unwrap().end();
    assert_eq!(rows(&world, "session").await, 0);
}

#[tokio::test]
async fn a_will_survives_a_kill_and_is_published_once() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    world.try_connect("ann", "phone", with_will).await.unwrap().cut();
    world.try_connect("ann", "tablet", with_will).await.unwrap().cut();
    let world = world.killed("{}", 1000).await;
    // This one comes back in time, and leaves as it should.
    let back = world.try_connect("ann", "tablet", lasting).await.unwrap();
    let mut ben = world.connect("ben", "desk").await;
    ben.subscribe("will", QoS::AtLeastOnce).await;
    world.pass(9000);
    assert!(ben.told().is_empty());
    world.pass(2000);
    assert_eq!(ben.told(), ["will: gone"]);
    back.end();
    let world = world.killed("{}", 1000).await;
    let mut ben = world.connect("ben", "desk").await;
    ben.subscribe("will", QoS::AtLeastOnce).await;
    world.pass(20_000);
    // What is retained, and no second will.
    assert_eq!(ben.told(), ["will: gone (retained)"]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_nobody_from_starting() {
    let world = World::new("", "{}", &["ann"]).await;
    world.try_connect("ann", "phone", lasting).await.unwrap().cut();
    for sql in [
        "UPDATE nightjar_mqtt_session SET expiry = -5 WHERE {host}",
        "INSERT INTO nightjar_mqtt_delivery (id, session, message, flags, identifiers, sequence, server_host) \
         VALUES (1, 99, 98, 1, '', -1, 'localhost')",
    ] {
        let statement = nightjar_store::Statement::interned(sql);
        world.host.store.execute(statement, Vec::new()).await.unwrap();
    }
    let world = world.killed("{}", 1000).await;
    assert_eq!(world.broker().census().sessions, 0);
    assert_eq!(rows(&world, "delivery").await, 0);
    let back = world.try_resume("ann", "phone", Session::new(10), lasting).await;
    assert!(back.is_ok());
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_nobody_is_promised_anything() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let mut ann = world.try_connect("ann", "phone", lasting).await.unwrap();
    ann.subscribe("a", QoS::AtLeastOnce).await;
    ann.end();
    let mut ben = world.try_connect("ben", "desk", lasting).await.unwrap();
    let mut eve = world.connect("ben", "short").await;
    world.host.store.close().await;
    // What costs the store nothing goes on.
    assert_eq!(eve.publish("elsewhere", "fine", false).await, Reason::NO_MATCHING_SUBSCRIBERS);
    for (peer, qos) in [(&mut eve, QoS::AtLeastOnce), (&mut ben, QoS::ExactlyOnce)] {
        peer.send("a", "lost", qos, false);
        let reason = peer
            .next(|event| match event {
                Event::Disconnect(disconnect) => Some(disconnect.reason),
                Event::Complete { .. } => panic!("{event:?}"),
                _ => None,
            })
            .await;
        assert_eq!(reason, Reason::SERVER_BUSY);
    }
    let refused = world.try_connect("ann", "phone", lasting).await.err().unwrap();
    assert_eq!(refused.reason, Reason::SERVER_UNAVAILABLE);
}
