//! The bounded queue in front of a session: the only queue between a sender and a receiver's socket.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Why a delivery was not taken. The delivery comes back to its sender.
#[derive(Debug)]
pub enum Refused<T> {
    /// The reader doesn't keep up; its session will be cut.
    Full(T),
    /// The session is gone.
    Closed(T),
}

impl<T> Refused<T> {
    /// The delivery that wasn't taken.
    pub fn into_inner(self) -> T {
        match self {
            Refused::Full(item) | Refused::Closed(item) => item,
        }
    }
}

struct Inner<T> {
    queue: VecDeque<T>,
    reader: Option<Waker>,
    closed: bool,
    overflowed: bool,
}

/// A queue with many writers and one reader. Idle, it holds no buffer.
pub struct Mailbox<T> {
    inner: Mutex<Inner<T>>,
    capacity: AtomicUsize,
}

/// A drained queue larger than this gives its buffer back.
const KEPT_CAPACITY: usize = 16;

impl<T> Mailbox<T> {
    /// A queue that takes `capacity` deliveries before it overflows.
    pub fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                reader: None,
                closed: false,
                overflowed: false,
            }),
            capacity: AtomicUsize::new(capacity),
        }
    }

    /// Adds a delivery and wakes the reader.
    ///
    /// # Errors
    /// [`Refused::Full`] once the capacity is reached: from then on nothing more is taken and the reader sees
    /// [`Drained::Overflowed`]. [`Refused::Closed`] after [`Mailbox::close`].
    pub fn push(&self, item: T) -> Result<(), Refused<T>> {
        self.push_bounded(item, self.capacity.load(Ordering::Relaxed))
    }

    /// Adds a delivery that must arrive even when the queue is full, such as the order to end the session.
    ///
    /// # Errors
    /// [`Refused::Closed`] after [`Mailbox::close`].
    pub fn push_urgent(&self, item: T) -> Result<(), Refused<T>> {
        self.push_bounded(item, usize::MAX)
    }

    fn push_bounded(&self, item: T, capacity: usize) -> Result<(), Refused<T>> {
        let (result, waker) = {
            let mut inner = self.inner.lock();
            if inner.closed {
                return Err(Refused::Closed(item));
            }
            let result = if inner.queue.len() >= capacity || (inner.overflowed && capacity != usize::MAX) {
                inner.overflowed = true;
                Err(Refused::Full(item))
            } else {
                inner.queue.push_back(item);
                Ok(())
            };
            (result, inner.reader.take())
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// Moves everything queued to the end of `into`; pending when there is nothing.
    pub fn poll_drain(&self, context: &mut Context<'_>, into: &mut Vec<T>) -> Poll<Drained> {
        let mut inner = self.inner.lock();
        if inner.queue.is_empty() {
            if inner.overflowed {
                return Poll::Ready(Drained::Overflowed);
            }
            match &mut inner.reader {
                Some(reader) => reader.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        into.extend(inner.queue.drain(..));
        if inner.queue.capacity() > KEPT_CAPACITY {
            inner.queue = VecDeque::new();
        }
        Poll::Ready(Drained::Some)
    }

    /// Takes what is queued without waiting.
    pub fn take_all(&self) -> Vec<T> {
        self.inner.lock().queue.drain(..).collect()
    }

    /// Deliveries waiting.
    pub fn len(&self) -> usize {
        self.inner.lock().queue.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets how many deliveries may wait.
    pub fn set_capacity(&self, capacity: usize) {
        self.capacity.store(capacity, Ordering::Relaxed);
    }

    /// Refuses everything from now on and returns what was still queued.
    pub fn close(&self) -> Vec<T> {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.queue.drain(..).collect()
    }
}

/// What [`Mailbox::poll_drain`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Deliveries were moved.
    Some,
    /// The queue overflowed and what it took has been read.
    Overflowed,
}

#[cfg(test)]
mod tests;
