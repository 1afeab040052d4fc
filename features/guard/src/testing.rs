//! A server with one host for tests of features.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nightjar_auth::{AuthOptions, Environment, HostAccounts, PasswordType};
use nightjar_base::commands::{Call, Caller, CommandResult, Value};
use nightjar_base::contacts::{Contact, ContactList, Contacts, Inbound, Outbound};
use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::{
    Clock, Connection, Delivery, Feature, FeatureContext, Host, Kernel, OpenRequest, Random,
    ResourceConflict, Session,
};
use nightjar_config::{Declarations, Environment as Surroundings, load_with};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xml::{Limits, parse_document};
use nightjar_xmpp::{PresenceType, Stanza, StanzaError, ns};

/// 2026-11-23T00:00:00Z
pub(crate) const NOW: i64 = 1_795_392_000;

/// Seconds since the test began.
#[derive(Default)]
pub(crate) struct Time(AtomicU64);

impl Time {
    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Time {
    fn unix_micros(&self) -> i64 {
        (NOW + i64::try_from(self.0.load(Ordering::Relaxed)).unwrap()) * 1_000_000
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// 1, 2, 3, …
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        bytes.iter_mut().zip(number.iter().cycle()).for_each(|(byte, digit)| *byte = *digit);
    }
}

/// The server.
pub(crate) struct World {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) host: Arc<Host>,
    pub(crate) time: Arc<Time>,
    roster: Option<Guard>,
}

impl World {
    /// A server with the host `localhost`, this feature with these options (YAML in braces), the access rules `office`
    /// for 192.0.2.0/24 and `friends` for friend@example.net, and these accounts, whose passwords are their names.
    pub(crate) async fn new(feature: &'static Feature, options: &str, users: &[&str]) -> Self {
        let yaml = format!(
            "hosts: [localhost]\nacl:\n  office:\n    ip: 192.0.2.0/24\n  friends:\n    user: friend@example.net\n\
             access_rules:\n  office:\n    allow: office\n  friends:\n    allow: friends\n\
             modules:\n  {}: {options}\n",
            feature.spec.name
        );
        let files = BTreeMap::from([(PathBuf::from("a.yml"), yaml.into_bytes())]);
        let declarations = Declarations { modules: &[feature.spec], ..Declarations::default() };
        let loaded = load_with(Path::new("a.yml"), &declarations, &Surroundings::default(), &files);
        let (config, _) = loaded.unwrap();
        let of_host = Arc::new(config.host("localhost").clone());
        let time = Arc::new(Time::default());
        let random = Arc::new(Counting(AtomicU64::new(1)));
        let kernel = Kernel::new(Arc::clone(&time) as Arc<dyn Clock>, random, Arc::new(config));
        let store = nightjar_sqlite::temporary("localhost");
        let secret = Secret::from("a secret of sixteen bytes");
        let environment = Environment::new(|bytes| bytes.fill(7), || NOW * 1_000_000, secret);
        let types = vec![PasswordType::Plain];
        let auth = AuthOptions { stored_password_types: types, ..AuthOptions::default() };
        let (accounts, _) = HostAccounts::new(&auth, &store, &environment, &[]);
        let jid = Jid::parse("localhost").unwrap();
        let host = Arc::new(Host::new(jid, of_host, store, Arc::new(accounts)));
        kernel.add_host(Arc::clone(&host));
        let options = host.config().module(feature.spec.name).unwrap().clone();
        let context = FeatureContext { kernel: Arc::clone(&kernel), host: Arc::clone(&host), options };
        host.keep_feature(feature.spec.name, (feature.start)(context).await.unwrap());
        for user in users {
            kernel.register_account(&host, user, &Secret::from(*user)).await.unwrap();
        }
        Self { kernel, host, time, roster: None }
    }

    /// Gives every account these contacts.
    pub(crate) fn contacts(&mut self, contacts: Vec<Contact>) {
        let roster = Roster(Arc::new(ContactList::new(contacts)));
        self.roster = Some(self.host.provide_contacts(Arc::new(roster)));
    }

    /// Opens a session without presence.
    pub(crate) async fn connect(&self, full: &str) -> Arc<Session> {
        let jid = Jid::parse(full).unwrap();
        let mechanism = Text::new("PLAIN");
        let request = OpenRequest {
            host: Arc::clone(&self.host),
            account: jid.bare(),
            resource: jid.resource().map(Text::new),
            connection: Connection { kind: "c2s_tls", ip: None, port: 0, tls: true, mechanism },
            conflict: ResourceConflict::CloseOld,
            sessions_max: None,
            mailbox_capacity: 100,
        };
        self.kernel.open_session(request).await.unwrap()
    }

    /// A client sends a stanza; what it gets.
    pub(crate) async fn send(&self, session: &Arc<Session>, xml: &str) -> Vec<String> {
        self.kernel.user_send(session, stanza(xml)).await.unwrap();
        drain(session)
    }

    /// Runs a command with one argument.
    pub(crate) async fn run(&self, name: &str, word: &str) -> CommandResult {
        let spec = self.kernel.commands.find(name, None).unwrap();
        let arguments = vec![Value::text(word)];
        let call = Call { kernel: Arc::clone(&self.kernel), caller: Caller::LOCAL, arguments };
        self.kernel.commands.call(spec, call).await
    }
}

/// A stanza from its XML.
pub(crate) fn stanza(xml: &str) -> Stanza {
    let frame = parse_document(&Text::new(xml), &Limits::default(), ns::CLIENT);
    Stanza::from_frame(&frame.unwrap()).unwrap()
}

/// What waits in a session's mailbox, as XML.
pub(crate) fn drain(session: &Session) -> Vec<String> {
    let shown = |delivery| match delivery {
        Delivery::Stanza(stanza) => Stanza::to_xml(&stanza),
        Delivery::Control(other) => format!("{other:?}"),
    };
    session.mailbox.take_all().into_iter().map(shown).collect()
}

struct Roster(Arc<ContactList>);

impl Contacts for Roster {
    fn list<'a>(&'a self, _account: &'a Jid) -> BoxFuture<'a, Result<Arc<ContactList>, StanzaError>> {
        Box::pin(async { Ok(Arc::clone(&self.0)) })
    }

    fn cached(&self, _account: &Jid) -> Option<Arc<ContactList>> {
        None
    }

    fn outbound<'a>(
        &'a self,
        _account: &'a Jid,
        _contact: &'a Jid,
        _kind: PresenceType,
    ) -> BoxFuture<'a, Result<Outbound, StanzaError>> {
        Box::pin(async { Ok(Outbound::default()) })
    }

    fn inbound<'a>(
        &'a self,
        _account: &'a Jid,
        _contact: &'a Jid,
        _kind: PresenceType,
        _stanza: &'a Stanza,
    ) -> BoxFuture<'a, Result<Inbound, StanzaError>> {
        Box::pin(async { Ok(Inbound { deliver: true, ..Inbound::default() }) })
    }

    fn pending<'a>(&'a self, _account: &'a Jid) -> BoxFuture<'a, Result<Vec<Stanza>, StanzaError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
