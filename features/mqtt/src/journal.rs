//! What is stored of sessions that outlive their connections, so that whatever was acknowledged is there after the server
//! was killed: subscriptions, messages under way and waiting, and packet identifiers that came with QoS 2.
//!
//! Batches take effect in the order in which they are submitted. [`Writing`] holds the one lock under which they are, so
//! what it says of the memory of sessions and what is submitted are in the same order: a session is changed, or given a
//! message, while it is held. It is taken before the locks of clients and of what is retained.

mod rows;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use nightjar_mqtt::{Delivery, Kept, Message, Session, Will};
use nightjar_store::{Call, Store, Ticket};
use parking_lot::{Mutex, MutexGuard};

use crate::stored::Clocks;
use crate::topics::Wish;

pub(crate) use rows::{
    ALL_DELIVERIES, ALL_MESSAGES, ALL_RECEIVED, ALL_SESSIONS, ALL_SUBSCRIPTIONS, CONNECTED, DeliveryRow,
    SessionRow, message_of, subscription_of,
};

/// How many deliveries of each stored message there are.
type Holders = HashMap<u64, u32, foldhash::fast::FixedState>;

/// A host's journal.
pub(crate) struct Journal {
    store: Store,
    next: AtomicU64,
    holders: Mutex<Holders>,
}

impl Journal {
    /// `first`: a number above all that were given before, as far as is known.
    pub(crate) fn new(store: Store, first: u64) -> Self {
        Self { store, next: AtomicU64::new(first), holders: Mutex::default() }
    }

    /// A number that no session, message or delivery had, and a greater one than that of any before.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives no number up to this one: it was found in the store, though the clock was set back since.
    pub(crate) fn skip(&self, known: u64) {
        self.next.fetch_max(known.saturating_add(1), Ordering::Relaxed);
    }

    pub(crate) fn begin(&self, clocks: Clocks) -> Writing<'_> {
        Writing { journal: self, clocks, holders: self.holders.lock(), calls: Vec::new() }
    }
}

/// What is being written.
pub(crate) struct Writing<'a> {
    journal: &'a Journal,
    clocks: Clocks,
    holders: MutexGuard<'a, Holders>,
    calls: Vec<Call>,
}

impl Writing<'_> {
    /// A client has connected to its session, for at most `expiry` seconds after its end.
    pub(crate) fn open(
        &mut self,
        session: u64,
        user: &str,
        client_id: &[u8],
        expiry: u32,
        will: Option<&Will>,
    ) {
        self.calls.push(rows::open(session, user, client_id, expiry, will));
    }

    /// The connection is over: the session ends at `expires_at`, and the will that was stored is due at `will_at`, if it
    /// is to be published at all.
    pub(crate) fn leave(&mut self, session: u64, expires_at: u64, will_at: Option<u64>) {
        let expires_at = self.clocks.to_unix(expires_at);
        let will_at = will_at.map(|at| self.clocks.to_unix(at));
        self.calls.push(rows::leave(session, expires_at, will_at));
    }

    /// The session has ended, and what was on its way in it is lost.
    pub(crate) fn over(&mut self, number: u64, session: Option<&Session>) {
        self.calls.extend(rows::over(number));
        for entry in session.into_iter().flat_map(Session::outgoing) {
            self.let_go(entry.kept());
        }
    }

    /// Adds a subscription, or replaces it.
    pub(crate) fn subscribe(&mut self, session: u64, filter: &[u8], wish: Wish) {
        self.unsubscribe(session, filter);
        self.calls.push(rows::subscribe(session, filter, wish));
    }

    pub(crate) fn unsubscribe(&mut self, session: u64, filter: &[u8]) {
        self.calls.push(rows::unsubscribe(session, filter));
    }

    /// A message is on its way to a session; in its place there, if that is known.
    pub(crate) fn deliver(&mut self, session: u64, delivery: &Delivery, sequence: Option<u64>) {
        let message: &Message = &delivery.message;
        let count = self.holders.entry(message.reference).or_default();
        *count += 1;
        if *count == 1 {
            self.calls.push(rows::message(message, self.clocks));
        }
        self.calls.push(rows::deliver(session, delivery, sequence));
    }

    /// A delivery has this place from now on, and the packet identifier that goes with it.
    pub(crate) fn place(&mut self, delivery: u64, sequence: u64) {
        self.calls.push(rows::place(delivery, sequence));
    }

    /// The client has the message; its packet identifier is still in use.
    pub(crate) fn release(&mut self, kept: Kept) {
        self.calls.push(rows::release(kept.delivery));
        self.let_go(kept);
    }

    /// The delivery is over.
    pub(crate) fn forget(&mut self, kept: Kept) {
        self.calls.push(rows::forget(kept.delivery));
        self.let_go(kept);
    }

    /// A message with QoS 2 came from the session's client.
    pub(crate) fn receive(&mut self, session: u64, packet_id: u16) {
        self.calls.push(rows::receive(session, packet_id));
    }

    /// The client has released it.
    pub(crate) fn complete(&mut self, session: u64, packet_id: u16) {
        self.calls.push(rows::complete(session, packet_id));
    }

    /// Counts a delivery that is stored already.
    pub(crate) fn hold(&mut self, message: u64) {
        *self.holders.entry(message).or_default() += 1;
    }

    /// Forgets a stored message that has no delivery.
    pub(crate) fn forget_message(&mut self, message: u64) {
        self.calls.push(rows::forget_message(message));
    }

    /// `None`: there is nothing to write.
    pub(crate) fn submit(self) -> Option<Ticket> {
        (!self.calls.is_empty()).then(|| self.journal.store.submit(self.calls))
    }

    fn let_go(&mut self, kept: Kept) {
        let Some(message) = kept.message else { return };
        let Some(count) = self.holders.get_mut(&message) else { return };
        *count -= 1;
        if *count == 0 {
            self.holders.remove(&message);
            self.calls.push(rows::forget_message(message));
        }
    }
}
