//! Delivery to local accounts: the rules of RFC 6121 §8.5.

use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_xmpp::{IqType, MessageType, PresenceType, Stanza, StanzaError, StanzaType};

use crate::hooks::{AccountReceive, Direction, Flow, MessageDelivered, OfflineMessage, PacketCheck};
use crate::host::Host;
use crate::iq::IqTarget;
use crate::kernel::Kernel;
use crate::mailbox::Refused;
use crate::presence;
use crate::session::Session;
use crate::sessions::Resources;

/// Delivers a stanza to the host itself or to one of its accounts.
pub(crate) async fn deliver(kernel: &Arc<Kernel>, host: &Arc<Host>, stanza: Stanza) {
    let Some(to) = stanza.to.clone() else { return };
    if to.local().is_none() {
        return to_host(kernel, host, stanza).await;
    }
    match stanza.kind {
        StanzaType::Message(kind) => message(kernel, host, to, kind, stanza).await,
        StanzaType::Iq(kind) => iq(kernel, host, to, kind, stanza).await,
        StanzaType::Presence(kind) => Box::pin(presence::deliver(kernel, host, to, kind, stanza)).await,
    }
}

/// Stanzas for the server itself (RFC 6120 §10.5.1, §10.5.3): requests, answers to its own ones, and messages.
async fn to_host(kernel: &Arc<Kernel>, host: &Arc<Host>, stanza: Stanza) {
    match stanza.kind {
        StanzaType::Iq(IqType::Get | IqType::Set) => {
            answer(kernel, host, IqTarget::Host, stanza).await;
        }
        StanzaType::Iq(IqType::Result | IqType::Error) => {
            host.requests.settle(stanza);
        }
        StanzaType::Message(kind) if kind != MessageType::Error => {
            let flow = account_receive(host, &host.jid, stanza).await;
            if let Err((flow, stanza)) = flow {
                return settle(kernel, flow, &stanza).await;
            }
            if let Ok(stanza) = flow {
                kernel.bounce(&stanza, &StanzaError::service_unavailable()).await;
            }
        }
        _ => {}
    }
}

async fn answer(kernel: &Arc<Kernel>, host: &Arc<Host>, target: IqTarget, stanza: Stanza) {
    let namespace = stanza.children().next().map(|child| child.ns());
    let handler = namespace.and_then(|namespace| host.iq.find(target, namespace));
    if handler.is_some_and(|handler| handler.is_slow()) {
        let (kernel, host) = (Arc::clone(kernel), Arc::clone(host));
        tokio::spawn(async move { answer_now(&kernel, &host, target, stanza).await });
        return;
    }
    answer_now(kernel, host, target, stanza).await;
}

async fn answer_now(kernel: &Arc<Kernel>, host: &Arc<Host>, target: IqTarget, stanza: Stanza) {
    let session = stanza.from.as_ref().and_then(|from| kernel.sessions.find(from));
    let reply = Box::pin(host.iq.answer(host, target, session, None, stanza)).await;
    if let Some(reply) = reply {
        kernel.route_boxed(reply).await;
    }
}

async fn iq(kernel: &Arc<Kernel>, host: &Arc<Host>, to: Jid, kind: IqType, stanza: Stanza) {
    let is_request = matches!(kind, IqType::Get | IqType::Set);
    if to.is_full() {
        let Some(session) = kernel.sessions.find(&to) else {
            // §8.5.3.2.3
            return kernel.bounce(&stanza, &StanzaError::service_unavailable()).await;
        };
        let stanza = match check(host, &to.bare(), Some(&session), Direction::In, stanza).await {
            Ok(stanza) => stanza,
            Err((flow, stanza)) => return settle(kernel, flow, &stanza).await,
        };
        return push(kernel, &session, stanza).await;
    }
    if !is_request {
        host.requests.settle(stanza);
        return;
    }
    let stanza = match check(host, &to, None, Direction::In, stanza).await {
        Ok(stanza) => stanza,
        Err((flow, stanza)) => return settle(kernel, flow, &stanza).await,
    };
    let is_own = stanza.from.as_ref().is_some_and(|from| from.bare_str() == to.as_str());
    if is_own || exists(kernel, host, &to).await {
        answer(kernel, host, IqTarget::Account, stanza).await;
    } else {
        kernel.bounce(&stanza, &StanzaError::service_unavailable()).await;
    }
}

async fn message(kernel: &Arc<Kernel>, host: &Arc<Host>, to: Jid, kind: MessageType, stanza: Stanza) {
    let account = to.bare();
    let stanza = match check(host, &account, None, Direction::In, stanza).await {
        Ok(stanza) => stanza,
        Err((flow, stanza)) => return settle(kernel, flow, &stanza).await,
    };
    if kind == MessageType::Error {
        return error_message(kernel, &to, stanza).await;
    }
    let all = kernel.sessions.resources(&account);
    if all.is_empty() && !exists(kernel, host, &account).await {
        // §8.5.1
        return kernel.bounce(&stanza, &StanzaError::service_unavailable()).await;
    }
    let receivers = choose(&all, &to, kind);
    if receivers.is_empty() && matches!(kind, MessageType::Groupchat) {
        // §8.5.2.1.1, §8.5.3.2.1
        return Box::pin(offline(kernel, host, account, stanza)).await;
    }
    let stanza = match account_receive(host, &account, stanza).await {
        Ok(stanza) => stanza,
        Err((flow, stanza)) => return settle(kernel, flow, &stanza).await,
    };
    if receivers.is_empty() {
        return match kind {
            MessageType::Headline => {}
            _ => Box::pin(offline(kernel, host, account, stanza)).await,
        };
    }
    hand_over(kernel, host, account, receivers, stanza).await;
}

/// Errors go to the resource that caused them, or nowhere (§8.5.3.2.1).
async fn error_message(kernel: &Arc<Kernel>, to: &Jid, stanza: Stanza) {
    if let Some(session) = kernel.sessions.find(to) {
        push(kernel, &session, stanza).await;
    }
}

/// The resources a message goes to. A full address means that resource; without it, and for a bare address, chat and
/// normal messages go to the available resources of the highest priority, headlines to all that aren't negative.
pub fn choose(all: &[Arc<Session>], to: &Jid, kind: MessageType) -> Resources {
    if to.is_full() {
        if let Some(session) = all.iter().find(|session| session.jid == *to) {
            return std::iter::once(Arc::clone(session)).collect();
        }
        if matches!(kind, MessageType::Groupchat | MessageType::Headline) {
            return Resources::new();
        }
    }
    let priorities = all.iter().filter_map(|session| session.priority());
    let Some(highest) = priorities.max().filter(|priority| *priority >= 0) else { return Resources::new() };
    let lowest = match kind {
        MessageType::Groupchat => return Resources::new(),
        MessageType::Headline => 0,
        _ => highest,
    };
    all.iter()
        .filter(|session| session.priority().is_some_and(|priority| priority >= lowest))
        .cloned()
        .collect()
}

async fn hand_over(
    kernel: &Arc<Kernel>,
    host: &Arc<Host>,
    account: Jid,
    receivers: Resources,
    stanza: Stanza,
) {
    if host.hooks.message_delivered.is_empty() && receivers.len() == 1 {
        if let Some(session) = receivers.first() {
            push(kernel, session, stanza).await;
        }
        return;
    }
    for session in &receivers {
        push(kernel, session, stanza.clone()).await;
    }
    let mut event =
        MessageDelivered { host: Arc::clone(host), account, stanza, receivers: receivers.to_vec() };
    host.hooks.message_delivered.run(&mut event).await;
}

/// Offers a message to whoever keeps messages for absent accounts; nobody does: service-unavailable (§8.5.2.2.1).
pub async fn offline(kernel: &Arc<Kernel>, host: &Arc<Host>, account: Jid, stanza: Stanza) {
    let mut event = OfflineMessage { host: Arc::clone(host), account, stanza };
    match host.hooks.offline_message.run(&mut event).await {
        Flow::Continue => kernel.bounce(&event.stanza, &StanzaError::service_unavailable()).await,
        flow => settle(kernel, flow, &event.stanza).await,
    }
}

/// Puts a stanza into a session's mailbox. A session that is gone or doesn't read gives it back: messages are then
/// treated as for an absent resource, requests are answered with an error.
pub async fn push(kernel: &Arc<Kernel>, session: &Arc<Session>, stanza: Stanza) {
    match session.deliver(stanza) {
        Ok(()) => {}
        Err(Refused::Full(stanza)) => {
            tracing::info!(session = %session.jid, "mailbox is full, the session will be cut");
            undelivered(kernel, &session.host, stanza).await;
        }
        Err(Refused::Closed(stanza)) => undelivered(kernel, &session.host, stanza).await,
    }
}

/// What becomes of a stanza that was meant for a resource that is gone: messages are kept for later, requests are
/// answered, everything else is dropped.
pub async fn undelivered(kernel: &Arc<Kernel>, host: &Arc<Host>, stanza: Stanza) {
    let Some(to) = stanza.to.clone() else { return };
    match stanza.kind {
        StanzaType::Message(MessageType::Normal | MessageType::Chat) => {
            Box::pin(offline(kernel, host, to.bare(), stanza)).await;
        }
        StanzaType::Message(MessageType::Groupchat) | StanzaType::Iq(IqType::Get | IqType::Set) => {
            kernel.bounce(&stanza, &StanzaError::service_unavailable()).await;
        }
        _ => {}
    }
}

async fn account_receive(host: &Arc<Host>, account: &Jid, stanza: Stanza) -> Result<Stanza, (Flow, Stanza)> {
    if host.hooks.account_receive.is_empty() {
        return Ok(stanza);
    }
    let mut event = AccountReceive { host: Arc::clone(host), account: account.clone(), stanza };
    match host.hooks.account_receive.run(&mut event).await {
        Flow::Continue => Ok(event.stanza),
        flow => Err((flow, event.stanza)),
    }
}

/// Asks the privacy rules; hands the stanza back if it may pass.
///
/// # Errors
/// What stopped it, with the stanza.
pub async fn check(
    host: &Arc<Host>,
    account: &Jid,
    session: Option<&Arc<Session>>,
    direction: Direction,
    stanza: Stanza,
) -> Result<Stanza, (Flow, Stanza)> {
    if host.hooks.packet_check.is_empty() {
        return Ok(stanza);
    }
    let mut event = PacketCheck {
        host: Arc::clone(host),
        account: account.clone(),
        session: session.cloned(),
        stanza,
        direction,
    };
    match host.hooks.packet_check.run(&mut event).await {
        Flow::Continue => Ok(event.stanza),
        flow => Err((flow, event.stanza)),
    }
}

/// Tells the sender if a listener refused; silence otherwise.
pub async fn settle(kernel: &Arc<Kernel>, flow: Flow, stanza: &Stanza) {
    if let Flow::Refuse(error) = flow {
        kernel.bounce(stanza, &error).await;
    }
}

/// Tells a client of ours if a listener refused what it sent. The answer bears the addressee's address but is the
/// server's own, so no rule against the addressee stops it.
pub fn settle_own(session: &Session, flow: Flow, stanza: &Stanza) {
    if let Flow::Refuse(error) = flow
        && let Some(reply) = stanza.error_reply(&error)
    {
        // A mailbox that is full or closed ends the session.
        let _ = session.deliver(reply);
    }
}

/// Whether the account exists; a database that can't tell counts as yes, so that nothing is bounced by mistake.
async fn exists(kernel: &Arc<Kernel>, host: &Arc<Host>, account: &Jid) -> bool {
    if !kernel.sessions.resources(account).is_empty() {
        return true;
    }
    let Some(user) = account.local() else { return true };
    Box::pin(host.accounts.exists(user)).await.unwrap_or(true)
}

/// Whether a presence type takes part in the subscription handshake.
pub fn is_subscription(kind: PresenceType) -> bool {
    matches!(
        kind,
        PresenceType::Subscribe
            | PresenceType::Subscribed
            | PresenceType::Unsubscribe
            | PresenceType::Unsubscribed
    )
}

#[cfg(test)]
mod tests;
