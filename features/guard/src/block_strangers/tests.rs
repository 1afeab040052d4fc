use nightjar_base::contacts::{Contact, Subscription};
use nightjar_jid::Jid;

use super::FEATURE;
use crate::testing::{World, drain, stanza};

fn contact(jid: &str, subscription: Subscription, is_asked: bool) -> Contact {
    Contact { jid: Jid::parse(jid).unwrap(), subscription, is_asked, groups: Vec::new() }
}

fn contacts() -> Vec<Contact> {
    vec![
        contact("asked@example.net", Subscription::None, true),
        contact("both@example.net", Subscription::Both, false),
        contact("listed@example.net", Subscription::None, false),
        contact("sees@example.net", Subscription::From, false),
        contact("irc.example.org", Subscription::Both, false),
    ]
}

/// A message with this in it that asks for juliet.
fn message(from: &str, inside: &str) -> String {
    format!("<message from='{from}' to='juliet@localhost' type='chat'>{inside}</message>")
}

const BODY: &str = "<body>hello</body>";

async fn world(options: &str) -> World {
    let mut world = World::new(&FEATURE, options, &["juliet", "romeo"]).await;
    world.contacts(contacts());
    world
}

/// Whether messages arrive.
async fn check(options: &str, cases: &[(&str, &str, bool)]) {
    let world = world(options).await;
    let juliet = world.connect("juliet@localhost/balcony").await;
    world.send(&juliet, "<presence/>").await;
    for (from, inside, arrives) in cases {
        drain(&juliet);
        world.kernel.route(stanza(&message(from, inside))).await;
        assert_eq!(drain(&juliet).len(), usize::from(*arrives), "{options} {from} {inside}");
    }
}

#[tokio::test]
async fn strangers_are_not_heard() {
    let receipt = "<received xmlns='urn:xmpp:receipts' id='1'/>";
    let cases = [
        ("nobody@example.net/x", BODY, false),
        ("nobody@example.net/x", "<subject>hello</subject>", false),
        ("nobody@example.net/x", receipt, true),
        ("listed@example.net/x", BODY, false),
        ("both@example.net/x", BODY, true),
        ("both@example.net", BODY, true),
        ("sees@example.net/x", BODY, true),
        ("asked@example.net/x", BODY, true),
        ("somebody@irc.example.org", BODY, true),
        ("irc.example.org", BODY, true),
        ("example.net", BODY, false),
        ("romeo@localhost/x", BODY, true),
        ("juliet@localhost/other", BODY, true),
        ("localhost", BODY, true),
        ("friend@example.net/x", BODY, false),
    ];
    check("{}", &cases).await;
}

#[tokio::test]
async fn options_say_who_is_none() {
    check(
        "{access: friends}",
        &[("friend@example.net/x", BODY, true), ("nobody@example.net/x", BODY, false)],
    )
    .await;
    check(
        "{allow_transports: false}",
        &[("somebody@irc.example.org", BODY, false), ("irc.example.org", BODY, true)],
    )
    .await;
    let strict =
        [("romeo@localhost/x", BODY, false), ("localhost", BODY, true), ("juliet@localhost/x", BODY, true)];
    check("{allow_local_users: false}", &strict).await;
    check("{drop: false, log: true}", &[("nobody@example.net/x", BODY, true)]).await;
    check("{drop: true, log: true, captcha: true}", &[("nobody@example.net/x", BODY, false)]).await;
}

#[tokio::test]
async fn an_invitation_counts_as_its_author() {
    let invitation = |from: &str| {
        format!("<x xmlns='http://jabber.org/protocol/muc#user'><invite from='{from}'/></x>{BODY}")
    };
    let (known, local, unknown) =
        (invitation("both@example.net/x"), invitation("romeo@localhost"), invitation("nobody@example.net"));
    let cases = [
        ("room@rooms.example.com", known.as_str(), true),
        ("room@rooms.example.com", local.as_str(), true),
        ("room@rooms.example.com", unknown.as_str(), false),
        ("both@example.net/x", unknown.as_str(), false),
    ];
    check("{}", &cases).await;
    check("{allow_local_users: false}", &[("room@rooms.example.com", local.as_str(), false)]).await;
}

#[tokio::test]
async fn a_room_one_is_in_is_no_stranger() {
    let world = world("{}").await;
    let juliet = world.connect("juliet@localhost/balcony").await;
    world.send(&juliet, "<presence/>").await;
    let chat = "<message from='room@rooms.example.com/other' to='juliet@localhost/balcony' type='groupchat'>\
                <body>hello</body></message>";
    world.kernel.route(stanza(chat)).await;
    assert_eq!(drain(&juliet).len(), 0, "not in it");
    world.send(&juliet, "<presence to='room@rooms.example.com/juliet'/>").await;
    world.kernel.route(stanza(chat)).await;
    assert_eq!(drain(&juliet).len(), 1, "in it");
    world.send(&juliet, "<presence to='room@rooms.example.com/juliet' type='unavailable'/>").await;
    world.kernel.route(stanza(chat)).await;
    assert_eq!(drain(&juliet).len(), 0, "left it");
}

#[tokio::test]
async fn a_stranger_is_told() {
    let world = world("{allow_local_users: false}").await;
    let juliet = world.connect("juliet@localhost/balcony").await;
    let romeo = world.connect("romeo@localhost/orchard").await;
    let answer =
        world.send(&romeo, "<message to='juliet@localhost' id='1'><body>hello</body></message>").await;
    assert_eq!(answer.len(), 1);
    assert!(answer[0].contains("policy-violation"), "{answer:?}");
    assert!(answer[0].contains("Messages from strangers are rejected"), "{answer:?}");
    let room = "<message to='juliet@localhost/balcony' type='groupchat'><body>hello</body></message>";
    let answer = world.send(&romeo, room).await;
    assert!(!answer.iter().any(|answer| answer.contains("to='romeo@localhost/orchard'")), "{answer:?}");
    assert_eq!(drain(&juliet).len(), 0);
    let answer =
        world.send(&romeo, "<message to='juliet@localhost' type='error'><body>hello</body></message>").await;
    assert_eq!(answer.len(), 0, "errors aren't answered");
}

#[tokio::test]
async fn it_is_announced() {
    let world = world("{}").await;
    let announced = world.host.disco_features.all();
    let of = |of_account| {
        announced
            .iter()
            .any(|feature| feature.of_account == of_account && feature.namespace == super::NAMESPACE)
    };
    assert!(of(true) && of(false));
}
