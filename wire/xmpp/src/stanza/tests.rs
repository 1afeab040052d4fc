use nightjar_xml::{Limits, parse_document};

use super::*;
use crate::stanza_error::Condition;

fn frame(xml: &str) -> Frame {
    parse_document(&Text::new(xml), &Limits::default(), ns::CLIENT).unwrap()
}

fn read(xml: &str) -> Result<Stanza, StanzaError> {
    Stanza::from_frame(&frame(xml))
}

#[test]
fn heads_are_read_by_the_rules_of_each_stanza() {
    use Condition::{BadRequest, JidMalformed};
    use StanzaType::{Iq, Message, Presence};
    let cases: &[(&str, Result<StanzaType, Condition>)] = &[
        ("<message/>", Ok(Message(MessageType::Normal))),
        ("<message type='chat'/>", Ok(Message(MessageType::Chat))),
        ("<message type='groupchat'/>", Ok(Message(MessageType::Groupchat))),
        ("<message type='headline'/>", Ok(Message(MessageType::Headline))),
        ("<message type='error'/>", Ok(Message(MessageType::Error))),
        ("<message type='nonsense'/>", Ok(Message(MessageType::Normal))),
        ("<presence/>", Ok(Presence(PresenceType::Available))),
        ("<presence type='unavailable'/>", Ok(Presence(PresenceType::Unavailable))),
        ("<presence type='subscribe'/>", Ok(Presence(PresenceType::Subscribe))),
        ("<presence type='probe'/>", Ok(Presence(PresenceType::Probe))),
        ("<presence type='available'/>", Err(BadRequest)),
        ("<presence type=''/>", Err(BadRequest)),
        ("<iq type='get' id='1'><a xmlns='u'/></iq>", Ok(Iq(IqType::Get))),
        ("<iq type='set' id='1'><a xmlns='u'/></iq>", Ok(Iq(IqType::Set))),
        ("<iq type='result' id='1'/>", Ok(Iq(IqType::Result))),
        ("<iq type='result' id='1'><a xmlns='u'/></iq>", Ok(Iq(IqType::Result))),
        ("<iq type='error' id='1'><a xmlns='u'/><error/></iq>", Ok(Iq(IqType::Error))),
        ("<iq type='get' id='1'/>", Err(BadRequest)),
        ("<iq type='set' id='1'><a xmlns='u'/><b xmlns='u'/></iq>", Err(BadRequest)),
        ("<iq type='result' id='1'><a xmlns='u'/><b xmlns='u'/></iq>", Err(BadRequest)),
        ("<iq type='get'><a xmlns='u'/></iq>", Err(BadRequest)),
        ("<iq id='1'><a xmlns='u'/></iq>", Err(BadRequest)),
        ("<iq type='push' id='1'><a xmlns='u'/></iq>", Err(BadRequest)),
        ("<message to='@b'/>", Err(JidMalformed)),
        ("<message to=''/>", Err(JidMalformed)),
        ("<message to='a@b/'/>", Err(JidMalformed)),
        ("<message from='a b@c'/>", Err(JidMalformed)),
        ("<letter/>", Err(BadRequest)),
    ];
    for (xml, expected) in cases {
        let kind = read(xml).map(|stanza| stanza.kind).map_err(|error| error.condition);
        assert_eq!(kind, *expected, "{xml}");
    }
}

#[test]
fn reading_copies_nothing() {
    let frame = frame(
        "<message to='a@b/c' from='d@e/f' id='1' type='chat' xml:lang='en' other='x'><body>hi</body></message>",
    );
    let stanza = Stanza::from_frame(&frame).unwrap();
    for text in [
        stanza.to.as_ref().unwrap().as_text(),
        stanza.from.as_ref().unwrap().as_text(),
        stanza.id.as_ref().unwrap(),
        stanza.lang.as_ref().unwrap(),
    ] {
        assert!(text.shares_buffer(frame.raw()), "{text}");
    }
    assert_eq!(stanza.body().unwrap(), "hi");
    assert!(matches!(stanza.body().unwrap(), Cow::Borrowed(_)));
}

#[test]
fn writing_declares_the_namespace_only_where_it_must_stand_alone() {
    let stanza = read(
        "<message xmlns:p='u:p' to='A@B/c' id='&lt;1&gt;' type='chat' xml:lang='en' p:other='x' odd='y'>text\
         <body>a &amp; b</body></message>",
    )
    .unwrap();
    let inner = "xml:lang='en' to='a@b/c' type='chat' id='&lt;1&gt;'><body>a &amp; b</body></message>";
    let mut inside = String::new();
    stanza.write(&mut inside, None);
    assert_eq!(inside, format!("<message {inner}"));
    assert_eq!(stanza.to_xml(), format!("<message xmlns='jabber:client' {inner}"));
    let mut bytes = Vec::new();
    stanza.write_to(&mut bytes, Some(ns::SERVER));
    assert_eq!(String::from_utf8(bytes).unwrap(), format!("<message xmlns='jabber:server' {inner}"));
    assert!(stanza.size_hint() >= stanza.to_xml().len());
    let empty = Stanza::presence(PresenceType::Unavailable).to_xml();
    assert_eq!(empty, "<presence xmlns='jabber:client' type='unavailable'/>");
}

#[test]
fn what_is_written_reads_the_same() {
    let stanza = Stanza::iq(IqType::Set, "a'b\"<&>\t")
        .with_to(&Jid::parse("juliet@example.org/it's & <more>").unwrap())
        .with_from(&Jid::parse("example.com").unwrap())
        .with_child("<query xmlns='u:q'>1</query>");
    assert_eq!(read(&stanza.to_xml()).unwrap(), stanza);
}

#[test]
fn errors_and_results_are_never_answered_with_an_error() {
    let cases = [
        ("<message type='chat' id='1' to='a@b' from='c@d'><body/></message>", true),
        ("<presence to='a@b' from='c@d'/>", true),
        ("<iq type='get' id='1' to='a@b' from='c@d'><q xmlns='u'/></iq>", true),
        ("<iq type='result' id='1'/>", false),
        ("<iq type='error' id='1'/>", false),
        ("<message type='error'/>", false),
        ("<presence type='error'/>", false),
    ];
    for (xml, answered) in cases {
        let stanza = read(xml).unwrap();
        let reply = stanza.error_reply(&StanzaError::forbidden());
        assert_eq!(reply.is_some(), answered, "{xml}");
        assert_eq!(
            Stanza::error_for_frame(&frame(xml), &StanzaError::forbidden()).is_some(),
            answered,
            "{xml}"
        );
        let Some(reply) = reply else { continue };
        assert!(reply.kind.is_error());
        assert_eq!((&reply.to, &reply.from, &reply.id), (&stanza.from, &stanza.to, &stanza.id));
        assert_eq!(reply.payload.len(), stanza.payload.len() + 1);
        assert_eq!(reply.error().unwrap(), StanzaError::forbidden());
    }
    assert!(Stanza::error_for_frame(&frame("<letter/>"), &StanzaError::forbidden()).is_none());
}

#[test]
fn a_result_goes_back_with_at_most_one_child() {
    let request = read("<iq type='get' id='7' to='a@b' from='c@d/e'><q xmlns='u'/></iq>").unwrap();
    let empty = request.result_reply(None).to_xml();
    assert_eq!(empty, "<iq xmlns='jabber:client' to='c@d/e' from='a@b' type='result' id='7'/>");
    let full = request.result_reply(Some(Text::new("<q xmlns='u'>1</q>")));
    assert_eq!(full.child("q", "u").unwrap().text(), "1");
}

#[test]
fn a_stanza_is_small_enough_to_move() {
    assert!(size_of::<Stanza>() <= 248, "{}", size_of::<Stanza>());
    assert!(size_of::<Option<Stanza>>() <= 248);
}
