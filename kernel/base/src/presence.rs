//! Presence of local accounts: RFC 6121 §3 (subscriptions) and §4 (exchange).

use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{PresenceType, Stanza, StanzaError};

use crate::contacts::{Announce, ContactList};
use crate::delivery::{check, is_subscription, push, settle, settle_own};
use crate::hooks::{Direction, SelfPresence, SessionAvailable, SessionUnavailable};
use crate::host::Host;
use crate::kernel::Kernel;
use crate::session::Session;

/// A client sent presence. `stanza.from` is the client's full address.
pub(crate) async fn send(kernel: &Arc<Kernel>, session: &Arc<Session>, kind: PresenceType, stanza: Stanza) {
    match (kind, stanza.to.clone()) {
        (PresenceType::Available | PresenceType::Unavailable, None) => {
            broadcast(kernel, session, kind, stanza).await;
        }
        (kind, Some(to)) if is_subscription(kind) => subscription(kernel, session, kind, to, stanza).await,
        (PresenceType::Available, Some(to)) => {
            if !sees_presence(session, &to).await {
                session.remember_directed(&to);
            }
            route_checked(kernel, session, stanza).await;
        }
        (PresenceType::Unavailable, Some(to)) => {
            session.forget_directed(&to);
            route_checked(kernel, session, stanza).await;
        }
        // §4.3: clients don't probe; §8.1.2.2: an error needs an addressee.
        (_, Some(_)) => route_checked(kernel, session, stanza).await,
        (_, None) => kernel.bounce(&stanza, &StanzaError::bad_request()).await,
    }
}

/// Whether `to` sees the session's broadcasts anyway.
async fn sees_presence(session: &Arc<Session>, to: &Jid) -> bool {
    match contacts(session).await {
        Some(contacts) => session.is_available() && contacts.subscription(to).is_from(),
        None => false,
    }
}

async fn contacts(session: &Session) -> Option<Arc<ContactList>> {
    let roster = session.host.contacts()?;
    let account = session.jid.bare();
    if let Some(cached) = roster.cached(&account) {
        return Some(cached);
    }
    roster.list(&account).await.ok()
}

async fn route_checked(kernel: &Arc<Kernel>, session: &Arc<Session>, stanza: Stanza) {
    let account = session.jid.bare();
    match check(&session.host, &account, Some(session), Direction::Out, stanza).await {
        Ok(stanza) => kernel.route_boxed(stanza).await,
        Err((flow, stanza)) => settle_own(session, flow, &stanza),
    }
}

async fn broadcast(kernel: &Arc<Kernel>, session: &Arc<Session>, kind: PresenceType, stanza: Stanza) {
    let was_available = session.is_available();
    if kind == PresenceType::Unavailable && !was_available {
        return tell_directed(kernel, session, &stanza).await;
    }
    let Some(priority) = priority_of(&stanza) else {
        // §4.7.2.3
        return kernel.bounce(&stanza, &StanzaError::bad_request()).await;
    };
    let first = kind == PresenceType::Available && !was_available;
    let mut event = SelfPresence { session: Arc::clone(session), stanza, first };
    if !matches!(session.host.hooks.self_presence.run(&mut event).await, crate::hooks::Flow::Continue) {
        return;
    }
    let stanza = event.stanza;
    if kind == PresenceType::Unavailable {
        return become_unavailable(kernel, session, stanza).await;
    }
    let before = session.priority();
    session.set_presence(Some((stanza.clone(), priority)));
    let contacts = contacts(session).await.unwrap_or_default();
    tell_subscribers(kernel, session, &contacts, &stanza).await;
    tell_own_resources(kernel, session, &stanza).await;
    if first {
        become_available(kernel, session, &contacts).await;
    }
    if priority >= 0 && before.is_none_or(|before| before < 0) {
        let mut event = SessionAvailable { session: Arc::clone(session) };
        session.host.hooks.session_available.run(&mut event).await;
    }
}

/// Priority of a presence stanza (RFC 6121 §4.7.2.3); `None` if it isn't a number from −128 to 127.
pub fn priority_of(stanza: &Stanza) -> Option<i8> {
    match stanza.child("priority", nightjar_xmpp::ns::CLIENT) {
        None => Some(0),
        Some(child) => child.parse().text().trim().parse().ok(),
    }
}

/// What a newly available resource learns: pending requests, its siblings and its contacts (§4.2.2, §3.1.3).
async fn become_available(kernel: &Arc<Kernel>, session: &Arc<Session>, contacts: &ContactList) {
    let account = session.jid.bare();
    for sibling in kernel.sessions.resources(&account) {
        if sibling.id == session.id {
            continue;
        }
        if let Some(mut presence) = sibling.presence() {
            presence.to = Some(session.jid.clone());
            push(kernel, session, presence).await;
        }
    }
    if let Some(roster) = session.host.contacts() {
        for mut request in roster.pending(&account).await.unwrap_or_default() {
            request.to = Some(account.clone());
            push(kernel, session, request).await;
        }
    }
    for contact in contacts.iter().filter(|contact| contact.subscription.is_to()) {
        let mut probe = Stanza::presence(PresenceType::Probe);
        probe.from = Some(session.jid.clone());
        probe.to = Some(contact.jid.clone());
        route_checked(kernel, session, probe).await;
    }
}

async fn tell_subscribers(
    kernel: &Arc<Kernel>,
    session: &Arc<Session>,
    contacts: &ContactList,
    presence: &Stanza,
) {
    for contact in contacts.iter().filter(|contact| contact.subscription.is_from()) {
        let mut copy = presence.clone();
        copy.to = Some(contact.jid.clone());
        route_checked(kernel, session, copy).await;
    }
}

async fn tell_own_resources(kernel: &Arc<Kernel>, session: &Arc<Session>, presence: &Stanza) {
    for sibling in kernel.sessions.resources(&session.jid) {
        if sibling.is_available() || sibling.id == session.id {
            let mut copy = presence.clone();
            copy.to = Some(session.jid.bare());
            push(kernel, &sibling, copy).await;
        }
    }
}

async fn tell_directed(kernel: &Arc<Kernel>, session: &Arc<Session>, presence: &Stanza) {
    for to in session.take_directed() {
        let mut copy = presence.clone();
        copy.to = Some(to);
        route_checked(kernel, session, copy).await;
    }
}

/// Ends a session's availability: subscribers, siblings and receivers of directed presence learn of it (§4.5, §4.6).
pub(crate) async fn become_unavailable(kernel: &Arc<Kernel>, session: &Arc<Session>, presence: Stanza) {
    let before = session.set_presence(None);
    if before.is_some() {
        let contacts = contacts(session).await.unwrap_or_default();
        tell_subscribers(kernel, session, &contacts, &presence).await;
        tell_own_resources(kernel, session, &presence).await;
    }
    tell_directed(kernel, session, &presence).await;
    if before.is_some() {
        let status = presence.child("status", nightjar_xmpp::ns::CLIENT);
        let status = status.map(|child| Text::new(&child.parse().text())).unwrap_or_default();
        let mut event = SessionUnavailable { session: Arc::clone(session), status };
        session.host.hooks.session_unavailable.run(&mut event).await;
    }
}

/// A client sent a subscription stanza (§3): it is stamped with the bare address, applied to the roster, and routed.
async fn subscription(
    kernel: &Arc<Kernel>,
    session: &Arc<Session>,
    kind: PresenceType,
    to: Jid,
    mut stanza: Stanza,
) {
    let account = session.jid.bare();
    let contact = to.bare();
    stanza.from = Some(account.clone());
    stanza.to = Some(contact.clone());
    let stanza = match check(&session.host, &account, Some(session), Direction::Out, stanza).await {
        Ok(stanza) => stanza,
        Err((flow, mut stanza)) => {
            stanza.from = Some(session.jid.clone());
            return settle_own(session, flow, &stanza);
        }
    };
    let Some(roster) = session.host.contacts() else {
        return kernel.route_boxed(stanza).await;
    };
    match roster.outbound(&account, &contact, kind).await {
        Ok(outbound) => {
            if outbound.route {
                kernel.route_boxed(stanza).await;
            }
            announce(kernel, &account, &contact, outbound.announce).await;
        }
        Err(error) => {
            let mut refused = stanza;
            refused.from = Some(session.jid.clone());
            kernel.bounce(&refused, &error).await;
        }
    }
}

/// Tells `contact` of each available resource of the account, or that each is unavailable.
pub async fn announce(kernel: &Arc<Kernel>, account: &Jid, contact: &Jid, announce: Announce) {
    if announce == Announce::Nothing {
        return;
    }
    for session in kernel.sessions.resources(account) {
        let Some(mut presence) = session.presence() else { continue };
        if announce == Announce::Unavailable {
            presence = Stanza::presence(PresenceType::Unavailable);
            presence.from = Some(session.jid.clone());
        }
        presence.to = Some(contact.clone());
        route_checked(kernel, &session, presence).await;
    }
}

/// Presence for a local account.
pub(crate) async fn deliver(
    kernel: &Arc<Kernel>,
    host: &Arc<Host>,
    to: Jid,
    kind: PresenceType,
    stanza: Stanza,
) {
    let account = to.bare();
    let stanza = match check(host, &account, None, Direction::In, stanza).await {
        Ok(stanza) => stanza,
        Err((flow, stanza)) => return settle(kernel, flow, &stanza).await,
    };
    if kind == PresenceType::Probe {
        return probe(kernel, host, &account, &to, &stanza).await;
    }
    if is_subscription(kind) {
        return Box::pin(inbound_subscription(kernel, host, account, kind, stanza)).await;
    }
    if to.is_full() {
        if let Some(session) = kernel.sessions.find(&to) {
            push(kernel, &session, stanza).await;
        }
        return;
    }
    for session in kernel.sessions.resources(&account) {
        if session.is_available() {
            push(kernel, &session, stanza.clone()).await;
        }
    }
}

/// Somebody's server asks for the account's presence (§4.3.2).
async fn probe(kernel: &Arc<Kernel>, host: &Arc<Host>, account: &Jid, to: &Jid, stanza: &Stanza) {
    let Some(from) = &stanza.from else { return };
    let sessions = kernel.sessions.resources(account);
    let allowed = from.bare_str() == account.as_str() || may_see(host, account, from).await;
    for session in &sessions {
        if to.is_full() && session.jid != *to {
            continue;
        }
        if !allowed && !session.has_directed(from) {
            continue;
        }
        if let Some(mut presence) = session.presence() {
            presence.to = Some(from.clone());
            route_checked(kernel, session, presence).await;
        }
    }
}

async fn may_see(host: &Arc<Host>, account: &Jid, peer: &Jid) -> bool {
    let Some(roster) = host.contacts() else { return false };
    match roster.cached(account) {
        Some(contacts) => contacts.subscription(peer).is_from(),
        None => roster
            .list(account)
            .await
            .is_ok_and(|contacts: Arc<ContactList>| contacts.subscription(peer).is_from()),
    }
}

async fn inbound_subscription(
    kernel: &Arc<Kernel>,
    host: &Arc<Host>,
    account: Jid,
    kind: PresenceType,
    mut stanza: Stanza,
) {
    let Some(from) = stanza.from.clone() else { return };
    let contact = from.bare();
    stanza.from = Some(contact.clone());
    stanza.to = Some(account.clone());
    let inbound = match host.contacts() {
        None => crate::contacts::Inbound { deliver: true, ..Default::default() },
        Some(roster) => match roster.inbound(&account, &contact, kind, &stanza).await {
            Ok(inbound) => inbound,
            Err(error) => return kernel.bounce(&stanza, &error).await,
        },
    };
    if let Some(reply) = inbound.reply {
        let mut answer = Stanza::presence(reply);
        answer.from = Some(account.clone());
        answer.to = Some(contact.clone());
        kernel.route_boxed(answer).await;
    }
    if inbound.deliver {
        for session in kernel.sessions.resources(&account) {
            if session.is_available() || session.is_interested() {
                push(kernel, &session, stanza.clone()).await;
            }
        }
    }
    announce(kernel, &account, &contact, inbound.announce).await;
}

/// Presence that the server sends for a resource that went away without a word (§4.5.2).
pub(crate) fn unavailable(session: &Session) -> Stanza {
    let mut presence = Stanza::presence(PresenceType::Unavailable);
    presence.from = Some(session.jid.clone());
    presence
}
