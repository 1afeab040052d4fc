//! Who is banned: an element in the account's private storage, as ejabberd keeps it.
//!
//! Accounts may write their private storage, so the element carries a hash that only a server with the secret can
//! make.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nightjar_auth::{AuthError, Bans, BoxFuture};
use nightjar_base::Clock;
use nightjar_sasl::Secret;
use nightjar_store::{Statement, Store, StoreError, params};
use nightjar_text::Text;
use nightjar_xml::{Element, Writer};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

/// The namespace of the element.
pub const NAMESPACE: &str = "jabber:ejabberd:banned";

static SELECT: Statement =
    Statement::new("SELECT data FROM private_storage WHERE username = ? AND namespace = ? AND {host}");
static LIST: Statement = Statement::new(
    "SELECT username, data FROM private_storage WHERE namespace = ? AND {host} ORDER BY username",
);
static WRITE: Statement = Statement::upsert("private_storage", &["username", "namespace"], &["data"]);
static DELETE: Statement =
    Statement::new("DELETE FROM private_storage WHERE username = ? AND namespace = ? AND {host}");

/// What is kept of a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Why.
    pub reason: String,
    /// Since when (XEP-0082).
    pub date: String,
    /// When the account was last here (XEP-0082).
    pub last_date: String,
    /// The status of its last logout.
    pub last_reason: String,
}

/// The bans of one host.
pub struct BanBook {
    store: Store,
    secret: Secret,
    clock: Arc<dyn Clock>,
    /// What was found lately: every login asks, and hardly anybody is banned.
    known: Cache<Text, (Option<Ban>, Duration)>,
    /// How often a ban was written or lifted.
    changes: AtomicU64,
}

/// Accounts whose answer is kept.
const KNOWN_MAX: usize = 100_000;
/// How long an answer is kept that somebody else may have changed: another node, or a tool on the database.
const KNOWN_LIFE: Duration = Duration::from_secs(30);

impl BanBook {
    /// `secret` is the same on all nodes and after a restart; in ejabberd it is the Erlang cookie.
    #[must_use]
    pub fn new(store: Store, secret: Secret, clock: Arc<dyn Clock>) -> Self {
        Self { store, secret, clock, known: Cache::new(KNOWN_MAX), changes: AtomicU64::new(0) }
    }

    /// The account's ban, if it is banned. `user` is normalised.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&self, user: &str) -> Result<Option<Ban>, StoreError> {
        let now = self.clock.monotonic();
        if let Some((ban, since)) = self.known.get(user)
            && now.saturating_sub(since) < KNOWN_LIFE
        {
            return Ok(ban);
        }
        let changes = self.changes.load(Ordering::SeqCst);
        let row = self.store.query_one(&SELECT, params![user, NAMESPACE]).await?;
        let ban = match row {
            Some(row) => self.read(user, &row.text(0)?),
            None => None,
        };
        self.known.insert(Text::new(user), (ban.clone(), now));
        // What was read before somebody changed it is not kept: either this sees the change, or the change comes after
        // this and forgets what was kept.
        if self.changes.load(Ordering::SeqCst) != changes {
            self.known.remove(user);
        }
        Ok(ban)
    }

    /// Everybody banned, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn all(&self) -> Result<Vec<Text>, StoreError> {
        let mut users = Vec::new();
        for row in self.store.query(&LIST, params![NAMESPACE]).await? {
            let user = row.text(0)?;
            if self.read(&user, &row.text(1)?).is_some() {
                users.push(user);
            }
        }
        Ok(users)
    }

    /// Bans an account.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn write(&self, user: &str, ban: &Ban) -> Result<(), StoreError> {
        let mut writer = Writer::new();
        writer.start("banned");
        writer.ns(NAMESPACE);
        for (name, text) in [
            ("reason", ban.reason.as_str()),
            ("lastdate", &ban.last_date),
            ("lastreason", &ban.last_reason),
            ("bandate", &ban.date),
            ("hash", &self.hash(user)),
        ] {
            writer.start(name);
            writer.text(text);
            writer.end(name);
        }
        writer.end("banned");
        let written = self.store.execute(&WRITE, params![user, NAMESPACE, writer.finish()]).await.map(drop);
        self.forget(user);
        written
    }

    /// Lifts a ban.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn remove(&self, user: &str) -> Result<(), StoreError> {
        let removed = self.store.execute(&DELETE, params![user, NAMESPACE]).await.map(drop);
        self.forget(user);
        removed
    }

    fn forget(&self, user: &str) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.known.remove(user);
    }

    fn read(&self, user: &str, xml: &Text) -> Option<Ban> {
        let element = Element::parse(xml, "").ok()?;
        let text = |name| {
            let child = element.child(name, NAMESPACE).or_else(|| element.child(name, ""));
            child.map(|child| child.text().into_owned()).unwrap_or_default()
        };
        let genuine = Secret::from(self.hash(user).as_str()).same_as(text("hash").as_bytes());
        let ban = Ban {
            reason: text("reason"),
            date: text("bandate"),
            last_date: text("lastdate"),
            last_reason: text("lastreason"),
        };
        (genuine && !ban.date.is_empty()).then_some(ban)
    }

    /// Base64 of the hash of user, host and secret as an Erlang term: a binary of 32 bytes.
    fn hash(&self, user: &str) -> String {
        use base64::Engine as _;
        let mut digest = Sha256::new();
        digest.update(user);
        digest.update(self.store.host());
        digest.update(self.secret.expose());
        let mut term = vec![131, 109, 0, 0, 0, 32];
        term.extend(digest.finalize());
        base64::engine::general_purpose::STANDARD.encode(term)
    }
}

impl Bans for BanBook {
    fn ban<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Option<Text>, AuthError>> {
        Box::pin(async move {
            let ban = self.find(user).await?;
            Ok(ban.map(|ban| Text::from(format!("Account is banned: {}", ban.reason))))
        })
    }
}
