use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xmpp::{MessageType, Stanza};

use super::is_only_chat_state;

fn message(children: &[&str]) -> Stanza {
    let mut stanza = Stanza::message(MessageType::Chat).with_from(&Jid::parse("a@b/c").unwrap());
    for child in children {
        stanza.append(Text::new(child));
    }
    stanza
}

#[test]
fn chat_states_are_held_only_when_nothing_else_is_said() {
    let composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
    assert!(is_only_chat_state(&message(&[composing])));
    assert!(is_only_chat_state(&message(&[composing, "<thread>x</thread>"])));
    assert!(!is_only_chat_state(&message(&[composing, "<body>hi</body>"])));
    assert!(!is_only_chat_state(&message(&[])));
}
