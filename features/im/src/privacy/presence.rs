//! Presence that follows from a change of lists (XEP-0016 §2.10, §2.11; XEP-0191 §3.2, §3.3).

use std::sync::Arc;

use nightjar_base::host::Host;
use nightjar_base::{Kernel, Session};
use nightjar_jid::Jid;
use nightjar_xmpp::{PresenceType, Stanza};

use super::list::{Kind, List};
use super::service::{Changed, Privacy, contacts};

/// Tells contacts what a change of the account's lists means for them, session by session.
pub(super) async fn follow(
    privacy: &Privacy,
    kernel: &Arc<Kernel>,
    host: &Host,
    account: &Jid,
    changed: &Changed,
) {
    for session in kernel.sessions.resources(account) {
        let active = privacy.active(&session);
        let before = changed.before.in_force(active.as_ref());
        let after = changed.after.in_force(active.as_ref());
        follow_session(kernel, host, &session, before, after).await;
    }
}

/// Tells contacts what it means for them that another list is in force for a session.
pub(super) async fn follow_session(
    kernel: &Arc<Kernel>,
    host: &Host,
    session: &Arc<Session>,
    before: Option<&Arc<List>>,
    after: Option<&Arc<List>>,
) {
    if before == after {
        return;
    }
    let Some(presence) = session.presence() else { return };
    let Some(contacts) = contacts(host, &session.jid.bare()).await else { return };
    let denies = |list: Option<&Arc<List>>, peer: &Jid, kind| {
        list.is_some_and(|list| list.denies(peer, kind, Some(&contacts)))
    };
    for contact in contacts.iter() {
        let changed = |kind| {
            let (was, is) = (denies(before, &contact.jid, kind), denies(after, &contact.jid, kind));
            (was != is).then_some(is)
        };
        let out = changed(Kind::PresenceOut).filter(|_| contact.subscription.is_from());
        if let Some(is_hidden) = out {
            let told = if is_hidden { Stanza::presence(PresenceType::Unavailable) } else { presence.clone() };
            send(kernel, session, &contact.jid, told).await;
        }
        if contact.subscription.is_to() && changed(Kind::PresenceIn) == Some(false) {
            send(kernel, session, &contact.jid, Stanza::presence(PresenceType::Probe)).await;
        }
    }
}

/// Past the account's own lists: they would stop the very stanza that says so.
async fn send(kernel: &Arc<Kernel>, session: &Session, to: &Jid, stanza: Stanza) {
    kernel.route_boxed(stanza.with_from(&session.jid).with_to(to)).await;
}
