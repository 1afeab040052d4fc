//! A feature: one folder, one ejabberd module. Starting it registers what it does; dropping the
//! registration removes all of it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use nightjar_config::{ModuleSpec, Options};
use nightjar_jid::Jid;
use nightjar_store::StoreError;
use nightjar_text::Text;

use crate::adhoc::AdhocCommand;
use crate::commands::{CommandHandler, CommandSpec};
use crate::contacts::Contacts;
use crate::guard::Guard;
use crate::hooks::{BoxFuture, Event, On, Stage};
use crate::host::{DiscoFeature, Host, StreamFeature};
use crate::http::HttpHandler;
use crate::iq::{IqHandler, IqTarget};
use crate::kernel::Kernel;
use crate::router::Service;

/// Why a feature didn't start.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// Its tables can't be used.
    #[error("its tables can't be used: {0}")]
    Store(#[from] StoreError),
    /// Something else, said in a sentence.
    #[error("{0}")]
    Other(String),
}

/// A feature as the server lists it.
#[derive(Clone, Copy)]
pub struct Feature {
    /// Its name and options.
    pub spec: &'static ModuleSpec,
    /// Starts it for one host.
    pub start: fn(FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>>,
}

/// What a feature is given to start with.
#[derive(Clone)]
pub struct FeatureContext {
    /// The server.
    pub kernel: Arc<Kernel>,
    /// The host it starts for.
    pub host: Arc<Host>,
    /// Its options, checked, with defaults filled in.
    pub options: Options,
}

impl FeatureContext {
    /// An empty registration to fill.
    pub fn registration(&self) -> Registration {
        Registration { context: self.clone(), guards: Vec::new() }
    }
}

/// All that a feature has registered. Dropping it removes all of it, last first.
#[must_use = "dropping a registration stops the feature"]
pub struct Registration {
    context: FeatureContext,
    guards: Vec<Guard>,
}

impl Registration {
    /// Keeps a guard.
    pub fn keep(&mut self, guard: Guard) {
        self.guards.push(guard);
    }

    /// Listens to an event of the host.
    pub fn on<E: Event>(&mut self, stage: Stage, listener: Arc<impl On<E> + 'static>) {
        let guard = E::chain(&self.context.host.hooks).add(stage, listener);
        self.keep(guard);
    }

    /// Answers requests of a namespace; disco#info announces it for this target.
    pub fn iq(&mut self, target: IqTarget, namespace: &'static str, handler: Arc<impl IqHandler + 'static>) {
        let guard = self.context.host.iq.add(target, namespace, handler);
        self.keep(guard);
        if target != IqTarget::Stream {
            self.disco(target, namespace);
        }
    }

    /// Announces a namespace by disco#info without answering requests of it.
    pub fn disco(&mut self, target: IqTarget, namespace: &str) {
        let of_account = target == IqTarget::Account;
        let feature = DiscoFeature { namespace: Text::new(namespace), of_account };
        let guard = self.context.host.disco_features.add(feature);
        self.keep(guard);
    }

    /// Puts an element into `<stream:features/>`, before or after authentication.
    pub fn stream_feature(&mut self, xml: &str, authenticated: bool) {
        let feature = StreamFeature { xml: Text::new(xml), authenticated };
        let guard = self.context.host.stream_features.add(feature);
        self.keep(guard);
    }

    /// Is the host's roster.
    pub fn contacts(&mut self, contacts: Arc<dyn Contacts>) {
        let guard = self.context.host.provide_contacts(contacts);
        self.keep(guard);
    }

    /// Hears when the host's options have changed, whether they are the feature's own or not. A feature whose own have
    /// changed is started anew right after; until then it runs with those it has.
    pub fn on_config(&mut self, follower: impl Fn() + Send + Sync + 'static) {
        let guard = self.context.host.followers.add(Box::new(follower));
        self.keep(guard);
    }

    /// Shares a value with the feature's commands and with other hosts' tools, found by its type.
    pub fn provide<T: std::any::Any + Send + Sync>(&mut self, value: Arc<T>) {
        let guard = self.context.host.provide(value);
        self.keep(guard);
    }

    /// Offers an ad-hoc command.
    pub fn adhoc(&mut self, command: Box<dyn AdhocCommand>) {
        let guard = self.context.host.adhoc.add(command);
        self.keep(guard);
    }

    /// Offers an administration command for this host.
    pub fn command(&mut self, spec: &'static CommandSpec, handler: impl CommandHandler + 'static) {
        let host = self.context.host.name.clone();
        let guard = self.context.kernel.commands.add(spec, Some(host), Arc::new(handler));
        self.keep(guard);
    }

    /// Answers HTTP requests for this host, wherever a listener puts the name.
    pub fn http(&mut self, name: &'static str, handler: Arc<dyn HttpHandler>) {
        let host = self.context.host.name.clone();
        let guard = self.context.kernel.http.add(name, Some(host), handler);
        self.keep(guard);
    }

    /// Serves a domain of its own, such as `vjud.example.org`.
    ///
    /// # Errors
    /// If the domain is taken.
    pub fn service(&mut self, domain: Jid, service: Arc<dyn Service>) -> Result<(), FeatureError> {
        let kernel = &self.context.kernel;
        let guard = kernel.add_service(domain.clone(), service).map_err(FeatureError::Other)?;
        let listed = self.context.host.services.add(domain);
        self.keep(guard);
        self.keep(listed);
        Ok(())
    }

    /// Runs a task that ends with the feature.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let handle = tokio::spawn(task);
        self.keep(Guard::new(move || handle.abort()));
    }

    /// Calls `work` again and again, `period` apart, until the feature ends.
    pub fn every<F, W>(&mut self, period: Duration, mut work: W)
    where
        F: Future<Output = ()> + Send + 'static,
        W: FnMut() -> F + Send + 'static,
    {
        self.spawn(async move {
            loop {
                tokio::time::sleep(period).await;
                work().await;
            }
        });
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        while let Some(guard) = self.guards.pop() {
            drop(guard);
        }
    }
}
