//! Virtual hosts with their features, started and stopped.

use std::sync::Arc;

use anyhow::Context as _;
use nightjar_admin::bans::BanBook;
use nightjar_auth::HostAccounts;
use nightjar_base::guard::Guard;
use nightjar_base::{FeatureContext, Host, Kernel, Registration};
use nightjar_config::HostConfig;
use nightjar_jid::Jid;
use nightjar_store::Store;
use nightjar_xmpp::StreamErrorCondition;

use crate::accounts::auth_options;
use crate::features::FEATURES;
use crate::node::Node;

/// A host that is served, with what runs for it.
pub(crate) struct RunningHost {
    pub(crate) host: Arc<Host>,
    features: Vec<Started>,
    /// Held as long as the host is served.
    _guards: Vec<Guard>,
}

struct Started {
    name: &'static str,
    registration: Registration,
}

impl RunningHost {
    /// Starts to serve a host, with all the features its configuration names.
    ///
    /// # Errors
    /// If a feature doesn't start; nothing of the host is left then.
    pub(crate) async fn start(node: &Node, config: &HostConfig, store: Store) -> anyhow::Result<Self> {
        let options = auth_options(&config.options);
        let (accounts, missing) = HostAccounts::new(&options, &store, &node.authentication, &[]);
        for method in missing {
            tracing::warn!(host = %config.name, "auth_method {} is not built: nobody logs in by it", method.name());
        }
        let book = Arc::new(BanBook::new(store.clone(), node.secret.clone(), Arc::clone(&node.kernel.clock)));
        accounts.set_bans(Some(book.clone()));
        let jid = Jid::parse(&config.name).with_context(|| format!("the host {}", config.name))?;
        let host = Arc::new(Host::new(jid, Arc::new(config.clone()), store, Arc::new(accounts)));
        // What others make their own use of: bans, the login's rules, time and randomness for tokens.
        let environment = Arc::new(node.authentication.clone());
        let mut guards = vec![host.provide(book), host.provide(Arc::new(options)), host.provide(environment)];
        guards.extend(nightjar_web::oauth::serve(&node.kernel, &host));
        node.kernel.add_host(Arc::clone(&host));
        let mut running = Self { host, features: Vec::new(), _guards: guards };
        for feature in FEATURES {
            if let Err(error) = running.start_feature(&node.kernel, config, feature.spec.name).await {
                running.stop(&node.kernel);
                return Err(error);
            }
        }
        Ok(running)
    }

    /// Starts a feature with the options of `config`, if `config` names it.
    ///
    /// # Errors
    /// If it doesn't start.
    pub(crate) async fn start_feature(
        &mut self,
        kernel: &Arc<Kernel>,
        config: &HostConfig,
        name: &str,
    ) -> anyhow::Result<()> {
        let Some(feature) = FEATURES.iter().find(|feature| feature.spec.name == name) else { return Ok(()) };
        let Some(options) = config.module(name) else { return Ok(()) };
        let context = FeatureContext {
            kernel: Arc::clone(kernel),
            host: Arc::clone(&self.host),
            options: options.clone(),
        };
        let registration = (feature.start)(context).await;
        let registration =
            registration.with_context(|| format!("{name} doesn't start on {}", config.name))?;
        self.features.push(Started { name: feature.spec.name, registration });
        Ok(())
    }

    /// Whether a feature runs.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.features.iter().any(|started| started.name == name)
    }

    /// Stops a feature.
    pub(crate) fn stop_feature(&mut self, name: &str) {
        self.features.retain(|started| started.name != name);
    }

    /// Puts a new configuration in force, without starting or stopping features.
    pub(crate) fn follow(&self, config: &HostConfig) {
        self.host.set_config(Arc::new(config.clone()));
    }

    /// Ends the host's sessions with this error.
    pub(crate) fn end_sessions(&self, kernel: &Kernel, condition: StreamErrorCondition) {
        for session in kernel.sessions.of_host(&self.host.name) {
            session.end(condition, None);
        }
    }

    /// Stops all features, the last one first, and serves the host no longer.
    pub(crate) fn stop(mut self, kernel: &Kernel) {
        while let Some(started) = self.features.pop() {
            drop(started.registration);
        }
        kernel.remove_route(&self.host.name);
    }
}
