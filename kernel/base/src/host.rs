//! A virtual host: it owns its options, features, hooks and accounts.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use nightjar_auth::Accounts;
use nightjar_config::HostConfig;
use nightjar_jid::Jid;
use nightjar_store::Store;
use nightjar_text::Text;
use parking_lot::{Mutex, RwLock};

use crate::adhoc::AdhocCommand;
use crate::attempts::AttemptCounts;
use crate::contacts::Contacts;
use crate::feature::Registration;
use crate::guard::Guard;
use crate::hooks::Hooks;
use crate::iq::IqTable;
use crate::registry::Registry;
use crate::requests::Requests;

/// A namespace announced by disco#info.
pub struct DiscoFeature {
    /// The namespace.
    pub namespace: Text,
    /// Whether bare accounts announce it, rather than the host.
    pub of_account: bool,
}

/// An element that features put into `<stream:features/>`.
pub struct StreamFeature {
    /// The whole element.
    pub xml: Text,
    /// Whether it is offered only after authentication.
    pub authenticated: bool,
}

/// Somebody who wants to know when other options are in force. It doesn't wait.
pub(crate) type Follower = Box<dyn Fn() + Send + Sync>;

/// A virtual host.
pub struct Host {
    /// Its domain, normalised.
    pub name: Text,
    /// Its domain as an address.
    pub jid: Jid,
    /// Listeners of its events.
    pub hooks: Hooks,
    /// Handlers of requests to it and to its accounts.
    pub iq: Arc<IqTable>,
    /// Requests of the host and in its accounts' names that wait for answers.
    pub requests: Requests,
    /// Its database.
    pub store: Store,
    /// Its accounts.
    pub accounts: Arc<dyn Accounts>,
    /// Namespaces announced by disco#info beside those of the IQ handlers.
    pub disco_features: Arc<Registry<DiscoFeature>>,
    /// Elements of stream features.
    pub stream_features: Arc<Registry<StreamFeature>>,
    /// Ad-hoc commands.
    pub adhoc: Arc<Registry<Box<dyn AdhocCommand>>>,
    /// Subdomains that features serve, as disco#items of the host.
    pub services: Arc<Registry<Jid>>,
    /// Attempts to authenticate, counted.
    pub attempts: AttemptCounts,
    /// Told when other options are in force.
    pub(crate) followers: Arc<Registry<Follower>>,
    config: ArcSwap<HostConfig>,
    contacts: ArcSwapOption<Arc<dyn Contacts>>,
    provided: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    features: Mutex<Vec<(&'static str, Registration)>>,
}

impl Host {
    /// A host without features.
    pub fn new(jid: Jid, config: Arc<HostConfig>, store: Store, accounts: Arc<dyn Accounts>) -> Self {
        Self {
            name: Text::new(jid.domain()),
            jid,
            hooks: Hooks::default(),
            iq: Arc::default(),
            requests: Requests::default(),
            store,
            accounts,
            disco_features: Arc::default(),
            stream_features: Arc::default(),
            adhoc: Arc::default(),
            services: Arc::default(),
            attempts: AttemptCounts::default(),
            followers: Arc::default(),
            config: ArcSwap::new(config),
            contacts: ArcSwapOption::empty(),
            provided: RwLock::default(),
            features: Mutex::default(),
        }
    }

    /// The options in force now.
    pub fn config(&self) -> Arc<HostConfig> {
        self.config.load_full()
    }

    /// Puts new options in force, and tells those who follow them.
    pub fn set_config(&self, config: Arc<HostConfig>) {
        self.config.store(config);
        for follower in self.followers.all() {
            follower();
        }
    }

    /// The roster, if a feature provides one.
    pub fn contacts(&self) -> Option<Arc<dyn Contacts>> {
        self.contacts.load_full().map(|contacts| Arc::clone(&*contacts))
    }

    /// Makes this the host's roster until the guard is dropped.
    pub fn provide_contacts(self: &Arc<Self>, contacts: Arc<dyn Contacts>) -> Guard {
        self.contacts.store(Some(Arc::new(contacts)));
        let host = Arc::downgrade(self);
        Guard::new(move || {
            if let Some(host) = host.upgrade() {
                host.contacts.store(None);
            }
        })
    }

    /// Something a feature of this host shares with its own commands, found by its type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let found = self.provided.read().get(&TypeId::of::<T>()).cloned();
        found.and_then(|value| value.downcast().ok())
    }

    /// Shares something until the guard is dropped.
    pub fn provide<T: Any + Send + Sync>(self: &Arc<Self>, value: Arc<T>) -> Guard {
        self.provided.write().insert(TypeId::of::<T>(), value);
        let host = Arc::downgrade(self);
        Guard::new(move || {
            if let Some(host) = host.upgrade() {
                host.provided.write().remove(&TypeId::of::<T>());
            }
        })
    }

    /// Keeps a feature running until it is stopped.
    pub fn keep_feature(&self, name: &'static str, registration: Registration) {
        self.features.lock().push((name, registration));
    }

    /// Stops a feature; false if it doesn't run.
    pub fn stop_feature(&self, name: &str) -> bool {
        let stopped = {
            let mut features = self.features.lock();
            let at = features.iter().position(|(running, _)| *running == name);
            at.map(|at| features.remove(at))
        };
        stopped.is_some()
    }

    /// Stops all features, the last one first.
    pub fn stop_features(&self) {
        let mut features = std::mem::take(&mut *self.features.lock());
        while let Some(feature) = features.pop() {
            drop(feature);
        }
    }

    /// The features that run, in order of their start.
    pub fn feature_names(&self) -> Vec<&'static str> {
        self.features.lock().iter().map(|(name, _)| *name).collect()
    }

    /// The address of an account here.
    ///
    /// # Errors
    /// If `user` isn't a valid localpart.
    pub fn account(&self, user: &str) -> Result<Jid, nightjar_jid::JidError> {
        Jid::from_parts(Some(user), &self.name, None)
    }
}
