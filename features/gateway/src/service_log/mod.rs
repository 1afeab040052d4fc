//! mod_service_log: copies of what users send and get, for services that keep logs (XEP-0297).

use std::sync::{Arc, Weak};

use nightjar_base::hooks::{BoxFuture, Flow, On, Outcome, Stage, UserReceive, UserSend};
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::{ModuleSpec, option};
use nightjar_jid::Jid;
use nightjar_xmpp::{MessageType, Stanza, forwarded};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_service_log",
    doc: "Sends copies of all that users send and get to services that log it.",
    options: &[option("loggers", "[domain]", "[]", "The services that get the copies.")],
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let mut loggers = Vec::new();
        for domain in context.options.texts("loggers") {
            let error = |_| FeatureError::Other(format!("{domain} is no domain"));
            loggers.push(Jid::parse(&domain).map_err(error)?);
        }
        let log = Arc::new(Log {
            kernel: Arc::downgrade(&context.kernel),
            host: context.host.jid.clone(),
            loggers,
        });
        let mut registration = context.registration();
        registration.on::<UserSend>(Stage::Observe, Arc::clone(&log));
        registration.on::<UserReceive>(Stage::Observe, log);
        Ok(registration)
    })
}

struct Log {
    kernel: Weak<Kernel>,
    host: Jid,
    loggers: Vec<Jid>,
}

impl Log {
    fn copy<'a>(&'a self, stanza: &Stanza) -> Outcome<'a> {
        let Some(kernel) = self.kernel.upgrade() else { return Outcome::CONTINUE };
        // A copy that comes back from a logger isn't copied again: there would be no end of it.
        let is_own = |jid: &Option<Jid>| {
            jid.as_ref().is_some_and(|jid| self.loggers.iter().any(|logger| logger.domain() == jid.domain()))
        };
        if self.loggers.is_empty() || is_own(&stanza.from) || is_own(&stanza.to) {
            return Outcome::CONTINUE;
        }
        let forwarded = forwarded::to_xml(stanza, None);
        Outcome::Later(Box::pin(async move {
            for logger in &self.loggers {
                let copy = Stanza::message(MessageType::Normal)
                    .with_id(kernel.random.identifier())
                    .with_from(&self.host)
                    .with_to(logger)
                    .with_child(forwarded.clone());
                kernel.route_boxed(copy).await;
            }
            Flow::Continue
        }))
    }
}

impl On<UserSend> for Log {
    fn on<'a>(&'a self, event: &'a mut UserSend) -> Outcome<'a> {
        self.copy(&event.stanza)
    }
}

impl On<UserReceive> for Log {
    fn on<'a>(&'a self, event: &'a mut UserReceive) -> Outcome<'a> {
        self.copy(&event.stanza)
    }
}

#[cfg(test)]
mod tests;
