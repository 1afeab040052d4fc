//! Who is a stranger.

use std::sync::Arc;

use nightjar_base::contacts::{ContactList, Subscription};
use nightjar_base::hooks::AccountReceive;
use nightjar_base::{Host, Kernel};
use nightjar_config::access::Who;
use nightjar_jid::Jid;
use nightjar_xmpp::{Stanza, ns};

use super::Screen;

impl Screen {
    /// Whose contact the account must be for the message to pass; none if it passes anyway. Only what people can read
    /// counts as a message.
    pub(super) fn asks(&self, kernel: &Kernel, event: &AccountReceive) -> Option<Jid> {
        let from = event.stanza.from.as_ref()?;
        let is_empty = !event
            .stanza
            .children()
            .any(|child| child.ns() == ns::CLIENT && matches!(child.name(), "body" | "subject"));
        let is_own = from.bare_str() == event.account.as_str();
        if is_own
            || is_empty
            || event.account.local().is_none()
            || self.is_welcome(kernel, &event.host, from, true)
        {
            return None;
        }
        match inviter(&event.stanza) {
            Some(inviter) if self.is_welcome(kernel, &event.host, &inviter, false) => None,
            Some(inviter) => Some(inviter),
            None => Some(from.clone()),
        }
    }

    /// Whether the rules let everybody hear from this address. What a server of this node says itself is welcome.
    fn is_welcome(&self, kernel: &Kernel, host: &Host, from: &Jid, is_sender: bool) -> bool {
        let as_local = self.allow_local_users || (is_sender && from.local().is_none());
        (as_local && kernel.host(from.domain()).is_some())
            || host.config().access.allows(&self.access, &Who::jid(from))
    }

    /// Whether the account knows the origin: has sent it presence, as to the room it is in, or has it or its server as
    /// a contact.
    pub(super) async fn knows(&self, kernel: &Kernel, event: &AccountReceive, origin: &Jid) -> bool {
        let sender = event.stanza.from.as_ref().map(Jid::bare_str).unwrap_or_default();
        let to = event.stanza.to.as_ref().unwrap_or(&event.account);
        let sessions = kernel.sessions.resources(&event.account);
        let mut meant = sessions.iter().filter(|session| !to.is_full() || session.jid == *to);
        if meant.any(|session| session.has_directed_within(sender)) {
            return true;
        }
        let Some(contacts) = contacts(&event.host, &event.account).await else { return true };
        if is_contact(&contacts, origin) {
            return true;
        }
        let server = Jid::parse(origin.domain()).ok();
        self.allow_transports && server.is_some_and(|server| is_contact(&contacts, &server))
    }
}

/// The account's contacts; none where there is no roster, so that everybody is a stranger. Nothing while they can't be
/// read: a database's fault turns nobody away.
async fn contacts(host: &Host, account: &Jid) -> Option<Arc<ContactList>> {
    let Some(roster) = host.contacts() else { return Some(Arc::default()) };
    match roster.cached(account) {
        Some(contacts) => Some(contacts),
        None => roster.list(account).await.ok(),
    }
}

/// A subscription in either direction, or one that was asked for.
fn is_contact(contacts: &ContactList, jid: &Jid) -> bool {
    contacts.find(jid).is_some_and(|contact| contact.subscription != Subscription::None || contact.is_asked)
}

/// Who invites, where a room brings an invitation (XEP-0045 §7.8.2).
fn inviter(message: &Stanza) -> Option<Jid> {
    let invitation = message.child("x", ns::MUC_USER)?.parse();
    let from = invitation.child("invite", ns::MUC_USER)?.attr("from")?;
    Jid::parse(&from).ok()
}
