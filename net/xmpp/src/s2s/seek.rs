//! Looking for a way to another server, and asking one about keys.

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_base::catch::caught;
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::StanzaError;
use nightjar_xmpp::s2s::Verdict;
use tokio::sync::oneshot;

use super::failure::Failure;
use super::federation::{Federation, owner};
use super::handle::Handle;
use super::inbox::Order;
use super::link::Link;
use super::options;
use super::outgoing::{self, Purpose, Wanted};
use super::steps::Trace;

/// How long a connection that is there may take to answer before a new one is tried.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Looks for a way for a link, in a task of its own.
pub(super) fn begin(federation: &Arc<Federation>, kernel: &Arc<Kernel>, link: Arc<Link>) {
    let (federation, kernel) = (Arc::clone(federation), Arc::clone(kernel));
    tokio::spawn(async move {
        let finding = caught(Box::pin(find(&federation, &kernel, &link)));
        let failure = match tokio::time::timeout(SEEK_TIME, finding).await {
            Ok(Ok(Ok(handle))) if link.open(&handle) => return,
            Ok(Ok(Ok(_))) => Failure::Stream("it was lost at once".to_owned()),
            Ok(Ok(Err(failure))) => failure,
            Err(_) => Failure::Connect("none of its servers let us in in time".to_owned()),
            Ok(Err(())) => Failure::Stream("connecting panicked".to_owned()),
        };
        Box::pin(federation.failed(&kernel, &link, failure)).await;
    });
}

async fn find(
    federation: &Arc<Federation>,
    kernel: &Arc<Kernel>,
    link: &Link,
) -> Result<Arc<Handle>, Failure> {
    if federation.is_stopping() {
        return Err(Failure::Stopped);
    }
    // A reload may have ended the domain since the stanza was taken.
    let is_served = kernel.find_route(link.local.domain()).is_some();
    let host = owner(kernel, link.local.as_str()).filter(|_| is_served).ok_or(Failure::Denied)?;
    if !options::may_federate(&host, &link.remote) || !kernel.may_federate(&host, &link.remote).await {
        return Err(Failure::Denied);
    }
    if options::may_dial_back(&host, &link.remote)
        && let Some(handle) = share(federation, link).await
    {
        return Ok(handle);
    }
    let wanted =
        Wanted { host, local: link.local.clone(), remote: link.remote.clone(), purpose: Purpose::Send };
    outgoing::connect(federation, kernel, &wanted, &mut Trace::default()).await
}

/// How long stanzas wait at most, however many servers a domain names that say nothing.
const SEEK_TIME: Duration = Duration::from_secs(90);

/// A connection that another domain of ours has opened and that takes this pair, too (XEP-0220 §2.6).
async fn share(federation: &Federation, link: &Link) -> Option<Arc<Handle>> {
    for handle in federation.connections.to(&link.remote) {
        if !handle.told.lock().takes_pairs {
            continue;
        }
        let (answer, answered) = oneshot::channel();
        let order = Order::Authorize { from: link.local.clone(), to: link.remote.clone(), answer };
        if !handle.inbox.order(order) {
            continue;
        }
        if let Ok(Ok(Verdict::Valid)) = tokio::time::timeout(ANSWER_TIME, answered).await {
            return Some(handle);
        }
    }
    None
}

/// A key that another server has sent.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The domain that it claims.
    pub from: Jid,
    /// The domain of ours that it is for.
    pub to: Jid,
    pub stream_id: Text,
    pub key: Text,
}

/// Asks the authoritative server of `from` about a key, in a task of its own, and tells the connection that it came on.
pub(super) fn verify(federation: &Arc<Federation>, kernel: &Arc<Kernel>, handle: &Arc<Handle>, key: Key) {
    let (federation, kernel, handle) = (Arc::clone(federation), Arc::clone(kernel), Arc::clone(handle));
    tokio::spawn(async move {
        let asking = caught(Box::pin(ask(&federation, &kernel, &handle, &key)));
        let asked = tokio::time::timeout(SEEK_TIME, asking).await;
        let late = || Failure::Connect("none of its servers let us in in time".to_owned());
        let verdict = match asked.unwrap_or_else(|_| Ok(Err(late()))) {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(failure)) => {
                federation.counters.failed(failure.word());
                tracing::info!(
                    local = %key.to, remote = %key.from, reason = %failure,
                    "the authoritative server can't be asked about a dialback key"
                );
                Verdict::Error(failure.error())
            }
            Err(()) => Verdict::Error(StanzaError::internal_server_error()),
        };
        handle.inbox.order(Order::Verified { from: key.from, to: key.to, verdict });
    });
}

async fn ask(
    federation: &Arc<Federation>,
    kernel: &Arc<Kernel>,
    came_on: &Arc<Handle>,
    key: &Key,
) -> Result<Verdict, Failure> {
    let host = owner(kernel, key.to.as_str()).ok_or(Failure::Denied)?;
    for handle in federation.connections.to(&key.from) {
        // XEP-0288 §2.2: never on the stream that the key came on.
        if !Arc::ptr_eq(&handle, came_on)
            && let Some(verdict) = ask_on(&handle, key).await
        {
            return Ok(verdict);
        }
    }
    let wanted = Wanted { host, local: key.to.clone(), remote: key.from.clone(), purpose: Purpose::Verify };
    let handle = outgoing::connect(federation, kernel, &wanted, &mut Trace::default()).await?;
    let verdict = ask_on(&handle, key).await;
    verdict.ok_or_else(|| Failure::Stream("it gave no answer about a dialback key".to_owned()))
}

async fn ask_on(handle: &Handle, key: &Key) -> Option<Verdict> {
    let (answer, answered) = oneshot::channel();
    let Key { from, to, stream_id, key } = key.clone();
    let order = Order::Verify { from: to, to: from, id: stream_id, key, answer };
    if !handle.inbox.order(order) {
        return None;
    }
    tokio::time::timeout(ANSWER_TIME, answered).await.ok()?.ok()
}
