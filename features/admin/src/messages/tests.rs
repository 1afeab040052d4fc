use nightjar_base::commands::{CommandError, Value};

use crate::testing::{World, drain};

#[tokio::test]
async fn messages_are_sent() {
    let world = World::new(&["alice", "bob"]).await;
    let bob = world.session("bob@localhost/desk", Some(("", "", 0))).await;
    let alice = world.session("alice@localhost/phone", None).await;
    for (kind, from, subject, body, wanted) in [
        ("chat", "localhost", "", "hi", "<body>hi</body>"),
        ("headline", "alice@localhost/phone", "s <", "", "<subject>s &lt;</subject>"),
        ("", "other@example.org", "s", "b", "<subject>s</subject><body>b</body>"),
    ] {
        let words = [kind, from, "bob@localhost", subject, body];
        assert_eq!(world.run("send_message", &words).await, Ok(Value::Done(true)));
        let got = drain(&bob).await.join("");
        assert!(got.contains(wanted), "{got}");
        assert!(
            got.contains(&format!("from='{from}'")) || got.contains(&format!("from=\"{from}\"")),
            "{got}"
        );
    }
    drain(&alice).await;
    let wrong = world.run("send_message", &["chat", "@", "bob@localhost", "", "x"]).await;
    assert!(matches!(wrong, Err(CommandError::Failed(_))), "{wrong:?}");
}

#[tokio::test]
async fn stanzas_are_sent() {
    let world = World::new(&["bob"]).await;
    let bob = world.session("bob@localhost/desk", Some(("", "", 0))).await;
    let ping = "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>";
    let sent = world.run("send_stanza", &["localhost", "bob@localhost/desk", ping]).await;
    assert_eq!(sent, Ok(Value::Done(true)));
    let written = world.run("send_stanza_c2s", &["bob", "localhost", "desk", ping]).await;
    assert_eq!(written, Ok(Value::Done(true)));
    let got = drain(&bob).await;
    assert_eq!(got.len(), 2, "{got:?}");
    assert!(got.iter().all(|xml| xml.contains("urn:xmpp:ping")), "{got:?}");

    let gone = world.run("send_stanza_c2s", &["bob", "localhost", "none", ping]).await;
    assert_eq!(gone, Err(CommandError::Failed("no_session".into())));
    for (xml, wanted) in [("<iq", "invalid xml"), ("<banana/>", "incorrect stanza")] {
        let result = world.run("send_stanza", &["localhost", "bob@localhost", xml]).await;
        assert!(matches!(&result, Err(CommandError::Failed(why)) if why.starts_with(wanted)), "{result:?}");
    }
}
