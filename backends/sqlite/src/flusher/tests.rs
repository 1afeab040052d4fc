use super::Flusher;
use std::sync::mpsc;

#[test]
fn it_flushes_what_was_marked_and_once_more_at_the_end() {
    let flusher = std::sync::Arc::new(Flusher::default());
    let (flushed, flushes) = mpsc::channel();
    let thread = {
        let flusher = flusher.clone();
        std::thread::spawn(move || flusher.run_with(|| flushed.send(()).unwrap()))
    };
    flusher.mark();
    flushes.recv().unwrap();
    flusher.mark();
    flusher.close();
    flushes.recv().unwrap();
    thread.join().unwrap();
    assert!(flushes.recv().is_err(), "nothing was left to flush");
}
