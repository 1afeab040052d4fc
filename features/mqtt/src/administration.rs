//! What administrators and the accounts' own ends do to sessions, from outside of connections.

use std::net::IpAddr;
use std::sync::Arc;

use nightjar_base::Registration;
use nightjar_base::hooks::{AccountRemoved, On, Outcome, Stage};
use nightjar_base::mqtt::MqttWhose;
use nightjar_mqtt::{Message, QoS, Reason, Text, Version};
use nightjar_store::Ticket;

use crate::broker::{Broker, Published};
use crate::client::{Client, Key};
use crate::stored;

/// How many sessions there are, and what waits for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) sessions: usize,
    pub(crate) queued: usize,
}

/// A session as administrators see it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) user: nightjar_text::Text,
    pub(crate) client_id: Text,
    pub(crate) is_online: bool,
    pub(crate) version: Option<Version>,
    pub(crate) ip: Option<IpAddr>,
    /// How long it is connected; with no connection, how long it stays. Seconds.
    pub(crate) seconds: u64,
    pub(crate) subscriptions: usize,
    pub(crate) queued: usize,
}

/// Listens to what becomes of accounts.
struct Accounts(Arc<Broker>);

impl On<AccountRemoved> for Accounts {
    fn on<'a>(&'a self, event: &'a mut AccountRemoved) -> Outcome<'a> {
        let user = event.account.local().unwrap_or_default();
        self.0.condemn(user);
        self.0.forget_messages_of(user);
        Outcome::CONTINUE
    }
}

pub(crate) fn register(registration: &mut Registration, broker: &Arc<Broker>) {
    registration.on::<AccountRemoved>(Stage::Record, Arc::new(Accounts(Arc::clone(broker))));
}

impl Broker {
    /// The clients meant, whether they are connected or not.
    fn whose(&self, of: MqttWhose<'_>) -> Vec<Arc<Client>> {
        let clients = self.clients.lock();
        match of {
            MqttWhose::Everybody => clients.values().cloned().collect(),
            MqttWhose::Account(user) => {
                let first: Key = (nightjar_text::Text::new(user), Text::default());
                let own = clients.range(first..).take_while(|((owner, _), _)| *owner == *user);
                own.map(|(_, client)| Arc::clone(client)).collect()
            }
            MqttWhose::Client(user, client_id) => {
                let key = Text::new(client_id).map(|client_id| (nightjar_text::Text::new(user), client_id));
                key.and_then(|key| clients.get(&key).cloned()).into_iter().collect()
            }
        }
    }

    pub(crate) fn census(&self) -> Census {
        let clients = self.whose(MqttWhose::Everybody);
        Census { sessions: clients.len(), queued: clients.iter().map(|client| client.queued()).sum() }
    }

    /// All sessions, by account and client identifier.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let now = self.now();
        self.whose(MqttWhose::Everybody).iter().map(|client| client.show(now)).collect()
    }

    pub(crate) fn end_connections(&self, of: MqttWhose<'_>, reason: Reason) -> usize {
        let clients = self.whose(of);
        clients.iter().filter(|client| client.evict_if_online(reason)).count()
    }

    /// The account is gone: its sessions end without a word in its name, connected or not.
    pub(crate) fn condemn(&self, user: &str) {
        for client in self.whose(MqttWhose::Account(user)) {
            self.end_session(&client, Reason::NOT_AUTHORIZED);
        }
    }

    /// Ends a session for good; false if there is none.
    pub(crate) fn delete_session(&self, user: &str, client_id: &str) -> bool {
        let clients = self.whose(MqttWhose::Client(user, client_id));
        clients.iter().for_each(|client| self.end_session(client, Reason::ADMINISTRATIVE_ACTION));
        !clients.is_empty()
    }

    fn end_session(&self, client: &Arc<Client>, reason: Reason) {
        let now = self.now();
        let mut clients = self.clients.lock();
        let mut state = client.state.lock();
        if state.is_over {
            return;
        }
        if state.is_online {
            state.is_condemned = true;
            return state.evict(reason);
        }
        state.will = None;
        let rest = state.end(now);
        drop(state);
        clients.remove(&client.key());
        drop(clients);
        drop(self.bury(client, rest, now));
    }

    /// Publishes in the server's own name.
    pub(crate) fn announce(&self, message: Message, now: u64) -> Published {
        self.spread(&Client::nobody(self.number()), message, None, now)
    }

    /// What a client subscribed to, with the QoS; nothing if there is no such session.
    pub(crate) fn subscriptions(&self, user: &str, client_id: &str) -> Option<Vec<(Text, QoS)>> {
        let client = self.whose(MqttWhose::Client(user, client_id)).pop()?;
        let filters = client.state.lock().filters.clone();
        let wish = |filter: Text| {
            let wish = self.topics.get(filter.as_bytes(), &client)?;
            Some((filter, wish.qos))
        };
        Some(filters.into_iter().filter_map(wish).collect())
    }

    /// Forgets what is retained on topics that the filter matches; gives how many there were.
    pub(crate) fn forget_retained(&self, filter: &[u8]) -> (usize, Option<Ticket>) {
        let forgotten = self.retained.take(filter);
        let calls: Vec<_> = forgotten.iter().map(|message| stored::forget(message)).collect();
        (calls.len(), (!calls.is_empty()).then(|| self.host.store.submit(calls)))
    }
}

impl Client {
    /// Somebody without an account or a session.
    fn nobody(number: u64) -> Self {
        Self::new(number, nightjar_text::Text::empty(), Text::default(), None)
    }

    fn evict_if_online(&self, reason: Reason) -> bool {
        let mut state = self.state.lock();
        if state.is_online {
            state.evict(reason);
        }
        state.is_online
    }

    fn show(&self, now: u64) -> Shown {
        let queued = self.queued();
        let state = self.state.lock();
        let link = state.link;
        let milliseconds = match (state.is_online, link) {
            (true, Some(link)) => now.saturating_sub(link.since),
            _ => state.expires_at.saturating_sub(now),
        };
        Shown {
            user: self.user.clone(),
            client_id: self.client_id.clone(),
            is_online: state.is_online,
            version: link.map(|link| link.version),
            ip: link.and_then(|link| link.ip),
            seconds: milliseconds / 1000,
            subscriptions: state.filters.len(),
            queued,
        }
    }
}
