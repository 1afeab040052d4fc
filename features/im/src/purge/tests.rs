use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nightjar_store::StoreError;
use nightjar_text::Text;

use super::{Purges, Step};

/// `left` messages, of which a step deletes up to 10.
fn deleting(left: u64) -> Step {
    let left = Arc::new(AtomicU64::new(left));
    Box::new(move || {
        let left = Arc::clone(&left);
        Box::pin(async move {
            let count = left.load(Ordering::Relaxed).min(10);
            left.fetch_sub(count, Ordering::Relaxed);
            Ok(count)
        })
    })
}

async fn until(purges: &Purges, wanted: &str) {
    let arrived = async {
        while purges.status("spool", "h") != wanted {
            tokio::task::yield_now().await;
        }
    };
    let arrived = tokio::time::timeout(Duration::from_secs(600), arrived).await;
    assert!(arrived.is_ok(), "{} instead of {wanted}", purges.status("spool", "h"));
}

#[tokio::test]
async fn a_task_deletes_everything_and_can_be_begun_again() {
    let purges = Purges::default();
    assert_eq!(purges.status("spool", "h"), "Operation not started");
    assert_eq!(purges.abort("spool", "h"), "No task running");
    for _ in 0..2 {
        assert!(purges.begin("spool", Text::new("h"), 0, deleting(25)));
        until(&purges, "Operation was completed after deleting 25 messages").await;
    }
    assert_eq!(purges.status("mam", "h"), "Operation not started");
    assert_eq!(purges.abort("spool", "h"), "No task running");
}

#[tokio::test]
async fn a_slow_task_is_one_at_a_time_and_can_be_ended() {
    let purges = Purges::default();
    assert!(purges.begin("spool", Text::new("h"), 1, deleting(1000)));
    until(&purges, "Operation in progress, deleted 10 messages").await;
    assert!(!purges.begin("spool", Text::new("h"), 1, deleting(1000)));
    assert!(purges.begin("spool", Text::new("other"), 1, deleting(1000)));
    assert_eq!(purges.abort("spool", "h"), "Operation aborted");
    assert_eq!(purges.status("spool", "h"), "Operation was aborted after deleting 10 messages");
    assert_eq!(purges.abort("spool", "h"), "No task running");
}

#[tokio::test]
async fn a_failure_is_told() {
    let purges = Purges::default();
    let failing: Step = Box::new(|| Box::pin(async { Err(StoreError::Timeout) }));
    assert!(purges.begin("spool", Text::new("h"), 0, failing));
    let error = StoreError::Timeout;
    until(&purges, &format!("Operation failed after deleting 0 messages with error {error}")).await;
}
