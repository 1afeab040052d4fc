use std::sync::Arc;
use std::time::Duration;

use nightjar_text::Text;
use parking_lot::Mutex;
use smallvec::smallvec;
use tokio::time::{Instant, advance};

use super::{Backoff, Driver, Writers};
use crate::{Batch, Counts, SqlOptions, SqlType, Statement, StoreError, Value, params};

static ANY: Statement = Statement::new("SELECT ?");

/// A database that writes down what it is given. A batch whose first parameter is `bad` breaks a rule.
#[derive(Default)]
struct Paper {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connects: usize,
    refuses: bool,
    hangs: bool,
    busy: usize,
    groups: Vec<Vec<String>>,
}

impl Driver for Paper {
    type Connection = ();

    async fn connect(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        state.connects += 1;
        if state.refuses { Err(StoreError::Unavailable) } else { Ok(()) }
    }

    async fn usable(&self, (): &mut (), _: Duration) -> bool {
        true
    }

    async fn run(&self, (): &mut (), batches: &[Batch]) -> Result<Vec<Counts>, StoreError> {
        if self.state.lock().hangs {
            std::future::pending::<()>().await;
        }
        let mut state = self.state.lock();
        if state.busy > 0 {
            state.busy -= 1;
            return Err(StoreError::Busy);
        }
        let names: Vec<String> = batches.iter().map(name).collect();
        if names.iter().any(|name| name.starts_with("bad")) {
            return Err(StoreError::Constraint);
        }
        state.groups.push(names);
        Ok(batches.iter().map(|_| smallvec![1]).collect())
    }
}

fn name(batch: &Batch) -> String {
    let texts = batch.calls.iter().flat_map(|(_, params)| params).map(|value| match value {
        Value::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    });
    texts.collect()
}

fn batch(name: &str) -> Batch {
    Batch { host: Text::new("example.org"), calls: smallvec![(&ANY, params![name])] }
}

fn start(connections: usize, queue_limit: usize) -> (Arc<Paper>, Writers) {
    let paper = Arc::new(Paper::default());
    let options = SqlOptions { queue_limit, ..SqlOptions::new(SqlType::Postgres) };
    let writers = Writers::start(&paper, connections, &options);
    (paper, writers)
}

#[tokio::test(start_paused = true)]
async fn what_waits_shares_a_transaction() {
    let (paper, writers) = start(1, 100);
    let receipts: Vec<_> = ["a", "b", "c"].iter().map(|name| writers.write(batch(name)).unwrap()).collect();
    assert_eq!(writers.pending(), 3);
    writers.settled().await;
    for receipt in receipts {
        assert_eq!(receipt.await.unwrap(), Ok(smallvec![1]));
    }
    assert_eq!(paper.state.lock().groups, [["a", "b", "c"]]);
    assert_eq!(writers.pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_fails_alone() {
    let (paper, writers) = start(1, 100);
    let receipts: Vec<_> = ["a", "bad", "c"].iter().map(|name| writers.write(batch(name)).unwrap()).collect();
    let mut outcomes = Vec::new();
    for receipt in receipts {
        outcomes.push(receipt.await.unwrap().is_ok());
    }
    assert_eq!(outcomes, [true, false, true]);
    assert_eq!(paper.state.lock().groups, [["a"], ["c"]]);
}

#[tokio::test(start_paused = true)]
async fn a_deadlock_is_tried_again_and_then_reported() {
    let (paper, writers) = start(1, 100);
    paper.state.lock().busy = 4;
    assert_eq!(writers.write(batch("a")).unwrap().await.unwrap(), Ok(smallvec![1]));
    paper.state.lock().busy = 99;
    assert_eq!(writers.write(batch("a")).unwrap().await.unwrap(), Err(StoreError::Busy));
}

#[tokio::test(start_paused = true)]
async fn a_dead_database_fails_fast_and_is_found_again() {
    let (paper, writers) = start(1, 100);
    paper.state.lock().refuses = true;
    for _ in 0..10 {
        assert_eq!(writers.write(batch("a")).unwrap().await.unwrap(), Err(StoreError::Unavailable));
    }
    assert_eq!(paper.state.lock().connects, 1, "one attempt, then a pause");
    paper.state.lock().refuses = false;
    advance(Duration::from_millis(100)).await;
    assert_eq!(writers.write(batch("a")).unwrap().await.unwrap(), Ok(smallvec![1]));
}

#[tokio::test(start_paused = true)]
async fn a_silent_database_times_out_and_its_connection_goes() {
    let (paper, writers) = start(1, 100);
    paper.state.lock().hangs = true;
    assert_eq!(writers.write(batch("a")).unwrap().await.unwrap(), Err(StoreError::Timeout));
    paper.state.lock().hangs = false;
    assert_eq!(writers.write(batch("b")).unwrap().await.unwrap(), Ok(smallvec![1]));
    assert_eq!(paper.state.lock().connects, 2);
}

#[tokio::test(start_paused = true)]
async fn full_queues_refuse_and_closed_ones_finish() {
    let (_, writers) = start(1, 2);
    let first = writers.write(batch("a")).unwrap();
    let second = writers.write(batch("b")).unwrap();
    assert_eq!(writers.write(batch("c")).err(), Some(StoreError::Busy));
    let closing = writers.close();
    assert_eq!(writers.write(batch("d")).err(), Some(StoreError::Unavailable));
    closing.await;
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(smallvec![1]), Ok(smallvec![1])));
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_too() {
    let (_, writers) = start(1, 100);
    let huge = "x".repeat(40 << 20);
    let first = writers.write(batch(&huge)).unwrap();
    assert_eq!(writers.write(batch(&huge)).err(), Some(StoreError::Busy));
    first.await.unwrap().unwrap();
    assert!(writers.write(batch(&huge)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_account_stays_on_one_connection() {
    let (paper, writers) = start(4, 1_000);
    for _ in 0..20 {
        for user in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            drop(writers.write(batch(user)).unwrap());
        }
    }
    writers.settled().await;
    let state = paper.state.lock();
    assert!(state.groups.len() > 1, "several connections were used");
    for user in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let groups = state.groups.iter().filter(|group| group.iter().any(|name| name == user)).count();
        assert_eq!(groups, 1, "{user}");
    }
}

#[test]
fn the_pause_doubles_up_to_its_limit() {
    let start = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(350));
    let at = |ms| start + Duration::from_millis(ms);
    assert!(backoff.ready(start));
    for pause in [100, 200, 350, 350] {
        backoff.failed(start);
        assert!(!backoff.ready(at(pause - 1)) && backoff.ready(at(pause)), "{pause}");
    }
    backoff.succeeded();
    assert!(backoff.ready(start));
}
