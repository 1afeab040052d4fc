//! A server with one host for tests of commands, and the one way to run a command in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use nightjar_auth::{AuthOptions, Environment, HostAccounts, PasswordType};
use nightjar_base::commands::{Call, Caller, CommandResult, Shape, Value};
use nightjar_base::guard::Guard;
use nightjar_base::mailbox::Drained;
use nightjar_base::{
    Clock, Connection, Control, Delivery, FeatureContext, Host, Kernel, OpenRequest, Random, Registration,
    ResourceConflict, Session,
};
use nightjar_config::{Declarations, Environment as Surroundings, load_with};
use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xmpp::{PresenceType, Stanza};

use crate::bans::BanBook;
use crate::{EXTRA, core_commands, start_extra};

const CONFIG: &str = r#"
hosts: [localhost]
acl:
  admin:
    user: admin@localhost
access_rules:
  protect_old_users:
    allow: admin
modules:
  mod_admin_extra: {}
"#;

/// 2026-11-23T00:00:00Z
pub(crate) const NOW: i64 = 1_795_392_000;

struct Fixed(AtomicI64);

impl Clock for Fixed {
    fn unix_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed) * 1_000_000
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// The server.
pub(crate) struct World {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) host: Arc<Host>,
    _registration: Registration,
    _guards: Vec<Guard>,
}

impl World {
    /// A server with the host `localhost` and these accounts; the password of each is its name.
    pub(crate) async fn new(users: &[&str]) -> Self {
        let files = BTreeMap::from([(PathBuf::from("a.yml"), CONFIG.as_bytes().to_vec())]);
        let declarations = Declarations { modules: &[&EXTRA], ..Declarations::default() };
        let loaded = load_with(Path::new("a.yml"), &declarations, &Surroundings::default(), &files);
        let (config, _) = loaded.unwrap();
        let of_host = Arc::new(config.host("localhost").clone());
        let clock = Arc::new(Fixed(AtomicI64::new(NOW)));
        let kernel = Kernel::new(clock, Arc::new(Counting(AtomicU8::new(1))), Arc::new(config));

        let store = nightjar_sqlite::temporary("localhost");
        let secret = Secret::from("a secret of sixteen bytes");
        let environment = Environment::new(|bytes| bytes.fill(7), || NOW * 1_000_000, secret.clone());
        let options =
            AuthOptions { stored_password_types: vec![PasswordType::Plain], ..AuthOptions::default() };
        let (accounts, _) = HostAccounts::new(&options, &store, &environment, &[]);
        let book = Arc::new(BanBook::new(store.clone(), secret, Arc::clone(&kernel.clock)));
        accounts.set_bans(Some(book.clone()));

        let jid = Jid::parse("localhost").unwrap();
        let host = Arc::new(Host::new(jid, of_host, store, Arc::new(accounts)));
        kernel.add_host(Arc::clone(&host));
        let mut guards = core_commands(&kernel);
        guards.push(host.provide(book));
        let options = host.config().module("mod_admin_extra").unwrap().clone();
        let context = FeatureContext { kernel: Arc::clone(&kernel), host: Arc::clone(&host), options };
        let registration = start_extra(context).await.unwrap();
        let world = Self { kernel, host, _registration: registration, _guards: guards };
        for user in users {
            world.kernel.register_account(&world.host, user, &Secret::from(*user)).await.unwrap();
        }
        world
    }

    /// Runs a command in its newest form.
    pub(crate) async fn run(&self, name: &str, words: &[&str]) -> CommandResult {
        self.run_version(u32::MAX, name, words).await
    }

    /// Runs a command in the form of an API version.
    pub(crate) async fn run_version(&self, version: u32, name: &str, words: &[&str]) -> CommandResult {
        let spec = self.kernel.commands.find(name, Some(version)).unwrap();
        assert_eq!(spec.arguments.len(), words.len(), "{name} {words:?}");
        let value = |(field, word): (&nightjar_base::commands::Field, &&str)| match field.shape {
            Shape::Integer => Value::Integer(word.parse().unwrap()),
            _ => Value::text(word),
        };
        let arguments = spec.arguments.iter().zip(words).map(value).collect();
        let call = Call { kernel: Arc::clone(&self.kernel), caller: Caller::LOCAL, arguments };
        let result = self.kernel.commands.call(spec, call).await;
        if let Ok(value) = &result {
            assert!(
                fits(spec.result.shape, value),
                "{name} declares {:?} and returns {value:?}",
                spec.result
            );
        }
        result
    }

    /// Opens a session, available if a presence is given (its show, status and priority).
    pub(crate) async fn session(&self, full: &str, presence: Option<(&str, &str, i8)>) -> Arc<Session> {
        let jid = Jid::parse(full).unwrap();
        let connection = Connection {
            kind: "c2s_tls",
            ip: Some([192, 0, 2, 1].into()),
            port: 4711,
            tls: true,
            mechanism: Text::new("PLAIN"),
        };
        let request = OpenRequest {
            host: Arc::clone(&self.host),
            account: jid.bare(),
            resource: jid.resource().map(Text::new),
            connection,
            conflict: ResourceConflict::CloseOld,
            sessions_max: None,
            mailbox_capacity: 100,
        };
        let session = self.kernel.open_session(request).await.unwrap();
        if let Some((show, status, priority)) = presence {
            let mut stanza = Stanza::presence(PresenceType::Available);
            for (name, text) in [("show", show), ("status", status), ("priority", &priority.to_string())] {
                if !text.is_empty() {
                    stanza.append(crate::presence::element(name, text));
                }
            }
            self.kernel.user_send(&session, stanza).await.unwrap();
        }
        drain(&session).await;
        session
    }
}

/// What waits in a session's mailbox: stanzas as XML, orders as they are printed.
pub(crate) async fn drain(session: &Session) -> Vec<String> {
    let mut waiting = Vec::new();
    if !session.mailbox.is_empty() {
        let drained = std::future::poll_fn(|context| session.mailbox.poll_drain(context, &mut waiting)).await;
        assert_eq!(drained, Drained::Some);
    }
    let shown = |delivery| match delivery {
        Delivery::Stanza(stanza) => stanza.to_xml(),
        Delivery::Control(Control::End { condition, text }) => {
            format!("{condition:?}: {}", text.unwrap_or_default())
        }
        Delivery::Control(other) => format!("{other:?}"),
    };
    waiting.into_iter().map(shown).collect()
}

fn fits(shape: Shape, value: &Value) -> bool {
    match (shape, value) {
        (Shape::Integer, Value::Integer(_))
        | (Shape::Binary | Shape::String | Shape::Atom, Value::Text(_))
        | (Shape::Rescode, Value::Done(_))
        | (Shape::Restuple, Value::Told(..)) => true,
        (Shape::List(element), Value::List(values)) => values.iter().all(|value| fits(element.shape, value)),
        (Shape::Tuple(fields), Value::Tuple(values)) => {
            fields.len() == values.len()
                && fields.iter().zip(values).all(|(field, value)| fits(field.shape, value))
        }
        _ => false,
    }
}

/// A list of texts.
pub(crate) fn texts(all: &[&str]) -> Value {
    Value::List(all.iter().map(Value::text).collect())
}

/// ok with words.
pub(crate) fn told(text: &str) -> Value {
    Value::Told(true, Text::new(text))
}
