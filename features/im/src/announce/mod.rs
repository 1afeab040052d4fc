//! mod_announce: messages from administrators to all accounts, and the message of the day.

mod action;
mod adhoc;
mod commands;
mod deliver;
mod motd;
mod storage;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};

use nightjar_base::disco::{DiscoItem, Identity};
use nightjar_base::hooks::{
    AccountReceive, AccountRemoved, BoxFuture, DiscoInfoQuery, DiscoItemsQuery, Flow, On, Outcome,
    SessionAvailable, Stage,
};
use nightjar_base::host::Host;
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::access::{AccessRef, Who};
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::StanzaError;

use self::action::Order;
use self::adhoc::Command;
use self::motd::Motd;
use crate::cache_options::cache_options;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_announce",
    doc: "Lets administrators send announcements and set a message of the day.",
    options: &cache_options!(
        "messages of the day",
        OptionSpec {
            name: "access",
            kind: "access rule",
            default: "none",
            doc: "Who may send announcements and set the message of the day.",
        }
    ),
};

/// The node under which the commands are listed.
const NODE: &str = "announce";

/// The announcements of one host.
pub struct Announce {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
    access: AccessRef,
    motd: Motd,
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let announce = Arc::new(Announce {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            access: context.options.access("access"),
            motd: Motd::new(&context.options),
        });
        let mut registration = context.registration();
        registration.on::<AccountReceive>(Stage::Copy, Arc::clone(&announce));
        registration.on::<SessionAvailable>(Stage::Observe, Arc::clone(&announce));
        registration.on::<AccountRemoved>(Stage::Record, Arc::clone(&announce));
        registration.on::<DiscoInfoQuery>(Stage::Observe, Arc::clone(&announce));
        registration.on::<DiscoItemsQuery>(Stage::Observe, Arc::clone(&announce));
        for order in Order::all() {
            registration.adhoc(Box::new(Command::new(Arc::clone(&announce), order)));
        }
        registration.provide(announce);
        commands::register(&mut registration);
        Ok(registration)
    })
}

impl Announce {
    /// Whether `who` may give this order. The rules for all hosts are the global ones.
    fn allows(&self, order: Order, host: &Host, who: &Jid) -> bool {
        let who = Who::jid(who);
        if !order.all_hosts {
            return host.config().access.allows(&self.access, &who);
        }
        let kernel = self.kernel.upgrade();
        kernel.is_some_and(|kernel| kernel.config().access_of(None).allows(&self.access, &who))
    }

    fn allowed_orders(&self, host: &Host, who: &Jid) -> Vec<Order> {
        Order::all().filter(|order| self.allows(*order, host, who)).collect()
    }
}

/// Messages to `host/announce/…`.
impl On<AccountReceive> for Announce {
    fn on<'a>(&'a self, event: &'a mut AccountReceive) -> Outcome<'a> {
        if event.account.local().is_some() {
            return Outcome::CONTINUE;
        }
        let resource = event.stanza.to.as_ref().and_then(|to| to.resource());
        let Some(order) = resource.and_then(Order::of_resource) else { return Outcome::CONTINUE };
        let is_allowed = event.stanza.from.as_ref().is_some_and(|from| self.allows(order, &event.host, from));
        if !is_allowed {
            let error = StanzaError::forbidden().with_text("Access denied by service policy");
            return Outcome::Now(Flow::Refuse(error));
        }
        let Some(announce) = event.host.get::<Announce>() else { return Outcome::CONTINUE };
        let stanza = event.stanza.clone();
        // The sender's own stream must not wait until all others have got it.
        tokio::spawn(async move {
            if let Err(error) = announce.perform(order, &stanza).await {
                tracing::warn!(%error, "an announcement failed");
            }
        });
        Outcome::Now(Flow::Stop)
    }
}

/// Each account gets the message of the day once.
impl On<SessionAvailable> for Announce {
    fn on<'a>(&'a self, event: &'a mut SessionAvailable) -> Outcome<'a> {
        let user = event.session.jid.local().unwrap_or_default();
        if !self.motd.may_be_due(user) {
            return Outcome::CONTINUE;
        }
        Outcome::Later(Box::pin(async move {
            if let Err(error) = self.greet(&event.session).await {
                tracing::warn!(session = %event.session.jid, %error, "the message of the day wasn't delivered");
            }
            Flow::Continue
        }))
    }
}

/// Whoever gets the name anew shall see the message.
impl On<AccountRemoved> for Announce {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            let user = event.account.local().unwrap_or_default();
            if let Err(error) = self.motd.forget(&event.host.store, user).await {
                tracing::warn!(account = %event.account, %error, "a row of the message of the day could not be deleted");
            }
            Flow::Continue
        }))
    }
}

impl On<DiscoInfoQuery> for Announce {
    fn on<'a>(&'a self, event: &'a mut DiscoInfoQuery) -> Outcome<'a> {
        if event.to.local().is_some() || event.node != NODE {
            return Outcome::CONTINUE;
        }
        if self.allowed_orders(&event.host, &event.from).is_empty() {
            let error = StanzaError::forbidden().with_text("Access denied by service policy");
            return Outcome::Now(Flow::Refuse(error));
        }
        event.known = true;
        event.info.identities.push(Identity {
            category: Text::new("automation"),
            kind: Text::new("command-list"),
            name: Text::new("Announcements"),
        });
        Outcome::CONTINUE
    }
}

impl On<DiscoItemsQuery> for Announce {
    fn on<'a>(&'a self, event: &'a mut DiscoItemsQuery) -> Outcome<'a> {
        if event.to.local().is_some() || !(event.node.is_empty() || event.node == NODE) {
            return Outcome::CONTINUE;
        }
        let orders = self.allowed_orders(&event.host, &event.from);
        let item = |node: &str, name: &str| DiscoItem {
            jid: event.host.jid.clone(),
            node: Text::new(node),
            name: Text::new(name),
        };
        if orders.is_empty() {
            return Outcome::CONTINUE;
        }
        if event.node.is_empty() {
            event.items.push(item(NODE, "Announcements"));
        } else {
            event.known = true;
            event.items.extend(orders.into_iter().map(|order| item(&order.node(), order.title())));
        }
        Outcome::CONTINUE
    }
}
