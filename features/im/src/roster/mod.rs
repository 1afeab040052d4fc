//! mod_roster: contacts and subscriptions (RFC 6121 §2, §3).

mod commands;
mod iq;
mod item;
mod manager;
mod state;
mod storage;

use std::sync::Arc;

use nightjar_base::hooks::{AccountRemoved, BoxFuture, Flow, On, Outcome, Stage};
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::{ModuleSpec, OptionSpec};
use nightjar_xmpp::ns;

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
        registration.stream_feature("<sub xmlns='urn:xmpp:features:pre-approval'/>", true);
        if context.options.bool("versioning") {
            registration.stream_feature("<ver xmlns='urn:xmpp:features:rosterver'/>", true);
        }
        commands::register(&mut registration);
        Ok(registration)
    })
}

impl On<AccountRemoved> for RosterManager {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            self.forget(&event.account).await;
            Flow::Continue
        }))
    }
}
