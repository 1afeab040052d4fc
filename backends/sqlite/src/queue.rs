//! A bounded queue between tasks that never wait and threads that do.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nightjar_store::StoreError;
use parking_lot::{Condvar, Mutex};

#[cfg(test)]
mod tests;

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    accepted: AtomicU64,
    item_limit: usize,
    byte_limit: usize,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    sleepers: usize,
    /// Items that make it worth waking a sleeper.
    wanted: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(item_limit: usize, byte_limit: usize) -> Queue<T> {
        let state = State { items: VecDeque::new(), bytes: 0, sleepers: 0, wanted: 1, closed: false };
        Queue {
            state: Mutex::new(state),
            ready: Condvar::new(),
            accepted: AtomicU64::new(0),
            item_limit: item_limit.max(1),
            byte_limit,
        }
    }

    /// [`StoreError::Busy`] when full, [`StoreError::Unavailable`] when closed. One item of any weight always fits.
    pub(crate) fn push(&self, item: T, weight: usize) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StoreError::Unavailable);
        }
        let heavy = !state.items.is_empty() && state.bytes.saturating_add(weight) > self.byte_limit;
        if heavy || state.items.len() >= self.item_limit {
            return Err(StoreError::Busy);
        }
        state.items.push_back((item, weight));
        state.bytes += weight;
        self.accepted.fetch_add(1, Ordering::Release);
        let wake = state.sleepers > 0 && state.items.len() >= state.wanted;
        drop(state);
        if wake {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// How many items were ever accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Acquire)
    }

    /// Waits for items and moves up to `items` of them into `taken`; false when the queue is closed and empty.
    pub(crate) fn take(&self, taken: &mut Vec<T>, items: usize) -> bool {
        self.take_more(taken, items, 0, Duration::ZERO)
    }

    /// Like [`take`](Queue::take), and once there is an item gives `more` others `patience` to arrive.
    pub(crate) fn take_more(
        &self,
        taken: &mut Vec<T>,
        items: usize,
        more: usize,
        patience: Duration,
    ) -> bool {
        let mut state = self.state.lock();
        while state.items.is_empty() {
            if state.closed {
                return false;
            }
            state.sleepers += 1;
            self.ready.wait(&mut state);
            state.sleepers -= 1;
        }
        if more > 0 && !state.closed {
            state.wanted = items.min(state.items.len() + more);
            state.sleepers += 1;
            let wanted = state.wanted;
            let few = |state: &mut State<T>| !state.closed && state.items.len() < wanted;
            self.ready.wait_while_for(&mut state, few, patience);
            state.sleepers -= 1;
            state.wanted = 1;
        }
        let count = state.items.len().min(items);
        let mut bytes = 0;
        taken.extend(state.items.drain(..count).map(|(item, weight)| {
            bytes += weight;
            item
        }));
        state.bytes -= bytes;
        true
    }

    /// Refuses further items; returns how many were accepted in all.
    pub(crate) fn close(&self) -> u64 {
        let mut state = self.state.lock();
        state.closed = true;
        drop(state);
        self.ready.notify_all();
        self.accepted()
    }

    /// Closes and drops what waits.
    pub(crate) fn abandon(&self) {
        self.close();
        let mut state = self.state.lock();
        let dropped = std::mem::take(&mut state.items);
        state.bytes = 0;
        drop(state);
        drop(dropped);
    }
}
