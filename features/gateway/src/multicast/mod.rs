//! mod_multicast: one stanza for many addresses (XEP-0033).

mod addresses;
mod remote;
mod service;

use std::sync::Arc;

use nightjar_base::hooks::{BoxFuture, On, Outcome, Stage, UserSend};
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration, card};
use nightjar_config::{ModuleSpec, Options, Value, option};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{PresenceType, StanzaType, ns};

use addresses::Addresses;
use service::Multicast;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_multicast",
    doc: "Sends one stanza to many addresses (XEP-0033).",
    options: &[
        option("access", "access rule", "all", "Who may use the service."),
        option("host", "service domain", "multicast.@HOST@", "Where the service is."),
        option("hosts", "[vhost-like domain]", "[]", "Where the service is, in place of host."),
        option("limits", "map", "{local: {}, remote: {}}", "How many addresses one stanza may have."),
        option(
            "limits.local",
            "{message: int>=0|infinite, presence: int>=0|infinite}",
            "{}",
            "For users of this server.",
        ),
        option("limits.local.message", "int>=0|infinite", "100", "In a message."),
        option("limits.local.presence", "int>=0|infinite", "100", "In a presence."),
        option("limits.remote", "{message: int>=0|infinite, presence: int>=0|infinite}", "{}", "For others."),
        option("limits.remote.message", "int>=0|infinite", "20", "In a message."),
        option("limits.remote.presence", "int>=0|infinite", "20", "In a presence."),
        option("vcard", "vCard map", "unset", "The service's vCard."),
        option("name", "string", "Multicast", "The service's name for people."),
    ],
};

/// How many addresses a stanza may have; none: any number.
#[derive(Clone, Copy, Debug)]
struct Limits {
    message: Option<usize>,
    presence: Option<usize>,
}

impl Limits {
    fn new(options: &Options, sender: &str, default: usize) -> Limits {
        let limit = |kind: &str| match options.typed("limits").get(sender).and_then(|limits| limits.get(kind))
        {
            Some(Value::Int(limit)) => Some(usize::try_from(*limit).unwrap_or(default)),
            Some(Value::Infinity) => None,
            _ => Some(default),
        };
        Limits { message: limit("message"), presence: limit("presence") }
    }
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let options = &context.options;
        let mut domains = options.texts("hosts");
        if domains.is_empty() {
            domains.push(options.text("host"));
        }
        let vcard = match options.typed("vcard") {
            Value::Unset => card::simple("Nightjar", "Nightjar multicast service"),
            value => card::of_option(value),
        };
        let mut registration = context.registration();
        let mut services = Vec::new();
        for domain in domains {
            let jid =
                Jid::parse(&domain).map_err(|_| FeatureError::Other(format!("{domain} is no domain")))?;
            let service = Multicast {
                host: Arc::downgrade(&context.host),
                jid: jid.clone(),
                name: options.text("name"),
                vcard: vcard.clone(),
                access: options.access("access"),
                local: Limits::new(options, "local", 100),
                remote: Limits::new(options, "remote", 20),
                servers: Arc::default(),
            };
            services.push(Text::new(jid.domain()));
            registration.service(jid, Arc::new(service))?;
        }
        registration.on::<UserSend>(Stage::Observe, Arc::new(Directed(services)));
        Ok(registration)
    })
}

/// Remembers to whom presence was sent through the services: they too must learn when the client goes (§7).
struct Directed(Vec<Text>);

impl On<UserSend> for Directed {
    fn on<'a>(&'a self, event: &'a mut UserSend) -> Outcome<'a> {
        let StanzaType::Presence(kind) = event.stanza.kind else { return Outcome::CONTINUE };
        let Some(to) = &event.stanza.to else { return Outcome::CONTINUE };
        if !self.0.iter().any(|service| service.as_str() == to.domain()) {
            return Outcome::CONTINUE;
        }
        let Some(element) = event.stanza.child("addresses", ns::ADDRESS) else { return Outcome::CONTINUE };
        let all = Addresses::read(&element.parse());
        for jid in all.open.iter().chain(&all.blind).filter_map(|address| address.jid.as_ref()) {
            match kind {
                PresenceType::Available => event.session.remember_directed(jid),
                PresenceType::Unavailable => event.session.forget_directed(jid),
                _ => {}
            }
        }
        Outcome::CONTINUE
    }
}

#[cfg(test)]
mod tests;
