use super::FEATURE;
use crate::testing::{World, drain};

async fn world() -> World {
    World::new(&[(&FEATURE, "{}")], &["hamlet", "claudius"]).await
}

fn iq(kind: &str, to: &str, inner: &str) -> String {
    format!("<iq type='{kind}' id='p' {to}><query xmlns='jabber:iq:private'>{inner}</query></iq>")
}

/// XEP-0049 §3
#[tokio::test]
async fn what_is_stored_is_read_back() {
    let world = world().await;
    let hamlet = world.online("hamlet@localhost/elsinore").await;
    let notes = "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>";
    let marks = "<storage xmlns='storage:bookmarks'><conference name='a &amp; b' jid='a@b'/></storage>";
    let got = world.exchange(&hamlet, &iq("set", "", &format!("{notes}{marks}"))).await;
    assert!(got.len() == 1 && got[0].contains("type='result'"), "{got:?}");
    for (asked, expected) in [
        ("<exodus xmlns='exodus:prefs'/>", "<defaultnick>Hamlet</defaultnick>"),
        ("<storage xmlns='storage:bookmarks'/>", "<conference name='a &amp; b' jid='a@b'/>"),
        // Nothing is stored there.
        ("<a xmlns='urn:other'/>", "<a xmlns='urn:other'/>"),
    ] {
        let got = world.exchange(&hamlet, &iq("get", "", asked)).await;
        assert!(got.len() == 1 && got[0].contains("type='result'") && got[0].contains(expected), "{got:?}");
    }
    let newer = "<exodus xmlns='exodus:prefs'><defaultnick>Prince</defaultnick></exodus>";
    world.send(&hamlet, &iq("set", "", newer)).await;
    drain(&hamlet);
    let got = world.exchange(&hamlet, &iq("get", "", "<exodus xmlns='exodus:prefs'/>")).await;
    assert!(got[0].contains("Prince") && !got[0].contains("Hamlet"), "{got:?}");
    // A later owner of the name finds nothing.
    world.kernel.remove_account(&world.host, "hamlet").await.unwrap();
    world.kernel.register_account(&world.host, "hamlet", &"new".into()).await.unwrap();
    let successor = world.online("hamlet@localhost/paris").await;
    let got = world.exchange(&successor, &iq("get", "", "<exodus xmlns='exodus:prefs'/>")).await;
    assert!(!got[0].contains("Prince"), "{got:?}");
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let world = world().await;
    let claudius = world.online("claudius@localhost/castle").await;
    let notes = "<exodus xmlns='exodus:prefs'/>";
    let large = format!("<exodus xmlns='exodus:prefs'>{}</exodus>", "n".repeat(260_000));
    for (kind, to, inner, condition) in [
        ("set", "", "", "bad-request"),
        ("get", "", "", "bad-request"),
        ("set", "to='hamlet@localhost'", notes, "forbidden"),
        ("get", "to='hamlet@localhost'", notes, "forbidden"),
        ("set", "", "<a/>", "not-acceptable"),
        ("set", "", "<a xmlns='jabber:iq:roster'/>", "not-acceptable"),
        ("set", "", "<a xmlns=''/>", "not-acceptable"),
        ("set", "", &notes.repeat(17), "bad-request"),
        ("set", "", &large, ""),
    ] {
        let got = world.exchange(&claudius, &iq(kind, to, inner)).await;
        let [answer] = &got[..] else { panic!("{got:?}") };
        match condition {
            "" => assert!(answer.contains("type='result'")),
            _ => assert!(answer.contains(&format!("<{condition} ")), "{kind} {to}: {answer}"),
        }
    }
}
