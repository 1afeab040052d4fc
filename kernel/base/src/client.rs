//! What a bound client may do: open a session, send, and go.

use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{IqType, MessageType, Stanza, StanzaError, StanzaType, StreamErrorCondition};

use crate::delivery::{self, check, settle, settle_own};
use crate::hooks::{ClientState, Direction, Flow, SessionClosed, SessionOpened, UserReceive, UserSend};
use crate::host::Host;
use crate::kernel::Kernel;
use crate::presence;
use crate::session::{Connection, Delivery, Session};

/// How a resource that is already connected is dealt with (`resource_conflict`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceConflict {
    /// The new session gets a name of the server's choice.
    SetResource,
    /// The old session is closed.
    CloseOld,
    /// The new session is refused.
    CloseNew,
}

/// A request to open a session.
pub struct OpenRequest {
    /// The host.
    pub host: Arc<Host>,
    /// The account, bare.
    pub account: Jid,
    /// The resource asked for; none leaves it to the server.
    pub resource: Option<Text>,
    /// How the client is connected.
    pub connection: Connection,
    /// What to do if the resource is taken.
    pub conflict: ResourceConflict,
    /// Sessions the account may have; the oldest is closed beyond it. None: no limit.
    pub sessions_max: Option<u64>,
    /// Deliveries that may wait in its mailbox.
    pub mailbox_capacity: usize,
}

impl Kernel {
    /// Makes a session that others can find.
    ///
    /// # Errors
    /// `conflict` if the resource is taken and the old session is to stay; `bad-request` for a bad resource.
    pub async fn open_session(self: &Arc<Self>, request: OpenRequest) -> Result<Arc<Session>, StanzaError> {
        let jid = self.resource_for(&request)?;
        let id = self.sessions.next_id();
        let now = self.clock.unix_micros();
        let session = Session::new(id, jid, request.host, request.connection, now, request.mailbox_capacity);
        let session = Arc::new(session);
        session.touch(self.monotonic_ms());
        for old in self.sessions.insert(&session) {
            old.end(StreamErrorCondition::Conflict, Some("Replaced by new connection"));
        }
        if let Some(max) = request.sessions_max {
            self.limit_sessions(&session.jid, max);
        }
        let mut event = SessionOpened { session: Arc::clone(&session) };
        session.host.hooks.session_opened.run(&mut event).await;
        Ok(session)
    }

    /// The monotonic clock in milliseconds.
    pub fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn resource_for(&self, request: &OpenRequest) -> Result<Jid, StanzaError> {
        let generated = || request.account.with_resource(&self.random.identifier());
        let wanted = match &request.resource {
            Some(resource) if !resource.is_empty() => request.account.with_resource(resource),
            _ => generated(),
        };
        let jid = wanted.map_err(|_| StanzaError::bad_request())?;
        if request.conflict == ResourceConflict::CloseOld || self.sessions.find(&jid).is_none() {
            return Ok(jid);
        }
        match request.conflict {
            ResourceConflict::CloseNew => Err(StanzaError::conflict()),
            _ => generated().map_err(|_| StanzaError::bad_request()),
        }
    }

    fn limit_sessions(&self, account: &Jid, max: u64) {
        let all = self.sessions.resources(account);
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let surplus = all.len().saturating_sub(max);
        for old in all.iter().take(surplus) {
            old.end(StreamErrorCondition::PolicyViolation, Some("Too many sessions"));
        }
    }

    /// Takes a stanza that a client sent.
    ///
    /// # Errors
    /// The stream error that ends the session: `invalid-from` (RFC 6120 §8.1.2.1).
    pub async fn user_send(
        self: &Arc<Self>,
        session: &Arc<Session>,
        mut stanza: Stanza,
    ) -> Result<(), StreamErrorCondition> {
        if let Some(from) = &stanza.from {
            let own = *from == session.jid || from.as_str() == session.jid.bare_str();
            if !own {
                return Err(StreamErrorCondition::InvalidFrom);
            }
        }
        stanza.from = Some(session.jid.clone());
        session.touch(self.monotonic_ms());
        let mut event = UserSend { session: Arc::clone(session), stanza };
        match session.host.hooks.user_send.run(&mut event).await {
            Flow::Continue => self.send_on(session, event.stanza).await,
            flow => settle_own(session, flow, &event.stanza),
        }
        Ok(())
    }

    async fn send_on(self: &Arc<Self>, session: &Arc<Session>, mut stanza: Stanza) {
        if let StanzaType::Presence(kind) = stanza.kind {
            return Box::pin(presence::send(self, session, kind, stanza)).await;
        }
        if stanza.to.is_none() {
            // RFC 6120 §10.3.1, §10.3.3: the account itself is meant.
            stanza.to = Some(session.jid.bare());
        }
        match check(&session.host, &session.jid.bare(), Some(session), Direction::Out, stanza).await {
            Ok(stanza) => self.route(stanza).await,
            Err((flow, stanza)) => settle_own(session, flow, &stanza),
        }
    }

    /// Passes a delivery through the receiver's listeners and appends what the client is to get to `written`.
    pub async fn user_receive(
        self: &Arc<Self>,
        session: &Arc<Session>,
        stanza: Stanza,
        written: &mut Vec<Stanza>,
    ) {
        if session.host.hooks.user_receive.is_empty() {
            return written.push(stanza);
        }
        let mut event = UserReceive { session: Arc::clone(session), stanza, before: Vec::new() };
        let flow = session.host.hooks.user_receive.run(&mut event).await;
        written.append(&mut event.before);
        match flow {
            Flow::Continue => written.push(event.stanza),
            flow => settle(self, flow, &event.stanza).await,
        }
    }

    /// Notes that a client became active or inactive; returns what was held back and is to be written now.
    pub async fn client_state(self: &Arc<Self>, session: &Arc<Session>, active: bool) -> Vec<Stanza> {
        let mut event = ClientState { session: Arc::clone(session), active, flush: Vec::new() };
        session.host.hooks.client_state.run(&mut event).await;
        event.flush
    }

    /// Ends a session: nobody finds it any more, others learn that it is gone, and what it was still to get is
    /// given back to its senders or kept for the account.
    pub async fn close_session(self: &Arc<Self>, session: &Arc<Session>, unsent: Vec<Stanza>) {
        self.sessions.remove(session);
        let presence = presence::unavailable(session);
        presence::become_unavailable(self, session, presence).await;
        let mut event = SessionClosed { session: Arc::clone(session) };
        session.host.hooks.session_closed.run(&mut event).await;
        let left = session.mailbox.close().into_iter().filter_map(|delivery| match delivery {
            Delivery::Stanza(stanza) => Some(stanza),
            Delivery::Control(_) => None,
        });
        for stanza in unsent.into_iter().chain(left) {
            self.reroute(session, stanza).await;
        }
    }

    /// Finds another way for a stanza that a closed session didn't get (RFC 6120 §10.5.4, XEP-0198 §5): a message goes
    /// to the account's other resources or is kept, a request is answered with an error.
    async fn reroute(self: &Arc<Self>, session: &Arc<Session>, mut stanza: Stanza) {
        match stanza.kind {
            StanzaType::Message(MessageType::Normal | MessageType::Chat) => {
                let account = session.jid.bare();
                stanza.to = Some(account.clone());
                let all = self.sessions.resources(&account);
                let receivers = delivery::choose(&all, &account, MessageType::Chat);
                if receivers.is_empty() {
                    return delivery::offline(self, &session.host, account, stanza).await;
                }
                for receiver in receivers {
                    delivery::push(self, &receiver, stanza.clone()).await;
                }
            }
            StanzaType::Iq(IqType::Get | IqType::Set) => {
                self.bounce(&stanza, &StanzaError::service_unavailable()).await;
            }
            _ => {}
        }
    }
}
