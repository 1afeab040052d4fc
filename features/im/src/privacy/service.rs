//! The lists of a host's accounts: kept, cached, changed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use nightjar_base::contacts::ContactList;
use nightjar_base::host::Host;
use nightjar_base::{FeatureContext, Kernel, Session};
use nightjar_jid::Jid;
use nightjar_store::Call;
use nightjar_text::Text;
use nightjar_xml::Writer;
use nightjar_xmpp::{IqType, Stanza, StanzaError};
use quick_cache::sync::Cache;

use super::list::Lists;
use super::storage;
use crate::support::{AccountLocks, cache_size, storage_error};

/// The privacy lists of one host.
pub struct Privacy {
    kernel: Weak<Kernel>,
    host: Weak<Host>,
    cache: Option<Cache<Text, Cached>>,
    cache_life: Option<Duration>,
    cache_missed: bool,
    locks: AccountLocks,
    /// Sessions with an active list; usually there are none and nobody need be asked.
    actives: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Cached {
    lists: Arc<Lists>,
    loaded: Duration,
}

/// In a session's extensions: the list it chose.
struct Active {
    name: Text,
    count: Arc<AtomicUsize>,
}

impl Drop for Active {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The lists before and after a change.
pub(super) struct Changed {
    pub before: Arc<Lists>,
    pub after: Arc<Lists>,
}

impl Privacy {
    pub(super) fn new(context: &FeatureContext) -> Privacy {
        let size = cache_size(&context.options);
        Privacy {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            cache: (size > 0).then(|| Cache::new(size)),
            cache_life: context.options.duration("cache_life_time"),
            cache_missed: context.options.bool("cache_missed"),
            locks: AccountLocks::default(),
            actives: Arc::default(),
        }
    }

    pub(super) fn server(&self) -> Result<(Arc<Kernel>, Arc<Host>), StanzaError> {
        self.kernel.upgrade().zip(self.host.upgrade()).ok_or_else(StanzaError::internal_server_error)
    }

    /// The account's lists if they are at hand.
    pub(super) fn cached(&self, account: &Jid) -> Option<Arc<Lists>> {
        let cached = self.cache.as_ref()?.get(account.bare_str())?;
        if let Some(life) = self.cache_life
            && self.kernel.upgrade()?.clock.monotonic().saturating_sub(cached.loaded) >= life
        {
            return None;
        }
        Some(cached.lists)
    }

    /// The account's lists.
    pub(super) async fn load(&self, account: &Jid) -> Result<Arc<Lists>, StanzaError> {
        if let Some(lists) = self.cached(account) {
            return Ok(lists);
        }
        // Under the lock, so that what is read can't take the place of what is being written.
        let _lock = self.locks.lock(account).await;
        self.load_locked(account).await
    }

    async fn load_locked(&self, account: &Jid) -> Result<Arc<Lists>, StanzaError> {
        if let Some(lists) = self.cached(account) {
            return Ok(lists);
        }
        let (kernel, host) = self.server()?;
        let user = account.local().unwrap_or_default();
        let lists = storage::load(&host.store, user).await.map_err(|error| storage_error(&error))?;
        let lists = Arc::new(lists);
        self.remember(&kernel, account, &lists);
        Ok(lists)
    }

    fn remember(&self, kernel: &Kernel, account: &Jid, lists: &Arc<Lists>) {
        let Some(cache) = &self.cache else { return };
        if lists.lists.is_empty() && !self.cache_missed {
            cache.remove(account.bare_str());
            return;
        }
        let cached = Cached { lists: Arc::clone(lists), loaded: kernel.clock.monotonic() };
        cache.insert(Text::new(account.bare_str()), cached);
    }

    /// Changes an account's lists: `decide` gets them and says what they become and how that is written.
    pub(super) async fn change(
        &self,
        account: &Jid,
        decide: impl FnOnce(&Lists, &str) -> Result<(Lists, Vec<Call>), StanzaError>,
    ) -> Result<Changed, StanzaError> {
        let (kernel, host) = self.server()?;
        let _lock = self.locks.lock(account).await;
        let before = self.load_locked(account).await?;
        let (after, calls) = decide(&before, account.local().unwrap_or_default())?;
        if !calls.is_empty() {
            host.store.transaction(calls).await.map_err(|error| storage_error(&error))?;
        }
        let after = Arc::new(after);
        self.remember(&kernel, account, &after);
        Ok(Changed { before, after })
    }

    /// Removes all an account has.
    pub(super) async fn forget(&self, account: &Jid) {
        let removed = self.change(account, |_, user| Ok((Lists::default(), storage::delete_all(user)))).await;
        if removed.is_err() {
            tracing::warn!(%account, "privacy lists could not be deleted");
        }
    }

    /// Whether any session of the host has an active list.
    pub(super) fn has_actives(&self) -> bool {
        self.actives.load(Ordering::Relaxed) > 0
    }

    /// The list a session chose.
    pub(super) fn active(&self, session: &Session) -> Option<Text> {
        if !self.has_actives() {
            return None;
        }
        session.extension::<Active>().map(|active| active.name.clone())
    }

    pub(super) fn set_active(&self, session: &Session, name: Option<Text>) {
        match name {
            None => session.remove_extension::<Active>(),
            Some(name) => {
                self.actives.fetch_add(1, Ordering::Relaxed);
                session.set_extension(Arc::new(Active { name, count: Arc::clone(&self.actives) }));
            }
        }
    }
}

/// The account's contacts if they are at hand.
pub(super) fn contacts_cached(host: &Host, account: &Jid) -> Option<Arc<ContactList>> {
    host.contacts()?.cached(account)
}

/// The account's contacts; none if there is no roster or it can't be read.
pub(super) async fn contacts(host: &Host, account: &Jid) -> Option<Arc<ContactList>> {
    let roster = host.contacts()?;
    match roster.cached(account) {
        Some(contacts) => Some(contacts),
        None => roster.list(account).await.ok(),
    }
}

/// Tells the sessions that `wanted` accepts something that changed.
pub(super) fn push(kernel: &Kernel, account: &Jid, payload: &Text, wanted: impl Fn(&Session) -> bool) {
    for session in kernel.sessions.resources(account) {
        if wanted(&session) {
            let push = Stanza::iq(IqType::Set, kernel.random.identifier())
                .with_from(&account.bare())
                .with_to(&session.jid)
                .with_child(payload.clone());
            // A full mailbox ends that session; it reads the list anew when it is back.
            let _ = session.deliver(push);
        }
    }
}

/// `<name xmlns='…'><item jid='…'/>…</name>` of the blocking command.
pub(super) fn addresses(name: &str, namespace: &str, addresses: &[Jid]) -> Text {
    let mut xml = Writer::new();
    xml.start(name).ns(namespace);
    for address in addresses {
        xml.start("item").attr("jid", address.as_str()).end("item");
    }
    xml.end(name);
    Text::from(xml.finish())
}
