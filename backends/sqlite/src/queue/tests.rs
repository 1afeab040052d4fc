use super::Queue;
use nightjar_store::StoreError;

#[test]
fn it_refuses_what_does_not_fit_and_keeps_order() {
    let queue = Queue::new(3, 10);
    assert_eq!(queue.push(1, 99), Ok(()), "one item of any weight fits");
    assert_eq!(queue.push(2, 1), Err(StoreError::Busy), "too heavy");
    let mut taken = Vec::new();
    assert!(queue.take(&mut taken, 9));
    for item in 2..5 {
        assert_eq!(queue.push(item, 1), Ok(()));
    }
    assert_eq!(queue.push(5, 1), Err(StoreError::Busy), "too many");
    assert!(queue.take(&mut taken, 2));
    assert_eq!(queue.close(), 4);
    assert_eq!(queue.push(6, 1), Err(StoreError::Unavailable));
    assert!(queue.take(&mut taken, 9), "what was accepted is still there");
    assert!(!queue.take(&mut taken, 9));
    assert_eq!(taken, [1, 2, 3, 4]);
}

#[test]
fn a_sleeping_thread_wakes_for_an_item_and_for_the_end() {
    let queue = std::sync::Arc::new(Queue::new(10, 10));
    let consumer = {
        let queue = queue.clone();
        std::thread::spawn(move || {
            let mut taken = Vec::new();
            while queue.take(&mut taken, 1) {}
            taken
        })
    };
    for item in 0..5 {
        queue.push(item, 0).unwrap();
    }
    queue.close();
    assert_eq!(consumer.join().unwrap(), [0, 1, 2, 3, 4]);
}

#[test]
fn abandoning_drops_what_waits() {
    let queue = Queue::new(10, 10);
    let (item, dropped) = std::sync::mpsc::channel::<()>();
    queue.push(item, 1).unwrap();
    queue.abandon();
    assert!(dropped.recv().is_err(), "the item is gone");
    assert!(!queue.take(&mut Vec::new(), 1));
}
