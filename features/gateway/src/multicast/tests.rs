use super::FEATURE;
use crate::testing::{World, attribute, drain, settle};

const SERVICE: &str = "multicast.localhost";

fn message(addresses: &str) -> String {
    format!(
        "<message to='{SERVICE}' id='1'><body>hi</body>\
         <addresses xmlns='http://jabber.org/protocol/address'>{addresses}</addresses></message>"
    )
}

fn address(kind: &str, jid: &str) -> String {
    format!("<address type='{kind}' jid='{jid}'/>")
}

#[tokio::test]
async fn everybody_gets_it_and_sees_who_else_does() {
    let world = World::new(&[(&FEATURE, "{}")], &["a", "b", "c"]).await;
    let (a, b, c) = (
        world.online("a@localhost/r").await,
        world.online("b@localhost/r").await,
        world.online("c@localhost/r").await,
    );
    let all = [
        address("to", "a@localhost"),
        address("cc", "b@localhost"),
        address("bcc", "c@localhost"),
        address("replyto", "a@localhost/r"),
        "<address type='to' jid='b@localhost' delivered='true'/>".to_owned(),
        address("to", SERVICE),
        address("bcc", SERVICE),
    ];
    world.send(&a, &message(&all.concat())).await;
    for (session, blind) in [(&a, false), (&b, false), (&c, true)] {
        let got = drain(session);
        assert_eq!(got.len(), 1, "{got:?}");
        for wanted in [
            "from='a@localhost/r'",
            "<body>hi</body>",
            "<address type='to' jid='a@localhost' delivered='true'/>",
            "<address type='cc' jid='b@localhost' delivered='true'/>",
            "<address type='replyto' jid='a@localhost/r'/>",
        ] {
            assert!(got[0].contains(wanted), "{wanted}: {got:?}");
        }
        assert_eq!(got[0].contains("type='bcc' jid='c@localhost' delivered='true'"), blind, "{got:?}");
    }
}

#[tokio::test]
async fn bad_stanzas_are_refused() {
    let options = "{access: admins, limits: {local: {message: 2}}}";
    let world = World::new(&[(&FEATURE, options)], &["admin", "juliet"]).await;
    let admin = world.online("admin@localhost/r").await;
    let juliet = world.online("juliet@localhost/r").await;
    let one = address("to", "juliet@localhost");
    for (session, xml, wanted) in [
        (&juliet, message(&one), "<forbidden "),
        (&admin, format!("<message to='{SERVICE}' id='1'/>"), "<bad-request "),
        (&admin, message(&one.repeat(3)), "<not-acceptable "),
        (&admin, message("<address type='to' uri='mailto:a@b'/>"), "<jid-malformed "),
        (&admin, message("<address type='to' jid='@'/>"), "<jid-malformed "),
    ] {
        let got = world.exchange(session, &xml).await;
        assert!(got.len() == 1 && got[0].contains(wanted), "{wanted}: {got:?}");
    }
    assert!(drain(&juliet).is_empty());
}

#[tokio::test]
async fn strangers_reach_our_users_only() {
    let world = World::new(&[(&FEATURE, "{limits: {remote: {message: 2}}}")], &["juliet"]).await;
    let juliet = world.online("juliet@localhost/r").await;
    let mut other = world.remote();
    let send = |addresses: String| message(&addresses).replacen(" id=", " from='romeo@other/x' id=", 1);
    let ours = address("to", "juliet@localhost");
    for (addresses, delivered, wanted) in [
        (ours.clone(), 1, None),
        (address("to", "x@third"), 0, Some("<forbidden ")),
        (format!("{ours}{}", address("to", "x@third")), 0, Some("<forbidden ")),
        (ours.repeat(3), 0, Some("<not-acceptable ")),
    ] {
        world.route(&send(addresses)).await;
        assert_eq!(drain(&juliet).len(), delivered);
        let told = other.drain();
        assert_eq!(told.len(), usize::from(wanted.is_some()), "{told:?}");
        assert!(told.iter().zip(wanted).all(|(told, wanted)| told.contains(wanted)), "{told:?}");
    }
}

#[tokio::test]
async fn another_servers_service_is_found_and_used() {
    let world = World::new(&[(&FEATURE, "{}")], &["juliet"]).await;
    let juliet = world.online("juliet@localhost/r").await;
    let mut other = world.remote();
    let many: String = (0..3).map(|number| address("to", &format!("u{number}@other"))).collect();
    world.send(&juliet, &message(&many)).await;
    let mut single = 0;
    let mut answer = async |wanted: &str, from: &str, result: &str| {
        loop {
            let got = other.next().await;
            if got.starts_with("<message") {
                single += 1;
                continue;
            }
            assert!(got.contains(wanted) && got.contains(&format!("to='{from}'")), "{got}");
            let id = attribute(&got, "id");
            world
                .route(&format!("<iq type='result' from='{from}' to='localhost' id='{id}'>{result}</iq>"))
                .await;
            return;
        }
    };
    answer("disco#info", "other", "<query xmlns='http://jabber.org/protocol/disco#info'/>").await;
    let items = "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='m.other'/></query>";
    answer("disco#items", "other", items).await;
    let info = "<query xmlns='http://jabber.org/protocol/disco#info'>\
                <feature var='http://jabber.org/protocol/address'/><x xmlns='jabber:x:data' type='result'>\
                <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/address</value></field>\
                <field var='message'><value>2</value></field></x></query>";
    answer("disco#info", "m.other", info).await;
    assert_eq!(single, 3);
    settle().await;
    world.send(&juliet, &message(&many)).await;
    let got = other.drain();
    assert_eq!(got.len(), 2, "{got:?}");
    assert!(got.iter().all(|got| got.contains("to='m.other' from='juliet@localhost/r'")), "{got:?}");
    assert!(
        got[0].contains("u0@other") && got[0].contains("u1@other") && !got[0].contains("u2@other"),
        "{got:?}"
    );
    assert!(got[1].contains("<address type='to' jid='u2@other'/>"), "{got:?}");
}

#[tokio::test]
async fn presence_is_taken_back_when_the_client_goes() {
    let world = World::new(&[(&FEATURE, "{}")], &["juliet"]).await;
    let juliet = world.online("juliet@localhost/r").await;
    let mut other = world.remote();
    let presence = message(&address("to", "room@other/nick"))
        .replace("message", "presence")
        .replace("<body>hi</body>", "");
    world.send(&juliet, &presence).await;
    assert!(other.next().await.contains("to='room@other/nick' from='juliet@localhost/r'"));
    world.kernel.close_session(&juliet, Vec::new()).await;
    assert!(
        other.drain().iter().any(|got| got.contains("to='room@other/nick'") && got.contains("unavailable"))
    );
}

/// `hosts` of mod_multicast stands in place of `host` (XEP-0033).
#[tokio::test]
async fn there_may_be_several_services() {
    let options = "{host: one.localhost, hosts: [two.localhost, three.localhost]}";
    let world = World::new(&[(&FEATURE, options)], &[]).await;
    for (domain, served) in [("one.localhost", false), ("two.localhost", true), ("three.localhost", true)] {
        assert_eq!(world.kernel.find_route(domain).is_some(), served, "{domain}");
    }
}

#[tokio::test]
async fn the_service_tells_what_it_is() {
    let options = "{host: 'cast.@HOST@', name: Many, vcard: {fn: Caster}}";
    let world = World::new(&[(&FEATURE, options)], &["juliet"]).await;
    let juliet = world.online("juliet@localhost/r").await;
    for (namespace, wanted) in [
        (
            "http://jabber.org/protocol/disco#info",
            "<identity category='service' type='multicast' name='Many'/>",
        ),
        ("http://jabber.org/protocol/disco#info", "<feature var='http://jabber.org/protocol/address'/>"),
        ("http://jabber.org/protocol/disco#info", "<value>100</value>"),
        ("http://jabber.org/protocol/disco#items", "type='result'"),
        ("vcard-temp", "<FN>Caster</FN>"),
        ("a:b", "<service-unavailable "),
    ] {
        let ask = format!("<iq type='get' to='cast.localhost' id='1'><query xmlns='{namespace}'/></iq>");
        let got = world.exchange(&juliet, &ask).await;
        assert!(got.len() == 1 && got[0].contains(wanted), "{namespace}: {got:?}");
    }
}
