//! Stanzas that wait for a link: bounded in number and in bytes, and in bytes over all links together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nightjar_xmpp::Stanza;

/// What all queues of the server hold and may hold together, in bytes.
#[derive(Debug)]
pub(super) struct Stock {
    held: AtomicUsize,
    max: usize,
}

impl Stock {
    /// An empty one.
    pub fn new(max: usize) -> Self {
        Self { held: AtomicUsize::new(0), max }
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let room = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.max);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// An empty queue larger than this gives its buffer back.
const KEPT_CAPACITY: usize = 16;

/// How much may wait in one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Stanzas.
    pub stanzas: usize,
    /// Bytes.
    pub bytes: usize,
}

/// A queue. Empty, it holds no buffer.
#[derive(Debug)]
pub(super) struct Queue {
    stanzas: VecDeque<(Stanza, usize)>,
    bytes: usize,
    bounds: Bounds,
    stock: Arc<Stock>,
}

impl Queue {
    /// An empty queue.
    pub fn new(bounds: Bounds, stock: Arc<Stock>) -> Self {
        Self { stanzas: VecDeque::new(), bytes: 0, bounds, stock }
    }

    /// Adds a stanza behind the others.
    ///
    /// # Errors
    /// The stanza comes back if there is no room for it.
    #[allow(clippy::result_large_err, reason = "the stanza comes back to its sender")]
    pub fn push(&mut self, stanza: Stanza) -> Result<(), Stanza> {
        let bytes = stanza.size_hint();
        let has_room = self.stanzas.len() < self.bounds.stanzas
            && self.bytes.saturating_add(bytes) <= self.bounds.bytes
            && self.stock.take(bytes);
        if !has_room {
            return Err(stanza);
        }
        self.bytes += bytes;
        self.stanzas.push_back((stanza, bytes));
        Ok(())
    }

    /// Puts stanzas that were taken out before in front of the others again, in their order; returns those for which
    /// there is no room, the last ones.
    pub fn put_back(&mut self, stanzas: Vec<Stanza>) -> Vec<Stanza> {
        let later = self.take_all();
        let mut left = Vec::new();
        for stanza in stanzas.into_iter().chain(later) {
            // One that doesn't fit ends it: a smaller one behind it must not overtake it.
            if !left.is_empty() {
                left.push(stanza);
            } else if let Err(stanza) = self.push(stanza) {
                left.push(stanza);
            }
        }
        left
    }

    /// Takes everything out.
    pub fn take_all(&mut self) -> Vec<Stanza> {
        self.stock.give_back(std::mem::take(&mut self.bytes));
        std::mem::take(&mut self.stanzas).into_iter().map(|(stanza, _)| stanza).collect()
    }

    /// Moves everything to the end of `into`.
    pub fn take_into(&mut self, into: &mut Vec<Stanza>) {
        self.stock.give_back(std::mem::take(&mut self.bytes));
        into.extend(self.stanzas.drain(..).map(|(stanza, _)| stanza));
        if self.stanzas.capacity() > KEPT_CAPACITY {
            self.stanzas = VecDeque::new();
        }
    }

    /// Stanzas that wait.
    pub fn len(&self) -> usize {
        self.stanzas.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.stanzas.is_empty()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.stock.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests;
