use std::sync::Arc;

use nightjar_base::Session;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::ns;

use super::{Caps, FEATURE, own, storage};
use crate::testing::{World, stanza, wait};

const NODE: &str = "http://code.google.com/p/exodus";
const VER: &str = "QgayPKawpkPSDYmwT/WM94uAlu0=";
/// XEP-0115 §5.2
const TRUTH: &str = "<identity category='client' type='pc' name='Exodus 0.9.1'/>\
    <feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>\
    <feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>";
/// Has the same hash: a namespace read as an identity.
const LIE: &str = "<identity category='client' type='pc' name='Exodus 0.9.1'/>\
    <identity category='http:' type='' xml:lang='jabber.org' name='protocol/caps'/>\
    <feature var='http://jabber.org/protocol/disco#info'/>\
    <feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>";

async fn world() -> World {
    World::new(&[(&crate::disco::FEATURE, "{}"), (&FEATURE, "{}")], &["romeo", "juliet"]).await
}

fn presence(hash: &str) -> String {
    format!("<presence><c xmlns='{}' {hash} node='{NODE}' ver='{VER}'/></presence>", ns::CAPS)
}

/// The server's question to the client, as it stands in the mailbox: its identifier.
fn question(received: &[String]) -> Option<Text> {
    let asked: Vec<_> = received.iter().filter(|xml| xml.contains(ns::DISCO_INFO)).collect();
    assert!(asked.len() <= 1, "{asked:?}");
    let stanza = stanza(asked.first()?);
    let query = stanza.child("query", ns::DISCO_INFO).unwrap();
    assert_eq!(query.attr("node").unwrap(), format!("{NODE}#{VER}"));
    assert_eq!(stanza.from, stanza.to.as_ref().map(Jid::bare));
    stanza.id
}

async fn answer(world: &World, session: &Arc<Session>, id: &str, children: &str) {
    let to = session.jid.bare();
    let query = format!("<query xmlns='{}'>{children}</query>", ns::DISCO_INFO);
    world.send(session, &format!("<iq type='result' id='{id}' to='{to}'>{query}</iq>")).await;
}

/// Sends presence and answers the question; returns what is then known of the client.
async fn introduce(world: &World, full: &str, hash: &str, children: &str) -> Vec<String> {
    let session = world.connect(full).await;
    world.send(&session, &presence(hash)).await;
    let mut received = Vec::new();
    let id = loop {
        received.extend(wait(&session).await);
        if let Some(id) = question(&received) {
            break id;
        }
    };
    answer(world, &session, &id, children).await;
    features(world, full).await
}

/// The features of a client, once its answer was worked on.
async fn features(world: &World, full: &str) -> Vec<String> {
    let caps = world.host.get::<Caps>().unwrap();
    let jid = Jid::parse(full).unwrap();
    for _ in 0..10_000 {
        if let Some(features) = caps.features_of(&jid) {
            return features.iter().map(ToString::to_string).collect();
        }
        tokio::task::yield_now().await;
    }
    panic!("nothing was learned of {full}");
}

#[tokio::test]
async fn a_proved_answer_holds_for_everybody() {
    let world = world().await;
    let first = introduce(&world, "romeo@localhost/orchard", "hash='sha-1'", TRUTH).await;
    assert_eq!(first.len(), 4);
    let second = world.connect("juliet@localhost/balcony").await;
    world.send(&second, &presence("hash='sha-1'")).await;
    // Known at once and without a question.
    let caps = world.host.get::<Caps>().unwrap();
    assert_eq!(caps.features_of(&second.jid).map(|all| all.len()), Some(4));
    assert_eq!(question(&crate::testing::drain(&second)), None);
    let stored = storage::get(&world.host.store, NODE, VER).await.unwrap().unwrap();
    assert_eq!(stored.len(), 4);
}

#[tokio::test]
async fn an_unproved_answer_holds_for_its_sender_alone() {
    let wrong = "<identity category='client' type='pc'/><feature var='urn:xmpp:ping'/>";
    for (hash, children) in [
        ("hash='sha-1'", LIE),
        ("hash='sha-1'", wrong),
        ("hash='md5'", TRUTH),
        // The legacy format proves nothing.
        ("", TRUTH),
        ("", wrong),
    ] {
        let world = world().await;
        introduce(&world, "romeo@localhost/orchard", hash, children).await;
        assert_eq!(storage::get(&world.host.store, NODE, VER).await.unwrap(), None, "{hash} {children}");
        // The next one is asked itself, and its proof is taken.
        let honest = introduce(&world, "juliet@localhost/balcony", "hash='sha-1'", TRUTH).await;
        assert_eq!(honest.len(), 4, "{hash} {children}");
    }
}

#[tokio::test]
async fn nobody_else_can_answer() {
    let world = world().await;
    let victim = world.connect("romeo@localhost/orchard").await;
    world.send(&victim, &presence("hash='md5'")).await;
    let mut received = Vec::new();
    while question(&received).is_none() {
        received.extend(wait(&victim).await);
    }
    let id = question(&received).unwrap();
    let query = format!("<query xmlns='{}'>{TRUTH}</query>", ns::DISCO_INFO);
    let thief = world.connect("juliet@localhost/balcony").await;
    world.send(&thief, &format!("<iq type='result' id='{id}' to='romeo@localhost'>{query}</iq>")).await;
    assert_eq!(world.host.requests.len(), 1);
    answer(&world, &victim, "guessed", TRUTH).await;
    assert_eq!(world.host.requests.len(), 1);
    answer(&world, &victim, &id, TRUTH).await;
    assert_eq!(world.host.requests.len(), 0);
}

#[tokio::test]
async fn capabilities_end_with_presence() {
    let world = world().await;
    introduce(&world, "romeo@localhost/orchard", "hash='sha-1'", TRUTH).await;
    let jid = Jid::parse("romeo@localhost/orchard").unwrap();
    let caps = world.host.get::<Caps>().unwrap();
    let session = world.kernel.sessions.find(&jid).unwrap();
    // Presence without capabilities changes nothing.
    world.send(&session, "<presence><show>away</show></presence>").await;
    assert!(caps.features_of(&jid).is_some());
    world.send(&session, "<presence type='unavailable'/>").await;
    assert_eq!(caps.features_of(&jid), None);
}

#[tokio::test]
async fn the_server_tells_its_own() {
    let world = world().await;
    let mut changes = world.host.stream_features.changes();
    let offered = || world.host.stream_features.all().first().map(|feature| feature.xml.clone());
    while offered().is_none() {
        changes.changed().await.unwrap();
    }
    let before = offered().unwrap();
    assert!(before.contains("hash='sha-1'") && before.contains(own::NODE), "{before}");
    let ver = stanza(&format!("<presence>{before}</presence>"));
    let ver = ver.child("c", ns::CAPS).unwrap().attr("ver").unwrap().into_owned();
    // The answer has the hash that is offered.
    let session = world.connect("romeo@localhost/orchard").await;
    let ask = |node: &str| {
        let query = format!("<query xmlns='{}' node='{node}'/>", ns::DISCO_INFO);
        format!("<iq type='get' id='1' to='localhost'>{query}</iq>")
    };
    let reply = world.exchange(&session, &ask(&format!("{}#{ver}", own::NODE))).await;
    let reply = stanza(&reply[0]);
    let query = reply.child("query", ns::DISCO_INFO).unwrap().parse();
    let described = super::hash::Described::read(query.root()).unwrap();
    assert_eq!(described.verify("sha-1", &ver), Ok(()));
    assert!(described.features.iter().any(|feature| feature == ns::CAPS));
    let unknown = world.exchange(&session, &ask("https://nightjar.im.example/#a")).await;
    assert!(unknown[0].contains("item-not-found"), "{unknown:?}");
    // Another feature changes it.
    let added = world.host.disco_features.add(nightjar_base::host::DiscoFeature {
        namespace: Text::new("urn:example:new"),
        of_account: false,
    });
    while offered().is_none_or(|now| now == before) {
        changes.changed().await.unwrap();
    }
    drop(added);
    while offered() != Some(before.clone()) {
        changes.changed().await.unwrap();
    }
    assert_eq!(world.host.stream_features.all().len(), 1);
}
