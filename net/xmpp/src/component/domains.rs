//! Which connections serve a domain, and which of them gets a stanza.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::mailbox::{Mailbox, Refused};
use nightjar_base::router::Service;
use nightjar_config::access::{AccessRef, Who};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{Stanza, StanzaError};
use parking_lot::Mutex;

use super::options::field;

/// What a component's mailbox takes.
pub(super) enum Delivery {
    /// A stanza for it.
    Stanza(Box<Stanza>),
    /// End its stream: the server stops.
    Stop,
}

/// One component's connection.
pub(super) struct Instance {
    pub mailbox: Mailbox<Delivery>,
    /// Whose stanzas get to it.
    pub access: AccessRef,
}

/// By what a component is chosen (`domain_balancing`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Balancing {
    Random,
    Source,
    Destination,
    BareSource,
    BareDestination,
}

impl Balancing {
    /// How a domain's components share it, and how many there may be.
    fn of(kernel: &Kernel, domain: &str) -> (Self, Option<usize>) {
        let config = kernel.config();
        let entry = config.global.map("domain_balancing").iter().find(|(name, _)| **name == *domain);
        let Some((_, value)) = entry else { return (Balancing::Random, None) };
        let kind = match field(value, "type").as_deref() {
            Some("source") => Balancing::Source,
            Some("destination") => Balancing::Destination,
            Some("bare_source") => Balancing::BareSource,
            Some("bare_destination") => Balancing::BareDestination,
            _ => Balancing::Random,
        };
        (kind, field(value, "component_number").and_then(|number| number.parse().ok()))
    }

    /// The place of one of `count` components.
    fn choose(self, stanza: &Stanza, count: usize, chance: impl FnOnce() -> u64) -> usize {
        let full = |jid: &Option<Jid>| jid.as_ref().map_or(0, |jid| hash(jid.as_str()));
        let bare = |jid: &Option<Jid>| jid.as_ref().map_or(0, |jid| hash(jid.bare_str()));
        let number = match self {
            Balancing::Random => chance(),
            Balancing::Source => full(&stanza.from),
            Balancing::Destination => full(&stanza.to),
            Balancing::BareSource => bare(&stanza.from),
            Balancing::BareDestination => bare(&stanza.to),
        };
        usize::try_from(number % u64::try_from(count.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// A domain that components serve.
struct Domain {
    balancing: Balancing,
    instances: Mutex<Vec<Arc<Instance>>>,
}

impl Service for Domain {
    fn route<'a>(&'a self, kernel: &'a Arc<Kernel>, stanza: Stanza) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let chosen = {
                let instances = self.instances.lock();
                let at = self.balancing.choose(&stanza, instances.len(), || kernel.random.number());
                instances.get(at).cloned()
            };
            let Some(instance) = chosen else {
                return kernel.bounce(&stanza, &StanzaError::remote_server_not_found()).await;
            };
            if !may_reach(kernel, &instance.access, &stanza) {
                let denied = StanzaError::not_allowed().with_text("Access denied by service policy");
                return kernel.bounce(&stanza, &denied).await;
            }
            if let Err(refused) = instance.mailbox.push(Delivery::Stanza(Box::new(stanza))) {
                let (error, delivery) = match refused {
                    Refused::Full(delivery) => (StanzaError::resource_constraint(), delivery),
                    Refused::Closed(delivery) => (StanzaError::remote_server_not_found(), delivery),
                };
                if let Delivery::Stanza(stanza) = delivery {
                    kernel.bounce(&stanza, &error).await;
                }
            }
        })
    }
}

fn may_reach(kernel: &Kernel, access: &AccessRef, stanza: &Stanza) -> bool {
    match (access, &stanza.from) {
        (AccessRef::All, _) => true,
        (_, Some(from)) => kernel.config().access.allows(access, &Who::jid(from)),
        (_, None) => false,
    }
}

struct Entry {
    domain: Arc<Domain>,
    /// Ends the route.
    _route: Guard,
}

/// All domains that components serve.
#[derive(Default)]
pub(super) struct Domains(Mutex<HashMap<Text, Entry>>);

impl Domains {
    /// Leads a domain to a component as well.
    ///
    /// # Errors
    /// A sentence, if the domain is something else's, or has as many components as it may.
    pub fn join(&self, kernel: &Arc<Kernel>, name: &Jid, instance: &Arc<Instance>) -> Result<(), String> {
        let key = Text::new(name.domain());
        let (balancing, most) = Balancing::of(kernel, &key);
        let mut domains = self.0.lock();
        if let Some(entry) = domains.get(&key) {
            let mut instances = entry.domain.instances.lock();
            if most.is_some_and(|most| instances.len() >= most) {
                return Err(format!("{key} has {} components already", instances.len()));
            }
            instances.push(Arc::clone(instance));
            return Ok(());
        }
        let domain = Arc::new(Domain { balancing, instances: Mutex::new(vec![Arc::clone(instance)]) });
        let route = kernel.add_service(name.clone(), Arc::clone(&domain) as Arc<dyn Service>)?;
        domains.insert(key, Entry { domain, _route: route });
        Ok(())
    }

    /// Tells all components that the server stops; one whose mailbox is full is cut for that.
    pub fn stop(&self) {
        for entry in self.0.lock().values() {
            for instance in entry.domain.instances.lock().iter() {
                let _ = instance.mailbox.push(Delivery::Stop);
            }
        }
    }

    /// Domains that components serve.
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Ends what [`Domains::join`] began.
    pub fn leave(&self, name: &Jid, instance: &Arc<Instance>) {
        let mut domains = self.0.lock();
        let Some(entry) = domains.get(name.domain()) else { return };
        let is_empty = {
            let mut instances = entry.domain.instances.lock();
            instances.retain(|other| !Arc::ptr_eq(other, instance));
            instances.is_empty()
        };
        if is_empty {
            domains.remove(name.domain());
        }
    }
}

#[cfg(test)]
mod tests;
