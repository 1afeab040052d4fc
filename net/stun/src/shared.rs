//! What the workers of a listener share.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::relay::TurnPasswords;
use nightjar_sasl::Secret;
use nightjar_stun::credential::{Algorithm, Key};
use nightjar_stun::server::{Quota, Settings, Username};
use parking_lot::RwLock;

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
    settings: RwLock<Arc<Settings>>,
}

impl Shared {
    pub(crate) fn new(kernel: Arc<Kernel>, settings: Settings, quota: Arc<dyn Quota>, ports: Ports) -> Self {
        let runtime = tokio::runtime::Handle::current();
        let settings = RwLock::new(Arc::new(settings));
        Self { kernel, runtime, quota, ports, watch: PortsWatch::default(), peers: Arc::default(), settings }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read())
    }

    pub(crate) fn set_settings(&self, settings: Settings) -> Arc<Settings> {
        let settings = Arc::new(settings);
        *self.settings.write() = Arc::clone(&settings);
        settings
    }

    /// The key of a client: credentials given over XMPP, or the password of an account of the realm's host.
    pub(crate) async fn credentials(
        &self,
        username: Username,
        algorithm: Algorithm,
    ) -> Option<(String, Key)> {
        // Hidden names aren't offered: credentials given over XMPP hold no name that needs hiding.
        let Username::Plain(user) = username else { return None };
        let realm = self.settings().realm.clone();
        let password = match self.given(&user) {
            Some(password) => password,
            None => self.of_account(&user, &realm).await?,
        };
        let password = std::str::from_utf8(password.expose()).ok()?;
        let key = Key::long_term(&user, &realm, password, algorithm);
        Some((user, key))
    }

    fn given(&self, user: &str) -> Option<Secret> {
        let hosts = self.kernel.hosts();
        hosts.iter().find_map(|host| host.get::<TurnPasswords>().and_then(|passwords| passwords.find(user)))
    }

    async fn of_account(&self, user: &str, realm: &str) -> Option<Secret> {
        let host = self.kernel.host(realm)?;
        let stored = host.accounts.credentials(user).await.ok()??;
        if stored.plain.is_none() {
            tracing::info!(host = realm, "a hashed password can't be used for STUN and TURN");
        }
        stored.plain.clone()
    }
}
