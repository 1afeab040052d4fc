use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use smallvec::smallvec;
use tokio::sync::oneshot;
use tokio::time::{Instant, advance};

use super::{Limits, Store};
use crate::{
    Backend, Batch, BoxFuture, BreakerState, Counts, Dialect, Layout, Receipt, Request, Row, Statement,
    StoreError, params,
};

static ANY: Statement = Statement::new("SELECT 1");
const LIMIT: Duration = Duration::from_secs(10);

/// What the database does with each call.
#[derive(Clone, Debug)]
enum Behaviour {
    Answers(Result<u64, StoreError>),
    Hangs,
    Refuses(StoreError),
}

struct Fake {
    behaviour: Mutex<Behaviour>,
    calls: AtomicUsize,
    hanging: Mutex<Vec<oneshot::Sender<Result<Counts, StoreError>>>>,
}

impl Backend for Fake {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn layout(&self) -> Layout {
        Layout::MultiHost
    }

    fn read(&self, _: Request) -> BoxFuture<Result<Vec<Row>, StoreError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let behaviour = self.behaviour.lock().clone();
        Box::pin(async move {
            match behaviour {
                Behaviour::Answers(answer) => answer.map(|_| Vec::new()),
                Behaviour::Refuses(error) => Err(error),
                Behaviour::Hangs => std::future::pending().await,
            }
        })
    }

    fn write(&self, batch: Batch) -> Result<Receipt, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (answer, receipt) = oneshot::channel();
        match self.behaviour.lock().clone() {
            Behaviour::Answers(rows) => {
                let counts = rows.map(|rows| batch.calls.iter().map(|_| rows).collect());
                let _ = answer.send(counts);
            }
            Behaviour::Refuses(error) => return Err(error),
            Behaviour::Hangs => self.hanging.lock().push(answer),
        }
        Ok(receipt)
    }

    fn pending(&self) -> usize {
        self.hanging.lock().len()
    }

    fn close(&self) -> BoxFuture<()> {
        Box::pin(async {})
    }
}

fn fake(behaviour: Behaviour) -> (Store, Arc<Fake>) {
    let backend = Arc::new(Fake {
        behaviour: Mutex::new(behaviour),
        calls: AtomicUsize::new(0),
        hanging: Mutex::default(),
    });
    let limits = Limits { query_timeout: LIMIT, breaker_failures: 3, breaker_pause: Duration::from_secs(5) };
    (Store::new(backend.clone(), "example.org", limits), backend)
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_longer_than_the_limit() {
    let (store, backend) = fake(Behaviour::Hangs);
    let start = Instant::now();
    let (read, write, ticket) = tokio::join!(
        store.query(&ANY, params![]),
        store.execute(&ANY, params![]),
        store.submit(vec![(&ANY, params![])])
    );
    assert_eq!(
        (read, write, ticket),
        (Err(StoreError::Timeout), Err(StoreError::Timeout), Err(StoreError::Timeout))
    );
    assert_eq!(start.elapsed(), LIMIT);
    assert_eq!(store.health().pending, 2);
    drop(backend);
}

#[tokio::test(start_paused = true)]
async fn the_breaker_refuses_without_asking_and_one_success_ends_that() {
    let (store, backend) = fake(Behaviour::Answers(Err(StoreError::Unavailable)));
    for _ in 0..3 {
        assert_eq!(store.execute(&ANY, params![]).await, Err(StoreError::Unavailable));
    }
    let health = store.health();
    assert_eq!(
        (health.breaker, health.outage, store.health().is_ready()),
        (BreakerState::Open, Some(StoreError::Unavailable), false)
    );
    assert_eq!(store.query(&ANY, params![]).await, Err(StoreError::Unavailable));
    assert_eq!(store.submit(vec![(&ANY, params![])]).await, Err(StoreError::Unavailable));
    assert_eq!(backend.calls.load(Ordering::Relaxed), 3, "the database was left alone");
    *backend.behaviour.lock() = Behaviour::Answers(Ok(1));
    advance(Duration::from_secs(5)).await;
    assert_eq!(store.execute(&ANY, params![]).await, Ok(1));
    let health = store.health();
    assert_eq!((health.breaker, health.outage), (BreakerState::Closed, None));
}

#[tokio::test]
async fn errors_of_one_statement_do_not_open_the_breaker() {
    for error in [StoreError::Constraint, StoreError::Busy, StoreError::Full, StoreError::Other("x".into())] {
        for behaviour in [Behaviour::Answers(Err(error.clone())), Behaviour::Refuses(error.clone())] {
            let (store, _) = fake(behaviour);
            for _ in 0..9 {
                assert_eq!(store.execute(&ANY, params![]).await, Err(error.clone()));
                assert_eq!(store.query(&ANY, params![]).await, Err(error.clone()));
            }
            assert!(store.health().is_ready());
        }
    }
}

#[tokio::test]
async fn a_backend_that_stops_is_unavailable() {
    let (store, backend) = fake(Behaviour::Hangs);
    let ticket = store.submit(vec![(&ANY, params![])]);
    backend.hanging.lock().clear();
    assert_eq!(ticket.await, Err(StoreError::Unavailable));
}

#[tokio::test]
async fn a_dropped_ticket_does_not_stop_its_write() {
    let (store, backend) = fake(Behaviour::Hangs);
    drop(store.submit(vec![(&ANY, params![])]));
    let answer = backend.hanging.lock().pop().unwrap();
    assert!(answer.send(Ok(smallvec![1])).is_err(), "nobody listens");
    assert_eq!(store.for_host("other.example").host(), "other.example");
}
