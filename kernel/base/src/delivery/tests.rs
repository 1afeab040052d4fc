use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nightjar_auth::{AuthOptions, Environment, HostAccounts, PasswordType};
use nightjar_config::{Declarations, Environment as Surroundings, load_with};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};
use nightjar_xmpp::{IqType, MessageType, Stanza, StreamErrorCondition, ns};

use super::choose;
use crate::{Clock, Connection, Delivery, Host, Kernel, OpenRequest, Random, ResourceConflict, Session};

struct Still;

impl Clock for Still {
    fn unix_micros(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(u8::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap());
    }
}

/// A server with the host `localhost` and these accounts, and without features.
struct World {
    kernel: Arc<Kernel>,
    host: Arc<Host>,
}

impl World {
    async fn new(users: &[&str]) -> Self {
        let files = BTreeMap::from([("a.yml".into(), b"hosts: [localhost]\n".to_vec())]);
        let surroundings = Surroundings::default();
        let loaded = load_with(Path::new("a.yml"), &Declarations::default(), &surroundings, &files);
        let (config, _) = loaded.unwrap();
        let of_host = Arc::new(config.host("localhost").clone());
        let kernel = Kernel::new(Arc::new(Still), Arc::new(Counting(AtomicU64::new(1))), Arc::new(config));
        let store = nightjar_sqlite::temporary("localhost");
        let secret = Secret::from("a secret of sixteen bytes");
        let environment = Environment::new(|bytes| bytes.fill(7), || 0, secret);
        let options =
            AuthOptions { stored_password_types: vec![PasswordType::Plain], ..AuthOptions::default() };
        let (accounts, _) = HostAccounts::new(&options, &store, &environment, &[]);
        let jid = Jid::parse("localhost").unwrap();
        let host = Arc::new(Host::new(jid, of_host, store, Arc::new(accounts)));
        kernel.add_host(Arc::clone(&host));
        for user in users {
            kernel.register_account(&host, user, &Secret::from(*user)).await.unwrap();
        }
        Self { kernel, host }
    }

    /// A session, available if a priority is given.
    async fn session(&self, full: &str, priority: Option<i8>) -> Arc<Session> {
        let jid = Jid::parse(full).unwrap();
        let connection =
            Connection { kind: "c2s", ip: None, port: 0, tls: false, mechanism: Text::new("PLAIN") };
        let request = OpenRequest {
            host: Arc::clone(&self.host),
            account: jid.bare(),
            resource: jid.resource().map(Text::new),
            connection,
            conflict: ResourceConflict::CloseOld,
            sessions_max: None,
            mailbox_capacity: 10,
        };
        let session = self.kernel.open_session(request).await.unwrap();
        if let Some(priority) = priority {
            self.send(&session, &format!("<presence><priority>{priority}</priority></presence>")).await;
        }
        session
    }

    async fn send(&self, session: &Arc<Session>, xml: &str) {
        self.kernel.user_send(session, stanza(xml)).await.unwrap();
    }
}

fn stanza(xml: &str) -> Stanza {
    let frame = parse_document(&Text::new(xml), &Limits::default(), ns::CLIENT);
    Stanza::from_frame(&frame.unwrap()).unwrap()
}

fn drain(session: &Session) -> Vec<Stanza> {
    let waiting = session.mailbox.take_all().into_iter();
    let stanzas = waiting.filter_map(|delivery| match delivery {
        Delivery::Stanza(stanza) => Some(stanza),
        Delivery::Control(_) => None,
    });
    stanzas.collect()
}

/// RFC 6121 §8.5.2, §8.5.3: which of the resources get a message.
#[tokio::test]
async fn messages_go_to_the_resources_the_rules_name() {
    use MessageType::{Chat, Groupchat, Headline, Normal};
    let world = World::new(&["romeo"]).await;
    let all = [("a", Some(1)), ("b", Some(1)), ("c", Some(0)), ("n", Some(-1)), ("u", None)];
    let mixed: &[&str] = &["a", "b", "c", "n", "u"];
    for (resource, priority) in all {
        world.session(&format!("romeo@localhost/{resource}"), priority).await;
    }
    let account = Jid::parse("romeo@localhost").unwrap();
    for (present, to, kind, expected) in [
        (mixed, "", Normal, "a b"),
        (mixed, "", Chat, "a b"),
        (mixed, "", Headline, "a b c"),
        (mixed, "", Groupchat, ""),
        (&["c", "n"], "", Chat, "c"),
        (&["n", "u"], "", Chat, ""),
        (&["n", "u"], "", Headline, ""),
        (&[], "", Chat, ""),
        // The very resource, whatever its priority.
        (mixed, "c", Chat, "c"),
        (mixed, "n", Normal, "n"),
        (mixed, "u", Chat, "u"),
        (mixed, "c", Headline, "c"),
        (mixed, "c", Groupchat, "c"),
        // One that is gone: as for the bare address, but neither headlines nor groupchat.
        (mixed, "gone", Normal, "a b"),
        (mixed, "gone", Chat, "a b"),
        (mixed, "gone", Headline, ""),
        (mixed, "gone", Groupchat, ""),
        (&["n"], "gone", Chat, ""),
    ] {
        let sessions = world.kernel.sessions.resources(&account);
        let present: Vec<_> = sessions
            .iter()
            .filter(|session| present.contains(&session.jid.resource().unwrap()))
            .cloned()
            .collect();
        let to = if to.is_empty() { account.clone() } else { account.with_resource(to).unwrap() };
        let chosen = choose(&present, &to, kind);
        let names: Vec<_> = chosen.iter().map(|session| session.jid.resource().unwrap()).collect();
        assert_eq!(names.join(" "), expected, "{to} {kind:?} of {}", present.len());
    }
}

/// RFC 6121 §8.5 and RFC 6120 §10.5: what a sender is told when nobody takes its stanza.
#[tokio::test]
async fn senders_are_told_what_failed() {
    let world = World::new(&["romeo", "juliet"]).await;
    let juliet = world.session("juliet@localhost/balcony", None).await;
    let iq = |kind: &str, to: &str| format!("<iq type='{kind}' id='1' to='{to}'><x xmlns='urn:x'/></iq>");
    let message = |kind: &str, to: &str| format!("<message type='{kind}' to='{to}'><body>b</body></message>");
    let presence = |to: &str| format!("<presence to='{to}'/>");
    for (xml, condition) in [
        // An account that doesn't exist (§8.5.1).
        (message("normal", "nobody@localhost"), "service-unavailable"),
        (message("chat", "nobody@localhost/x"), "service-unavailable"),
        (iq("get", "nobody@localhost"), "service-unavailable"),
        (iq("set", "nobody@localhost/x"), "service-unavailable"),
        (iq("result", "nobody@localhost"), ""),
        (presence("nobody@localhost"), ""),
        // One that is away and whose messages nobody keeps (§8.5.2.2).
        (message("normal", "romeo@localhost"), "service-unavailable"),
        (message("chat", "romeo@localhost/gone"), "service-unavailable"),
        (message("groupchat", "romeo@localhost"), "service-unavailable"),
        (message("groupchat", "romeo@localhost/gone"), "service-unavailable"),
        (message("headline", "romeo@localhost"), ""),
        (message("error", "romeo@localhost/gone"), ""),
        (presence("romeo@localhost/gone"), ""),
        // Requests nobody handles (§8.5.2.1.3, §8.5.3.2.3).
        (iq("get", "romeo@localhost"), "service-unavailable"),
        (iq("get", "romeo@localhost/gone"), "service-unavailable"),
        (iq("error", "romeo@localhost/gone"), ""),
        (iq("get", "localhost"), "service-unavailable"),
        (iq("result", "localhost"), ""),
        (message("normal", "localhost"), "service-unavailable"),
        (message("error", "localhost"), ""),
        (presence("localhost"), ""),
        // No way there.
        (message("chat", "somebody@elsewhere.example"), "remote-server-not-found"),
        (iq("get", "elsewhere.example"), "remote-server-not-found"),
        (message("error", "somebody@elsewhere.example"), ""),
    ] {
        world.send(&juliet, &xml).await;
        let got = drain(&juliet);
        let told: Vec<_> = got.iter().map(Stanza::to_xml).collect();
        match condition {
            "" => assert_eq!(told, Vec::<String>::new(), "{xml}"),
            _ => assert!(told.len() == 1 && told[0].contains(&format!("<{condition} ")), "{xml}: {told:?}"),
        }
    }
}

#[tokio::test]
async fn a_full_address_gets_its_stanzas_alone() {
    let world = World::new(&["romeo", "juliet"]).await;
    let juliet = world.session("juliet@localhost/balcony", None).await;
    let orchard = world.session("romeo@localhost/orchard", Some(0)).await;
    let garden = world.session("romeo@localhost/garden", Some(-1)).await;
    drain(&orchard);
    drain(&garden);
    for xml in [
        "<message to='romeo@localhost/garden' type='chat'><body>b</body></message>",
        "<message to='romeo@localhost/garden' type='error'><body>b</body></message>",
        "<iq to='romeo@localhost/garden' type='get' id='1'><x xmlns='urn:x'/></iq>",
        "<iq to='romeo@localhost/garden' type='result' id='1'/>",
        "<presence to='romeo@localhost/garden'/>",
    ] {
        world.send(&juliet, xml).await;
        let got = drain(&garden);
        assert_eq!(got.len(), 1, "{xml}");
        assert_eq!(got[0].from.as_ref(), Some(&juliet.jid), "{xml}");
        assert_eq!(drain(&orchard).len(), 0, "{xml}");
    }
    // Presence to the account reaches every available resource (§8.5.2.1.2).
    world.send(&juliet, "<presence to='romeo@localhost'/>").await;
    assert_eq!((drain(&orchard).len(), drain(&garden).len()), (1, 1));
}

/// RFC 6120 §8.1.2.1
#[tokio::test]
async fn nobody_speaks_as_somebody_else() {
    let world = World::new(&["romeo", "juliet"]).await;
    let juliet = world.session("juliet@localhost/balcony", None).await;
    for (from, expected) in [
        ("juliet@localhost/balcony", Ok(())),
        ("juliet@localhost", Ok(())),
        ("juliet@localhost/chamber", Err(StreamErrorCondition::InvalidFrom)),
        ("romeo@localhost", Err(StreamErrorCondition::InvalidFrom)),
        ("localhost", Err(StreamErrorCondition::InvalidFrom)),
    ] {
        let xml = format!("<message from='{from}' to='juliet@localhost/balcony'><body>b</body></message>");
        assert_eq!(world.kernel.user_send(&juliet, stanza(&xml)).await, expected, "{from}");
        let got = drain(&juliet);
        assert!(got.iter().all(|stanza| stanza.from.as_ref() == Some(&juliet.jid)), "{from}");
        assert_eq!(got.len(), usize::from(expected.is_ok()), "{from}");
    }
}

/// A resource that went away between the sender and its socket (RFC 6120 §10.5.4).
#[tokio::test]
async fn what_a_closed_session_did_not_get_is_given_back() {
    let world = World::new(&["romeo", "juliet"]).await;
    let juliet = world.session("juliet@localhost/balcony", None).await;
    let orchard = world.session("romeo@localhost/orchard", Some(0)).await;
    drain(&orchard);
    world.send(&juliet, "<message to='romeo@localhost/orchard' type='chat'><body>b</body></message>").await;
    world.send(&juliet, "<iq to='romeo@localhost/orchard' type='get' id='1'><x xmlns='urn:x'/></iq>").await;
    world.kernel.close_session(&orchard, Vec::new()).await;
    let told = drain(&juliet);
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|stanza| stanza.to_xml().contains("<service-unavailable ")));
    // With another resource the message is not lost.
    let orchard = world.session("romeo@localhost/orchard", Some(0)).await;
    let garden = world.session("romeo@localhost/garden", Some(0)).await;
    world.send(&juliet, "<message to='romeo@localhost/orchard' type='chat'><body>b</body></message>").await;
    drain(&garden);
    world.kernel.close_session(&orchard, Vec::new()).await;
    let got = drain(&garden);
    assert_eq!(got.iter().filter(|stanza| stanza.body().as_deref() == Some("b")).count(), 1);
    assert_eq!(drain(&juliet).len(), 0);
}

#[tokio::test]
async fn the_servers_own_requests_are_answered_by_whom_it_asked() {
    let world = World::new(&["romeo", "juliet"]).await;
    let romeo = world.session("romeo@localhost/orchard", None).await;
    let juliet = world.session("juliet@localhost/balcony", None).await;
    let account = romeo.jid.bare();
    for (from, to) in [(&world.host.jid, "localhost"), (&account, "romeo@localhost")] {
        let (kernel, host) = (Arc::clone(&world.kernel), Arc::clone(&world.host));
        let (from, asked) = (from.clone(), romeo.jid.clone());
        let waiting = tokio::spawn(async move {
            let timeout = Duration::from_secs(60);
            kernel.request(&host, &from, &asked, IqType::Get, "<x xmlns='urn:x'/>", timeout).await
        });
        let mut questions = Vec::new();
        while questions.is_empty() {
            tokio::task::yield_now().await;
            questions = drain(&romeo);
        }
        let id = questions[0].id.clone().unwrap();
        world
            .send(&juliet, &format!("<iq type='result' id='{id}' to='{to}'><wrong xmlns='urn:x'/></iq>"))
            .await;
        assert_eq!(world.host.requests.len(), 1, "{to}");
        world
            .send(&romeo, &format!("<iq type='result' id='{id}' to='{to}'><right xmlns='urn:x'/></iq>"))
            .await;
        let answer = waiting.await.unwrap().unwrap();
        assert!(answer.has_child("right", "urn:x"), "{to}");
        assert!(world.host.requests.is_empty(), "{to}");
    }
    let nobody = Jid::parse("nobody@localhost/x").unwrap();
    let request = world.kernel.request(
        &world.host,
        &world.host.jid,
        &nobody,
        IqType::Get,
        "<x xmlns='urn:x'/>",
        Duration::ZERO,
    );
    // The error of the server itself counts as the answer of whom it stands for.
    let answer = request.await;
    assert!(answer.unwrap().error().is_some());
    assert!(world.host.requests.is_empty());
}
