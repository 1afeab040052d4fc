use std::sync::Arc;

use nightjar_auth::{AuthError, Bans, BoxFuture};
use nightjar_base::mqtt::reconsider;
use nightjar_mqtt::packet::properties::id;
use nightjar_mqtt::{Connect, Properties, QoS, Reason};
use nightjar_text::Text;
use parking_lot::Mutex;

use crate::broker::Broker;
use crate::options::BrokerOptions;
use crate::testing::{Peer, World};

const OPTIONS: &str =
    "{access_subscribe: {a/#: readers, b: all}, access_publish: {a/#: writers, b: all}, session_expiry: 600}";
/// Ann reads and Ben writes; then neither does.
const RULES: &str = "acl: {ann: {user: ann}, ben: {user: ben}}\n\
    access_rules: {readers: {allow: ann}, writers: {allow: ben}}";
const REVOKED: &str =
    "acl: {ann: {user: ann}, ben: {user: ben}}\naccess_rules: {readers: [deny], writers: [deny]}";
const SUBSCRIPTION_REVOKED: &str = "acl: {ann: {user: ann}, ben: {user: ben}}\n\
    access_rules: {readers: [deny], writers: {allow: ben}}";

/// How many retained messages are handed out.
fn handed_out(broker: &Broker, filter: &[u8]) -> usize {
    let mut count = 0;
    broker.retained.matching(filter, 9, 0, |_| count += 1);
    count
}

fn stays(connect: &mut Connect) {
    connect.properties = Properties::builder().four(id::SESSION_EXPIRY_INTERVAL, 600).finish();
}

/// What a new subscription gets of what is retained.
async fn retained(world: &World, filter: &str) -> Vec<String> {
    let mut peer = world.connect("ann", "asks").await;
    peer.subscribe(filter, QoS::AtMostOnce).await;
    let told = peer.told();
    peer.end();
    told
}

async fn writes(ben: &mut Peer, payload: &str) {
    assert!(!ben.publish("a/x", payload, false).await.is_error());
}

// Row 85 of the list of attacks: rights that were revoked are still served.

#[tokio::test]
async fn a_subscription_rests_while_it_is_not_allowed() {
    let world = World::new(RULES, OPTIONS, &["ann", "ben"]).await;
    let mut ann = world.connect("ann", "here").await;
    let mut away = world.try_connect("ann", "away", stays).await.unwrap();
    for filter in ["a/+", "b"] {
        assert_eq!(ann.subscribe(filter, QoS::AtLeastOnce).await, Reason::GRANTED_QOS_1);
    }
    assert_eq!(away.subscribe("$share/g/a/#", QoS::AtLeastOnce).await, Reason::GRANTED_QOS_1);
    away.end();
    let mut ben = world.connect("ben", "c").await;
    writes(&mut ben, "1").await;
    world.reload(SUBSCRIPTION_REVOKED, OPTIONS).await;
    writes(&mut ben, "2").await;
    ben.publish("b", "other", false).await;
    assert_eq!(ann.told(), ["a/x: 1", "b: other"]);
    assert_eq!(ann.subscribe("a/+", QoS::AtLeastOnce).await, Reason::NOT_AUTHORIZED);
    world.reload(RULES, OPTIONS).await;
    writes(&mut ben, "3").await;
    assert_eq!(ann.told(), ["a/x: 3"]);
    let mut away = world.try_connect("ann", "away", stays).await.unwrap();
    assert_eq!(away.told(), ["a/x: 1", "a/x: 3"]);
    assert_eq!(world.figure("mqtt_subscriptions", ""), 3);
}

#[tokio::test]
async fn a_resting_subscription_can_be_ended() {
    let world = World::new(RULES, OPTIONS, &["ann", "ben"]).await;
    let mut ann = world.connect("ann", "c").await;
    ann.subscribe("a/+", QoS::AtLeastOnce).await;
    world.reload(SUBSCRIPTION_REVOKED, OPTIONS).await;
    assert_eq!(ann.unsubscribe("a/+").await, Reason::SUCCESS);
    assert_eq!(ann.unsubscribe("a/+").await, Reason::NO_SUBSCRIPTION_EXISTED);
    world.reload(RULES, OPTIONS).await;
    let mut ben = world.connect("ben", "c").await;
    writes(&mut ben, "1").await;
    assert_eq!(ann.told(), Vec::<String>::new());
    ann.end();
    assert_eq!(world.figure("mqtt_subscriptions", ""), 0);
}

#[tokio::test]
async fn other_options_of_the_module() {
    let world = World::new(RULES, OPTIONS, &["ann", "ben"]).await;
    let mut ann = world.connect("ann", "c").await;
    ann.subscribe("a/+", QoS::AtLeastOnce).await;
    ann.subscribe("b", QoS::AtLeastOnce).await;
    let mut ben = world.connect("ben", "c").await;
    // Rule and options change together: what both allow never rests.
    let rules = "access_rules: {others: [allow]}";
    world.reload(rules, "{access_subscribe: {a/#: others}}").await;
    writes(&mut ben, "1").await;
    ben.publish("b", "1", false).await;
    assert_eq!(ann.told(), ["a/x: 1"]);
}

#[tokio::test]
async fn what_was_subscribed_while_the_rules_changed_is_looked_at_again() {
    let world = World::new(RULES, OPTIONS, &["ann", "ben"]).await;
    world.reload(SUBSCRIPTION_REVOKED, OPTIONS).await;
    let broker = world.broker();
    let mut ann = world.connect("ann", "c").await;
    ann.subscribe("b", QoS::AtLeastOnce).await;
    // As if it had been allowed a moment before.
    let client = broker.clients.lock().values().next().cloned().unwrap();
    let filter = crate::testing::text("a/+");
    let wish = broker.topics.get(b"b", &client).unwrap();
    broker.topics.insert(filter.as_bytes(), &client, wish);
    client.state.lock().filters.push(filter);
    world.pass(1000);
    let mut ben = world.connect("ben", "c").await;
    writes(&mut ben, "1").await;
    assert_eq!(ann.told(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_retained_is_held_back_while_its_publisher_may_not_publish_it() {
    let world = World::new(RULES, OPTIONS, &["ann", "ben"]).await;
    let mut ben = world.connect("ben", "c").await;
    ben.publish("a/x", "kept", true).await;
    ben.publish("b", "kept", true).await;
    world.run("mqtt_publish", &["localhost", "a/server", "kept", "0", "true"]).await.unwrap();
    let all = ["a/server: kept (retained)", "a/x: kept (retained)"];
    assert_eq!(retained(&world, "a/#").await, all);
    let readable = REVOKED.replace("readers: [deny]", "readers: [allow]");
    world.reload(&readable, OPTIONS).await;
    assert_eq!(retained(&world, "a/#").await, all[..1]);
    assert_eq!(retained(&world, "b").await, ["b: kept (retained)"]);
    // The same by the next start.
    let context = world.context();
    let next = Broker::new(&context, BrokerOptions::read(&context).unwrap());
    next.restore(world.now()).await.unwrap();
    next.review();
    assert_eq!(handed_out(&next, b"a/#"), 1);
    world.reload(RULES, OPTIONS).await;
    assert_eq!(retained(&world, "a/#").await, all);
}

#[derive(Default)]
struct Book(Mutex<Option<&'static str>>);

impl Bans for Book {
    fn ban<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Option<Text>, AuthError>> {
        let is_banned = *self.0.lock() == Some(user);
        Box::pin(async move { Ok(is_banned.then(|| Text::new("go"))) })
    }
}

#[tokio::test]
async fn what_a_banned_account_has_published() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    let book = Arc::new(Book::default());
    world.accounts.set_bans(Some(Arc::clone(&book) as Arc<dyn Bans>));
    let mut ben = world.connect("ben", "c").await;
    ben.publish("a", "kept", true).await;
    for (banned, expected) in [(Some("ben"), 0), (None, 1), (Some("ann"), 1)] {
        *book.0.lock() = banned;
        reconsider(&world.host, "ben").await;
        assert_eq!(handed_out(&world.broker(), b"a"), expected, "{banned:?}");
    }
    *book.0.lock() = Some("ben");
    world.broker().look_up_bans().await;
    world.broker().review();
    assert_eq!(handed_out(&world.broker(), b"a"), 0);
}

#[tokio::test]
async fn what_a_removed_account_has_published_is_forgotten() {
    let world = World::new("", "{}", &["ann", "ben"]).await;
    for user in ["ann", "ben"] {
        world.connect(user, "c").await.publish(user, "kept", true).await;
    }
    world.kernel.remove_account(&world.host, "ben").await.unwrap();
    assert_eq!(retained(&world, "#").await, ["ann: kept (retained)"]);
    let context = world.context();
    let next = Broker::new(&context, BrokerOptions::read(&context).unwrap());
    next.restore(world.now()).await.unwrap();
    assert_eq!(next.retained.len(), 1);
}
