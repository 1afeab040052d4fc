//! mod_roster: contacts and subscriptions (RFC 6121 §2, §3).

mod commands;
mod contacts_file;
mod iq;
mod item;
mod manager;
mod process;
mod state;
mod storage;

use std::sync::Arc;

use nightjar_base::hooks::{AccountRemoved, BoxFuture, Direction, Flow, On, Outcome, PacketCheck, Stage};
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_xmpp::{IqType, StanzaError, StanzaType, ns};

pub use manager::RosterManager;

use crate::cache_options::cache_options;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_roster",
    doc: "Contacts and who may see whose presence (RFC 6121).",
    options: &cache_options!(
        "rosters",
        OptionSpec {
            name: "access",
            kind: "access rule",
            default: "all",
            doc: "Who may change their roster."
        },
        OptionSpec {
            name: "store_current_id",
            kind: "bool",
            default: "false",
            doc: "Whether the roster's version is kept in the database instead of being computed.",
        },
        OptionSpec {
            name: "versioning",
            kind: "bool",
            default: "false",
            doc: "Whether an unchanged roster isn't sent again (RFC 6121 §2.6).",
        },
    ),
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let manager = Arc::new(RosterManager::new(&context));
        let mut registration = context.registration();
        registration.contacts(Arc::clone(&manager) as Arc<_>);
        registration.provide(Arc::clone(&manager));
        registration.iq(IqTarget::Account, ns::ROSTER, Arc::clone(&manager));
        registration.on::<AccountRemoved>(Stage::Record, Arc::clone(&manager));
        registration.on::<PacketCheck>(Stage::Screen, Arc::new(ForgedPushes));
        registration.stream_feature("<sub xmlns='urn:xmpp:features:pre-approval'/>", true);
        if context.options.bool("versioning") {
            registration.stream_feature("<ver xmlns='urn:xmpp:features:rosterver'/>", true);
        }
        commands::register(&mut registration);
        Ok(registration)
    })
}

/// Roster pushes come from the account's own server; those of anybody else never reach a client (RFC 6121 §2.1.6).
struct ForgedPushes;

impl On<PacketCheck> for ForgedPushes {
    fn on<'a>(&'a self, event: &'a mut PacketCheck) -> Outcome<'a> {
        let is_push = event.direction == Direction::In
            && event.stanza.kind == StanzaType::Iq(IqType::Set)
            && event.stanza.has_child("query", ns::ROSTER);
        let from_itself =
            || event.stanza.from.as_ref().is_none_or(|from| from.bare_str() == event.account.bare_str());
        if is_push && !from_itself() {
            return Outcome::Now(Flow::Refuse(StanzaError::service_unavailable()));
        }
        Outcome::CONTINUE
    }
}

impl On<AccountRemoved> for RosterManager {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            self.forget(&event.account).await;
            Flow::Continue
        }))
    }
}
