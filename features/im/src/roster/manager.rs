//! The one place where rosters change: read, decide, write, push.

use std::sync::{Arc, Weak};
use std::time::Duration;

use nightjar_base::contacts::{Announce, ContactList, Contacts, Inbound, Outbound, Subscription};
use nightjar_base::hooks::{BoxFuture, SubscriptionChanged};
use nightjar_base::host::Host;
use nightjar_base::{FeatureContext, Kernel, presence};
use nightjar_jid::Jid;
use nightjar_store::Call;
use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::{IqType, PresenceType, Stanza, StanzaError, delay::Delay, ns, write};
use quick_cache::sync::Cache;

use super::item::{Change, Item, Roster};
use super::{state, storage};
use crate::support::{AccountLocks, cache_size, storage_error};

/// A roster as it is cached.
#[derive(Clone)]
pub(super) struct Cached {
    pub roster: Arc<Roster>,
    pub contacts: Arc<ContactList>,
    loaded: Duration,
}

/// The rosters of one host.
pub struct RosterManager {
    pub(super) kernel: Weak<Kernel>,
    pub(super) host: Weak<Host>,
    pub(super) options: nightjar_config::Options,
    cache: Option<Cache<Text, Cached>>,
    cache_life: Option<Duration>,
    locks: AccountLocks,
}

/// A roster with more items than this takes no new ones.
const ITEMS_MAX: usize = 10_000;

impl RosterManager {
    /// The rosters of the context's host.
    pub fn new(context: &FeatureContext) -> Self {
        let size = cache_size(&context.options);
        Self {
            kernel: Arc::downgrade(&context.kernel),
            host: Arc::downgrade(&context.host),
            options: context.options.clone(),
            cache: (size > 0).then(|| Cache::new(size)),
            cache_life: context.options.duration("cache_life_time"),
            locks: AccountLocks::default(),
        }
    }

    pub(super) fn server(&self) -> Result<(Arc<Kernel>, Arc<Host>), StanzaError> {
        self.kernel.upgrade().zip(self.host.upgrade()).ok_or_else(StanzaError::internal_server_error)
    }

    fn find_cached(&self, account: &Jid) -> Option<Cached> {
        let cached = self.cache.as_ref()?.get(account.bare_str())?;
        let now = self.kernel.upgrade()?.clock.monotonic();
        let is_fresh = self.cache_life.is_none_or(|life| now.saturating_sub(cached.loaded) < life);
        is_fresh.then_some(cached)
    }

    fn remember(&self, kernel: &Kernel, account: &Jid, roster: Roster) -> Cached {
        let contacts = Arc::new(roster.contacts());
        let cached = Cached { roster: Arc::new(roster), contacts, loaded: kernel.clock.monotonic() };
        if let Some(cache) = &self.cache {
            cache.insert(Text::new(account.bare_str()), cached.clone());
        }
        cached
    }

    /// The account's roster.
    pub(super) async fn load(&self, account: &Jid) -> Result<Cached, StanzaError> {
        if let Some(cached) = self.find_cached(account) {
            return Ok(cached);
        }
        let (kernel, host) = self.server()?;
        let user = account.local().unwrap_or_default();
        let roster = storage::load(&host.store, user).await.map_err(|error| storage_error(&error))?;
        Ok(self.remember(&kernel, account, roster))
    }

    /// Applies a change to one item: writes it, caches it, pushes it to interested resources if clients can see it.
    /// `decide` gets the item (a new one if there is none) and says what it becomes; none removes it.
    pub(super) async fn change<T>(
        &self,
        account: &Jid,
        contact: &Jid,
        decide: impl FnOnce(Option<&Item>) -> Result<(Option<Item>, T), StanzaError>,
    ) -> Result<T, StanzaError> {
        let _lock = self.locks.lock(account).await;
        let (kernel, host) = self.server()?;
        let cached = self.load(account).await?;
        let before = cached.roster.items.get(contact);
        let (after, answer) = decide(before)?;
        if before == after.as_ref() {
            return Ok(answer);
        }
        if before.is_none() && cached.roster.items.len() >= ITEMS_MAX {
            return Err(StanzaError::resource_constraint().with_text("The roster is full"));
        }
        let was_visible = before.is_some_and(Item::is_visible);
        let was = before.map(|item| item.state.subscription).unwrap_or_default();
        let mut roster = Roster::clone(&cached.roster);
        match &after {
            Some(item) => roster.items.insert(contact.detach(), item.clone()),
            None => roster.items.remove(contact),
        };
        let version = roster.version();
        self.write(&host, account, contact, after.as_ref(), &version).await?;
        self.remember(&kernel, account, roster);
        if was_visible || after.as_ref().is_some_and(Item::is_visible) {
            let shown = after.as_ref().filter(|item| item.is_visible());
            self.push(&kernel, account, contact, shown, &version);
        }
        let is = after.as_ref().map(|item| item.state.subscription).unwrap_or_default();
        if was != is {
            let event = SubscriptionChanged {
                host: Arc::clone(&host),
                account: account.bare(),
                contact: contact.clone(),
            };
            Box::pin(async { host.hooks.subscription_changed.run(&mut { event }).await }).await;
        }
        Ok(answer)
    }

    async fn write(
        &self,
        host: &Host,
        account: &Jid,
        contact: &Jid,
        item: Option<&Item>,
        version: &Text,
    ) -> Result<(), StanzaError> {
        let user = account.local().unwrap_or_default();
        let mut calls: Vec<Call> = match item {
            Some(item) => storage::put(user, contact, item),
            None => storage::delete(user, contact),
        };
        if self.options.bool("store_current_id") {
            calls.push(storage::put_version(user, version));
        }
        host.store.transaction(calls).await.map(|_| ()).map_err(|error| storage_error(&error))
    }

    /// A roster push (RFC 6121 §2.1.6) to each resource that asked for the roster.
    fn push(&self, kernel: &Kernel, account: &Jid, contact: &Jid, item: Option<&Item>, version: &Text) {
        let mut query = format!("<query xmlns='{}'", ns::ROSTER);
        if self.options.bool("versioning") {
            write::attribute(&mut query, "ver", version);
        }
        query.push('>');
        match item {
            Some(item) => item.write(&mut query, contact),
            None => {
                query.push_str("<item");
                write::attribute(&mut query, "jid", contact.as_str());
                query.push_str(" subscription='remove'/>");
            }
        }
        query.push_str("</query>");
        let query = Text::from(query);
        for session in kernel.sessions.resources(account) {
            if session.is_interested() {
                let push = Stanza::iq(IqType::Set, kernel.random.identifier())
                    .with_from(&account.bare())
                    .with_to(&session.jid)
                    .with_child(query.clone());
                // A full mailbox ends that session; it fetches the roster anew when it comes back.
                let _ = session.deliver(push);
            }
        }
    }

    /// Applies a client's roster set, with the subscription stanzas that a removal implies (§2.5.2).
    pub(super) async fn set(&self, account: &Jid, change: Change) -> Result<(), StanzaError> {
        match change {
            Change::Update { jid, name, groups } => {
                self.change(account, &jid, |before| {
                    let mut item = before.cloned().unwrap_or_default();
                    item.name = name;
                    item.groups = groups;
                    Ok((Some(item), ()))
                })
                .await
            }
            Change::Remove(contact) => self.remove(account, &contact).await,
        }
    }

    /// Removes an item and ends the subscriptions it stood for.
    pub async fn remove(&self, account: &Jid, contact: &Jid) -> Result<(), StanzaError> {
        let before = self
            .change(account, contact, |before| match before {
                Some(item) => Ok((None, item.state)),
                None => Err(StanzaError::item_not_found()),
            })
            .await?;
        let (kernel, _) = self.server()?;
        let send = |kind| {
            let stanza = Stanza::presence(kind).with_from(&account.bare()).with_to(&contact.bare());
            kernel.route_boxed(stanza)
        };
        if before.subscription.is_to() || before.pending_out {
            send(PresenceType::Unsubscribe).await;
        }
        if before.subscription.is_from() || before.pending_in {
            send(PresenceType::Unsubscribed).await;
        }
        if before.subscription.is_from() {
            presence::announce(&kernel, &account.bare(), &contact.bare(), Announce::Unavailable).await;
        }
        Ok(())
    }

    /// Forgets a removed account: its contacts learn that it no longer sees them nor is seen.
    pub(super) async fn forget(&self, account: &Jid) {
        let Ok(cached) = self.load(account).await else { return };
        for contact in cached.roster.items.keys() {
            if let Err(error) = self.remove(account, contact).await {
                tracing::debug!(%account, %contact, ?error, "a contact of a removed account was left");
            }
        }
        let _lock = self.locks.lock(account).await;
        if let Some(cache) = &self.cache {
            cache.remove(account.bare_str());
        }
        if let Some(host) = self.host.upgrade() {
            let calls = storage::delete_all(account.local().unwrap_or_default());
            if let Err(error) = host.store.transaction(calls).await {
                tracing::warn!(%account, %error, "the roster of a removed account could not be deleted");
            }
        }
    }
}

impl Contacts for RosterManager {
    fn list<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Arc<ContactList>, StanzaError>> {
        Box::pin(async move { Ok(self.load(account).await?.contacts) })
    }

    fn cached(&self, account: &Jid) -> Option<Arc<ContactList>> {
        self.find_cached(account).map(|cached| cached.contacts)
    }

    fn outbound<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        kind: PresenceType,
    ) -> BoxFuture<'a, Result<Outbound, StanzaError>> {
        Box::pin(self.change(account, contact, move |before| {
            let mut item = before.cloned().unwrap_or_default();
            let (after, outbound) = state::outbound(item.state, kind);
            let changed = after != item.state;
            item.state = after;
            Ok((keep(before, item, changed), outbound))
        }))
    }

    fn inbound<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        kind: PresenceType,
        stanza: &'a Stanza,
    ) -> BoxFuture<'a, Result<Inbound, StanzaError>> {
        Box::pin(async move {
            if kind == PresenceType::Subscribe && !self.account_exists(account).await {
                // RFC 6121 §3.1.3: nobody is here to be asked; silence doesn't tell.
                return Ok(Inbound::default());
            }
            self.change(account, contact, move |before| {
                let mut item = before.cloned().unwrap_or_default();
                let (after, inbound) = state::inbound(item.state, kind);
                let changed = after != item.state;
                item.state = after;
                if after.pending_in {
                    item.ask_message = ask_message(stanza);
                } else {
                    item.ask_message = Text::empty();
                }
                Ok((keep(before, item, changed), inbound))
            })
            .await
        })
    }

    fn pending<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Vec<Stanza>, StanzaError>> {
        Box::pin(async move {
            let (kernel, host) = self.server()?;
            let cached = self.load(account).await?;
            let waiting = cached.roster.items.iter().filter(|(_, item)| item.state.pending_in);
            let stanzas = waiting.map(|(jid, item)| {
                let mut request = Stanza::presence(PresenceType::Subscribe).with_from(jid).with_to(account);
                add_ask_message(&mut request, &item.ask_message);
                request.append(Delay::new(&host.jid, kernel.clock.unix_micros()).to_xml());
                request
            });
            Ok(stanzas.collect())
        })
    }
}

impl RosterManager {
    async fn account_exists(&self, account: &Jid) -> bool {
        let Some(host) = self.host.upgrade() else { return false };
        host.accounts.exists(account.local().unwrap_or_default()).await.unwrap_or(true)
    }
}

/// What a request says, as it is kept: its status as text, which is ejabberd's form, or all its children as XML where
/// it says more (RFC 6121 §3.1.3).
fn ask_message(stanza: &Stanza) -> Text {
    let mut children = stanza.children();
    match (children.next(), children.next()) {
        (None, _) => Text::empty(),
        (Some(only), None) if only.is("status", ns::CLIENT) && !only.text().starts_with('<') => {
            Text::new(&only.text())
        }
        _ => Text::from(stanza.children().map(|child| child.as_str()).collect::<String>()),
    }
}

/// Gives a request what [`ask_message`] kept of it.
fn add_ask_message(request: &mut Stanza, kept: &Text) {
    if kept.is_empty() {
        return;
    }
    let wrapped = Text::from(format!("<presence xmlns='{}'>{kept}</presence>", ns::CLIENT));
    if kept.starts_with('<')
        && let Ok(element) = Element::parse(&wrapped, ns::CLIENT)
    {
        element.children().for_each(|child| request.append(child.raw()));
        return;
    }
    let mut status = String::new();
    write::text_element(&mut status, "status", kept);
    request.append(Text::from(status));
}

/// A subscription stanza doesn't leave an item behind that says nothing: one the client never made and that holds no
/// subscription any more. An item that was there stays, with its name and groups (§2.5.3 leaves removal to the user).
fn keep(before: Option<&Item>, item: Item, changed: bool) -> Option<Item> {
    if !changed && before.is_none() {
        return None;
    }
    let empty_state = item.state == state::State::default();
    let only_request = before.is_some_and(|before| {
        before.state.subscription == Subscription::None
            && before.state.pending_in
            && !before.state.pending_out
    });
    let bare = item.name.is_empty() && item.groups.is_empty();
    if empty_state && only_request && bare { None } else { Some(item) }
}
