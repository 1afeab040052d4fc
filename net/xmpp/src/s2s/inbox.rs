//! What the driver of a connection is given to do by others: stanzas to send, and orders. Stanzas are bounded.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::s2s::Verdict;
use nightjar_xmpp::{Stanza, StreamErrorCondition};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::queue::{Bounds, Queue, Stock};

/// Something other than a stanza.
#[derive(Debug)]
pub(super) enum Order {
    /// Ask whether stanzas from `from`, a domain of ours, to `to` may be sent on this connection as well.
    Authorize { from: Jid, to: Jid, answer: oneshot::Sender<Verdict> },
    /// Ask the authoritative server of `to` whether it made this key.
    Verify { from: Jid, to: Jid, id: Text, key: Text, answer: oneshot::Sender<Verdict> },
    /// The answer to a key that the other server has sent: `from` is its domain.
    Verified { from: Jid, to: Jid, verdict: Verdict },
    /// End the stream, with an error if there is one.
    Close(Option<StreamErrorCondition>),
}

/// What waits when the driver looks.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub stanzas: Vec<Stanza>,
    pub orders: Vec<Order>,
}

/// Why a stanza was not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// Too many wait already.
    Full(Stanza),
    /// The connection is over.
    Closed(Stanza),
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    orders: Vec<Order>,
    reader: Option<Waker>,
    is_closed: bool,
}

/// The box.
#[derive(Debug)]
pub(super) struct Inbox(Mutex<Inner>);

impl Inbox {
    /// An empty one.
    pub fn new(bounds: Bounds, stock: Arc<Stock>) -> Self {
        let queue = Queue::new(bounds, stock);
        Self(Mutex::new(Inner { queue, orders: Vec::new(), reader: None, is_closed: false }))
    }

    /// Adds a stanza behind the others and wakes the driver.
    ///
    /// # Errors
    /// The stanza comes back.
    #[allow(clippy::result_large_err, reason = "the stanza comes back to its sender")]
    pub fn send(&self, stanza: Stanza) -> Result<(), Refused> {
        let waker = {
            let mut inner = self.0.lock();
            if inner.is_closed {
                return Err(Refused::Closed(stanza));
            }
            inner.queue.push(stanza).map_err(Refused::Full)?;
            inner.reader.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Gives an order; says whether the driver is there to take it.
    pub fn order(&self, order: Order) -> bool {
        let waker = {
            let mut inner = self.0.lock();
            if inner.is_closed {
                return false;
            }
            inner.orders.push(order);
            inner.reader.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Moves everything to the end of `into`; pending while there is nothing.
    pub fn poll_take(&self, context: &mut Context<'_>, into: &mut Waiting) -> Poll<()> {
        let mut inner = self.0.lock();
        if inner.queue.is_empty() && inner.orders.is_empty() {
            match &mut inner.reader {
                Some(reader) => reader.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        inner.queue.take_into(&mut into.stanzas);
        into.orders.append(&mut inner.orders);
        Poll::Ready(())
    }

    /// Lets everybody run who can, and adds the stanzas that they send: one write costs more than all else that is done
    /// for a stanza, and the first to send would wake the driver before the others had their turn.
    pub async fn gather(&self, stanzas: &mut Vec<Stanza>) {
        tokio::task::yield_now().await;
        self.0.lock().queue.take_into(stanzas);
    }

    /// Takes nothing any more, and gives out what was still there. The answers of open questions are dropped with it.
    pub fn close(&self) -> Vec<Stanza> {
        let mut inner = self.0.lock();
        inner.is_closed = true;
        inner.orders = Vec::new();
        inner.queue.take_all()
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.0.lock().is_closed
    }

    /// Stanzas that wait.
    pub fn len(&self) -> usize {
        self.0.lock().queue.len()
    }
}

#[cfg(test)]
mod tests;
