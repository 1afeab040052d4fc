//! Which messages are worth keeping (XEP-0160 §3, XEP-0334).

use nightjar_config::Options;
use nightjar_xmpp::hints::Hints;
use nightjar_xmpp::{MessageType, Stanza, StanzaType, ns};

/// What becomes of a message nobody is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is kept.
    Keep,
    /// It only made sense at once; nobody is told.
    Drop,
    /// Its sender is told that nobody got it.
    Bounce,
}

/// How messages without body are treated (`store_empty_body`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EmptyBody {
    Keep,
    UnlessChatState,
    Drop,
}

/// The fate of a message.
pub(super) fn fate(stanza: &Stanza, options: &Options) -> Fate {
    let empty = match options.text("store_empty_body").as_str() {
        "true" => EmptyBody::Keep,
        "false" => EmptyBody::Drop,
        _ => EmptyBody::UnlessChatState,
    };
    // RFC 6121 §8.5.2.1.1: what nobody gets is returned.
    let groupchat = if options.bool("store_groupchat") { Fate::Keep } else { Fate::Bounce };
    decide(stanza, empty, groupchat)
}

fn decide(stanza: &Stanza, empty: EmptyBody, groupchat: Fate) -> Fate {
    let StanzaType::Message(kind) = stanza.kind else { return Fate::Drop };
    match kind {
        MessageType::Error | MessageType::Headline => return Fate::Drop,
        MessageType::Groupchat if groupchat != Fate::Keep => return groupchat,
        _ => {}
    }
    let hints = Hints::of(stanza);
    if hints.no_store || hints.no_permanent_store {
        return Fate::Drop;
    }
    // A carbon or an archived message is a copy; its original is elsewhere.
    if stanza.children().any(|piece| matches!(piece.ns(), ns::CARBONS | ns::MAM)) {
        return Fate::Drop;
    }
    if hints.store || stanza.has_child("body", ns::CLIENT) {
        return Fate::Keep;
    }
    match empty {
        EmptyBody::Keep => Fate::Keep,
        EmptyBody::Drop => Fate::Drop,
        EmptyBody::UnlessChatState if is_only_chat_state(stanza) => Fate::Drop,
        EmptyBody::UnlessChatState => Fate::Keep,
    }
}

/// Whether nothing is said but that somebody is typing, or nothing at all.
fn is_only_chat_state(stanza: &Stanza) -> bool {
    stanza.children().all(|piece| {
        matches!(piece.ns(), ns::CHAT_STATES | ns::DELAY | ns::STANZA_ID) || piece.is("thread", ns::CLIENT)
    })
}

#[cfg(test)]
mod tests {
    use nightjar_text::Text;
    use nightjar_xmpp::{MessageType, Stanza};

    use super::{EmptyBody, Fate, decide};

    fn check(kind: MessageType, children: &[&str], expected: Fate) {
        let mut stanza = Stanza::message(kind);
        for child in children {
            stanza.append(Text::new(child));
        }
        assert_eq!(
            decide(&stanza, EmptyBody::UnlessChatState, Fate::Drop),
            expected,
            "{kind:?} {children:?}"
        );
    }

    #[test]
    fn what_is_kept() {
        let body = "<body>hi</body>";
        let composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
        let receipt = "<received xmlns='urn:xmpp:receipts' id='1'/>";
        check(MessageType::Chat, &[body], Fate::Keep);
        check(MessageType::Normal, &[body], Fate::Keep);
        check(MessageType::Chat, &[composing], Fate::Drop);
        check(MessageType::Chat, &[composing, body], Fate::Keep);
        check(MessageType::Chat, &[receipt], Fate::Keep);
        check(MessageType::Chat, &[body, "<no-store xmlns='urn:xmpp:hints'/>"], Fate::Drop);
        check(MessageType::Chat, &[composing, "<store xmlns='urn:xmpp:hints'/>"], Fate::Keep);
        check(MessageType::Headline, &[body], Fate::Drop);
        check(MessageType::Groupchat, &[body], Fate::Drop);
        check(MessageType::Error, &[body], Fate::Drop);
    }

    #[test]
    fn empty_bodies_follow_the_option() {
        let receipt =
            Stanza::message(MessageType::Chat).with_child("<received xmlns='urn:xmpp:receipts' id='1'/>");
        assert_eq!(decide(&receipt, EmptyBody::Drop, Fate::Drop), Fate::Drop);
        assert_eq!(decide(&receipt, EmptyBody::Keep, Fate::Drop), Fate::Keep);
        let room = Stanza::message(MessageType::Groupchat).with_child("<body>x</body>");
        assert_eq!(decide(&room, EmptyBody::Keep, Fate::Bounce), Fate::Bounce);
        assert_eq!(decide(&room, EmptyBody::Keep, Fate::Keep), Fate::Keep);
    }
}
