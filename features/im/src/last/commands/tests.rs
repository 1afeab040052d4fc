use std::sync::Arc;

use nightjar_base::Session;
use nightjar_base::commands::Value;

use crate::testing::{NOW, World, drain};

async fn world() -> World {
    let features = [(&crate::roster::FEATURE, "{}"), (&crate::last::FEATURE, "{}")];
    World::new(&features, &["juliet", "romeo", "nurse"]).await
}

/// What the session is told of juliet's last activity.
async fn ask(world: &World, session: &Arc<Session>, to: &str) -> String {
    drain(session);
    let query = format!("<iq type='get' id='l' to='{to}'><query xmlns='jabber:iq:last'/></iq>");
    let got = world.exchange(session, &query).await;
    let [answer] = &got[..] else { panic!("{got:?}") };
    answer.clone()
}

/// XEP-0012 §4, §5
#[tokio::test]
async fn contacts_learn_when_somebody_was_last_here() {
    let world = world().await;
    let juliet = world.online("juliet@localhost/balcony").await;
    let romeo = world.online("romeo@localhost/orchard").await;
    let nurse = world.online("nurse@localhost/home").await;
    world.send(&romeo, "<presence type='subscribe' to='juliet@localhost'/>").await;
    world.send(&juliet, "<presence type='subscribed' to='romeo@localhost'/>").await;
    assert!(ask(&world, &romeo, "juliet@localhost").await.contains("seconds='0'"));
    assert!(ask(&world, &nurse, "juliet@localhost").await.contains("<forbidden "));
    world.send(&juliet, "<presence type='unavailable'><status>to bed</status></presence>").await;
    let answer = ask(&world, &romeo, "juliet@localhost").await;
    assert!(answer.contains("seconds='0'>to bed<"), "{answer}");
    let earlier = (NOW - 903).to_string();
    world.run("set_last", &["juliet", "localhost", &earlier, "Heading Home"]).await.unwrap();
    let answer = ask(&world, &romeo, "juliet@localhost").await;
    assert!(answer.contains("seconds='903'>Heading Home<"), "{answer}");
    assert!(ask(&world, &nurse, "juliet@localhost").await.contains("<forbidden "));
    // The server's is the time since its start.
    assert!(ask(&world, &nurse, "localhost").await.contains("seconds='0'"));
    let set = "<iq type='set' id='l' to='juliet@localhost'><query xmlns='jabber:iq:last'/></iq>";
    let got = world.exchange(&romeo, set).await;
    assert!(got[0].contains("<not-allowed "), "{got:?}");
}

#[tokio::test]
async fn commands_tell_and_set_it() {
    let world = world().await;
    let tuple = |time: &str, status: &str| Ok(Value::Tuple(vec![Value::text(time), Value::text(status)]));
    let now = "2026-11-23T00:00:00Z";
    let get = ["juliet", "localhost"];
    assert_eq!(world.run("get_last", &get).await, tuple(now, "Registered but didn't login"));
    assert_eq!(world.run("get_last", &["nobody", "localhost"]).await, tuple(now, "NOT FOUND"));
    world.run("set_last", &["juliet", "localhost", "1500045311", "GoSleeping"]).await.unwrap();
    assert_eq!(world.run("get_last", &get).await, tuple("2017-07-14T15:15:11Z", "GoSleeping"));
    let juliet = world.online("juliet@localhost/balcony").await;
    assert_eq!(world.run("get_last", &get).await, tuple(now, "ONLINE"));
    world.kernel.close_session(&juliet, Vec::new()).await;
    assert_eq!(world.run("get_last", &get).await, tuple(now, ""));
    world.kernel.remove_account(&world.host, "juliet").await.unwrap();
    assert_eq!(world.run("get_last", &get).await, tuple(now, "NOT FOUND"));
}
