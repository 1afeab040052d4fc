//! What goes into the archive.

use std::sync::Arc;

use nightjar_base::hooks::{AccountReceive, Flow, On, Outcome, UserSend};
use nightjar_base::host::Host;
use nightjar_jid::Jid;
use nightjar_store::Ticket;
use nightjar_text::Text;
use nightjar_xmpp::hints::Hints;
use nightjar_xmpp::{MessageType, Stanza, StanzaType, ns, stanza_id};

use super::preferences::{Preferences, Rule, is_contact};
use super::storage::{self, Record};
use super::{Archive, DefaultRule};

impl On<UserSend> for Archive {
    fn on<'a>(&'a self, event: &'a mut UserSend) -> Outcome<'a> {
        if !is_archivable(&event.stanza) {
            return Outcome::CONTINUE;
        }
        let account = event.session.jid.bare();
        let Some(peer) = event.stanza.to.clone() else { return Outcome::CONTINUE };
        // A message to oneself is archived once, when it arrives.
        if peer.bare_str() == account.as_str() {
            return Outcome::CONTINUE;
        }
        match self.decide_now(&event.session.host, &account, &peer) {
            Some(true) => {
                let (_, ticket) = self.store(&event.session.host, &account, &peer, &event.stanza);
                event.session.promise(ticket);
                Outcome::CONTINUE
            }
            Some(false) => Outcome::CONTINUE,
            None => Outcome::Later(Box::pin(async move {
                let host = Arc::clone(&event.session.host);
                if self.decide(&host, &account, &peer).await {
                    let (_, ticket) = self.store(&host, &account, &peer, &event.stanza);
                    event.session.promise(ticket);
                }
                Flow::Continue
            })),
        }
    }
}

impl On<AccountReceive> for Archive {
    fn on<'a>(&'a self, event: &'a mut AccountReceive) -> Outcome<'a> {
        // XEP-0359 §5: what claims to be this account's identifier isn't, whoever put it there.
        stanza_id::strip(&mut event.stanza, &event.account);
        if event.account.local().is_none() || !is_archivable(&event.stanza) {
            return Outcome::CONTINUE;
        }
        let Some(peer) = event.stanza.from.clone() else { return Outcome::CONTINUE };
        match self.decide_now(&event.host, &event.account, &peer) {
            Some(true) => {
                self.receive(event, &peer);
                Outcome::CONTINUE
            }
            Some(false) => Outcome::CONTINUE,
            None => Outcome::Later(Box::pin(async move {
                if self.decide(&event.host, &event.account, &peer).await {
                    self.receive(event, &peer);
                }
                Flow::Continue
            })),
        }
    }
}

impl Archive {
    fn receive(&self, event: &mut AccountReceive, peer: &Jid) {
        let (id, ticket) = self.store(&event.host, &event.account, peer, &event.stanza);
        let mark = stanza_id::StanzaId { id: Text::from(id.to_string()), by: event.account.clone() };
        event.stanza.append(mark.to_xml());
        // The sender's acknowledgement waits for the write, if the sender is one of ours.
        let sender = self.kernel.upgrade().and_then(|kernel| kernel.sessions.find(peer));
        match sender {
            Some(session) => session.promise(ticket),
            None => drop(ticket),
        }
    }

    fn store(&self, host: &Host, account: &Jid, peer: &Jid, stanza: &Stanza) -> (i64, Ticket) {
        let now = self.kernel.upgrade().map_or(0, |kernel| kernel.clock.unix_micros());
        let id = self.next_id(now);
        let mut xml = String::with_capacity(stanza.size_hint());
        stanza.write(&mut xml, Some(ns::CLIENT));
        let record = Record {
            user: account.local().unwrap_or_default(),
            id,
            peer,
            xml,
            body: stanza.body().map(|body| Text::new(&body)),
            origin_id: stanza_id::origin(stanza),
        };
        (id, host.store.submit(vec![storage::put(record)]))
    }

    /// Whether messages with a peer are archived, if that can be said without waiting.
    fn decide_now(&self, host: &Host, account: &Jid, peer: &Jid) -> Option<bool> {
        let preferences = self.preferences.get(account.local().unwrap_or_default())?;
        match self.rule(&preferences, peer) {
            Rule::Archive => Some(true),
            Rule::Leave => Some(false),
            Rule::AskRoster => {
                let contacts = host.contacts()?.cached(account)?;
                Some(is_contact(contacts.subscription(peer)))
            }
        }
    }

    async fn decide(&self, host: &Host, account: &Jid, peer: &Jid) -> bool {
        let preferences = self.preferences_of(host, account.local().unwrap_or_default()).await;
        match self.rule(&preferences, peer) {
            Rule::Archive => true,
            Rule::Leave => false,
            Rule::AskRoster => match host.contacts() {
                Some(roster) => {
                    roster.list(account).await.is_ok_and(|contacts| is_contact(contacts.subscription(peer)))
                }
                None => false,
            },
        }
    }

    fn rule(&self, preferences: &Preferences, peer: &Jid) -> Rule {
        if !preferences.stored && self.options.bool("request_activates_archiving") {
            return Rule::Leave;
        }
        preferences.rule(peer)
    }

    /// An account's preferences, or the host's default. A database that can't tell means the default, and is asked
    /// again next time.
    pub(super) async fn preferences_of(&self, host: &Host, user: &str) -> Arc<Preferences> {
        if let Some(found) = self.preferences.get(user) {
            return found;
        }
        match storage::preferences(&host.store, user).await {
            Ok(stored) => {
                let preferences = Arc::new(stored.unwrap_or_else(|| self.default_preferences()));
                self.preferences.insert(Text::new(user), Arc::clone(&preferences));
                preferences
            }
            Err(error) => {
                tracing::warn!(user, %error, "archiving preferences could not be read");
                Arc::new(self.default_preferences())
            }
        }
    }

    pub(super) fn default_preferences(&self) -> Preferences {
        let default: DefaultRule = self.default;
        Preferences { default, always: Vec::new(), never: Vec::new(), stored: false }
    }
}

/// Whether a message is worth archiving (XEP-0313 §5.1).
fn is_archivable(stanza: &Stanza) -> bool {
    let StanzaType::Message(kind) = stanza.kind else { return false };
    if !matches!(kind, MessageType::Chat | MessageType::Normal) {
        return kind == MessageType::Headline && Hints::of(stanza).store;
    }
    let hints = Hints::of(stanza);
    if hints.no_store || hints.no_permanent_store {
        return false;
    }
    let mut has_text = false;
    for piece in stanza.children() {
        match piece.ns() {
            // A copy of what the archive has already.
            ns::CARBONS | ns::MAM => return false,
            ns::EXPLICIT_ENCRYPTION | ns::OMEMO | ns::OMEMO_2 | ns::CHAT_MARKERS | ns::RECEIPTS => {
                has_text = true
            }
            _ => has_text |= piece.is("body", ns::CLIENT) || piece.is("subject", ns::CLIENT),
        }
    }
    has_text || hints.store
}

#[cfg(test)]
mod tests {
    use nightjar_text::Text;
    use nightjar_xmpp::{MessageType, Stanza};

    use super::is_archivable;

    fn check(kind: MessageType, children: &[&str], expected: bool) {
        let mut stanza = Stanza::message(kind);
        for child in children {
            stanza.append(Text::new(child));
        }
        assert_eq!(is_archivable(&stanza), expected, "{kind:?} {children:?}");
    }

    #[test]
    fn what_is_archived() {
        let body = "<body>hi</body>";
        let composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
        check(MessageType::Chat, &[body], true);
        check(MessageType::Normal, &[body], true);
        check(MessageType::Chat, &[composing], false);
        check(MessageType::Chat, &[composing, "<store xmlns='urn:xmpp:hints'/>"], true);
        check(MessageType::Chat, &[body, "<no-store xmlns='urn:xmpp:hints'/>"], false);
        check(MessageType::Groupchat, &[body], false);
        check(MessageType::Headline, &[body], false);
        check(MessageType::Error, &[body], false);
        check(MessageType::Chat, &["<received xmlns='urn:xmpp:carbons:2'/>", body], false);
    }
}
