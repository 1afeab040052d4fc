//! mod_privacy (XEP-0016) and mod_blocking (XEP-0191): two faces of the same lists.

pub mod blocking;
mod check;
mod commands;
mod list;
mod lists;
mod presence;
mod query;
mod service;
mod storage;

use std::sync::Arc;

use nightjar_base::hooks::{AccountRemoved, BoxFuture, PacketCheck, Stage, UserReceive};
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Registration};
use nightjar_config::ModuleSpec;
use nightjar_xmpp::ns;

pub use service::Privacy;

use crate::cache_options::cache_options;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_privacy",
    doc: "Lets people decide who may reach them, by rules (XEP-0016).",
    options: &cache_options!("privacy lists"),
};

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let privacy = Arc::new(Privacy::new(&context));
        let mut registration = context.registration();
        registration.provide(Arc::clone(&privacy));
        registration.iq(IqTarget::Account, ns::PRIVACY, Arc::clone(&privacy));
        registration.disco(IqTarget::Host, ns::PRIVACY);
        registration.on::<PacketCheck>(Stage::Screen, Arc::clone(&privacy));
        registration.on::<UserReceive>(Stage::Screen, Arc::clone(&privacy));
        registration.on::<AccountRemoved>(Stage::Record, privacy);
        commands::register(&mut registration);
        Ok(registration)
    })
}
