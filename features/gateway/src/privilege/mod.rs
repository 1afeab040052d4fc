//! mod_privilege: components that may act for accounts (XEP-0356).

mod grants;
mod presence;
mod requests;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use nightjar_base::delivery;
use nightjar_base::hooks::{
    BoxFuture, ComponentConnected, ComponentDisconnected, ComponentSend, Direction, Flow, On, Outcome,
    SelfPresence, SessionUnavailable, Stage, UserReceive,
};
use nightjar_base::{Feature, FeatureContext, FeatureError, Host, Kernel, Registration};
use nightjar_config::{ModuleSpec, Options, option};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::{MessageType, Stanza, StanzaError, StanzaType, ns};
use parking_lot::Mutex;

use crate::support::forwarded_in;
use grants::{Grant, PRIVILEGE_1};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_privilege",
    doc: "Lets components act for the host's accounts (XEP-0356); nothing is allowed unless an option says so.",
    options: &[
        option(
            "roster",
            "map",
            "{both: none, get: none, set: none}",
            "The components that may read or change rosters.",
        ),
        option("roster.both", "access rule", "none", "Those that may read and change them."),
        option("roster.get", "access rule", "none", "Those that may read them."),
        option("roster.set", "access rule", "none", "Those that may change them."),
        option("iq", "map", "{}", "The components that may make requests in accounts' names, by namespace."),
        option("iq.*.both", "access rule", "none", "Those that may send both types of request."),
        option("iq.*.get", "access rule", "none", "Those that may send requests of type get."),
        option("iq.*.set", "access rule", "none", "Those that may send requests of type set."),
        option(
            "presence",
            "map",
            "{managed_entity: none, roster: none}",
            "The components that get presence that isn't theirs.",
        ),
        option("presence.managed_entity", "access rule", "none", "Those that get the presence of accounts."),
        option(
            "presence.roster",
            "access rule",
            "none",
            "Those that get it and, if they may read rosters, that of accounts' contacts.",
        ),
        option("message", "map", "{outgoing: none}", "The components that may send messages for others."),
        option(
            "message.outgoing",
            "access rule",
            "none",
            "Those that may send messages in the name of the host and its accounts.",
        ),
    ],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let privileges = Arc::new(Privileges {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            options: context.options.clone(),
            grants: Mutex::default(),
        });
        let mut registration = context.registration();
        registration.on::<ComponentConnected>(Stage::Record, Arc::clone(&privileges));
        registration.on::<ComponentDisconnected>(Stage::Record, Arc::clone(&privileges));
        registration.on::<ComponentSend>(Stage::Screen, Arc::clone(&privileges));
        registration.on::<SelfPresence>(Stage::Copy, Arc::clone(&privileges));
        registration.on::<SessionUnavailable>(Stage::Copy, Arc::clone(&privileges));
        registration.on::<UserReceive>(Stage::Copy, Arc::clone(&privileges));
        for component in context.kernel.components() {
            privileges.grant(&component).await;
        }
        Ok(registration)
    })
}

struct Privileges {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
    options: Options,
    /// Of connected components, by domain.
    grants: Mutex<HashMap<Text, Arc<Grant>>>,
}

impl Privileges {
    /// Notes what a component may do and tells it (§4.2).
    async fn grant(&self, component: &Jid) {
        let (Some(kernel), Some(host)) = (self.kernel.upgrade(), self.host.upgrade()) else { return };
        let Some(grant) = Grant::of(&host, &self.options, component) else { return };
        tracing::info!(host = %host.name, %component, ?grant, "a component is given privileges");
        let mut message = Stanza::message(MessageType::Normal)
            .with_id(kernel.random.identifier())
            .with_from(&host.jid)
            .with_to(component);
        grant.to_xml().into_iter().for_each(|xml| message.append(xml));
        self.grants.lock().insert(Text::new(component.domain()), Arc::new(grant));
        kernel.route_boxed(message).await;
    }

    /// What the component that sent this stanza may do; none if the stanza isn't in its own name.
    fn grant_for(&self, event: &ComponentSend) -> Option<Arc<Grant>> {
        let from = event.stanza.from.as_ref()?;
        if from.domain() != event.component.domain() {
            return None;
        }
        self.grants.lock().get(event.component.domain()).cloned()
    }

    /// Components whose grant satisfies a condition.
    fn components(&self, is_wanted: impl Fn(&Grant) -> bool) -> Vec<Jid> {
        let grants = self.grants.lock();
        let wanted = grants.iter().filter(|(_, grant)| is_wanted(grant));
        wanted.filter_map(|(domain, _)| Jid::from_text(domain).ok()).collect()
    }
}

impl On<ComponentConnected> for Privileges {
    fn on<'a>(&'a self, event: &'a mut ComponentConnected) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            self.grant(&event.component).await;
            Flow::Continue
        }))
    }
}

impl On<ComponentDisconnected> for Privileges {
    fn on<'a>(&'a self, event: &'a mut ComponentDisconnected) -> Outcome<'a> {
        self.grants.lock().remove(event.component.domain());
        Outcome::CONTINUE
    }
}

impl On<ComponentSend> for Privileges {
    fn on<'a>(&'a self, event: &'a mut ComponentSend) -> Outcome<'a> {
        let Some(to) = event.stanza.to.as_ref().filter(|to| to.resource().is_none()) else {
            return Outcome::CONTINUE;
        };
        match event.stanza.kind {
            StanzaType::Message(kind) if kind != MessageType::Error && to.is_domain() => {
                let privilege = event
                    .stanza
                    .children()
                    .find(|piece| piece.is("privilege", ns::PRIVILEGE) || piece.is("privilege", PRIVILEGE_1));
                match privilege.map(|piece| piece.parse()) {
                    Some(privilege) => Outcome::Later(Box::pin(self.message(event, privilege))),
                    None => Outcome::CONTINUE,
                }
            }
            StanzaType::Iq(kind) => self.request(event, kind),
            _ => Outcome::CONTINUE,
        }
    }
}

impl Privileges {
    /// A message that the component sends in the name of the host or of one of its accounts (§6).
    async fn message(&self, event: &ComponentSend, privilege: Element) -> Flow {
        let Some(grant) = self.grant_for(event) else {
            return Flow::Refuse(StanzaError::forbidden().with_text("Insufficient privilege"));
        };
        let Some(kernel) = self.kernel.upgrade() else { return Flow::Stop };
        match allowed_message(&grant, &event.host, &privilege) {
            Ok((account, message)) => {
                match delivery::check(&event.host, &account, None, Direction::Out, message).await {
                    Ok(message) => kernel.route_boxed(message).await,
                    Err((flow, _)) => return flow,
                }
                Flow::Stop
            }
            Err(error) => {
                tracing::info!(component = %event.component, ?error, "a privileged message was refused");
                Flow::Refuse(error)
            }
        }
    }
}

/// The message that goes out, with its sender, if the grant covers it.
fn allowed_message(grant: &Grant, host: &Host, privilege: &Element) -> Result<(Jid, Stanza), StanzaError> {
    if !grant.message {
        return Err(StanzaError::forbidden().with_text("Insufficient privilege"));
    }
    let message = forwarded_in(privilege.root())?;
    if !matches!(message.kind, StanzaType::Message(_)) {
        return Err(StanzaError::bad_request().with_text("Message not found in forwarded payload"));
    }
    let from = message.from.clone().filter(|from| from.domain() == host.name.as_str());
    match from.filter(|from| from.resource().is_none()) {
        Some(from) if message.to.is_some() => Ok((from, message)),
        Some(_) => Err(StanzaError::bad_request().with_text("The forwarded message has no addressee")),
        None => Err(StanzaError::forbidden().with_text("Invalid 'from' attribute in forwarded message")),
    }
}

#[cfg(test)]
mod tests;
