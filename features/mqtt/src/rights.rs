//! Rights that are taken back, or given back, while somebody makes use of them: subscriptions rest or wake, and retained
//! messages are held back or handed out again. Messages cost nothing by it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nightjar_mqtt::Text;
use parking_lot::Mutex;

use crate::broker::Broker;
use crate::client::{Client, State, address};
use crate::rules::{Asker, may_publish, may_subscribe};
use crate::stored;

/// What is known of those who have published.
#[derive(Default)]
pub(crate) struct Rights {
    /// Banned accounts whose messages are retained.
    banned: Mutex<HashSet<nightjar_text::Text>>,
    /// A client that was asking meanwhile may have been answered by the rules before.
    again: AtomicBool,
}

impl Broker {
    /// Looks at all rights anew.
    pub(crate) fn review(&self) {
        self.rights.again.store(true, Ordering::Relaxed);
        self.review_now();
    }

    /// Looks once more after a while.
    pub(crate) fn review_late(&self) {
        if self.rights.again.swap(false, Ordering::Relaxed) {
            self.review_now();
        }
    }

    fn review_now(&self) {
        let clients: Vec<Arc<Client>> = self.clients.lock().values().cloned().collect();
        for client in clients {
            self.review_client(&client);
        }
        self.review_retained();
    }

    /// A subscription that isn't allowed rests: nothing comes by it, and it wakes when it is allowed again.
    fn review_client(&self, client: &Arc<Client>) {
        let options = self.options();
        let may = |filter: &[u8]| may_subscribe(&self.host, &options, &Asker::of(client), filter);
        // The lock of a tree is never waited for with that of a client: whoever routes takes them the other way round.
        let (woken, unwanted) = {
            let mut state = client.state.lock();
            let State { filters, resting, .. } = &mut *state;
            let unwanted: Vec<_> = filters.iter().filter(|filter| !may(filter.as_bytes())).cloned().collect();
            let (woken, still): (Vec<_>, Vec<_>) =
                resting.drain(..).partition(|(filter, _)| may(filter.as_bytes()));
            *resting = still;
            (woken, unwanted)
        };
        for (filter, wish) in &woken {
            self.topics.insert(filter.as_bytes(), client, *wish);
        }
        let put_to_rest =
            |filter: Text| Some((filter.clone(), self.topics.remove(filter.as_bytes(), client)?));
        let rested: Vec<_> = unwanted.into_iter().filter_map(put_to_rest).collect();
        let (woken_count, rested_count) = (woken.len(), rested.len());
        // What was unsubscribed meanwhile stays so.
        let gone: Vec<_> = {
            let mut state = client.state.lock();
            let State { filters, resting, .. } = &mut *state;
            resting.extend(rested.into_iter().filter(|(filter, _)| filters.contains(filter)));
            woken.into_iter().filter(|(filter, _)| !filters.contains(filter)).collect()
        };
        for (filter, _) in gone {
            self.topics.remove(filter.as_bytes(), client);
        }
        if woken_count + rested_count > 0 {
            let (user, client_id) = (client.user.as_str(), client.client_id.as_str());
            tracing::info!(user, client_id, rested_count, woken_count, "rights to subscribe have changed");
        }
    }

    fn review_retained(&self) {
        let (options, banned) = (self.options(), self.rights.banned.lock());
        self.retained.review(|(user, client_id), topic| {
            // What administrators publish has no author.
            if user.is_empty() && client_id.is_empty() {
                return true;
            }
            let jid = address(&self.host, user, client_id);
            let asker = Asker { user, client_id: client_id.as_str(), jid: jid.as_ref() };
            !banned.contains(user) && may_publish(&self.host, &options.publish, &asker, topic)
        });
    }

    /// Learns which of those whose messages are retained are banned.
    pub(crate) async fn look_up_bans(&self) {
        let users: BTreeSet<nightjar_text::Text> = self.retained.publishers();
        let mut banned = HashSet::new();
        for user in users.into_iter().filter(|user| !user.is_empty()) {
            if self.is_banned(&user).await {
                banned.insert(user);
            }
        }
        *self.rights.banned.lock() = banned;
    }

    /// An account was banned, or its ban was lifted.
    pub(crate) async fn reconsider(&self, user: &str) {
        let is_banned = self.is_banned(user).await;
        let changed = {
            let mut banned = self.rights.banned.lock();
            if is_banned { banned.insert(nightjar_text::Text::new(user)) } else { banned.remove(user) }
        };
        if changed {
            self.review_retained();
        }
    }

    /// One that can't be asked about is taken for what it was when it published: not banned.
    async fn is_banned(&self, user: &str) -> bool {
        let ban = self.host.accounts.ban(user).await;
        ban.inspect_err(|error| tracing::warn!(user, %error, "a ban could not be looked up"))
            .is_ok_and(|ban| ban.is_some())
    }

    /// An account is gone, and what was retained in its name goes with it.
    pub(crate) fn forget_messages_of(&self, user: &str) {
        let forgotten = self.retained.take_of(user);
        if !forgotten.is_empty() {
            // Nobody waits for it.
            drop(self.host.store.submit(forgotten.iter().map(|message| stored::forget(message)).collect()));
        }
    }
}

#[cfg(test)]
mod tests;
