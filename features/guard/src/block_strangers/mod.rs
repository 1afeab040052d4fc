//! mod_block_strangers: accounts get no messages from those who are not their contacts.

mod judge;

use std::sync::{Arc, Weak};

use nightjar_base::hooks::{AccountReceive, BoxFuture, Flow, On, Outcome, Stage};
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::access::AccessRef;
use nightjar_config::{ModuleSpec, option};
use nightjar_xmpp::{MessageType, StanzaError, StanzaType};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

/// What disco#info announces.
const NAMESPACE: &str = "urn:ejabberd:block-strangers";

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_block_strangers",
    doc: "Keeps messages away from accounts whose contact the sender is not.",
    options: &[
        option("access", "access rule", "none", "Senders who are never strangers."),
        option("drop", "bool", "true", "Whether strangers' messages are refused."),
        option(
            "log",
            "bool",
            "false",
            "Whether strangers' messages are noted in the log, without their content.",
        ),
        option(
            "captcha",
            "bool",
            "false",
            "Accepted, and warned of: strangers who ask to become contacts solve no puzzle.",
        ),
        option("allow_local_users", "bool", "true", "Whether nobody of this server is a stranger."),
        option(
            "allow_transports",
            "bool",
            "true",
            "Whether nobody is a stranger whose server is a contact, as gateways to other networks are.",
        ),
    ],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut registration = context.registration();
        let options = &context.options;
        if options.bool("captcha") {
            let host = context.host.name.as_str();
            tracing::warn!(host, "mod_block_strangers: captcha is set, but nobody is asked to solve one");
        }
        let screen = Arc::new(Screen {
            kernel: Arc::downgrade(&context.kernel),
            access: options.access("access"),
            drop: options.bool("drop"),
            log: options.bool("log"),
            allow_local_users: options.bool("allow_local_users"),
            allow_transports: options.bool("allow_transports"),
        });
        registration.on::<AccountReceive>(Stage::Screen, screen);
        registration.disco(IqTarget::Host, NAMESPACE);
        registration.disco(IqTarget::Account, NAMESPACE);
        Ok(registration)
    })
}

struct Screen {
    kernel: Weak<Kernel>,
    access: AccessRef,
    drop: bool,
    log: bool,
    allow_local_users: bool,
    allow_transports: bool,
}

impl On<AccountReceive> for Screen {
    fn on<'a>(&'a self, event: &'a mut AccountReceive) -> Outcome<'a> {
        let Some(kernel) = self.kernel.upgrade() else { return Outcome::CONTINUE };
        match self.asks(&kernel, event) {
            None => Outcome::CONTINUE,
            Some(origin) => Outcome::Later(Box::pin(async move {
                if self.knows(&kernel, event, &origin).await {
                    Flow::Continue
                } else {
                    self.refuse(event, &origin)
                }
            })),
        }
    }
}

impl Screen {
    fn refuse(&self, event: &mut AccountReceive, origin: &nightjar_jid::Jid) -> Flow {
        if self.log {
            let (account, from) = (event.account.as_str(), event.stanza.from.as_ref());
            let via = from.filter(|from| *from != origin).map(tracing::field::display);
            let refused = self.drop;
            tracing::info!(%origin, account, via, refused, "a message from a stranger");
        }
        if !self.drop {
            return Flow::Continue;
        }
        if event.stanza.kind == StanzaType::Message(MessageType::Groupchat) {
            // A room must not take the refusal for its occupant's and throw that one out.
            event.stanza.from = event.stanza.from.take().map(|from| from.bare());
        }
        Flow::Refuse(StanzaError::policy_violation().with_text("Messages from strangers are rejected"))
    }
}

#[cfg(test)]
mod tests;
