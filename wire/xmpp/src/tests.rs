//! The small payloads: what is written is what the specifications' examples show, and reads the same.

use nightjar_jid::Jid;
use nightjar_text::Text;

use crate::delay::Delay;
use crate::hints::Hints;
use crate::stanza_id::{self, StanzaId};
use crate::{MessageType, Stanza, forwarded, write};

fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

fn message(children: &str) -> Stanza {
    let mut message = Stanza::message(MessageType::Chat);
    for child in children.split_inclusive('\n') {
        message.append(Text::new(child.trim()));
    }
    message
}

#[test]
fn delays_are_stamped_by_who_held_the_stanza() {
    let delay = Delay {
        reason: Some(Text::new("Offline")),
        ..Delay::new(&jid("capulet.com"), 1_031_699_305_000_000)
    };
    let xml = delay.to_xml();
    assert_eq!(
        xml,
        "<delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2002-09-10T23:08:25Z'>Offline</delay>"
    );
    assert_eq!(message(&xml).children().find_map(Delay::parse), Some(delay));
    for not in [
        "<delay xmlns='urn:xmpp:delay'/>",
        "<delay xmlns='urn:xmpp:delay' stamp='now'/>",
        "<delay stamp='2002-09-10T23:08:25Z'/>",
    ] {
        assert_eq!(message(not).children().find_map(Delay::parse), None, "{not}");
    }
}

/// Hostile input: archive ids that the sender made up, several of them, the address written in another way.
#[test]
fn every_forged_stanza_id_of_an_address_is_removed() {
    let mut stanza = message(
        "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@example.org' id='forged-1'/>\n\
         <body>hi</body>\n\
         <stanza-id xmlns='urn:xmpp:sid:0' by='JULIET@Example.org' id='forged-2'/>\n\
         <stanza-id xmlns='urn:xmpp:sid:0' by='room@muc.example.org' id='kept'/>\n\
         <stanza-id xmlns='urn:xmpp:sid:0' id='nobody'/>\n\
         <origin-id xmlns='urn:xmpp:sid:0' id='own'/>",
    );
    let juliet = jid("juliet@example.org");
    assert_eq!(stanza_id::strip(&mut stanza, &juliet), 2);
    assert_eq!(stanza_id::find(&stanza, &juliet), None);
    stanza.append(StanzaId { by: juliet.clone(), id: Text::new("true") }.to_xml());
    assert_eq!(stanza_id::find(&stanza, &juliet), Some(Text::new("true")));
    assert_eq!(stanza_id::find(&stanza, &jid("room@muc.example.org")), Some(Text::new("kept")));
    assert_eq!(stanza_id::origin(&stanza), Some(Text::new("own")));
    assert_eq!(stanza.body().unwrap(), "hi");
}

#[test]
fn forwarded_stanzas_stand_alone() {
    let delay = Delay::new(&jid("example.org"), 0);
    let xml = forwarded::to_xml(&message("<body>hi</body>").with_to(&jid("a@b")), Some(&delay));
    assert_eq!(
        xml,
        "<forwarded xmlns='urn:xmpp:forward:0'>\
         <delay xmlns='urn:xmpp:delay' from='example.org' stamp='1970-01-01T00:00:00Z'/>\
         <message xmlns='jabber:client' to='a@b' type='chat'><body>hi</body></message></forwarded>"
    );
}

#[test]
fn hints_are_read_by_namespace() {
    let all = message(
        "<no-store xmlns='urn:xmpp:hints'/>\n<no-copy xmlns='urn:xmpp:hints'/>\n<store xmlns='urn:xmpp:hints'/>\n\
         <no-permanent-store xmlns='urn:xmpp:hints'/>",
    );
    assert_eq!(
        Hints::of(&all),
        Hints { no_store: true, no_permanent_store: true, no_copy: true, store: true }
    );
    assert_eq!(Hints::of(&message("<no-store xmlns='u:other'/>\n<store/>")), Hints::default());
}

#[test]
fn text_is_escaped_for_where_it_stands() {
    let mut out = String::new();
    write::attribute(&mut out, "a", "<'\">&\t\n\r\u{0}é");
    write::text_element(&mut out, "b", "<'\">&\u{1f}é");
    assert_eq!(out, " a='&lt;&apos;&quot;&gt;&amp;&#9;&#10;&#13;\u{fffd}é'<b>&lt;'\"&gt;&amp;\u{fffd}é</b>");
}
