use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::{Drained, Mailbox, Refused};

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn drain(mailbox: &Mailbox<u32>) -> (Poll<Drained>, Vec<u32>, Arc<Counter>) {
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut taken = Vec::new();
    let state = mailbox.poll_drain(&mut Context::from_waker(&waker), &mut taken);
    (state, taken, counter)
}

#[test]
fn deliveries_come_out_in_order_and_wake_the_reader_once() {
    let mailbox = Mailbox::new(8);
    let (state, _, counter) = drain(&mailbox);
    assert_eq!(state, Poll::Pending);
    for number in 0..3 {
        assert!(mailbox.push(number).is_ok());
    }
    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    assert_eq!(drain(&mailbox).1, [0, 1, 2]);
}

#[test]
fn an_overflow_keeps_what_was_taken_and_is_seen_after_it() {
    let mailbox = Mailbox::new(2);
    assert!(mailbox.push(0).is_ok());
    assert!(mailbox.push(1).is_ok());
    assert!(matches!(mailbox.push(2), Err(Refused::Full(2))));
    let (state, taken, _) = drain(&mailbox);
    assert_eq!((state, taken), (Poll::Ready(Drained::Some), vec![0, 1]));
    assert!(matches!(mailbox.push(3), Err(Refused::Full(3))), "an overflowed mailbox takes nothing more");
    assert_eq!(drain(&mailbox).0, Poll::Ready(Drained::Overflowed));
    assert!(mailbox.push_urgent(4).is_ok());
}

#[test]
fn a_closed_mailbox_returns_the_rest() {
    let mailbox = Mailbox::new(2);
    assert!(mailbox.push(7).is_ok());
    assert_eq!(mailbox.close(), [7]);
    assert!(matches!(mailbox.push(8), Err(Refused::Closed(8))));
}
