//! Retained messages.

use std::ops::ControlFlow;
use std::sync::Arc;

use nightjar_mqtt::Message;
use nightjar_mqtt::tree::RetainedTree;
use parking_lot::RwLock;

/// Topics looked at for each message that a subscription may get: what `+/+/x` may cost.
const STEPS: usize = 100;

/// What is retained on a host.
#[derive(Default)]
pub(crate) struct Retained(RwLock<RetainedTree<Arc<Message>>>);

impl Retained {
    /// Retains a message, or forgets that of the topic if it has no payload; `store` is called in the order of changes,
    /// and only if there is something to do.
    pub(crate) fn change<T>(&self, message: &Arc<Message>, store: impl FnOnce() -> T) -> Option<T> {
        let mut tree = self.0.write();
        if message.payload().is_empty() {
            tree.remove(message.topic())?;
        } else {
            tree.insert(message.topic(), Arc::clone(message));
        }
        Some(store())
    }

    /// Puts a message that is stored already.
    pub(crate) fn put(&self, message: Arc<Message>) {
        let topic = message.topic().to_vec();
        self.0.write().insert(&topic, message);
    }

    /// Takes at most `max` that the filter matches. A message that comes in their place later is retained after `take`
    /// has been called for all.
    pub(crate) fn matching(&self, filter: &[u8], max: usize, now: u64, mut take: impl FnMut(&Arc<Message>)) {
        let mut count = 0;
        let tree = self.0.read();
        tree.matches(filter, max.saturating_mul(STEPS), |message| {
            if !message.expired(now) {
                take(message);
                count += 1;
            }
            if count < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    }

    /// Takes out all that the filter matches.
    pub(crate) fn take(&self, filter: &[u8]) -> Vec<Arc<Message>> {
        let mut tree = self.0.write();
        let mut found = Vec::new();
        tree.matches(filter, usize::MAX, |message| {
            found.push(Arc::clone(message));
            ControlFlow::Continue(())
        });
        for message in &found {
            tree.remove(message.topic());
        }
        found
    }

    /// Takes out those whose time is over.
    pub(crate) fn take_expired(&self, now: u64) -> Vec<Arc<Message>> {
        let is_any = self.0.read().values().any(|message| message.expired(now));
        let mut expired = Vec::new();
        if is_any {
            self.0.write().retain(|message| {
                let keeps = !message.expired(now);
                if !keeps {
                    expired.push(Arc::clone(message));
                }
                keeps
            });
        }
        expired
    }

    pub(crate) fn len(&self) -> usize {
        self.0.read().len()
    }
}
