//! A server with one host for tests of features.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use nightjar_auth::{AuthOptions, Environment, HostAccounts, PasswordType};
use nightjar_base::disco::DiscoInfo;
use nightjar_base::guard::Guard;
use nightjar_base::hooks::{BoxFuture, DiscoInfoQuery};
use nightjar_base::router::{Remote, Service};
use nightjar_base::{
    Clock, Connection, Control, Delivery, Feature, FeatureContext, Host, Kernel, OpenRequest, Random,
    ResourceConflict, Session,
};
use nightjar_config::{Declarations, Environment as Surroundings, ModuleSpec, load_with};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};
use nightjar_xmpp::{Stanza, ns};
use tokio::sync::mpsc;

/// 2026-11-23T00:00:00Z
pub(crate) const NOW: i64 = 1_795_392_000;

/// Who may administer: `admin@localhost`.
const RULES: &str = "hosts: [localhost]\nacl:\n  admin:\n    user: admin@localhost\naccess_rules:\n  \
                     admins:\n    allow: admin\nmodules:\n";

struct Fixed(AtomicI64);

impl Clock for Fixed {
    fn unix_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed) * 1_000_000
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// 1, 2, 3, …: different every time and the same in every run.
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        for (byte, digit) in bytes.iter_mut().rev().zip(number.iter().rev()) {
            *byte = *digit;
        }
    }
}

/// The server.
pub(crate) struct World {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) host: Arc<Host>,
}

impl World {
    /// A server with the host `localhost`, these features in this order with these options (YAML in braces), and these
    /// accounts; the password of each is its name.
    pub(crate) async fn new(features: &[(&'static Feature, &str)], users: &[&str]) -> Self {
        let mut yaml = RULES.to_owned();
        for (feature, options) in features {
            yaml.push_str(&format!("  {}: {options}\n", feature.spec.name));
        }
        let specs: Vec<&'static ModuleSpec> = features.iter().map(|(feature, _)| feature.spec).collect();
        let specs: &'static [&'static ModuleSpec] = specs.leak();
        let files = BTreeMap::from([(PathBuf::from("a.yml"), yaml.into_bytes())]);
        let declarations = Declarations { modules: specs, ..Declarations::default() };
        let loaded = load_with(Path::new("a.yml"), &declarations, &Surroundings::default(), &files);
        let (config, _) = loaded.unwrap();
        let of_host = Arc::new(config.host("localhost").clone());
        let clock = Arc::new(Fixed(AtomicI64::new(NOW)));
        let kernel = Kernel::new(clock, Arc::new(Counting(AtomicU64::new(1))), Arc::new(config));
        let store = nightjar_sqlite::temporary("localhost");
        let secret = Secret::from("a secret of sixteen bytes");
        let environment = Environment::new(|bytes| bytes.fill(7), || NOW * 1_000_000, secret);
        let options =
            AuthOptions { stored_password_types: vec![PasswordType::Plain], ..AuthOptions::default() };
        let (accounts, _) = HostAccounts::new(&options, &store, &environment, &[]);
        let jid = Jid::parse("localhost").unwrap();
        let host = Arc::new(Host::new(jid, of_host, store, Arc::new(accounts)));
        kernel.add_host(Arc::clone(&host));
        let world = Self { kernel, host };
        for (feature, _) in features {
            world.start(feature).await;
        }
        for user in users {
            world.kernel.register_account(&world.host, user, &Secret::from(*user)).await.unwrap();
        }
        world
    }

    async fn start(&self, feature: &'static Feature) {
        let options = self.host.config().module(feature.spec.name).unwrap().clone();
        let context =
            FeatureContext { kernel: Arc::clone(&self.kernel), host: Arc::clone(&self.host), options };
        let registration = (feature.start)(context).await.unwrap();
        self.host.keep_feature(feature.spec.name, registration);
    }

    /// Opens a session without presence.
    pub(crate) async fn connect(&self, full: &str) -> Arc<Session> {
        let jid = Jid::parse(full).unwrap();
        let connection =
            Connection { kind: "c2s_tls", ip: None, port: 0, tls: true, mechanism: Text::new("PLAIN") };
        let request = OpenRequest {
            host: Arc::clone(&self.host),
            account: jid.bare(),
            resource: jid.resource().map(Text::new),
            connection,
            conflict: ResourceConflict::CloseOld,
            sessions_max: None,
            mailbox_capacity: 100,
        };
        self.kernel.open_session(request).await.unwrap()
    }

    /// Opens a session and makes it available with priority 0; what it is told then is thrown away.
    pub(crate) async fn online(&self, full: &str) -> Arc<Session> {
        let session = self.connect(full).await;
        self.send(&session, "<presence/>").await;
        drain(&session);
        session
    }

    /// A client sends a stanza.
    pub(crate) async fn send(&self, session: &Arc<Session>, xml: &str) {
        self.kernel.user_send(session, stanza(xml)).await.unwrap();
    }

    /// A client sends a stanza; what it gets.
    pub(crate) async fn exchange(&self, session: &Arc<Session>, xml: &str) -> Vec<String> {
        self.send(session, xml).await;
        drain(session)
    }

    /// A stanza comes from elsewhere.
    pub(crate) async fn route(&self, xml: &str) {
        self.kernel.route(stanza(xml)).await;
    }

    /// Connects a component.
    pub(crate) async fn component(&self, domain: &str) -> Component {
        let (sender, received) = mpsc::unbounded_channel();
        let jid = Jid::parse(domain).unwrap();
        let guard = self.kernel.add_service(jid.clone(), Arc::new(Inbox(sender))).unwrap();
        self.kernel.component_connected(&jid).await;
        Component { jid, kernel: Arc::clone(&self.kernel), received, _guard: guard }
    }

    /// Another server, which gets all that isn't for us.
    pub(crate) fn remote(&self) -> Component {
        let (sender, received) = mpsc::unbounded_channel();
        self.kernel.set_remote(Arc::new(Inbox(sender)));
        let jid = Jid::parse("other").unwrap();
        Component { jid, kernel: Arc::clone(&self.kernel), received, _guard: Guard::new(|| {}) }
    }

    /// The namespaces that features add to the answer to disco#info.
    pub(crate) async fn disco_features(&self, from: &str, to: &str) -> Vec<String> {
        self.disco(from, to).await.features.iter().map(ToString::to_string).collect()
    }

    /// What features add to the answer to disco#info.
    pub(crate) async fn disco(&self, from: &str, to: &str) -> DiscoInfo {
        let mut event = DiscoInfoQuery {
            host: Arc::clone(&self.host),
            from: Jid::parse(from).unwrap(),
            to: Jid::parse(to).unwrap(),
            node: Text::empty(),
            lang: None,
            info: DiscoInfo::default(),
            known: true,
        };
        self.host.hooks.disco_info.run(&mut event).await;
        event.info
    }
}

struct Inbox(mpsc::UnboundedSender<Stanza>);

impl Service for Inbox {
    fn route<'a>(&'a self, _: &'a Arc<Kernel>, stanza: Stanza) -> BoxFuture<'a, ()> {
        Box::pin(async move { drop(self.0.send(stanza)) })
    }
}

impl Remote for Inbox {
    fn route<'a>(&'a self, _: &'a Arc<Kernel>, stanza: Stanza) -> BoxFuture<'a, ()> {
        Box::pin(async move { drop(self.0.send(stanza)) })
    }
}

/// A connected component, or another server.
pub(crate) struct Component {
    pub(crate) jid: Jid,
    kernel: Arc<Kernel>,
    received: mpsc::UnboundedReceiver<Stanza>,
    _guard: Guard,
}

impl Component {
    /// Sends a stanza.
    pub(crate) async fn send(&self, xml: &str) {
        self.kernel.component_send(&self.jid, stanza(xml)).await;
    }

    /// What it gets next.
    pub(crate) async fn next(&mut self) -> String {
        let received = tokio::time::timeout(Duration::from_secs(10), self.received.recv()).await;
        received.unwrap().unwrap().to_xml()
    }

    /// What it has got up to now.
    pub(crate) fn drain(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.received.try_recv().ok()).map(|stanza| stanza.to_xml()).collect()
    }
}

/// A stanza from its XML.
pub(crate) fn stanza(xml: &str) -> Stanza {
    let frame = parse_document(&Text::new(xml), &Limits::default(), ns::CLIENT);
    Stanza::from_frame(&frame.unwrap()).unwrap()
}

/// What waits in a session's mailbox, as XML.
pub(crate) fn drain(session: &Session) -> Vec<String> {
    session.mailbox.take_all().into_iter().map(shown).collect()
}

fn shown(delivery: Delivery) -> String {
    match delivery {
        Delivery::Stanza(stanza) => stanza.to_xml(),
        Delivery::Control(Control::End { condition, text }) => {
            format!("{condition:?}: {}", text.unwrap_or_default())
        }
        Delivery::Control(other) => format!("{other:?}"),
    }
}

/// The value of an attribute of the first element.
pub(crate) fn attribute(xml: &str, name: &str) -> String {
    let frame = parse_document(&Text::new(xml), &Limits::default(), ns::CLIENT).unwrap();
    frame.attr(name).unwrap().to_string()
}

/// Lets the tasks that can go on do so: there is one thread, and nothing they wait for is outside.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
