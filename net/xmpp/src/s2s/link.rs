//! A pair of domains, ours and another server's, and the way stanzas take between them.

use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_xmpp::Stanza;
use parking_lot::Mutex;

use super::backoff::Backoff;
use super::failure::Failure;
use super::handle::Handle;
use super::inbox::Refused;
use super::queue::{Bounds, Queue, Stock};

#[derive(Debug)]
enum Way {
    /// Nobody has asked for one, or it is lost.
    None,
    /// One is looked for; stanzas wait.
    Seeking,
    /// Stanzas are given to this connection.
    Open(Arc<Handle>),
}

#[derive(Debug)]
struct State {
    way: Way,
    queue: Queue,
    backoff: Backoff,
    /// The last failure.
    failure: Option<Arc<Failure>>,
    used: Duration,
    /// When stanzas were last sent a second time.
    resent: Option<Duration>,
}

/// What became of a stanza.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it lives for a moment; a box would cost each refusal an allocation"
)]
pub(super) enum Sent {
    /// It is on its way, or waits for one that is being looked for.
    Taken,
    /// It waits, and whoever gave it must look for a way.
    Seek,
    /// It can't be sent.
    Refused(Stanza, Arc<Failure>),
}

/// A link.
#[derive(Debug)]
pub(super) struct Link {
    pub local: Jid,
    pub remote: Jid,
    state: Mutex<State>,
}

impl Link {
    /// A link without a way.
    pub fn new(local: Jid, remote: Jid, bounds: Bounds, stock: Arc<Stock>) -> Self {
        let state = State {
            way: Way::None,
            queue: Queue::new(bounds, stock),
            backoff: Backoff::default(),
            failure: None,
            used: Duration::ZERO,
            resent: None,
        };
        Self { local, remote, state: Mutex::new(state) }
    }

    /// Sends a stanza, or lets it wait.
    pub fn send(&self, stanza: Stanza, now: Duration) -> Sent {
        let mut state = self.state.lock();
        state.used = now;
        match &state.way {
            Way::Open(handle) => match handle.inbox.send(stanza) {
                Ok(()) => Sent::Taken,
                Err(Refused::Full(stanza)) => Sent::Refused(stanza, Arc::new(Failure::QueueFull)),
                Err(Refused::Closed(stanza)) => state.seek(stanza),
            },
            Way::Seeking => match state.queue.push(stanza) {
                Ok(()) => Sent::Taken,
                Err(stanza) => Sent::Refused(stanza, Arc::new(Failure::QueueFull)),
            },
            Way::None => match state.backoff.left(now).and(state.failure.clone()) {
                Some(failure) => Sent::Refused(stanza, failure),
                None => state.seek(stanza),
            },
        }
    }

    /// A way was found: what waits goes there. Says whether it still leads anywhere.
    pub fn open(&self, handle: &Arc<Handle>) -> bool {
        let mut state = self.state.lock();
        let mut waiting = state.queue.take_all().into_iter();
        while let Some(stanza) = waiting.next() {
            let Err(Refused::Full(stanza) | Refused::Closed(stanza)) = handle.inbox.send(stanza) else {
                continue;
            };
            let rest = std::iter::once(stanza).chain(waiting).collect();
            // There was room for them a moment ago.
            state.queue.put_back(rest);
            return false;
        }
        if handle.inbox.is_closed() {
            return false;
        }
        state.way = Way::Open(Arc::clone(handle));
        state.backoff = Backoff::default();
        state.failure = None;
        true
    }

    /// Takes a connection that the other server has opened (XEP-0288), unless there is a way or one is looked for.
    pub fn offer(&self, handle: &Arc<Handle>) {
        let has_way = match &self.state.lock().way {
            Way::Open(other) => !other.inbox.is_closed(),
            Way::Seeking => true,
            Way::None => false,
        };
        if !has_way {
            self.open(handle);
        }
    }

    /// No way was found: returns what waited. With `delay`, nobody looks again for a while.
    pub fn fail(&self, failure: Arc<Failure>, delay: Option<Delay>) -> (Vec<Stanza>, Duration) {
        let mut state = self.state.lock();
        state.way = Way::None;
        state.failure = Some(failure);
        let left = delay.map(|delay| state.backoff.failed(delay.now, delay.max, delay.chance));
        (state.queue.take_all(), left.unwrap_or_default())
    }

    /// Stanzas come back that a lost connection may not have delivered. They go before all others; the second value
    /// says whether the caller must look for a way, the first are those that must be bounced: a server that takes
    /// connections and loses them at once isn't tried for ever.
    pub fn take_back(&self, stanzas: Vec<Stanza>, from: &Arc<Handle>, now: Duration) -> (Vec<Stanza>, bool) {
        let mut state = self.state.lock();
        let is_ours = match &state.way {
            Way::Open(handle) => Arc::ptr_eq(handle, from),
            Way::Seeking | Way::None => false,
        };
        if is_ours {
            state.way = Way::None;
        }
        if stanzas.is_empty() {
            return (Vec::new(), false);
        }
        if let Way::Open(handle) = &state.way {
            let handle = Arc::clone(handle);
            let sent = stanzas.into_iter().filter_map(|stanza| match handle.inbox.send(stanza) {
                Ok(()) => None,
                Err(Refused::Full(stanza) | Refused::Closed(stanza)) => Some(stanza),
            });
            return (sent.collect(), false);
        }
        if state.resent.is_some_and(|resent| now < resent.saturating_add(RESENT_EVERY)) {
            return (stanzas, false);
        }
        state.resent = Some(now);
        let left = state.queue.put_back(stanzas);
        let must_seek = matches!(state.way, Way::None) && !state.queue.is_empty();
        if must_seek {
            state.way = Way::Seeking;
        }
        (left, must_seek)
    }

    /// Stanzas that wait for a way.
    pub fn waiting(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// A word for the administrator.
    pub fn word(&self, now: Duration) -> &'static str {
        let state = self.state.lock();
        match &state.way {
            Way::Open(_) => "open",
            Way::Seeking => "connecting",
            Way::None if state.backoff.left(now).is_some() => "failed",
            Way::None => "idle",
        }
    }

    /// Whether nobody would miss it.
    pub fn is_forgotten(&self, now: Duration, max: Duration) -> bool {
        let state = self.state.lock();
        let is_used = match &state.way {
            Way::Open(handle) => !handle.inbox.is_closed(),
            Way::Seeking => true,
            Way::None => false,
        };
        // Somebody may have got it from the table just now.
        let is_fresh = state.used.saturating_add(FRESH) > now;
        !is_used && !is_fresh && state.queue.is_empty() && state.backoff.is_forgotten(now, max)
    }
}

/// Time between two connections to which the stanzas of a lost one are given.
const RESENT_EVERY: Duration = Duration::from_secs(10);
/// How long a link is kept after a stanza.
const FRESH: Duration = Duration::from_secs(1);

/// How long to wait after a failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delay {
    pub now: Duration,
    pub max: Duration,
    pub chance: u64,
}

impl State {
    fn seek(&mut self, stanza: Stanza) -> Sent {
        match self.queue.push(stanza) {
            Ok(()) => {
                self.way = Way::Seeking;
                Sent::Seek
            }
            Err(stanza) => Sent::Refused(stanza, Arc::new(Failure::QueueFull)),
        }
    }
}

#[cfg(test)]
mod tests;
