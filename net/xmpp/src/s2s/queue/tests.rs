use std::sync::Arc;

use nightjar_xmpp::{MessageType, Stanza};

use super::{Bounds, Queue, Stock};

const ROOM: Bounds = Bounds { stanzas: 3, bytes: 100_000 };

fn message(id: &str) -> Stanza {
    Stanza::message(MessageType::Chat).with_id(id)
}

fn queue(bounds: Bounds, stock: &Arc<Stock>, ids: &str) -> Queue {
    let mut queue = Queue::new(bounds, Arc::clone(stock));
    for id in ids.split_whitespace() {
        assert!(queue.push(message(id)).is_ok(), "{id}");
    }
    queue
}

fn ids(stanzas: &[Stanza]) -> String {
    let ids: Vec<&str> = stanzas.iter().filter_map(|stanza| stanza.id.as_deref()).collect();
    ids.join(" ")
}

#[test]
fn a_full_queue_gives_the_stanza_back() {
    let stock = Arc::new(Stock::new(usize::MAX));
    let mut full = queue(ROOM, &stock, "a b c");
    let refused = full.push(message("d")).unwrap_err();
    assert_eq!(refused.id.as_deref(), Some("d"));
    assert_eq!((full.len(), ids(&full.take_all())), (3, "a b c".to_owned()));
    assert!(full.is_empty() && full.push(message("e")).is_ok());
}

#[test]
fn bytes_are_bounded_for_each_and_for_all() {
    let size = message("a").size_hint();
    let stock = Arc::new(Stock::new(2 * size));
    let mut one = queue(Bounds { bytes: size, ..ROOM }, &stock, "a");
    assert!(one.push(message("b")).is_err(), "its own bound");
    let other = queue(ROOM, &stock, "c");
    assert_eq!(stock.held(), 2 * size);
    let mut third = queue(ROOM, &stock, "");
    assert!(third.push(message("d")).is_err(), "the bound of all");
    drop(other);
    assert!(third.push(message("d")).is_ok());
    one.take_all();
    drop(third);
    assert_eq!(stock.held(), 0);
}

#[test]
fn what_comes_back_goes_in_front_and_what_has_no_room_leaves_at_the_end() {
    let stock = Arc::new(Stock::new(usize::MAX));
    let mut waiting = queue(ROOM, &stock, "c d");
    let left = waiting.put_back(vec![message("a"), message("b")]);
    assert_eq!((ids(&left), ids(&waiting.take_all())), ("d".to_owned(), "a b c".to_owned()));
    assert_eq!(stock.held(), 0);
}
