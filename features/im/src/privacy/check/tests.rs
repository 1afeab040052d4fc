use nightjar_base::hooks::{Direction, Flow};
use nightjar_jid::Jid;
use nightjar_xmpp::{IqType, MessageType, PresenceType, Stanza, StanzaType};

use super::{peer_of, stopped};

fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

#[test]
fn own_resources_and_the_own_server_are_never_stopped() {
    let cases = [
        ("juliet@capulet.com/chamber", None),
        ("juliet@capulet.com", None),
        ("capulet.com", None),
        ("capulet.com/announce", None),
        ("nurse@capulet.com", Some("nurse@capulet.com")),
        ("montague.net", Some("montague.net")),
        ("juliet@montague.net", Some("juliet@montague.net")),
    ];
    let account = jid("juliet@capulet.com");
    for (peer, expected) in cases {
        let stanza = Stanza::message(MessageType::Chat).with_from(&jid(peer)).with_to(&account);
        let found = peer_of(&stanza, &account, "capulet.com", Direction::In);
        assert_eq!(found.map(Jid::as_str), expected, "{peer}");
        let stanza = Stanza::message(MessageType::Chat).with_from(&account).with_to(&jid(peer));
        let found = peer_of(&stanza, &account, "capulet.com", Direction::Out);
        assert_eq!(found.map(Jid::as_str), expected, "{peer}");
    }
}

#[test]
fn blocked_senders_see_an_absent_account_and_the_own_client_learns_why() {
    let show = |stanza, direction| match stopped(stanza, direction) {
        Flow::Continue => "passes".to_owned(),
        Flow::Stop => "silence".to_owned(),
        Flow::Refuse(error) => error.to_xml().to_string(),
    };
    let unavailable =
        "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    let blocked = "<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
                   <blocked xmlns='urn:xmpp:blocking:errors'/></error>";
    let cases = [
        (StanzaType::Message(MessageType::Chat), unavailable, blocked),
        (StanzaType::Message(MessageType::Groupchat), "silence", "silence"),
        (StanzaType::Message(MessageType::Error), "silence", "silence"),
        (StanzaType::Iq(IqType::Get), unavailable, blocked),
        (StanzaType::Iq(IqType::Result), "silence", "silence"),
        (StanzaType::Presence(PresenceType::Available), "silence", "silence"),
        (StanzaType::Presence(PresenceType::Probe), "silence", "silence"),
        (StanzaType::Presence(PresenceType::Subscribe), "silence", blocked),
    ];
    for (stanza, inward, outward) in cases {
        assert_eq!(show(stanza, Direction::In), inward, "{stanza}");
        assert_eq!(show(stanza, Direction::Out), outward, "{stanza}");
    }
}
