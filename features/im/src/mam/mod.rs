//! mod_mam: the archive of an account's conversations (XEP-0313, XEP-0359, XEP-0431).

mod commands;
mod iq;
mod preferences;
mod query;
mod record;
mod storage;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use nightjar_base::hooks::{AccountReceive, AccountRemoved, BoxFuture, Flow, On, Outcome, Stage, UserSend};
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::{ModuleSpec, Options, option};
use nightjar_text::Text;
use nightjar_xmpp::ns;
use quick_cache::sync::Cache;

use crate::cache_options::cache_options;
use crate::support::cache_size;
use preferences::{Default as DefaultRule, Preferences};

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_mam",
    doc: "Archives conversations (XEP-0313).",
    options: &cache_options!(
        "archiving preferences",
        option(
            "assume_mam_usage",
            "bool",
            "false",
            "Accepted; a message that is archived is never bounced when a session isn't resumed."
        ),
        option(
            "default",
            "always|never|roster",
            "never",
            "What is archived for accounts without preferences."
        ),
        option(
            "request_activates_archiving",
            "bool",
            "false",
            "Whether an account's messages are archived only after its first request."
        ),
        option("compress_xml", "bool", "false", "Accepted; the archive is kept as it is."),
        option(
            "clear_archive_on_room_destroy",
            "bool",
            "true",
            "Whether a room's archive goes with the room."
        ),
        option("access_preferences", "access rule", "all", "Who may change their preferences."),
        option(
            "user_mucsub_from_muc_archive",
            "bool",
            "false",
            "Accepted; rooms keep no copies in users' archives."
        ),
        option(
            "archive_muc_as_mucsub",
            "bool",
            "false",
            "Accepted; rooms keep no copies in users' archives."
        ),
    ),
};

/// The archive of one host's accounts.
pub struct Archive {
    kernel: Weak<Kernel>,
    options: Options,
    default: DefaultRule,
    preferences: Cache<Text, Arc<Preferences>>,
    /// The newest identifier given: identifiers are microseconds and never repeat.
    last_id: AtomicI64,
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let archive = Arc::new(Archive::new(&context));
        let mut registration = context.registration();
        registration.iq(IqTarget::Account, ns::MAM, Arc::clone(&archive));
        for target in [IqTarget::Account, IqTarget::Host] {
            for namespace in [ns::MAM_EXTENDED, ns::STANZA_ID, ns::FULL_TEXT_SEARCH] {
                registration.disco(target, namespace);
            }
        }
        registration.disco(IqTarget::Host, ns::MAM);
        registration.on::<UserSend>(Stage::Record, Arc::clone(&archive));
        registration.on::<AccountReceive>(Stage::Record, Arc::clone(&archive));
        registration.on::<AccountRemoved>(Stage::Record, Arc::clone(&archive));
        registration.provide(archive);
        commands::register(&mut registration);
        Ok(registration)
    })
}

impl Archive {
    fn new(context: &FeatureContext) -> Self {
        Self {
            kernel: Arc::downgrade(&context.kernel),
            default: DefaultRule::parse(&context.options.text("default")),
            // Without a cache every message would cost a query; one entry is the least there is.
            preferences: Cache::new(cache_size(&context.options).max(1)),
            options: context.options.clone(),
            last_id: AtomicI64::new(0),
        }
    }

    /// The identifier of a message archived now: the time in microseconds, or the next number if that was given.
    fn next_id(&self, now_micros: i64) -> i64 {
        let mut last = self.last_id.load(Ordering::Relaxed);
        loop {
            let next = now_micros.max(last + 1);
            match self.last_id.compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return next,
                Err(found) => last = found,
            }
        }
    }
}

impl On<AccountRemoved> for Archive {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            let user = event.account.local().unwrap_or_default();
            self.preferences.remove(user);
            if let Err(error) = storage::remove_user(&event.host.store, user).await {
                tracing::warn!(account = %event.account, %error, "an archive could not be deleted");
            }
            Flow::Continue
        }))
    }
}
