//! mod_delegation: components that answer requests of a namespace in place of the host (XEP-0355).

mod forward;
mod learn;

use std::sync::{Arc, Weak};

use nightjar_base::disco::DiscoInfo;
use nightjar_base::guard::Guard;
use nightjar_base::hooks::{
    BoxFuture, ComponentConnected, ComponentDisconnected, DiscoInfoQuery, Flow, On, Outcome, Stage,
};
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Host, Kernel, Registration};
use nightjar_config::access::Who;
use nightjar_config::{ModuleSpec, Options, Value, option};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::ns;
use parking_lot::Mutex;
use tokio::sync::watch;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_delegation",
    doc: "Lets components answer requests of whole namespaces in place of the host and its accounts (XEP-0355).",
    options: &[
        option("namespaces", "map", "{}", "The namespaces that are delegated."),
        option(
            "namespaces.*.filtering",
            "[string]",
            "[]",
            "Only requests that have all these attributes are delegated; the host answers the others.",
        ),
        option("namespaces.*.access", "access rule", "none", "The components to which it may be delegated."),
    ],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let delegations = Arc::new(Delegations {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            options: context.options.clone(),
            all: Mutex::default(),
        });
        let mut registration = context.registration();
        registration.disco(IqTarget::Host, ns::DELEGATION);
        let listener = Arc::new(Listener(Arc::clone(&delegations)));
        registration.on::<ComponentConnected>(Stage::Record, Arc::clone(&listener));
        registration.on::<ComponentDisconnected>(Stage::Record, Arc::clone(&listener));
        registration.on::<DiscoInfoQuery>(Stage::Rewrite, listener);
        for component in context.kernel.components() {
            delegations.connected(&component);
        }
        Ok(registration)
    })
}

/// A namespace of the options.
#[derive(Clone)]
struct Namespace {
    name: Text,
    /// Attributes without which the host answers itself.
    filtering: Vec<Text>,
}

/// A namespace that a component serves.
struct Delegation {
    namespace: Text,
    target: IqTarget,
    component: Jid,
    /// What the host or its accounts say of themselves for it (§7.2).
    info: DiscoInfo,
    /// Dropped when the component is gone.
    _present: watch::Sender<()>,
    _handler: Guard,
}

struct Delegations {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
    options: Options,
    all: Mutex<Vec<Delegation>>,
}

impl Delegations {
    /// The namespaces that this component may be given.
    fn namespaces(&self, host: &Host, component: &Jid) -> Vec<Namespace> {
        let config = host.config();
        let allowed = |value: &Value| match value.get("access") {
            Some(Value::Access(rule)) => config.access.allows(rule, &Who::jid(component)),
            _ => false,
        };
        let namespaces = self.options.map("namespaces").iter().filter(|(_, value)| allowed(value));
        let namespaces = namespaces.map(|(name, value)| {
            let filtering = value.get("filtering").map(Value::items).unwrap_or_default();
            let filtering = filtering.iter().filter_map(Value::as_text).cloned().collect();
            Namespace { name: name.clone(), filtering }
        });
        namespaces.collect()
    }

    /// Delegates to a component in a task of its own: it has to be asked something, and it listens to nothing before
    /// everybody knows that it has connected.
    fn connected(self: &Arc<Self>, component: &Jid) {
        let Some(host) = self.host.upgrade() else { return };
        let namespaces = self.namespaces(&host, component);
        if namespaces.is_empty() {
            return;
        }
        let (delegations, component) = (Arc::clone(self), component.clone());
        tokio::spawn(async move {
            for namespace in namespaces {
                delegations.delegate(&component, &namespace).await;
            }
        });
    }

    fn disconnected(&self, component: &Jid) {
        let gone = {
            let mut all = self.all.lock();
            let (gone, left) = all.drain(..).partition(|delegation| delegation.component == *component);
            *all = left;
            gone
        };
        // Handlers are removed when nobody holds the lock.
        drop::<Vec<Delegation>>(gone);
    }
}

struct Listener(Arc<Delegations>);

impl On<ComponentConnected> for Listener {
    fn on<'a>(&'a self, event: &'a mut ComponentConnected) -> Outcome<'a> {
        self.0.connected(&event.component);
        Outcome::CONTINUE
    }
}

impl On<ComponentDisconnected> for Listener {
    fn on<'a>(&'a self, event: &'a mut ComponentDisconnected) -> Outcome<'a> {
        self.0.disconnected(&event.component);
        Outcome::CONTINUE
    }
}

impl On<DiscoInfoQuery> for Listener {
    fn on<'a>(&'a self, event: &'a mut DiscoInfoQuery) -> Outcome<'a> {
        if event.node.is_empty() {
            let target = if event.to.is_domain() { IqTarget::Host } else { IqTarget::Account };
            for delegation in self.0.all.lock().iter().filter(|delegation| delegation.target == target) {
                event.info.identities.extend(delegation.info.identities.iter().cloned());
                event.info.features.extend(delegation.info.features.iter().cloned());
            }
        }
        Outcome::Now(Flow::Continue)
    }
}

#[cfg(test)]
mod tests;
