//! Transactions sent in one go: `BEGIN`, all statements and `COMMIT` travel together, the answers come back together.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nightjar_store::remote::Driver;
use nightjar_store::{Batch, Counts, StoreError};

use crate::connection::{Connector, Session, is_consequence, store_error};

pub(crate) struct PostgresDriver {
    connector: Arc<Connector>,
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send + 'a>>;

impl PostgresDriver {
    pub(crate) fn new(connector: Arc<Connector>) -> PostgresDriver {
        PostgresDriver { connector }
    }
}

impl Driver for PostgresDriver {
    type Connection = Session;

    async fn connect(&self) -> Result<Session, StoreError> {
        self.connector.connect().await
    }

    async fn usable(&self, session: &mut Session, _: Duration) -> bool {
        !session.client().is_closed()
    }

    async fn run(&self, session: &mut Session, batches: &[Batch]) -> Result<Vec<Counts>, StoreError> {
        let mut bound = Vec::new();
        for batch in batches {
            for (statement, params) in &batch.calls {
                bound.push(session.bind(&batch.host, statement, params).await?);
            }
        }
        let session = &*session;
        if let [only] = bound.as_slice() {
            let count = session.execute(only).await.map_err(|error| store_error(&error))?;
            return Ok(split([count].into_iter(), batches));
        }
        let mut sending: Vec<Sending<'_>> = Vec::with_capacity(bound.len() + 2);
        sending.push(Box::pin(control(session, "BEGIN")));
        sending.extend(bound.iter().map(|bound| Box::pin(session.execute(bound)) as Sending<'_>));
        sending.push(Box::pin(control(session, "COMMIT")));
        let counts = in_order(sending).await?;
        let count = bound.len();
        Ok(split(counts.into_iter().skip(1).take(count), batches))
    }
}

async fn control(session: &Session, sql: &str) -> Result<u64, tokio_postgres::Error> {
    session.client().batch_execute(sql).await.map(|()| 0)
}

/// Sends everything in order, then collects the answers. Each future sends at its first poll.
/// A failed statement fails those after it and turns `COMMIT` into a rollback, so any error means that nothing was kept.
async fn in_order(sending: Vec<Sending<'_>>) -> Result<Vec<u64>, StoreError> {
    let mut answers: Vec<(Sending<'_>, Option<Result<u64, tokio_postgres::Error>>)> =
        sending.into_iter().map(|sending| (sending, None)).collect();
    std::future::poll_fn(|context| {
        for (sending, answer) in &mut answers {
            if let Poll::Ready(ready) = sending.as_mut().poll(context) {
                *answer = Some(ready);
            }
        }
        Poll::Ready(())
    })
    .await;
    let (mut counts, mut failure) = (Vec::with_capacity(answers.len()), None);
    for (sending, answer) in answers {
        let answer = match answer {
            Some(answer) => answer,
            None => sending.await,
        };
        match answer {
            Ok(count) => counts.push(count),
            Err(error) if failure.is_none() || !is_consequence(&error) => {
                failure.get_or_insert(error);
            }
            Err(_) => {}
        }
    }
    failure.map_or(Ok(counts), |error| Err(store_error(&error)))
}

fn split(mut counts: impl Iterator<Item = u64>, batches: &[Batch]) -> Vec<Counts> {
    batches.iter().map(|batch| counts.by_ref().take(batch.calls.len()).collect()).collect()
}
