//! Delivery to a client that comes online.

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::hooks::{On, Outcome, SessionAvailable};
use nightjar_base::{Kernel, Session};
use nightjar_xmpp::{Stanza, datetime};

use super::{Offline, storage};

/// Messages read at once.
const PAGE: i64 = 200;
/// Deliveries that may wait in a client's mailbox before the next page is read.
const MAILBOX_LEVEL: usize = 1000;

/// Delivers when a client becomes available.
pub(super) struct Deliver(pub Arc<Offline>);

/// In a session's extensions: it fetches its messages itself (XEP-0013 §2.1).
pub(super) struct Manual;

impl On<SessionAvailable> for Deliver {
    fn on<'a>(&'a self, event: &'a mut SessionAvailable) -> Outcome<'a> {
        if event.session.extension::<Manual>().is_none() {
            let (offline, session) = (Arc::clone(&self.0), Arc::clone(&event.session));
            // In a task of its own: the session must go on reading its mailbox while this fills it.
            tokio::spawn(async move { offline.deliver(&session).await });
        }
        Outcome::CONTINUE
    }
}

impl Offline {
    async fn deliver(&self, session: &Arc<Session>) {
        let account = session.jid.bare();
        let _lock = self.locks.lock(&account).await;
        let (Some(kernel), Some(host)) = (self.kernel.upgrade(), self.host.upgrade()) else { return };
        let user = account.local().unwrap_or_default();
        let mut seq = 0;
        loop {
            let page = match storage::page(&host.store, user, seq, PAGE).await {
                Ok(page) => page,
                Err(error) => return tracing::warn!(%account, %error, "offline messages could not be read"),
            };
            let Some(last) = page.last().map(|kept| kept.seq) else { return };
            let is_last = i64::try_from(page.len()).is_ok_and(|length| length < PAGE);
            for kept in page {
                let Some(stanza) = kept.stanza.filter(|stanza| !is_expired(&kernel, stanza)) else {
                    continue;
                };
                if session.deliver(stanza).is_err() {
                    // What was delivered before this one is gone from the queue; the rest waits for the next client.
                    return self.forget(&host.store, user, kept.seq - 1).await;
                }
            }
            self.forget(&host.store, user, last).await;
            if is_last {
                return;
            }
            seq = last;
            while session.mailbox.len() > MAILBOX_LEVEL {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    async fn forget(&self, store: &nightjar_store::Store, user: &str, seq: i64) {
        if let Err(error) = storage::delete_to(store, user, seq).await {
            tracing::warn!(user, %error, "delivered offline messages could not be deleted");
        }
    }
}

/// Whether a message said for how long it makes sense, and that time is over (XEP-0023, obsolete but in use).
pub(super) fn is_expired(kernel: &Kernel, stanza: &Stanza) -> bool {
    const EXPIRE: &str = "jabber:x:expire";
    let Some(expire) = stanza.child("x", EXPIRE) else { return false };
    let seconds: i64 = expire.attr("seconds").and_then(|text| text.parse().ok()).unwrap_or(0);
    let stored = stanza.child("delay", nightjar_xmpp::ns::DELAY).and_then(|delay| {
        let stamp = delay.attr("stamp")?;
        datetime::parse(&stamp)
    });
    let now = kernel.clock.unix_micros();
    stored.is_some_and(|stored| stored.saturating_add(seconds.saturating_mul(1_000_000)) <= now)
}
