//! Sessions that can be resumed (XEP-0198 §5), and how a connection takes one over.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use nightjar_auth::AnonymousClaim;
use nightjar_base::{Control, Delivery, Session};
use nightjar_text::Text;
use nightjar_xmpp::{Condition, sm};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::connection::Connection;

/// The order to give a session's stream state up, sent through its mailbox.
pub(super) struct Handover {
    pub to: oneshot::Sender<Handed>,
}

/// What a session that is taken over gives.
pub(super) struct Handed {
    pub state: Box<sm::Session>,
    pub claim: Option<AnonymousClaim>,
}

/// How long the former connection may take to let go; it only has to notice the order.
const HANDOVER_TIME: Duration = Duration::from_secs(10);

struct Entry {
    session: Weak<Session>,
    max_seconds: u32,
}

/// The sessions that can be resumed, by identifier.
#[derive(Default)]
pub(crate) struct Resumable {
    sessions: Mutex<HashMap<Text, Entry>>,
    /// What sessions that can't be resumed any more had handled, the newest last (§5: `h` in `<failed/>`).
    ended: Mutex<Ended>,
}

#[derive(Default)]
struct Ended {
    handled: HashMap<Text, (Text, u32)>,
    order: std::collections::VecDeque<Text>,
}

/// Ended sessions that are remembered.
const ENDED_MAX: usize = 10_000;

impl Resumable {
    /// Makes a session resumable, if it was granted an identifier.
    pub(super) fn add(&self, id: Option<&Text>, session: &Arc<Session>, max_seconds: Option<u32>) {
        if let Some(id) = id {
            let entry = Entry { session: Arc::downgrade(session), max_seconds: max_seconds.unwrap_or(0) };
            self.sessions.lock().insert(id.clone(), entry);
        }
    }

    /// How long a session may wait to be resumed.
    pub(super) fn time_of(&self, id: &Text) -> Duration {
        let sessions = self.sessions.lock();
        Duration::from_secs(sessions.get(id).map_or(0, |entry| u64::from(entry.max_seconds)))
    }

    /// Forgets a session; what it had handled is told to a client that comes too late.
    pub(super) fn remove(&self, state: &sm::Session, account: &str) {
        let Some(id) = state.id() else { return };
        self.sessions.lock().remove(id);
        let mut ended = self.ended.lock();
        if ended.order.len() >= ENDED_MAX
            && let Some(oldest) = ended.order.pop_front()
        {
            ended.handled.remove(&oldest);
        }
        ended.order.push_back(id.clone());
        ended.handled.insert(id.clone(), (Text::new(account), state.received()));
    }

    fn find(&self, id: &Text) -> Option<Arc<Session>> {
        self.sessions.lock().get(id).and_then(|entry| entry.session.upgrade())
    }

    fn handled(&self, id: &Text, account: &str) -> Option<u32> {
        let ended = self.ended.lock();
        ended.handled.get(id).filter(|(owner, _)| owner.as_str() == account).map(|(_, handled)| *handled)
    }
}

/// Takes a session over for the connection's authenticated client. Only its own account may, whatever it knows.
pub(super) async fn take_over(
    connection: &mut Connection,
    resume: &sm::Resume,
) -> Result<Box<sm::Session>, sm::ResumeRefused> {
    let resumable = Arc::clone(&connection.shared.resumable);
    let account =
        connection.account.as_ref().map(|account| Text::new(account.bare_str())).unwrap_or_default();
    let refused = || sm::ResumeRefused {
        condition: Condition::ItemNotFound,
        h: resumable.handled(&resume.previd, &account),
    };
    let session = resumable.find(&resume.previd).ok_or_else(refused)?;
    if session.jid.bare_str() != account.as_str() {
        return Err(sm::ResumeRefused { condition: Condition::ItemNotFound, h: None });
    }
    let (to, from) = oneshot::channel();
    let order = Delivery::Control(Control::Driver(Box::new(Handover { to })));
    session.mailbox.push_urgent(order).map_err(|_| refused())?;
    let handed = tokio::time::timeout(HANDOVER_TIME, from).await;
    let Ok(Ok(mut handed)) = handed else { return Err(refused()) };
    if handed.state.acknowledge(resume.h).is_err() {
        tracing::info!(session = %session.jid, "a client claims more than it was sent");
    }
    let kernel = &connection.shared.kernel;
    handed.state.stamp_delay(&session.host.jid, kernel.clock.monotonic(), kernel.clock.unix_micros());
    session.set_connection(connection.describe());
    session.set_detached(false);
    connection.claim = handed.claim.or(connection.claim.take());
    tracing::info!(peer = connection.peer_name(), session = %session.jid, "a session was resumed");
    connection.session = Some(session);
    Ok(handed.state)
}
