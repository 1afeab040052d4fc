use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::Element;
use nightjar_xmpp::ns;

use super::{Command, LIST_NAME, apply, read};
use crate::privacy::list::Lists;
use crate::privacy::service::addresses;
use crate::privacy::storage;

fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

fn element(xml: &str) -> Element {
    Element::parse(&Text::new(xml), "jabber:client").unwrap()
}

#[test]
fn commands_of_the_specification_are_read() {
    let romeo = || vec![jid("romeo@montague.net")];
    let cases = [
        (
            "<block xmlns='urn:xmpp:blocking'><item jid='romeo@montague.net'/></block>",
            Ok(Command::Block(romeo())),
        ),
        (
            "<unblock xmlns='urn:xmpp:blocking'><item jid='romeo@montague.net'/></unblock>",
            Ok(Command::Unblock(romeo())),
        ),
        ("<unblock xmlns='urn:xmpp:blocking'/>", Ok(Command::UnblockAll)),
        ("<block xmlns='urn:xmpp:blocking'/>", Err("bad-request")),
        ("<block xmlns='urn:xmpp:blocking'><item/></block>", Err("bad-request")),
        ("<block xmlns='urn:xmpp:blocking'><item jid='@'/></block>", Err("jid-malformed")),
        ("<blocklist xmlns='urn:xmpp:blocking'/>", Err("bad-request")),
    ];
    for (xml, expected) in cases {
        let found = read(element(xml).root()).map_err(|error| error.condition.as_str());
        assert_eq!(found, expected, "{xml}");
    }
}

#[test]
fn the_blocklist_is_written_as_specified() {
    assert_eq!(
        addresses("blocklist", ns::BLOCKING, &[jid("romeo@montague.net"), jid("iago@shakespeare.lit")])
            .as_str(),
        "<blocklist xmlns='urn:xmpp:blocking'><item jid='romeo@montague.net'/><item jid='iago@shakespeare.lit'/>\
         </blocklist>"
    );
    assert_eq!(addresses("blocklist", ns::BLOCKING, &[]).as_str(), "<blocklist xmlns='urn:xmpp:blocking'/>");
}

#[tokio::test]
async fn the_first_blocked_address_makes_the_default_list() {
    let store = nightjar_sqlite::temporary("localhost");
    let block = Command::Block(vec![jid("romeo@montague.net")]);
    let (lists, calls) = apply(&Lists::default(), "juliet", &block).unwrap();
    store.transaction(calls).await.unwrap();
    assert_eq!(storage::load(&store, "juliet").await.unwrap(), lists);
    assert_eq!(lists.default.as_deref(), Some(LIST_NAME));
    // Blocking again changes nothing.
    assert!(apply(&lists, "juliet", &block).unwrap().1.is_empty());

    let (lists, calls) = apply(&lists, "juliet", &Command::UnblockAll).unwrap();
    store.transaction(calls).await.unwrap();
    let found = storage::load(&store, "juliet").await.unwrap();
    assert_eq!(found, lists);
    assert_eq!(found.default_list().unwrap().blocked().count(), 0);
    // Unblocking where nothing is blocked makes no list.
    assert!(apply(&Lists::default(), "juliet", &Command::UnblockAll).unwrap().1.is_empty());
}
