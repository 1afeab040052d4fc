//! A client as the broker knows it, with or without a connection: where others put messages for it, and what outlives the
//! connection.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{self, AtomicU32, AtomicU64};
use std::task::{Context, Waker};

use nightjar_base::Host;
use nightjar_jid::Jid;
use nightjar_mqtt::{Delivery, QoS, Reason, Session, Text, Version, Will};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::counters::Loss;
use crate::journal::Writing;
use crate::topics::Wish;
use crate::unsettled::Unsettled;

thread_local! {
    /// The memory of an inbox that was emptied: lent to the next one, so idle clients keep none.
    static SPARE: Cell<VecDeque<Delivery>> = const { Cell::new(VecDeque::new()) };
}

/// Memory beyond this isn't kept for the next one.
const SPARE_MAX: usize = 4096;

/// What tells clients of a host apart: the account and the client identifier.
pub(crate) type Key = (nightjar_text::Text, Text);

/// The address of a client, with its identifier as the resource if that can be one.
pub(crate) fn address(host: &Host, user: &str, client_id: &Text) -> Option<Jid> {
    let jid = Jid::from_parts(Some(user), &host.name, Some(client_id.as_str()));
    jid.or_else(|_| host.account(user)).ok().filter(|_| !user.is_empty())
}

/// A client.
pub(crate) struct Client {
    /// Never used twice.
    pub(crate) number: u64,
    /// Its localpart.
    pub(crate) user: nightjar_text::Text,
    pub(crate) client_id: Text,
    /// Its address with the client identifier as the resource, if that can be one.
    pub(crate) jid: Option<Jid>,
    pub(crate) state: Mutex<State>,
    /// Messages that wait in the session while a connection has it.
    pub(crate) waiting: AtomicU32,
    /// Told when a connection has given the session back.
    pub(crate) freed: Notify,
    /// The number of its session in the journal, or 0.
    stored: AtomicU64,
}

/// How a client is connected, for those who ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) version: Version,
    /// In milliseconds.
    pub(crate) since: u64,
}

/// What changes.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) is_online: bool,
    /// Of the connection that there is, or was last.
    pub(crate) link: Option<Link>,
    /// The session ends with its connection, and the will isn't published: the account is gone.
    pub(crate) is_condemned: bool,
    /// Why the connection is to end.
    evicted: Option<Reason>,
    inbox: VecDeque<Delivery>,
    /// Messages for which the inbox had no room.
    pub(crate) lost: u64,
    /// As the connection's listener has it.
    pub(crate) inbox_max: usize,
    waker: Option<Waker>,
    /// While there is no connection.
    pub(crate) session: Option<Session>,
    /// What the last connection waited for in vain.
    pub(crate) unsettled: Unsettled,
    pub(crate) filters: Vec<Text>,
    /// Those of the filters that access rules don't allow any more.
    pub(crate) resting: Vec<(Text, Wish)>,
    /// What is to be published when its time comes, in milliseconds.
    pub(crate) will: Option<(Box<Will>, u64)>,
    /// When the session ends, in milliseconds.
    pub(crate) expires_at: u64,
    /// The session has ended: nobody may use this any more.
    pub(crate) is_over: bool,
}

/// What became of a message for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// In this place, if it has one already.
    Taken(Option<u64>),
    Dropped(Loss),
}

impl Client {
    pub(crate) fn new(number: u64, user: nightjar_text::Text, client_id: Text, jid: Option<Jid>) -> Self {
        Self {
            number,
            user,
            client_id,
            jid,
            state: Mutex::default(),
            waiting: AtomicU32::new(0),
            freed: Notify::new(),
            stored: AtomicU64::new(0),
        }
    }

    /// The number of its session in the journal, if it outlives connections.
    pub(crate) fn stored(&self) -> Option<u64> {
        Some(self.stored.load(atomic::Ordering::Relaxed)).filter(|number| *number != 0)
    }

    pub(crate) fn set_stored(&self, number: u64) {
        self.stored.store(number, atomic::Ordering::Relaxed);
    }

    pub(crate) fn key(&self) -> Key {
        (self.user.clone(), self.client_id.clone())
    }

    /// Whether a connection takes messages now.
    pub(crate) fn is_online(&self) -> bool {
        self.state.lock().is_online
    }

    /// Puts a message into the inbox or the session. With QoS 0 it is dropped when there is no room; a client that
    /// doesn't keep up with others is cut, so that it can know that it lost something.
    pub(crate) fn give(&self, delivery: Delivery) -> Given {
        let mut state = self.state.lock();
        if !state.is_online {
            let waits = delivery.qos > QoS::AtMostOnce;
            let session = state.session.as_mut().filter(|_| waits);
            return match session.map(|session| session.enqueue(delivery)) {
                Some(Ok(place)) => Given::Taken(Some(place)),
                Some(Err(why)) => Given::Dropped(why.into()),
                None => Given::Dropped(Loss::Away),
            };
        }
        if state.inbox.len() >= state.inbox_max {
            if delivery.qos > QoS::AtMostOnce {
                state.evict(Reason::QUOTA_EXCEEDED);
            }
            state.lost += 1;
            return Given::Dropped(Loss::NoRoom);
        }
        state.push(delivery);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Given::Taken(None)
    }

    /// Puts a message that its own connection asked for into the inbox, whatever there is.
    pub(crate) fn give_own(&self, delivery: Delivery) {
        self.state.lock().push(delivery);
    }

    /// Messages that wait for it.
    pub(crate) fn queued(&self) -> usize {
        let state = self.state.lock();
        let session = match &state.session {
            Some(session) => session.outgoing_count(),
            None => usize::try_from(self.waiting.load(atomic::Ordering::Relaxed)).unwrap_or_default(),
        };
        state.inbox.len() + session
    }

    /// Forgets a subscription; says whether there was one.
    pub(crate) fn forget_filter(&self, filter: &Text) -> bool {
        let mut state = self.state.lock();
        let before = state.filters.len();
        state.filters.retain(|known| known != filter);
        state.resting.retain(|(known, _)| known != filter);
        state.filters.len() < before
    }

    /// Ends the connection.
    pub(crate) fn evict(&self, reason: Reason) {
        self.state.lock().evict(reason);
    }

    /// What is in the inbox, unless the client doesn't read (`is_writable` is false); wakes `context` when there is more.
    pub(crate) fn take(
        &self,
        context: &Context<'_>,
        is_writable: bool,
    ) -> (VecDeque<Delivery>, Option<Reason>) {
        let mut state = self.state.lock();
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
        let taken = if is_writable { std::mem::take(&mut state.inbox) } else { VecDeque::new() };
        (taken, state.evicted.take())
    }

    /// The connection is gone: what was in the inbox waits in the session, or is lost where there is no room.
    pub(crate) fn go_offline(
        &self,
        session: Session,
        unsettled: Unsettled,
        mut writing: Option<&mut Writing<'_>>,
    ) {
        let mut state = self.state.lock();
        state.is_online = false;
        state.evicted = None;
        state.waker = None;
        state.unsettled = unsettled;
        let inbox = std::mem::take(&mut state.inbox);
        let session = state.session.insert(session);
        for delivery in inbox.into_iter().filter(|delivery| delivery.qos > QoS::AtMostOnce) {
            let (kept, qos) = (delivery.kept(), delivery.qos);
            let placed = session.enqueue(delivery);
            match (placed, &mut writing) {
                (Ok(place), Some(writing)) if qos == QoS::ExactlyOnce => writing.place(kept.delivery, place),
                (Err(_), Some(writing)) => writing.forget(kept),
                _ => {}
            }
        }
    }
}

impl State {
    fn push(&mut self, delivery: Delivery) {
        if self.inbox.capacity() == 0 {
            self.inbox = SPARE.take();
        }
        self.inbox.push_back(delivery);
    }

    pub(crate) fn evict(&mut self, reason: Reason) {
        self.evicted.get_or_insert(reason);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Lends an emptied inbox's memory to the next one.
pub(crate) fn give_back(mut inbox: VecDeque<Delivery>) {
    if inbox.capacity() > 0 && inbox.capacity() <= SPARE_MAX {
        inbox.clear();
        SPARE.set(inbox);
    }
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Client {}

impl PartialOrd for Client {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Client {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number)
    }
}
