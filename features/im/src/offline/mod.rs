//! mod_offline: messages for accounts that are away (XEP-0160, XEP-0013).

mod commands;
mod deliver;
mod retrieve;
mod rules;
mod storage;

use std::sync::{Arc, Weak};

use nightjar_base::hooks::{
    AccountRemoved, BoxFuture, DiscoInfoQuery, DiscoItemsQuery, Flow, OfflineMessage, On, Outcome,
    SessionAvailable, Stage,
};
use nightjar_base::host::Host;
use nightjar_base::iq::IqTarget;
use nightjar_base::{Feature, FeatureContext, FeatureError, Kernel, Registration};
use nightjar_config::access::Who;
use nightjar_config::{ModuleSpec, Options, option};
use nightjar_xmpp::delay::Delay;
use nightjar_xmpp::{StanzaError, ns};

use crate::support::{AccountLocks, storage_error};
use rules::Fate;

/// The feature.
pub static FEATURE: Feature = Feature { spec: &SPEC, start };

static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_offline",
    doc: "Keeps messages for accounts that are away (XEP-0160).",
    options: &[
        option(
            "db_type",
            "mnesia|sql",
            "= toplevel default_db",
            "Where they are kept; both words mean the SQL database.",
        ),
        option(
            "access_max_user_messages",
            "shaper rule",
            "max_user_offline_messages",
            "How many messages are kept for one account.",
        ),
        option(
            "store_empty_body",
            "unless_chat_state|bool",
            "unless_chat_state",
            "Whether messages without body are kept.",
        ),
        option(
            "use_mam_for_storage",
            "bool",
            "false",
            "Accepted; messages are kept beside the archive all the same, which clients can't tell.",
        ),
        option(
            "bounce_groupchat",
            "bool",
            "false",
            "Accepted; messages of rooms that aren't kept are returned always, as RFC 6121 asks.",
        ),
        option("store_groupchat", "bool", "false", "Whether messages of rooms are kept."),
        option("use_cache", "bool", "= toplevel use_cache", "Whether counts of messages are cached."),
        option("cache_size", "int>0|infinity", "= toplevel cache_size", "How many counts are cached."),
        option(
            "cache_life_time",
            "duration(s)|infinity",
            "= toplevel cache_life_time",
            "How long a count stays cached.",
        ),
    ],
};

/// The offline messages of one host's accounts.
pub struct Offline {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
    options: Options,
    locks: AccountLocks,
}

fn start(context: FeatureContext) -> BoxFuture<'static, Result<Registration, FeatureError>> {
    Box::pin(async move {
        let offline = Arc::new(Offline {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            options: context.options.clone(),
            locks: AccountLocks::default(),
        });
        let mut registration = context.registration();
        registration.disco(IqTarget::Host, ns::OFFLINE_FEATURE);
        registration.iq(IqTarget::Account, ns::OFFLINE, Arc::clone(&offline));
        registration.on::<OfflineMessage>(Stage::Record, Arc::clone(&offline));
        registration.on::<SessionAvailable>(Stage::Copy, Arc::new(deliver::Deliver(Arc::clone(&offline))));
        registration.on::<DiscoInfoQuery>(Stage::Rewrite, Arc::clone(&offline));
        registration.on::<DiscoItemsQuery>(Stage::Rewrite, Arc::clone(&offline));
        registration.on::<AccountRemoved>(Stage::Record, Arc::clone(&offline));
        registration.provide(offline);
        commands::register(&mut registration);
        Ok(registration)
    })
}

impl Offline {
    async fn keep(&self, event: &OfflineMessage) -> Flow {
        let Some(kernel) = self.kernel.upgrade() else { return Flow::Continue };
        match rules::fate(&event.stanza, &self.options) {
            Fate::Drop => return Flow::Stop,
            Fate::Bounce => return Flow::Continue,
            Fate::Keep => {}
        }
        let user = event.account.local().unwrap_or_default();
        match self.is_full(event, user).await {
            Ok(false) => {}
            Ok(true) => {
                let text = "Your contact offline message queue is full. The message has been discarded.";
                return Flow::Refuse(StanzaError::resource_constraint().with_text(text));
            }
            Err(error) => return Flow::Refuse(error),
        }
        let mut stanza = event.stanza.clone();
        // XEP-0203 §4: what claims to be this server's word isn't.
        let own = event.host.name.as_str();
        stanza.remove(|piece| {
            piece.is("delay", ns::DELAY) && piece.attr("from").is_none_or(|from| *from == *own)
        });
        stanza.append(Delay::new(&event.host.jid, kernel.clock.unix_micros()).to_xml());
        match storage::put(&event.host.store, user, &stanza).await {
            Ok(()) => Flow::Stop,
            Err(error) => Flow::Refuse(storage_error(&error)),
        }
    }

    async fn is_full(&self, event: &OfflineMessage, user: &str) -> Result<bool, StanzaError> {
        let rule = self.options.shaper("access_max_user_messages");
        let config = event.host.config();
        let Some(max) = config.access.shaper_value(&rule, &Who::jid(&event.account)).number() else {
            return Ok(false);
        };
        let count = storage::count(&event.host.store, user).await.map_err(|error| storage_error(&error))?;
        Ok(count >= max)
    }
}

impl On<OfflineMessage> for Offline {
    fn on<'a>(&'a self, event: &'a mut OfflineMessage) -> Outcome<'a> {
        Outcome::Later(Box::pin(self.keep(event)))
    }
}

impl On<AccountRemoved> for Offline {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        Outcome::Later(Box::pin(async move {
            let user = event.account.local().unwrap_or_default();
            if let Err(error) = storage::delete_all(&event.host.store, user).await {
                tracing::warn!(account = %event.account, %error, "offline messages could not be deleted");
            }
            Flow::Continue
        }))
    }
}
