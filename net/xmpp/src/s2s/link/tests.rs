use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_xmpp::{MessageType, Stanza};
use parking_lot::Mutex;

use super::{Delay, Link, Sent};
use crate::s2s::failure::Failure;
use crate::s2s::handle::{Direction, Handle, Told};
use crate::s2s::inbox::Inbox;
use crate::s2s::queue::{Bounds, Stock};

const ROOM: Bounds = Bounds { stanzas: 4, bytes: 100_000 };
const NOW: Duration = Duration::from_secs(100);
const DELAY: Delay = Delay { now: NOW, max: Duration::from_secs(300), chance: 0 };

fn jid(text: &str) -> Jid {
    text.parse().unwrap()
}

fn link() -> (Link, Arc<Stock>) {
    let stock = Arc::new(Stock::new(usize::MAX));
    (Link::new(jid("here"), jid("there"), ROOM, Arc::clone(&stock)), stock)
}

fn handle(stock: &Arc<Stock>) -> Arc<Handle> {
    Arc::new(Handle {
        direction: Direction::Out,
        address: None,
        remote: Mutex::default(),
        inbox: Inbox::new(ROOM, Arc::clone(stock)),
        told: Mutex::new(Told::default()),
    })
}

fn message(id: &str) -> Stanza {
    Stanza::message(MessageType::Chat).with_id(id)
}

fn ids(stanzas: &[Stanza]) -> String {
    let ids: Vec<&str> = stanzas.iter().filter_map(|stanza| stanza.id.as_deref()).collect();
    ids.join(" ")
}

/// What becomes of the stanzas, a letter each: taken, seek, refused.
fn send(link: &Link, sent: &str, now: Duration) -> String {
    let word = |sent| match sent {
        Sent::Taken => 't',
        Sent::Seek => 's',
        Sent::Refused(..) => 'r',
    };
    sent.split_whitespace().map(|id| word(link.send(message(id), now))).collect()
}

#[test]
fn the_first_stanza_seeks_and_all_keep_their_order() {
    let (link, stock) = link();
    assert_eq!(send(&link, "a b", NOW), "st");
    assert_eq!((link.waiting(), link.word(NOW)), (2, "connecting"));
    let way = handle(&stock);
    assert!(link.open(&way));
    assert_eq!(send(&link, "c", NOW), "t");
    assert_eq!(ids(&way.inbox.close()), "a b c");
}

#[test]
fn a_failure_gives_back_what_waited_and_is_remembered_for_a_while() {
    let (link, _) = link();
    assert_eq!(send(&link, "a b", NOW), "st");
    let (waited, left) = link.fail(Arc::new(Failure::Tls("on purpose".into())), Some(DELAY));
    assert_eq!((ids(&waited), left), ("a b".to_owned(), Duration::from_millis(500)));
    match link.send(message("c"), NOW) {
        Sent::Refused(stanza, failure) => {
            assert_eq!((stanza.id.as_deref(), failure.word()), (Some("c"), "tls"))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(send(&link, "d e", NOW + Duration::from_millis(500)), "st");
}

#[test]
fn what_the_administrator_stops_can_be_tried_at_once() {
    let (link, _) = link();
    send(&link, "a", NOW);
    link.fail(Arc::new(Failure::Denied), None);
    assert_eq!(send(&link, "b", NOW), "s");
}

#[test]
fn too_many_stanzas_are_refused() {
    let (link, stock) = link();
    assert_eq!(send(&link, "a b c d e", NOW), "stttr");
    let way = handle(&stock);
    assert!(link.open(&way));
    assert_eq!(send(&link, "f", NOW), "r", "the connection's inbox is as full");
}

#[test]
fn what_a_lost_connection_had_goes_out_first_on_the_next() {
    let (link, stock) = link();
    let first = handle(&stock);
    send(&link, "a", NOW);
    assert!(link.open(&first));
    assert_eq!(send(&link, "b", NOW), "t");
    let left = first.inbox.close();
    // Sent while nobody had told the link yet.
    assert_eq!(send(&link, "c", NOW), "s");
    let (bounced, must_seek) = link.take_back(left, &first, NOW);
    assert_eq!((bounced.len(), must_seek), (0, false), "somebody looks for a way already");
    let second = handle(&stock);
    assert!(link.open(&second));
    assert_eq!(ids(&second.inbox.close()), "a b c");
}

#[test]
fn a_server_that_loses_every_connection_is_not_tried_for_ever() {
    let (link, stock) = link();
    for (lost_at, bounced, must_seek) in [(0, "", true), (9, "a", false), (10, "", true)] {
        let way = handle(&stock);
        if link.waiting() == 0 && lost_at > 0 {
            send(&link, "a", NOW + Duration::from_secs(lost_at));
        } else if lost_at == 0 {
            send(&link, "a", NOW);
        }
        assert!(link.open(&way));
        let left = way.inbox.close();
        let (given, seeks) = link.take_back(left, &way, NOW + Duration::from_secs(lost_at));
        assert_eq!((ids(&given).as_str(), seeks), (bounced, must_seek), "lost after {lost_at} s");
    }
}

#[test]
fn a_connection_of_the_other_server_is_used_where_there_is_none() {
    let (link, stock) = link();
    let (way, other) = (handle(&stock), handle(&stock));
    link.offer(&way);
    link.offer(&other);
    assert_eq!(send(&link, "a", NOW), "t");
    assert_eq!((ids(&way.inbox.close()), other.inbox.len()), ("a".to_owned(), 0));
    link.offer(&other);
    assert_eq!(send(&link, "b", NOW), "t");
    assert_eq!(ids(&other.inbox.close()), "b");
}

#[test]
fn a_way_that_closed_meanwhile_is_none() {
    let (link, stock) = link();
    send(&link, "a b", NOW);
    let way = handle(&stock);
    way.inbox.close();
    assert!(!link.open(&way));
    let (waited, _) = link.fail(Arc::new(Failure::Stopped), None);
    assert_eq!(ids(&waited), "a b");
}
