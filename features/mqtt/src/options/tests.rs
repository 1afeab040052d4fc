use bytes::Bytes;
use nightjar_base::mqtt::MqttService;
use nightjar_mqtt::packet::properties::id;
use nightjar_mqtt::topic::LEVELS_MAX;
use nightjar_mqtt::{Connect, Message, Properties, QoS, Reason};

use crate::testing::{World, text};

fn stays(connect: &mut Connect) {
    connect.properties = Properties::builder().four(id::SESSION_EXPIRY_INTERVAL, 600).finish();
}

#[tokio::test]
async fn messages_that_wait() {
    for (options, expected) in [("{}", 5000), ("{max_queue: unlimited}", 6000), ("{max_queue: 3}", 3)] {
        let world = World::new("", options, &["ann"]).await;
        let mut ann = world.try_connect("ann", "c", stays).await.unwrap();
        ann.subscribe("a", QoS::AtLeastOnce).await;
        ann.end();
        let payload = Bytes::from_static(b"x");
        for _ in 0..6000 {
            let message = Message::new(
                &text("a"),
                QoS::AtLeastOnce,
                false,
                &Properties::default(),
                &payload,
                world.now(),
            );
            world.broker().announce(message, world.now());
        }
        assert_eq!(world.figure("mqtt_queued", ""), expected, "{options}");
        assert_eq!(world.figure("mqtt_messages_dropped", "no_room"), 6000 - expected, "{options}");
    }
}

#[tokio::test]
async fn how_long_sessions_stay() {
    // How long the client asks for is 600 seconds; milliseconds after which it is gone.
    for (options, stays_ms) in
        [("{session_expiry: 0}", 0), ("{}", 300_000), ("{session_expiry: 2 hours}", 600_000)]
    {
        let world = World::new("", options, &["ann"]).await;
        world.try_connect("ann", "c", stays).await.unwrap().end();
        if stays_ms > 0 {
            world.pass(stays_ms - 1);
            assert_eq!(world.figure("mqtt_sessions", ""), 1, "{options}");
            world.pass(1);
        }
        assert_eq!(world.figure("mqtt_sessions", ""), 0, "{options}");
    }
}

#[tokio::test]
async fn levels_of_topics() {
    for (options, most) in
        [("{}", 8), ("{max_topic_depth: 1}", 1), ("{max_topic_depth: infinity}", LEVELS_MAX)]
    {
        let world = World::new("", options, &["ann"]).await;
        let mut ann = world.connect("ann", "c").await;
        let levels = |count: usize| vec!["x"; count].join("/");
        assert_eq!(ann.subscribe(&levels(most), QoS::AtMostOnce).await, Reason::SUCCESS, "{options}");
        assert_eq!(ann.publish(&levels(most), "x", false).await, Reason::SUCCESS, "{options}");
        let too_deep = ann.subscribe(&levels(most + 1), QoS::AtMostOnce).await;
        assert_eq!(too_deep, Reason::TOPIC_FILTER_INVALID, "{options}");
        if most < LEVELS_MAX {
            let too_deep = ann.publish(&levels(most + 1), "x", false).await;
            assert_eq!(too_deep, Reason::TOPIC_NAME_INVALID, "{options}");
        }
    }
}

#[tokio::test]
async fn retained_messages_of_a_subscription() {
    for (options, expected) in
        [("{}", 1000), ("{match_retained_limit: 2}", 2), ("{match_retained_limit: infinity}", 1100)]
    {
        let world = World::new("", options, &["ann"]).await;
        let payload = Bytes::from_static(b"x");
        for number in 0..1100 {
            let topic = text(&format!("a/{number}"));
            let message =
                Message::new(&topic, QoS::AtMostOnce, true, &Properties::default(), &payload, world.now());
            world.broker().announce(message, world.now());
        }
        let mut count = 0;
        world.broker().kept(b"a/+", world.now(), |_| count += 1);
        assert_eq!(count, expected, "{options}");
    }
}

#[tokio::test]
async fn aliases_of_topics() {
    for (options, expected) in
        [("{}", 100), ("{max_topic_aliases: 0}", 0), ("{max_topic_aliases: 65535}", 65535)]
    {
        let world = World::new("", options, &["ann"]).await;
        let service = world.host.get::<MqttService>().unwrap();
        assert_eq!(service.0.topic_alias_maximum(), expected, "{options}");
    }
}
