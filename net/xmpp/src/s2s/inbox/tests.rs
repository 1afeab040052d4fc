use std::future::poll_fn;
use std::sync::Arc;

use nightjar_xmpp::{MessageType, Stanza};

use super::{Inbox, Waiting};
use crate::s2s::queue::{Bounds, Stock};

/// One thread runs the tasks, so that who was woken last is next.
#[test]
fn what_others_send_at_the_same_time_goes_along() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let stock = Arc::new(Stock::new(usize::MAX));
    let inbox = Arc::new(Inbox::new(Bounds { stanzas: 9, bytes: 100_000 }, Arc::clone(&stock)));
    let taken = runtime.block_on(async {
        let reader = Arc::clone(&inbox);
        let driver = tokio::spawn(async move {
            let mut waiting = Waiting::default();
            poll_fn(|context| reader.poll_take(context, &mut waiting)).await;
            let before = waiting.stanzas.len();
            reader.gather(&mut waiting.stanzas).await;
            (before, waiting.stanzas)
        });
        tokio::spawn(async move {
            while inbox.0.lock().reader.is_none() {
                tokio::task::yield_now().await;
            }
            for sender in ["a", "b", "c"] {
                let inbox = Arc::clone(&inbox);
                tokio::spawn(async move {
                    for number in 0..3 {
                        let message = Stanza::message(MessageType::Chat).with_id(format!("{sender}{number}"));
                        assert!(inbox.send(message).is_ok());
                    }
                });
            }
        });
        driver.await.unwrap()
    });
    let (before, stanzas) = taken;
    let mut ids: Vec<&str> = stanzas.iter().filter_map(|stanza| stanza.id.as_deref()).collect();
    assert!(before < ids.len(), "only the first sender's were there");
    // The order of each sender is kept.
    ids.sort_by_key(|id| id.chars().next());
    assert_eq!(ids, ["a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1", "c2"]);
    assert_eq!(stock.held(), 0);
}
