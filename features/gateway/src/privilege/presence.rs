//! Presence for components that may see it (§7).

use nightjar_base::hooks::{Flow, On, Outcome, SelfPresence, SessionUnavailable, UserReceive};
use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{IqType, PresenceType, Stanza, StanzaType, write};

use super::Privileges;
use super::grants::{Grant, Presences};

impl Privileges {
    fn copy<'a>(&'a self, stanza: Stanza, is_wanted: impl Fn(&Grant) -> bool) -> Outcome<'a> {
        let components = self.components(is_wanted);
        if components.is_empty() {
            return Outcome::CONTINUE;
        }
        let Some(kernel) = self.kernel.upgrade() else { return Outcome::CONTINUE };
        Outcome::Later(Box::pin(async move {
            for component in components {
                kernel.route_boxed(stanza.clone().with_to(&component)).await;
            }
            Flow::Continue
        }))
    }
}

impl On<SelfPresence> for Privileges {
    fn on<'a>(&'a self, event: &'a mut SelfPresence) -> Outcome<'a> {
        // The other type is told of by `SessionUnavailable`, which also knows of clients that say nothing.
        if event.stanza.kind != StanzaType::Presence(PresenceType::Available) {
            return Outcome::CONTINUE;
        }
        let stanza = event.stanza.clone().with_from(&event.session.jid);
        self.copy(stanza, |grant| grant.presence != Presences::None)
    }
}

impl On<SessionUnavailable> for Privileges {
    fn on<'a>(&'a self, event: &'a mut SessionUnavailable) -> Outcome<'a> {
        let mut stanza = Stanza::presence(PresenceType::Unavailable).with_from(&event.session.jid);
        if !event.status.is_empty() {
            let mut status = String::new();
            write::text_element(&mut status, "status", &event.status);
            stanza.append(Text::from(status));
        }
        self.copy(stanza, |grant| grant.presence != Presences::None)
    }
}

impl On<UserReceive> for Privileges {
    fn on<'a>(&'a self, event: &'a mut UserReceive) -> Outcome<'a> {
        let is_presence = matches!(
            event.stanza.kind,
            StanzaType::Presence(PresenceType::Available | PresenceType::Unavailable)
        );
        let account = event.session.jid.bare_str();
        let is_own = event.stanza.from.as_ref().map(Jid::bare_str) == Some(account);
        if !is_presence || is_own || event.stanza.from.is_none() {
            return Outcome::CONTINUE;
        }
        // One copy, however many clients the account has.
        let Some(kernel) = self.kernel.upgrade() else { return Outcome::CONTINUE };
        let first = kernel.sessions.resources(&event.session.jid).first().map(|session| session.id);
        if first.is_some_and(|first| first != event.session.id) {
            return Outcome::CONTINUE;
        }
        self.copy(event.stanza.clone(), |grant| {
            grant.presence == Presences::Roster && grant.roster.allows(IqType::Get)
        })
    }
}
