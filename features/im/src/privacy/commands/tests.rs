use nightjar_base::commands::{CommandError, Value};

use crate::privacy::FEATURE;
use crate::testing::World;

#[tokio::test]
async fn lists_are_set_for_an_account() {
    let world = World::new(&[(&FEATURE, "{}")], &["hamlet"]).await;
    let query = |inner: &str| format!("<query xmlns='jabber:iq:privacy'>{inner}</query>");
    let list = query("<list name='l'><item type='jid' value='a@b' action='deny' order='1'/></list>");
    for (xml, wanted) in [
        (list.as_str(), Ok(Value::Done(true))),
        (&query("<default name='l'/>"), Ok(Value::Done(true))),
        (&query("<default name='none'/>"), Err(CommandError::Failed("item-not-found".into()))),
        (&query("<active name='l'/>"), Err(CommandError::Failed("not-allowed".into()))),
        (&query(""), Err(CommandError::Failed("bad-request".into()))),
    ] {
        assert_eq!(world.run("privacy_set", &["hamlet", "localhost", xml]).await, wanted, "{xml}");
    }
    for words in [
        ["hamlet", "nowhere", list.as_str()],
        ["hamlet", "localhost", "<query/>"],
        ["hamlet", "localhost", "<"],
    ] {
        assert!(world.run("privacy_set", &words).await.is_err(), "{words:?}");
    }
    let hamlet = world.online("hamlet@localhost/x").await;
    let asked = "<iq type='get' id='1'><query xmlns='jabber:iq:privacy'/></iq>";
    let got = world.exchange(&hamlet, asked).await.concat();
    assert!(got.contains("<default name='l'/>"), "{got}");
}
