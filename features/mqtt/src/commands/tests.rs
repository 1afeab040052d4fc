use nightjar_base::commands::Value;
use nightjar_base::mqtt::{MqttWhose, expel, kick};
use nightjar_mqtt::packet::properties::id;
use nightjar_mqtt::{Connect, Properties, QoS, Reason};

use crate::testing::World;

fn rows(value: Value) -> Vec<Vec<String>> {
    let Value::List(rows) = value else { panic!("{value:?}") };
    let word = |value: Value| match value {
        Value::Text(text) => text.to_string(),
        Value::Integer(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let row = |row| match row {
        Value::Tuple(words) => words.into_iter().map(word).collect(),
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(row).collect()
}

fn stays(connect: &mut Connect) {
    connect.properties = Properties::builder().four(id::SESSION_EXPIRY_INTERVAL, 60).finish();
}

#[tokio::test]
async fn sessions_are_listed_connected_and_away() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let mut ann = world.try_connect("ann", "phone", stays).await.unwrap();
    let ben = world.try_connect("ben", "desk", stays).await.unwrap();
    assert_eq!(ann.subscribe("a/+", QoS::AtLeastOnce).await, Reason::GRANTED_QOS_1);
    assert_eq!(ann.subscribe("$share/g/b", QoS::AtMostOnce).await, Reason::SUCCESS);
    world.pass(5000);
    ben.end();
    let listed = rows(world.run("mqtt_sessions", &["localhost"]).await.unwrap());
    let expected = [
        ["ann", "phone", "connected", "5.0", "", "5", "2", "0"],
        ["ben", "desk", "away", "5.0", "", "60", "0", "0"],
    ];
    assert_eq!(listed, expected);
    let subscribed = rows(world.run("mqtt_subscriptions", &["ann", "localhost", "phone"]).await.unwrap());
    assert_eq!(subscribed, [["a/+", "1"], ["$share/g/b", "0"]]);
    assert!(world.run("mqtt_subscriptions", &["ann", "localhost", "desk"]).await.is_err());
    assert_eq!((world.figure("mqtt_sessions", ""), world.figure("mqtt_connections", "")), (2, 1));
}

#[tokio::test]
async fn a_kicked_client_is_told_and_its_session_stays_one_that_is_deleted_does_not() {
    let world = World::new("", "{}", &["ann"]).await;
    let mut ann = world.try_connect("ann", "phone", stays).await.unwrap();
    ann.subscribe("a", QoS::AtLeastOnce).await;
    let kick = ["ann", "localhost", "phone"];
    assert_eq!(world.run("mqtt_kick_session", &kick).await, Ok(Value::Done(true)));
    assert_eq!(ann.told(), ["disconnected: Administrative action 0x98"]);
    ann.end();
    assert!(world.run("mqtt_kick_session", &kick).await.is_err());
    world.run("mqtt_publish", &["localhost", "a", "waits", "1", "false"]).await.unwrap();
    assert_eq!(world.figure("mqtt_queued", ""), 1);
    let mut ann = world.try_connect("ann", "phone", stays).await.unwrap();
    assert_eq!(ann.told(), ["a: waits"]);
    assert_eq!(world.run("mqtt_delete_session", &kick).await, Ok(Value::Done(true)));
    assert_eq!(ann.told(), ["disconnected: Administrative action 0x98"]);
    ann.end();
    assert_eq!((world.figure("mqtt_sessions", ""), world.figure("mqtt_subscriptions", "")), (0, 0));
    assert!(world.run("mqtt_delete_session", &kick).await.is_err());
}

#[tokio::test]
async fn connections_end_by_client_by_account_and_all() {
    let world = World::new("", "{}", &["ann", "annie", "ben"]).await;
    let names = [("ann", "1"), ("ann", "2"), ("annie", "1"), ("ben", "1")];
    for (of, ended) in [
        (MqttWhose::Client("ann", "2"), 1),
        (MqttWhose::Client("ann", "3"), 0),
        (MqttWhose::Account("ann"), 2),
        (MqttWhose::Everybody, 4),
    ] {
        let mut peers = Vec::new();
        for (user, client_id) in names {
            peers.push(world.connect(user, client_id).await);
        }
        assert_eq!(kick(&world.host, of), ended, "{of:?}");
        let told = peers.iter_mut().filter_map(|peer| peer.told().pop());
        assert_eq!(told.filter(|words| words.contains("0x98")).count(), ended, "{of:?}");
        peers.into_iter().for_each(|peer| drop(peer.end()));
    }
    let mut ben = world.connect("ben", "1").await;
    assert_eq!(expel(&world.host, "ben"), 1);
    assert_eq!(ben.told(), ["disconnected: Not authorized 0x87"]);
}

#[tokio::test]
async fn an_account_that_is_removed_leaves_no_session_to_who_comes_after_it() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let mut there = world.try_connect("ann", "there", stays).await.unwrap();
    let mut away = world.try_connect("ann", "away", stays).await.unwrap();
    for peer in [&mut there, &mut away] {
        peer.subscribe("secrets", QoS::AtLeastOnce).await;
    }
    away.end();
    world.kernel.remove_account(&world.host, "ann").await.unwrap();
    assert_eq!(there.told(), ["disconnected: Not authorized 0x87"]);
    there.end();
    assert_eq!((world.figure("mqtt_sessions", ""), world.figure("mqtt_subscriptions", "")), (0, 0));
    let mut ben = world.connect("ben", "1").await;
    assert_eq!(ben.publish("secrets", "for ann", false).await, Reason::NO_MATCHING_SUBSCRIBERS);
}

#[tokio::test]
async fn retained_messages_are_listed_published_and_forgotten() {
    let world = World::new("", "{}", &["ann"]).await;
    for (topic, payload) in [("house/door", "shut"), ("house/lamp", "on"), ("garden", "wet")] {
        world.run("mqtt_publish", &["localhost", topic, payload, "1", "true"]).await.unwrap();
    }
    let listed = rows(world.run("mqtt_retained", &["localhost", "house/#"]).await.unwrap());
    assert_eq!(listed, [["house/door", "1", "4"], ["house/lamp", "1", "2"]]);
    let mut ann = world.connect("ann", "1").await;
    ann.subscribe("house/+", QoS::AtMostOnce).await;
    assert_eq!(ann.told(), ["house/door: shut (retained)", "house/lamp: on (retained)"]);
    let forgotten = world.run("mqtt_delete_retained", &["localhost", "house/#"]).await;
    assert_eq!(forgotten, Ok(Value::Integer(2)));
    let left = rows(world.run("mqtt_retained", &["localhost", "#"]).await.unwrap());
    assert_eq!(left, [["garden", "1", "3"]]);
    // What is forgotten doesn't come back with a restart.
    let stored = world.host.store.query(&crate::stored::SELECT, nightjar_store::params![]).await.unwrap();
    assert_eq!(stored.len(), 1);
}

#[tokio::test]
async fn commands_refuse_what_makes_no_sense() {
    let world = World::new("", "{}", &[]).await;
    let wrong: [(&str, &[&str]); 8] = [
        ("mqtt_sessions", &["elsewhere"]),
        ("mqtt_retained", &["localhost", "a/#/b"]),
        ("mqtt_retained", &["localhost", "$share/g/a"]),
        ("mqtt_delete_retained", &["localhost", ""]),
        ("mqtt_publish", &["localhost", "a/+", "x", "0", "false"]),
        ("mqtt_publish", &["localhost", "$SYS/broker/version", "x", "0", "true"]),
        ("mqtt_publish", &["localhost", "a", "x", "3", "false"]),
        ("mqtt_publish", &["localhost", "a", "x", "0", "perhaps"]),
    ];
    for (name, words) in wrong {
        assert!(world.run(name, words).await.is_err(), "{name} {words:?}");
    }
}

#[tokio::test]
async fn messages_refusals_and_bytes_are_counted() {
    let rules = "access_rules: {nobody: [{deny: all}], all_of_us: [{allow: all}]}";
    let options = "{access_publish: {\"open/#\": all_of_us, \"shut/#\": nobody}}";
    let world = World::new(rules, options, &["ann"]).await;
    let wrong = world.try_connect("ann", "1", |connect| connect.password = None).await;
    assert_eq!(wrong.err().map(|refusal| refusal.reason), Some(Reason::NOT_AUTHORIZED));
    let mut ann = world.connect("ann", "1").await;
    ann.subscribe("open/#", QoS::ExactlyOnce).await;
    assert_eq!(ann.publish("open/1", "12345", false).await, Reason::SUCCESS);
    assert_eq!(ann.publish("shut/1", "12345", false).await, Reason::NOT_AUTHORIZED);
    assert_eq!(ann.publish("$SYS/open", "12345", false).await, Reason::NOT_AUTHORIZED);
    let figures = [
        ("mqtt_messages_received", "1", 1),
        ("mqtt_messages_received", "0", 0),
        ("mqtt_messages_delivered", "1", 1),
        ("mqtt_payload_bytes", "in", 5),
        ("mqtt_payload_bytes", "out", 5),
        ("mqtt_refusals", "access", 2),
        ("mqtt_refusals", "password", 1),
    ];
    for (name, label, count) in figures {
        assert_eq!(world.figure(name, label), count, "{name} {label}");
    }
}
