//! The server: hosts, routes, sessions, commands, time and randomness.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use nightjar_config::Config;
use nightjar_jid::Jid;
use nightjar_text::Text;
use parking_lot::Mutex;

use crate::commands::Commands;
use crate::context::{Clock, Random};
use crate::federation::Components;
use crate::guard::Guard;
use crate::host::Host;
use crate::http::HttpHandlers;
use crate::metrics::Metrics;
use crate::router::{Remote, Route, Service};
use crate::sessions::Sessions;

type Routes = HashMap<Text, Route, foldhash::fast::RandomState>;

/// The server's heart; there is one.
pub struct Kernel {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub random: Arc<dyn Random>,
    /// Connected resources.
    pub sessions: Sessions,
    /// Administration commands.
    pub commands: Arc<Commands>,
    /// What answers HTTP requests.
    pub http: Arc<HttpHandlers>,
    /// What is counted, for monitoring.
    pub metrics: Metrics,
    pub(crate) components: Components,
    routes: ArcSwap<Routes>,
    /// Held while routes are replaced, so that two changes can't undo each other.
    changing: Mutex<()>,
    remote: ArcSwapOption<Arc<dyn Remote>>,
    config: ArcSwap<Config>,
    shared: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    started_micros: i64,
}

impl Kernel {
    /// A server without hosts.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>, config: Arc<Config>) -> Arc<Self> {
        let started_micros = clock.unix_micros();
        Arc::new(Self {
            clock,
            random,
            sessions: Sessions::default(),
            commands: Arc::default(),
            http: Arc::default(),
            metrics: Metrics::default(),
            components: Components::default(),
            routes: ArcSwap::from_pointee(Routes::default()),
            changing: Mutex::new(()),
            remote: ArcSwapOption::empty(),
            config: ArcSwap::new(config),
            shared: Mutex::default(),
            started_micros,
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }

    /// Puts a configuration in force.
    pub fn set_config(&self, config: Arc<Config>) {
        self.config.store(config);
    }

    /// When the server was started, in microseconds since the UNIX epoch.
    pub fn started_micros(&self) -> i64 {
        self.started_micros
    }

    /// What a domain leads to, if it is local.
    pub fn find_route(&self, domain: &str) -> Option<Route> {
        self.routes.load().get(domain).cloned()
    }

    /// The virtual host of this name.
    pub fn host(&self, name: &str) -> Option<Arc<Host>> {
        match self.routes.load().get(name) {
            Some(Route::Host(host)) => Some(Arc::clone(host)),
            _ => None,
        }
    }

    /// All virtual hosts, by name.
    pub fn hosts(&self) -> Vec<Arc<Host>> {
        let mut hosts: Vec<_> = self
            .routes
            .load()
            .values()
            .filter_map(|route| if let Route::Host(host) = route { Some(Arc::clone(host)) } else { None })
            .collect();
        hosts.sort_by(|one, other| one.name.cmp(&other.name));
        hosts
    }

    /// Adds a virtual host.
    pub fn add_host(&self, host: Arc<Host>) {
        let _changing = self.changing.lock();
        let mut routes = Routes::clone(&self.routes.load());
        routes.insert(host.name.clone(), Route::Host(host));
        self.routes.store(Arc::new(routes));
    }

    /// Removes a virtual host or service; returns what it was.
    pub fn remove_route(&self, name: &str) -> Option<Route> {
        let _changing = self.changing.lock();
        let mut routes = Routes::clone(&self.routes.load());
        let removed = routes.remove(name);
        self.routes.store(Arc::new(routes));
        removed
    }

    /// Leads a domain to a service until the guard is dropped.
    ///
    /// # Errors
    /// A sentence, if the domain is taken.
    pub fn add_service(self: &Arc<Self>, domain: Jid, service: Arc<dyn Service>) -> Result<Guard, String> {
        let name = Text::new(domain.domain());
        {
            let _changing = self.changing.lock();
            let mut routes = Routes::clone(&self.routes.load());
            if routes.contains_key(&name) {
                return Err(format!("the domain {name} is already served by something else"));
            }
            routes.insert(name.clone(), Route::Service(service));
            self.routes.store(Arc::new(routes));
        }
        let kernel = Arc::downgrade(self);
        Ok(Guard::new(move || {
            if let Some(kernel) = kernel.upgrade() {
                kernel.remove_route(&name);
            }
        }))
    }

    /// The server's one value of a type, made on first use: what several listeners have in common.
    pub fn shared<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let mut shared = self.shared.lock();
        let value = shared.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(value).downcast().unwrap_or_default()
    }

    /// The way to other servers, if there is one.
    pub fn remote(&self) -> Option<Arc<dyn Remote>> {
        self.remote.load_full().map(|remote| Arc::clone(&*remote))
    }

    /// Sets the way to other servers.
    pub fn set_remote(&self, remote: Arc<dyn Remote>) {
        self.remote.store(Some(Arc::new(remote)));
    }
}
