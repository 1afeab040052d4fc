//! What the workers of a listener share.

use std::sync::Arc;

use nightjar_base::relay::TurnPasswords;
use nightjar_base::{Host, Kernel};
use nightjar_sasl::Secret;
use nightjar_stun::credential::{Algorithm, Key};
use nightjar_stun::server::{Quota, Settings, Username};
use parking_lot::{Mutex, RwLock};

use crate::farewell::Farewell;
use crate::hidden::Hidden;
use crate::keys::{Heard, Keys};
use crate::metrics::PortsWatch;
use crate::peers::Peers;
use crate::ports::Ports;

pub(crate) struct Shared {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) quota: Arc<dyn Quota>,
    pub(crate) ports: Ports,
    pub(crate) watch: PortsWatch,
    pub(crate) peers: Arc<Peers>,
    pub(crate) farewell: Farewell,
    settings: RwLock<Arc<Settings>>,
    keys: Arc<Keys>,
    hidden: Hidden,
    heard: Mutex<Option<Heard>>,
}

impl Shared {
    pub(crate) fn new(kernel: Arc<Kernel>, settings: Settings, quota: Arc<dyn Quota>, ports: Ports) -> Self {
        let runtime = tokio::runtime::Handle::current();
        let settings = RwLock::new(Arc::new(settings));
        Self {
            kernel,
            runtime,
            quota,
            ports,
            watch: PortsWatch::default(),
            peers: Arc::default(),
            farewell: Farewell::default(),
            settings,
            keys: Arc::default(),
            hidden: Hidden::default(),
            heard: Mutex::default(),
        }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read())
    }

    pub(crate) fn set_settings(&self, settings: Settings) -> Arc<Settings> {
        let settings = Arc::new(settings);
        *self.settings.write() = Arc::clone(&settings);
        // The realm may be another one.
        self.keys.forget();
        settings
    }

    /// The key of a client that is known without asking anybody; a password may have been changed since.
    pub(crate) fn known(&self, username: &Username, algorithm: Algorithm) -> Option<(String, Key)> {
        let Username::Plain(user) = username else { return None };
        if let Some(password) = self.given(user) {
            return self.key(user, &password, algorithm);
        }
        let key = self.keys.find(user, algorithm, self.kernel.clock.monotonic())?;
        Some((user.clone(), key))
    }

    /// The key of a client: credentials given over XMPP, or the password of an account of the realm's host.
    pub(crate) async fn credentials(
        &self,
        username: Username,
        algorithm: Algorithm,
    ) -> Option<(String, Key)> {
        let user = match username {
            Username::Plain(user) => user,
            Username::Hash(hash) => self.hidden.find(&self.kernel, &self.settings().realm, &hash)?,
        };
        if let Some(password) = self.given(&user) {
            return self.key(&user, &password, algorithm);
        }
        let host = self.kernel.host(&self.settings().realm)?;
        self.hear(&host);
        let generation = self.keys.generation();
        let password = of_account(&host, &user).await?;
        let (user, key) = self.key(&user, &password, algorithm)?;
        self.keys.keep(generation, &user, algorithm, key.clone(), self.kernel.clock.monotonic());
        Some((user, key))
    }

    fn key(&self, user: &str, password: &Secret, algorithm: Algorithm) -> Option<(String, Key)> {
        let password = std::str::from_utf8(password.expose()).ok()?;
        let key = Key::long_term(user, &self.settings().realm, password, algorithm);
        Some((user.to_owned(), key))
    }

    fn given(&self, user: &str) -> Option<Secret> {
        let hosts = self.kernel.hosts();
        hosts.iter().find_map(|host| host.get::<TurnPasswords>().and_then(|passwords| passwords.find(user)))
    }

    /// Sees to it that keys of the host are forgotten when passwords change.
    fn hear(&self, host: &Arc<Host>) {
        let mut heard = self.heard.lock();
        if heard.as_ref().is_none_or(|heard| !heard.is_of(host)) {
            *heard = Some(self.keys.hear(host));
            self.keys.forget();
        }
    }
}

async fn of_account(host: &Arc<Host>, user: &str) -> Option<Secret> {
    let stored = host.accounts.credentials(user).await.ok()??;
    if stored.plain.is_none() {
        tracing::info!(host = %host.name, "a hashed password can't be used for STUN and TURN");
    }
    stored.plain.clone()
}
