use nightjar_mqtt::{QoS, Reason};

use super::load::{Loads, NAMES, Sample};
use crate::testing::{Peer, World};

const ADMIN: &str = "acl: {admin: {user: ann}}";

/// What came, by topic behind `$SYS/broker/`.
fn told(peer: &mut Peer) -> std::collections::BTreeMap<String, String> {
    let lines = peer.told().into_iter();
    let pair = |line: String| {
        let (topic, value) = line.strip_prefix("$SYS/broker/")?.split_once(": ")?;
        Some((topic.to_owned(), value.to_owned()))
    };
    lines.map(|line| pair(line.clone()).unwrap_or_else(|| panic!("{line}"))).collect()
}

#[tokio::test]
async fn who_subscribes_is_told_at_once_and_of_every_change() {
    let world = World::new(ADMIN, "{sys_interval: 10}", &["ann", "ben"]).await;
    let mut ann = world.connect("ann", "c").await;
    assert_eq!(ann.subscribe("$SYS/#", QoS::ExactlyOnce).await, Reason(2));
    let first = told(&mut ann);
    assert_eq!(first.len(), 23 + 3 * NAMES.len());
    for (topic, value) in [
        ("version", concat!("nightjar version ", env!("CARGO_PKG_VERSION"), " (retained)")),
        ("uptime", "0 seconds (retained)"),
        ("clients/connected", "1 (retained)"),
        ("clients/total", "1 (retained)"),
        ("messages/received", "1 (retained)"),
        ("retained messages/count", "0 (retained)"),
        ("load/publish/received/15min", "0.00 (retained)"),
    ] {
        assert_eq!(first.get(topic).map(String::as_str), Some(value), "{topic}");
    }
    let mut ben = world.connect("ben", "c").await;
    for count in 0..6 {
        ben.publish("x", "1234567890", count == 0).await;
    }
    world.pass(9000);
    assert_eq!(told(&mut ann).len(), 0);
    world.pass(1000);
    let next = told(&mut ann);
    for (topic, value) in [
        ("uptime", Some("10 seconds")),
        ("version", None),
        ("clients/total", Some("2")),
        ("clients/connected", Some("2")),
        ("clients/maximum", Some("2")),
        ("retained messages/count", Some("1")),
        ("publish/messages/received", Some("6")),
        ("publish/bytes/received", Some("60")),
        // Six in ten seconds are 36 in each minute, of which the first average has seen a sixth.
        ("load/publish/received/1min", Some("5.53")),
    ] {
        assert_eq!(next.get(topic).map(String::as_str), value, "{topic}");
    }
    world.pass(10_000);
    assert_eq!(told(&mut ann).get("clients/total"), None);
}

#[tokio::test]
async fn one_topic_and_a_second_subscriber() {
    let world = World::new(ADMIN, "{}", &["ann", "ben"]).await;
    let mut first = world.connect("ann", "1").await;
    first.subscribe("$SYS/broker/clients/connected", QoS::AtMostOnce).await;
    assert_eq!(first.told(), ["$SYS/broker/clients/connected: 1 (retained)"]);
    let mut second = world.connect("ann", "2").await;
    // What was told is told to who comes later, until it is too old.
    second.subscribe("$SYS/broker/clients/+", QoS::AtMostOnce).await;
    assert_eq!(told(&mut second).get("clients/connected").unwrap(), "1 (retained)");
    world.pass(10_000);
    assert_eq!(first.told(), ["$SYS/broker/clients/connected: 2"]);
    assert_eq!(told(&mut second).get("clients/connected").unwrap(), "2");
    let mut third = world.connect("ann", "3").await;
    third.subscribe("$share/g/$SYS/broker/uptime", QoS::AtMostOnce).await;
    assert_eq!(third.told(), Vec::<String>::new());
    world.pass(10_000);
    assert_eq!(third.told(), ["$SYS/broker/uptime: 20 seconds"]);
    assert_eq!(told(&mut second).get("clients/connected").unwrap(), "3");
}

#[tokio::test]
async fn who_may_subscribe() {
    let rows = [
        (ADMIN, "{}", "ann", Reason::SUCCESS),
        (ADMIN, "{}", "ben", Reason::NOT_AUTHORIZED),
        ("", "{}", "ann", Reason::NOT_AUTHORIZED),
        ("", "{access_sys: all}", "ben", Reason::SUCCESS),
        (ADMIN, "{access_subscribe: {'#': all}}", "ann", Reason::NOT_AUTHORIZED),
        (ADMIN, "{access_subscribe: {'$SYS/#': all}}", "ann", Reason::SUCCESS),
        (ADMIN, "{access_subscribe: {'$SYS/#': all}}", "ben", Reason::NOT_AUTHORIZED),
    ];
    for (rules, options, user, expected) in rows {
        let world = World::new(rules, options, &["ann", "ben"]).await;
        for filter in ["$SYS/broker/uptime", "$SYS/#", "$share/g/$SYS/#"] {
            let mut peer = world.connect(user, "c").await;
            assert_eq!(peer.subscribe(filter, QoS::AtMostOnce).await, expected, "{options} {user} {filter}");
        }
        // Wildcards in front don't mean it ([MQTT-4.7.2-1]).
        if options == "{}" {
            let mut peer = world.connect(user, "d").await;
            peer.subscribe("#", QoS::AtMostOnce).await;
            peer.subscribe("+/broker/uptime", QoS::AtMostOnce).await;
            world.pass(10_000);
            assert_eq!(peer.told(), Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn an_interval_of_nothing_is_off() {
    let world = World::new(ADMIN, "{sys_interval: 0}", &["ann"]).await;
    let mut ann = world.connect("ann", "c").await;
    assert_eq!(ann.subscribe("$SYS/#", QoS::AtMostOnce).await, Reason::SUCCESS);
    world.pass(100_000);
    assert_eq!(ann.told(), Vec::<String>::new());
}

/// Row 84 of the list of attacks.
#[tokio::test]
async fn nobody_publishes_below_a_dollar() {
    let world = World::new("acl: {admin: {user: ann}}", "{access_sys: all}", &["ann"]).await;
    let mut ann = world.connect("ann", "c").await;
    for topic in
        ["$", "$SYS", "$SYS/broker/uptime", "$CONTROL/dynamic-security/v1", "$share", "$share/g/x", "$x/y"]
    {
        assert_eq!(ann.publish(topic, "x", true).await, Reason::NOT_AUTHORIZED, "{topic}");
        assert!(world.run("mqtt_publish", &["localhost", topic, "x", "0", "true"]).await.is_err(), "{topic}");
    }
    assert_eq!(world.figure("mqtt_retained", ""), 0);
}

#[test]
fn averages_follow_what_goes_on() {
    let mut loads = Loads::default();
    let at = |count| Sample([count; NAMES.len()]);
    // 60 in each minute for a long time, told every ten seconds; then nothing for one minute.
    for step in 0..1000 {
        loads.add(&at(step * 10), &at(step * 10 + 10), 10_000);
    }
    assert_eq!(loads.0[0].map(|load| format!("{load:.2}")), ["60.00", "60.00", "60.00"]);
    loads.add(&at(0), &at(0), 60_000);
    assert_eq!(loads.0[8].map(|load| format!("{load:.2}")), ["22.07", "49.12", "56.13"]);
    // A clock that stands moves nothing.
    loads.add(&at(0), &at(9), 0);
    assert_eq!(format!("{:.2}", loads.0[0][0]), "22.07");
}
