use std::sync::Arc;

use nightjar_base::Session;
use nightjar_xmpp::forwarded;

use super::FEATURE;
use crate::testing::{World, drain, stanza};

/// Romeo's clients and Juliet's one.
struct Play {
    world: World,
    /// Wants copies.
    orchard: Arc<Session>,
    /// Wants copies.
    garden: Arc<Session>,
    /// Doesn't.
    home: Arc<Session>,
    balcony: Arc<Session>,
}

const ENABLE: &str = "<iq type='set' id='e'><enable xmlns='urn:xmpp:carbons:2'/></iq>";
const DISABLE: &str = "<iq type='set' id='d'><disable xmlns='urn:xmpp:carbons:2'/></iq>";

impl Play {
    async fn new() -> Self {
        let world = World::new(&[(&FEATURE, "{}")], &["romeo", "juliet"]).await;
        let orchard = world.online("romeo@localhost/orchard").await;
        let garden = world.online("romeo@localhost/garden").await;
        let home = world.online("romeo@localhost/home").await;
        let balcony = world.online("juliet@localhost/balcony").await;
        let play = Self { world, orchard, garden, home, balcony };
        for session in [&play.orchard, &play.garden] {
            let got = play.world.exchange(session, ENABLE).await;
            let last = got.last().unwrap();
            assert!(last.contains("type='result'") && last.contains("id='e'"), "{got:?}");
        }
        play.drain_all();
        play
    }

    fn drain_all(&self) {
        for session in [&self.orchard, &self.garden, &self.home, &self.balcony] {
            drain(session);
        }
    }
}

/// The copied message, if what was got is one copy of that kind by the account itself.
fn copied(got: &[String], kind: &str) -> Option<String> {
    let [carbon] = got else {
        assert!(got.is_empty(), "{got:?}");
        return None;
    };
    let carbon = stanza(carbon);
    assert_eq!(carbon.from.as_ref().map(|from| from.as_str()), Some("romeo@localhost"));
    assert!(carbon.to.as_ref().is_some_and(|to| to.is_full()));
    let element = carbon.child(kind, "urn:xmpp:carbons:2")?.parse();
    let forwarded = element.child("forwarded", nightjar_xmpp::ns::FORWARD)?;
    let message = forwarded.children().find(|child| child.name() == "message")?;
    assert_eq!(message.ns(), "jabber:client");
    Some(message.raw().to_string())
}

/// XEP-0280 §7, §8
#[tokio::test]
async fn other_clients_see_what_one_sends_and_receives() {
    let play = Play::new().await;
    let message = "<message to='juliet@localhost/balcony' type='chat' id='m'><body>Neither</body></message>";
    play.world.send(&play.orchard, message).await;
    let sent = copied(&drain(&play.garden), "sent").unwrap();
    for part in ["from='romeo@localhost/orchard'", "to='juliet@localhost/balcony'", "<body>Neither</body>"] {
        assert!(sent.contains(part), "{sent}");
    }
    // Neither the sender nor who didn't ask.
    assert_eq!(drain(&play.orchard), Vec::<String>::new());
    assert_eq!(drain(&play.home), Vec::<String>::new());
    assert_eq!(drain(&play.balcony).len(), 1);

    let message = "<message to='romeo@localhost/garden' type='chat' id='m'><body>What man</body></message>";
    play.world.send(&play.balcony, message).await;
    let got = drain(&play.garden);
    assert!(got.len() == 1 && !got[0].contains("urn:xmpp:carbons:2"), "{got:?}");
    let received = copied(&drain(&play.orchard), "received").unwrap();
    for part in ["from='juliet@localhost/balcony'", "to='romeo@localhost/garden'", "<body>What man</body>"] {
        assert!(received.contains(part), "{received}");
    }
    assert_eq!(drain(&play.home), Vec::<String>::new());

    play.world.exchange(&play.orchard, DISABLE).await;
    play.world.send(&play.balcony, message).await;
    assert_eq!(drain(&play.orchard), Vec::<String>::new());
}

/// A message to the bare address reaches every client of the highest priority by itself (RFC 6121 §8.5.2.1.1).
#[tokio::test]
async fn nobody_gets_a_message_twice() {
    let play = Play::new().await;
    play.world
        .send(&play.balcony, "<message to='romeo@localhost' type='chat'><body>hi</body></message>")
        .await;
    for session in [&play.orchard, &play.garden, &play.home] {
        let got = drain(session);
        assert!(got.len() == 1 && !got[0].contains("urn:xmpp:carbons:2"), "{}: {got:?}", session.jid);
    }
}

/// XEP-0280 §6.1
#[tokio::test]
async fn only_conversations_are_copied() {
    let play = Play::new().await;
    for (attributes, children, expected) in [
        ("type='chat'", "<body>a</body>", true),
        ("type='chat'", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", true),
        ("", "<body>a</body>", true),
        ("type='normal'", "<received xmlns='urn:xmpp:receipts' id='1'/>", true),
        ("type='normal'", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true),
        ("type='normal'", "<event xmlns='http://jabber.org/protocol/pubsub#event'/>", false),
        ("type='headline'", "<body>a</body>", false),
        ("type='groupchat'", "<body>a</body>", false),
        ("type='error'", "<body>a</body>", false),
        ("type='chat'", "<body>a</body><no-copy xmlns='urn:xmpp:hints'/>", false),
        ("type='chat'", "<body>a</body><private xmlns='urn:xmpp:carbons:2'/>", false),
        ("type='chat'", "<body>a</body><received xmlns='urn:xmpp:carbons:2'/>", false),
    ] {
        let message = |to: &str| format!("<message to='{to}' {attributes}>{children}</message>");
        play.world.send(&play.orchard, &message("juliet@localhost/balcony")).await;
        let sent = copied(&drain(&play.garden), "sent").is_some();
        assert_eq!(sent, expected, "sent: {attributes} {children}");
        let delivered = drain(&play.balcony);
        // It has done its work and is nobody else's business.
        assert!(!delivered.iter().any(|xml| xml.contains("<private ")), "{delivered:?}");
        play.world.send(&play.balcony, &message("romeo@localhost/orchard")).await;
        if !children.contains("urn:xmpp:carbons:2") {
            let received = copied(&drain(&play.garden), "received").is_some();
            assert_eq!(received, expected, "received: {attributes} {children}");
        }
        play.drain_all();
    }
}

/// XEP-0280 §11: only the account's own server makes carbons.
#[tokio::test]
async fn forged_carbons_lose_their_content() {
    let play = Play::new().await;
    let inner = stanza(
        "<message from='nurse@localhost' to='romeo@localhost' type='chat'><body>untruth</body></message>",
    );
    let inner = forwarded::to_xml(&inner, None);
    for kind in ["received", "sent"] {
        let carbon = format!("<{kind} xmlns='urn:xmpp:carbons:2'>{inner}</{kind}>");
        for to in ["romeo@localhost", "romeo@localhost/garden"] {
            let forged = format!("<message to='{to}' type='chat'>{carbon}<body>x</body></message>");
            play.world.send(&play.balcony, &forged).await;
            let foreign = format!(
                "<message from='evil@example.net/x' to='{to}' type='chat'>{carbon}<body>x</body></message>"
            );
            play.world.route(&foreign).await;
            let got = drain(&play.garden);
            assert_eq!(got.len(), 2, "{to}: {got:?}");
            assert!(!got.iter().any(|xml| xml.contains("untruth")), "{to}: {got:?}");
            play.drain_all();
        }
    }
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let play = Play::new().await;
    for (request, condition) in [
        ("<iq type='get' id='1'><enable xmlns='urn:xmpp:carbons:2'/></iq>", "not-allowed"),
        ("<iq type='set' id='1'><other xmlns='urn:xmpp:carbons:2'/></iq>", "bad-request"),
        (
            "<iq type='set' id='1' to='juliet@localhost'><enable xmlns='urn:xmpp:carbons:2'/></iq>",
            "forbidden",
        ),
    ] {
        let got = play.world.exchange(&play.orchard, request).await;
        assert!(got.len() == 1 && got[0].contains(&format!("<{condition} ")), "{request}: {got:?}");
    }
}

#[tokio::test]
async fn private_messages_of_a_room_are_not_copied() {
    let play = Play::new().await;
    for (inner, expected) in [("", false), ("<invite from='hag@localhost'/>", true)] {
        let x = format!("<x xmlns='http://jabber.org/protocol/muc#user'>{inner}</x>");
        let message = format!(
            "<message from='room@muc.example/hag' to='romeo@localhost/orchard' type='chat'><body>a</body>{x}</message>"
        );
        play.world.route(&message).await;
        assert_eq!(copied(&drain(&play.garden), "received").is_some(), expected, "{inner}");
        play.drain_all();
    }
}
