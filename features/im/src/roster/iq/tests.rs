use std::sync::Arc;

use nightjar_base::Session;

use crate::roster::FEATURE;
use crate::testing::{World, drain, stanza};

const GET: &str = "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>";

async fn world(options: &str) -> World {
    World::new(&[(&FEATURE, options)], &["romeo", "juliet", "nurse"]).await
}

fn set(inner: &str) -> String {
    format!("<iq type='set' id='s'><query xmlns='jabber:iq:roster'>{inner}</query></iq>")
}

/// An available client that asked for its roster.
async fn interested(world: &World, full: &str) -> Arc<Session> {
    let session = world.connect(full).await;
    world.send(&session, GET).await;
    world.send(&session, "<presence/>").await;
    drain(&session);
    session
}

/// The items of the account's roster as XML.
async fn roster(world: &World, session: &Arc<Session>) -> String {
    drain(session);
    let got = world.exchange(session, GET).await;
    let [answer] = &got[..] else { panic!("{got:?}") };
    let answer = stanza(answer);
    let query = answer.child("query", "jabber:iq:roster").unwrap().parse();
    query.children().map(|item| item.raw().replace(" xmlns='jabber:iq:roster'", "")).collect()
}

fn pushes(got: &[String]) -> Vec<&String> {
    got.iter().filter(|xml| xml.contains("type='set'") && xml.contains("jabber:iq:roster")).collect()
}

/// RFC 6121 §2.1.6, §2.2 to §2.5
#[tokio::test]
async fn an_item_is_added_changed_and_removed() {
    for options in ["{}", "{use_cache: false}", "{versioning: true, store_current_id: true}"] {
        let world = world(options).await;
        let balcony = interested(&world, "juliet@localhost/balcony").await;
        let chamber = interested(&world, "juliet@localhost/chamber").await;
        let kitchen = world.online("juliet@localhost/kitchen").await;
        assert_eq!(roster(&world, &balcony).await, "", "{options}");
        for (change, pushed, held) in [
            (
                // The subscription isn't the client's to set.
                "<item jid='nurse@localhost' name='Nurse' subscription='both' ask='subscribe'/>",
                "<item jid='nurse@localhost' name='Nurse' subscription='none'/>",
                "<item jid='nurse@localhost' name='Nurse' subscription='none'/>",
            ),
            (
                "<item jid='Nurse@localhost' name='&lt;N&gt;'><group>b</group><group>a</group></item>",
                "<item jid='nurse@localhost' name='&lt;N&gt;' subscription='none'><group>a</group><group>b</group></item>",
                "<item jid='nurse@localhost' name='&lt;N&gt;' subscription='none'><group>a</group><group>b</group></item>",
            ),
            (
                "<item jid='nurse@localhost' subscription='remove'/>",
                "<item jid='nurse@localhost' subscription='remove'/>",
                "",
            ),
        ] {
            let got = world.exchange(&balcony, &set(change)).await;
            assert!(got.iter().any(|xml| xml.contains("type='result'") && xml.contains("id='s'")), "{got:?}");
            // Each resource that asked for the roster learns of it, and no other.
            for got in [got, drain(&chamber)] {
                let [push] = &pushes(&got)[..] else { panic!("{options} {change}: {got:?}") };
                assert!(push.contains(pushed), "{options} {change}: {push}");
                assert_eq!(stanza(push).from.unwrap().as_str(), "juliet@localhost");
            }
            assert_eq!(drain(&kitchen), Vec::<String>::new());
            assert_eq!(roster(&world, &balcony).await, held, "{options} {change}");
        }
    }
}

/// RFC 6121 §2.3.3, §2.5.3
#[tokio::test]
async fn bad_changes_are_refused() {
    let world = world("{}").await;
    let juliet = interested(&world, "juliet@localhost/balcony").await;
    let long = "n".repeat(1_024);
    for (inner, condition) in [
        ("", "bad-request"),
        ("<item jid='a@b'/><item jid='c@d'/>", "bad-request"),
        ("<item/>", "bad-request"),
        ("<thing jid='a@b'/>", "bad-request"),
        ("<item xmlns='urn:other' jid='a@b'/>", "bad-request"),
        ("<item jid='@b'/>", "jid-malformed"),
        ("<item jid='a@b'><group>x</group><group>x</group></item>", "bad-request"),
        ("<item jid='a@b'><group/></item>", "not-acceptable"),
        (&format!("<item jid='a@b'><group>{long}</group></item>"), "not-acceptable"),
        (&format!("<item jid='a@b' name='{long}'/>"), "not-acceptable"),
        ("<item jid='a@b' subscription='remove'/>", "item-not-found"),
    ] {
        let got = world.exchange(&juliet, &set(inner)).await;
        let [error] = &got[..] else { panic!("{inner}: {got:?}") };
        assert!(
            error.contains("type='error'") && error.contains(&format!("<{condition} ")),
            "{inner}: {error}"
        );
    }
    assert_eq!(roster(&world, &juliet).await, "");
}

#[tokio::test]
async fn who_may_not_change_it_still_reads_it() {
    let world = world("{access: admins}").await;
    let juliet = interested(&world, "juliet@localhost/balcony").await;
    let got = world.exchange(&juliet, &set("<item jid='a@b'/>")).await;
    assert!(got.len() == 1 && got[0].contains("<not-allowed "), "{got:?}");
    assert_eq!(roster(&world, &juliet).await, "");
}

/// Nobody reads or changes another's roster, and what looks like a push from somebody else reaches no client
/// (RFC 6121 §2.1.6).
#[tokio::test]
async fn forged_pushes_and_foreign_requests_are_refused() {
    let world = world("{}").await;
    let victim = interested(&world, "romeo@localhost/orchard").await;
    let attacker = interested(&world, "juliet@localhost/balcony").await;
    let item = "<item jid='evil@localhost' name='Mother' subscription='both'/>";
    for (kind, to, condition) in [
        ("set", "romeo@localhost/orchard", "service-unavailable"),
        ("set", "romeo@localhost", "service-unavailable"),
        ("get", "romeo@localhost", "forbidden"),
        ("set", "romeo@localhost/nowhere", "service-unavailable"),
    ] {
        let query = format!("<query xmlns='jabber:iq:roster'>{item}</query>");
        let request = format!("<iq type='{kind}' id='f' to='{to}'>{query}</iq>");
        let got = world.exchange(&attacker, &request).await;
        assert!(got.len() == 1 && got[0].contains(&format!("<{condition} ")), "{kind} {to}: {got:?}");
        // The same from another server.
        let foreign = format!("<iq type='{kind}' id='f' from='romeo@evil.example/x' to='{to}'>{query}</iq>");
        world.route(&foreign).await;
        assert_eq!(drain(&victim), Vec::<String>::new(), "{kind} {to}");
        assert_eq!(roster(&world, &victim).await, "", "{kind} {to}");
    }
}

/// RFC 6121 §2.6
#[tokio::test]
async fn an_unchanged_roster_is_not_sent_again() {
    for options in ["{versioning: true}", "{versioning: true, store_current_id: true}"] {
        let world = world(options).await;
        let juliet = interested(&world, "juliet@localhost/balcony").await;
        let ask = |version: &str| {
            format!("<iq type='get' id='v'><query xmlns='jabber:iq:roster' ver='{version}'/></iq>")
        };
        let version = |got: &[String]| {
            let stanza = stanza(got.first().unwrap());
            stanza.child("query", "jabber:iq:roster").map(|query| query.attr("ver").unwrap().into_owned())
        };
        let first = version(&world.exchange(&juliet, &ask("")).await).unwrap();
        assert_eq!(version(&world.exchange(&juliet, &ask(&first)).await), None, "{options}");
        let got = world.exchange(&juliet, &set("<item jid='nurse@localhost'/>")).await;
        let pushed = stanza(pushes(&got)[0]);
        let pushed = pushed.child("query", "jabber:iq:roster").unwrap().attr("ver").unwrap().into_owned();
        assert_ne!(pushed, first, "{options}");
        assert_eq!(version(&world.exchange(&juliet, &ask(&first)).await), Some(pushed.clone()), "{options}");
        assert_eq!(version(&world.exchange(&juliet, &ask(&pushed)).await), None, "{options}");
        // Who doesn't ask by version isn't told one.
        assert!(!world.exchange(&juliet, GET).await[0].contains(" ver="), "{options}");
    }
}

/// RFC 6121 §3.1, §2.5.2
#[tokio::test]
async fn two_people_subscribe_and_part() {
    for options in ["{}", "{use_cache: false}"] {
        let world = world(options).await;
        let romeo = interested(&world, "romeo@localhost/orchard").await;
        let juliet = interested(&world, "juliet@localhost/balcony").await;
        let got = world.exchange(&romeo, "<presence type='subscribe' to='juliet@localhost/balcony'/>").await;
        assert!(pushes(&got)[0].contains("subscription='none' ask='subscribe'"), "{got:?}");
        // The request is the account's, not the resource's, and hidden from the roster until it is answered.
        let got = drain(&juliet);
        assert!(got.len() == 1 && got[0].contains("type='subscribe'"), "{got:?}");
        assert_eq!(stanza(&got[0]).from.unwrap().as_str(), "romeo@localhost");
        assert_eq!(roster(&world, &juliet).await, "");

        let got = world.exchange(&juliet, "<presence type='subscribed' to='romeo@localhost'/>").await;
        assert!(pushes(&got)[0].contains("subscription='from'"), "{got:?}");
        let got = drain(&romeo);
        assert!(pushes(&got)[0].contains("subscription='to'/>"), "{got:?}");
        assert!(got.iter().any(|xml| xml.contains("type='subscribed'")), "{got:?}");
        let available = |xml: &&String| xml.starts_with("<presence") && !xml.contains("type=");
        let presence = got.iter().find(available).unwrap();
        assert_eq!(stanza(presence).from.unwrap().as_str(), "juliet@localhost/balcony");

        world.send(&juliet, "<presence type='subscribe' to='romeo@localhost'/>").await;
        world.send(&romeo, "<presence type='subscribed' to='juliet@localhost'/>").await;
        for (session, other) in [(&romeo, "juliet"), (&juliet, "romeo")] {
            drain(session);
            let item = format!("<item jid='{other}@localhost' subscription='both'/>");
            assert_eq!(roster(&world, session).await, item, "{options}");
        }

        let remove = set("<item jid='juliet@localhost' subscription='remove'/>");
        world.send(&romeo, &remove).await;
        let got = drain(&juliet);
        for kind in ["unsubscribe", "unsubscribed", "unavailable"] {
            assert!(got.iter().any(|xml| xml.contains(&format!("type='{kind}'"))), "{kind}: {got:?}");
        }
        drain(&romeo);
        assert_eq!(roster(&world, &romeo).await, "", "{options}");
        let left = "<item jid='romeo@localhost' subscription='none'/>";
        assert_eq!(roster(&world, &juliet).await, left, "{options}");
    }
}

/// RFC 6121 §3.1.3
#[tokio::test]
async fn a_request_waits_for_its_receiver() {
    let world = world("{}").await;
    let romeo = interested(&world, "romeo@localhost/orchard").await;
    let ask = |to: &str| format!("<presence type='subscribe' to='{to}'><status>hi</status></presence>");
    world.send(&romeo, &ask("juliet@localhost")).await;
    world.send(&romeo, &ask("nobody@localhost")).await;
    drain(&romeo);
    for full in ["juliet@localhost/balcony", "juliet@localhost/chamber"] {
        let juliet = world.connect(full).await;
        let got = world.exchange(&juliet, "<presence/>").await;
        let requests: Vec<_> = got.iter().filter(|xml| xml.contains("type='subscribe'")).collect();
        let [request] = &requests[..] else { panic!("{full}: {got:?}") };
        assert!(request.contains("<status>hi</status>") && request.contains("urn:xmpp:delay"), "{request}");
    }
    // Nobody learns that an account doesn't exist.
    assert_eq!(drain(&romeo), Vec::<String>::new());
    let juliet = world.kernel.sessions.resources(&"juliet@localhost".parse().unwrap())[0].clone();
    world.send(&juliet, "<presence type='unsubscribed' to='romeo@localhost'/>").await;
    let session = world.connect("juliet@localhost/garden").await;
    let got = world.exchange(&session, "<presence/>").await;
    assert!(!got.iter().any(|xml| xml.contains("type='subscribe'")), "{got:?}");
}

#[tokio::test]
async fn a_removed_account_leaves_its_contacts() {
    let world = world("{}").await;
    let romeo = interested(&world, "romeo@localhost/orchard").await;
    let juliet = interested(&world, "juliet@localhost/balcony").await;
    world.send(&romeo, "<presence type='subscribe' to='juliet@localhost'/>").await;
    world.send(&juliet, "<presence type='subscribed' to='romeo@localhost'/>").await;
    drain(&juliet);
    world.kernel.remove_account(&world.host, "romeo").await.unwrap();
    let got = drain(&juliet);
    assert!(got.iter().any(|xml| xml.contains("type='unsubscribe'")), "{got:?}");
    assert_eq!(roster(&world, &juliet).await, "<item jid='romeo@localhost' subscription='none'/>");
    world.kernel.register_account(&world.host, "romeo", &"new".into()).await.unwrap();
    let successor = interested(&world, "romeo@localhost/attic").await;
    assert_eq!(roster(&world, &successor).await, "");
}
