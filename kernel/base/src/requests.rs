//! Requests that the server itself makes, in its own name or in an account's, and their answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{IqType, Stanza};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::guard::Guard;
use crate::host::Host;
use crate::kernel::Kernel;

/// More requests of one host than this don't wait for answers at the same time.
const WAITING_MAX: usize = 10_000;

struct Waiting {
    asked: Jid,
    answer: oneshot::Sender<Stanza>,
}

/// The requests of one host that wait for their answers, by their identifiers, which nobody can guess.
#[derive(Default)]
pub struct Requests {
    waiting: Mutex<HashMap<Text, Waiting>>,
}

impl Requests {
    /// Gives an answer to whoever waits for it; false if nobody asked this sender with this identifier.
    pub fn settle(&self, stanza: Stanza) -> bool {
        let (Some(id), Some(from)) = (&stanza.id, &stanza.from) else { return false };
        let found = {
            let mut waiting = self.waiting.lock();
            let is_asked = waiting.get(id).is_some_and(|entry| entry.asked == *from);
            if is_asked { waiting.remove(id) } else { None }
        };
        found.is_some_and(|entry| entry.answer.send(stanza).is_ok())
    }

    /// How many requests wait.
    pub fn len(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add(&self, id: &Text, asked: &Jid) -> Option<oneshot::Receiver<Stanza>> {
        let (answer, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        if waiting.len() >= WAITING_MAX {
            return None;
        }
        waiting.insert(id.clone(), Waiting { asked: asked.clone(), answer });
        Some(receiver)
    }
}

impl Kernel {
    /// Asks `to` in the name of `from` (the host, or one of its bare accounts) and waits for the answer: a result or
    /// an error. None if there is none in time, or too many requests wait already.
    pub async fn request(
        self: &Arc<Self>,
        host: &Arc<Host>,
        from: &Jid,
        to: &Jid,
        kind: IqType,
        payload: impl Into<Text>,
        timeout: Duration,
    ) -> Option<Stanza> {
        let id = self.random.identifier();
        let answer = host.requests.add(&id, to)?;
        let _forget = Guard::new({
            let (host, id) = (Arc::clone(host), id.clone());
            move || drop(host.requests.waiting.lock().remove(&id))
        });
        let stanza = Stanza::iq(kind, id).with_from(from).with_to(to).with_child(payload);
        self.route_boxed(stanza).await;
        tokio::time::timeout(timeout, answer).await.ok()?.ok()
    }
}
