//! Retained messages.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nightjar_mqtt::Message;
use nightjar_mqtt::tree::RetainedTree;
use nightjar_text::Text;
use parking_lot::RwLock;

use crate::client::{Client, Key};

/// Topics looked at for each message that a subscription may get: what `+/+/x` may cost.
const STEPS: usize = 100;

/// What is retained on a host.
#[derive(Default)]
pub(crate) struct Retained(RwLock<RetainedTree<Kept>>);

/// A message and who it is from.
struct Kept {
    message: Arc<Message>,
    publisher: Key,
    /// Its publisher may not publish it any more.
    is_held_back: AtomicBool,
}

impl Kept {
    fn new(message: Arc<Message>, publisher: Key) -> Self {
        Self { message, publisher, is_held_back: AtomicBool::new(false) }
    }
}

impl Retained {
    /// Retains a message, or forgets that of the topic if it has no payload; `store` is called in the order of changes,
    /// and only if there is something to do.
    pub(crate) fn change<T>(
        &self,
        message: &Arc<Message>,
        publisher: &Client,
        store: impl FnOnce() -> T,
    ) -> Option<T> {
        let mut tree = self.0.write();
        if message.payload().is_empty() {
            tree.remove(message.topic())?;
        } else {
            tree.insert(message.topic(), Kept::new(Arc::clone(message), publisher.key()));
        }
        Some(store())
    }

    /// Puts a message that is stored already.
    pub(crate) fn put(&self, message: Arc<Message>, publisher: Key) {
        let topic = message.topic().to_vec();
        self.0.write().insert(&topic, Kept::new(message, publisher));
    }

    /// Takes at most `max` that the filter matches and that are not held back. A message that comes in their place later
    /// is retained after `take` has been called for all.
    pub(crate) fn matching(&self, filter: &[u8], max: usize, now: u64, mut take: impl FnMut(&Arc<Message>)) {
        let mut count = 0;
        let tree = self.0.read();
        tree.matches(filter, max.saturating_mul(STEPS), |kept| {
            if !kept.message.expired(now) && !kept.is_held_back.load(Ordering::Relaxed) {
                take(&kept.message);
                count += 1;
            }
            if count < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    }

    /// Takes out all that the filter matches.
    pub(crate) fn take(&self, filter: &[u8]) -> Vec<Arc<Message>> {
        let mut tree = self.0.write();
        let mut found = Vec::new();
        tree.matches(filter, usize::MAX, |kept| {
            found.push(Arc::clone(&kept.message));
            ControlFlow::Continue(())
        });
        for message in &found {
            tree.remove(message.topic());
        }
        found
    }

    /// Takes out those whose time is over.
    pub(crate) fn take_expired(&self, now: u64) -> Vec<Arc<Message>> {
        self.take_those(|kept| kept.message.expired(now))
    }

    /// Takes out those of an account.
    pub(crate) fn take_of(&self, user: &str) -> Vec<Arc<Message>> {
        self.take_those(|kept| kept.publisher.0 == *user)
    }

    fn take_those(&self, is_wanted: impl Fn(&Kept) -> bool) -> Vec<Arc<Message>> {
        let is_any = self.0.read().values().any(&is_wanted);
        let mut taken = Vec::new();
        if is_any {
            self.0.write().retain(|kept| {
                let keeps = !is_wanted(kept);
                if !keeps {
                    taken.push(Arc::clone(&kept.message));
                }
                keeps
            });
        }
        taken
    }

    /// Holds back those whose publisher may not have published them; the others are handed out.
    pub(crate) fn review(&self, may_publish: impl Fn(&Key, &[u8]) -> bool) {
        for kept in self.0.read().values() {
            let is_held_back = !may_publish(&kept.publisher, kept.message.topic());
            kept.is_held_back.store(is_held_back, Ordering::Relaxed);
        }
    }

    /// The accounts that what is retained is from.
    pub(crate) fn publishers(&self) -> BTreeSet<Text> {
        self.0.read().values().map(|kept| kept.publisher.0.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.read().len()
    }
}
