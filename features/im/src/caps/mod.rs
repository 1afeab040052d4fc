//! mod_caps: what clients and the server can do, told by a short hash (XEP-0115).

mod hash;
mod learn;
mod own;
mod storage;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};
use std::time::Duration;

use nightjar_base::guard::Guard;
use nightjar_base::hooks::{BoxFuture, DiscoInfoQuery, Flow, On, Outcome, SelfPresence, Stage, UserReceive};
use nightjar_base::host::Host;
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::ModuleSpec;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{PresenceType, StanzaType, ns};
use quick_cache::sync::Cache;

use self::learn::{Advertised, Known};
use self::own::Own;
use crate::cache_options::cache_options;
use crate::support::cache_size;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_caps",
    doc: "Learns what clients can do, and tells what the server can (XEP-0115).",
    options: &cache_options!("capabilities"),
};

/// How many entities of other servers are remembered when the cache is off: what they can do is stored nowhere else.
const OTHERS_MIN: usize = 1_000;

/// What the clients of one host and their contacts elsewhere can do.
pub struct Caps {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
    /// What was proved, by node and verification string.
    verified: Option<Cache<(Text, Text), Known>>,
    cache_missed: bool,
    cache_life: Option<Duration>,
    /// What entities of other servers advertise, by full address.
    others: Cache<Text, Arc<Advertised>>,
    own: Own,
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let size = cache_size(&context.options);
        let caps = Arc::new(Caps {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            verified: (size > 0).then(|| Cache::new(size)),
            cache_missed: context.options.bool("cache_missed"),
            cache_life: context.options.duration("cache_life_time"),
            others: Cache::new(size.max(OTHERS_MIN)),
            own: Own::default(),
        });
        let mut registration = context.registration();
        registration.disco(IqTarget::Host, ns::CAPS);
        registration.on::<SelfPresence>(Stage::Observe, Arc::clone(&caps));
        registration.on::<UserReceive>(Stage::Observe, Arc::clone(&caps));
        registration.on::<DiscoInfoQuery>(Stage::Observe, Arc::clone(&caps));
        registration.provide(Arc::clone(&caps));
        let withdrawing = Arc::clone(&caps);
        registration.keep(Guard::new(move || withdrawing.own.withdraw()));
        let mut changes = context.host.disco_features.changes();
        registration.spawn(async move {
            // Features start one after the other; each changes what the server is.
            loop {
                let Some(host) = caps.host.upgrade() else { return };
                caps.own.refresh(&host).await;
                drop(host);
                if changes.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(registration)
    })
}

impl Caps {
    /// The features that the entity with this full address advertises; none if they are not known (yet).
    pub fn features_of(&self, jid: &Jid) -> Option<Arc<[Text]>> {
        let session = self.kernel.upgrade()?.sessions.find(jid);
        let advertised = match session {
            Some(session) => session.extension::<Advertised>(),
            None => self.others.get(jid.as_str()),
        };
        advertised.and_then(|advertised| advertised.features())
    }

    /// Whether the contact sees the account: to others the server doesn't speak in the account's name.
    fn is_seen_by(&self, account: &Jid, contact: &Jid) -> bool {
        let roster = self.host.upgrade().and_then(|host| host.contacts());
        let contacts = roster.and_then(|roster| roster.cached(account));
        contacts.is_some_and(|contacts| contacts.subscription(contact).is_from())
    }
}

impl On<SelfPresence> for Caps {
    fn on<'a>(&'a self, event: &'a mut SelfPresence) -> Outcome<'a> {
        let session = &event.session;
        if event.stanza.kind != StanzaType::Presence(PresenceType::Available) {
            session.remove_extension::<Advertised>();
            return Outcome::CONTINUE;
        }
        let before = session.extension::<Advertised>();
        if let Some(advertised) = Advertised::read(&event.stanza, before.as_deref()) {
            let advertised = Arc::new(advertised);
            session.set_extension(Arc::clone(&advertised));
            self.learn(advertised, &session.jid.bare(), &session.jid);
        }
        Outcome::CONTINUE
    }
}

/// Presence of entities elsewhere.
impl On<UserReceive> for Caps {
    fn on<'a>(&'a self, event: &'a mut UserReceive) -> Outcome<'a> {
        let StanzaType::Presence(kind) = event.stanza.kind else { return Outcome::CONTINUE };
        let Some(from) = event.stanza.from.as_ref().filter(|from| from.is_full()) else {
            return Outcome::CONTINUE;
        };
        if self.kernel.upgrade().is_none_or(|kernel| kernel.is_local(from)) {
            return Outcome::CONTINUE;
        }
        match kind {
            PresenceType::Available => {
                let before = self.others.get(from.as_str());
                let account = event.session.jid.bare();
                let advertised = Advertised::read(&event.stanza, before.as_deref());
                if let Some(advertised) = advertised.filter(|_| self.is_seen_by(&account, from)) {
                    let advertised = Arc::new(advertised);
                    self.others.insert(Text::new(from.as_str()), Arc::clone(&advertised));
                    self.learn(advertised, &account, from);
                }
            }
            PresenceType::Unavailable | PresenceType::Error => drop(self.others.remove(from.as_str())),
            _ => {}
        }
        Outcome::CONTINUE
    }
}

/// Answers for `node#ver` of the stream feature.
impl On<DiscoInfoQuery> for Caps {
    fn on<'a>(&'a self, event: &'a mut DiscoInfoQuery) -> Outcome<'a> {
        if event.to.local().is_some() || !own::is_own(&event.node) {
            return Outcome::CONTINUE;
        }
        Outcome::Later(Box::pin(async move {
            if let Some(info) = self.own.refresh(&event.host).await {
                event.info = info;
                event.known = true;
            }
            Flow::Continue
        }))
    }
}
