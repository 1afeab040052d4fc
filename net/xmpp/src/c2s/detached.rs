//! A session without a connection, waiting to be resumed (XEP-0198 §5).

use std::future::poll_fn;
use std::sync::Arc;

use nightjar_auth::AnonymousClaim;
use nightjar_base::mailbox::Drained;
use nightjar_base::stream_options::{Resend, StreamManagementOptions};
use nightjar_base::{Control, Delivery, Kernel, Session};
use nightjar_text::Text;
use nightjar_xmpp::{MessageType, Stanza, StanzaError, StanzaType, sm};

use super::Shared;
use super::resume::{Handed, Handover};

/// The session, its unacknowledged stanzas, and what it needs to wait.
pub(super) struct Detached {
    pub shared: Arc<Shared>,
    pub kernel: Arc<Kernel>,
    pub session: Arc<Session>,
    pub state: Box<sm::Session>,
    pub claim: Option<AnonymousClaim>,
}

impl Detached {
    /// Keeps what arrives until the session is resumed or its time is over.
    pub async fn run(mut self) {
        let Some(id) = self.state.id().cloned() else { return };
        let time = self.shared.resumable.time_of(&id);
        tracing::info!(session = %self.session.jid, seconds = time.as_secs(), "the connection was lost, waiting to be resumed");
        self.state.clear_ack_request();
        self.session.set_detached(true);
        let taken = tokio::time::timeout(time, self.keep()).await;
        if let Ok(Some(handover)) = taken {
            let session = Arc::clone(&self.session);
            let handed = Handed { state: self.state, claim: self.claim };
            if handover.to.send(handed).is_err() {
                self.kernel.close_session(&session, Vec::new()).await;
            }
            return;
        }
        tracing::info!(session = %self.session.jid, "a session that wasn't resumed was closed");
        self.shared.resumable.remove(&self.state, &Text::new(self.session.jid.bare_str()));
        close(&self.kernel, &self.session, Some(self.state)).await;
    }

    /// Queues deliveries; returns when the session is taken over, or with `None` when it must end.
    async fn keep(&mut self) -> Option<Handover> {
        let mut batch = Vec::new();
        loop {
            let drained = poll_fn(|context| self.session.mailbox.poll_drain(context, &mut batch)).await;
            if drained == Drained::Overflowed {
                return None;
            }
            let mut kept = Vec::with_capacity(batch.len());
            let mut handover = None;
            for delivery in batch.drain(..) {
                match delivery {
                    Delivery::Stanza(stanza) => {
                        self.kernel.user_receive(&self.session, stanza, &mut kept).await;
                    }
                    Delivery::Control(Control::End { .. }) => return None,
                    Delivery::Control(Control::Driver(order)) => handover = order.downcast::<Handover>().ok(),
                }
            }
            let now = self.kernel.clock.monotonic();
            let full =
                kept.into_iter().map(|stanza| self.state.push(now, stanza)).filter(Result::is_err).count();
            if let Some(handover) = handover {
                return Some(*handover);
            }
            if full > 0 {
                return None;
            }
        }
    }
}

/// Ends a session; what its client never acknowledged is dealt with as `resend_on_timeout` says.
pub(super) async fn close(kernel: &Arc<Kernel>, session: &Arc<Session>, state: Option<Box<sm::Session>>) {
    let unacked: Vec<Stanza> = state
        .map(|state| state.into_unacked().into_iter().map(|unacked| unacked.stanza).collect())
        .unwrap_or_default();
    let resend = session
        .host
        .get::<StreamManagementOptions>()
        .map_or(Resend::Never, |options| options.resend_on_timeout);
    let others = kernel.sessions.resources(&session.jid).len() > 1;
    let again = match resend {
        Resend::Always => true,
        Resend::IfOffline => !others,
        Resend::Never => false,
    };
    if again {
        return kernel.close_session(session, unacked).await;
    }
    kernel.close_session(session, Vec::new()).await;
    for stanza in unacked {
        // What the account's archive has isn't lost, so nobody is told that it is.
        if nightjar_xmpp::stanza_id::find(&stanza, &session.jid.bare()).is_some() {
            continue;
        }
        if matches!(
            stanza.kind,
            StanzaType::Message(MessageType::Normal | MessageType::Chat) | StanzaType::Iq(_)
        ) {
            let error = StanzaError::service_unavailable().with_text("User session terminated");
            kernel.bounce(&stanza, &error).await;
        }
    }
}
