//! A host's view on the database, with time limits and the circuit breaker in front of every call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nightjar_text::Text;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::{
    Backend, Batch, Breaker, BreakerState, Call, Counts, Dialect, Layout, Params, Receipt, Request, Row,
    SqlOptions, Statement, StoreError,
};

#[cfg(test)]
mod tests;

/// How long calls may take and when the breaker opens.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Limit of every call, waiting in queues included.
    pub query_timeout: Duration,
    /// Outages in a row that open the breaker.
    pub breaker_failures: u32,
    /// Pause between trials while it is open.
    pub breaker_pause: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            query_timeout: Duration::from_secs(60),
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(1),
        }
    }
}

impl From<&SqlOptions> for Limits {
    fn from(options: &SqlOptions) -> Limits {
        Limits { query_timeout: options.query_timeout, ..Limits::default() }
    }
}

/// What readiness needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub breaker: BreakerState,
    /// Batches accepted and not yet durable.
    pub pending: usize,
    /// The last outage, cleared by the next success.
    pub outage: Option<StoreError>,
}

impl Health {
    /// Whether the server can do its work.
    pub fn is_ready(&self) -> bool {
        self.breaker == BreakerState::Closed
    }
}

struct Engine {
    backend: Arc<dyn Backend>,
    limits: Limits,
    breaker: Breaker,
    outage: Mutex<Option<StoreError>>,
}

/// A host's view on the database. A clone shares everything.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
    host: Text,
}

impl Store {
    pub fn new(backend: Arc<dyn Backend>, host: &str, limits: Limits) -> Store {
        let breaker = Breaker::new(limits.breaker_failures, limits.breaker_pause);
        let engine = Engine { backend, limits, breaker, outage: Mutex::new(None) };
        Store { engine: Arc::new(engine), host: Text::new(host) }
    }

    /// The virtual host whose rows this sees.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The same database seen from another host.
    pub fn for_host(&self, host: &str) -> Store {
        Store { engine: self.engine.clone(), host: Text::new(host) }
    }

    pub fn dialect(&self) -> Dialect {
        self.engine.backend.dialect()
    }

    pub fn layout(&self) -> Layout {
        self.engine.backend.layout()
    }

    /// All rows of a query. It sees every write submitted or awaited before, through any handle of this process.
    pub async fn query(&self, statement: &'static Statement, params: Params) -> Result<Vec<Row>, StoreError> {
        self.engine.admit()?;
        let request = Request { host: self.host.clone(), statement, params };
        let answer = timeout(self.engine.limits.query_timeout, self.engine.backend.read(request)).await;
        self.engine.report(answer.unwrap_or(Err(StoreError::Timeout)))
    }

    /// The first row of a query, if any.
    pub async fn query_one(
        &self,
        statement: &'static Statement,
        params: Params,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(statement, params).await?.into_iter().next())
    }

    /// Runs one statement; returns the rows affected once the change is durable.
    pub async fn execute(&self, statement: &'static Statement, params: Params) -> Result<u64, StoreError> {
        let mut calls = SmallVec::new();
        calls.push((statement, params));
        let counts = self.submit_calls(calls).await?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    /// Runs statements that take effect together or not at all; returns the rows each affected once all is durable.
    pub async fn transaction(&self, calls: Vec<Call>) -> Result<Vec<u64>, StoreError> {
        Ok(self.submit_calls(SmallVec::from_vec(calls)).await?.to_vec())
    }

    /// Queues statements that take effect together or not at all, and returns at once.
    /// Batches of one account (equal first text parameter) keep their order. The ticket may be dropped.
    pub fn submit(&self, calls: Vec<Call>) -> Ticket {
        Ticket { pending: self.submit_calls(SmallVec::from_vec(calls)) }
    }

    /// How the database does.
    pub fn health(&self) -> Health {
        Health {
            breaker: self.engine.breaker.state(),
            pending: self.engine.backend.pending(),
            outage: self.engine.outage.lock().clone(),
        }
    }

    /// Finishes accepted writes and closes the database for every handle.
    pub async fn close(&self) {
        self.engine.backend.close().await;
    }

    fn submit_calls(&self, calls: SmallVec<[Call; 1]>) -> Pending {
        let accepted = self
            .engine
            .admit()
            .and_then(|()| self.engine.backend.write(Batch { host: self.host.clone(), calls }));
        Pending { engine: self.engine.clone(), accepted: Some(accepted), deadline: None }
    }
}

impl Engine {
    fn admit(&self) -> Result<(), StoreError> {
        if self.breaker.allow(Instant::now) { Ok(()) } else { Err(StoreError::Unavailable) }
    }

    fn report<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        match &answer {
            Err(error) if error.is_outage() => {
                *self.outage.lock() = Some(error.clone());
                self.breaker.failure(Instant::now());
            }
            // A full queue says nothing about the database.
            Err(StoreError::Busy) => {}
            _ if self.breaker.success() => *self.outage.lock() = None,
            _ => {}
        }
        answer
    }
}

/// A write under way: resolves when it is durable or failed. Dropping it does not stop the write.
#[must_use = "a ticket says whether the write succeeded; drop it knowingly"]
pub struct Ticket {
    pending: Pending,
}

impl Future for Ticket {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.pending).poll(context).map(|answer| answer.map(drop))
    }
}

struct Pending {
    engine: Arc<Engine>,
    // Taken when the future is done.
    accepted: Option<Result<Receipt, StoreError>>,
    // Made when the first poll has to wait.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Future for Pending {
    type Output = Result<Counts, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let receipt = match &mut this.accepted {
            Some(Ok(receipt)) => receipt,
            Some(Err(error)) => {
                let error = error.clone();
                this.accepted = None;
                return Poll::Ready(Err(error));
            }
            None => return Poll::Ready(Err(StoreError::Other("polled after it was done".into()))),
        };
        let answer = match Pin::new(receipt).poll(context) {
            Poll::Ready(answer) => answer.unwrap_or(Err(StoreError::Unavailable)),
            Poll::Pending => {
                let limit = this.engine.limits.query_timeout;
                let deadline = this.deadline.get_or_insert_with(|| Box::pin(sleep(limit)));
                ready!(deadline.as_mut().poll(context));
                Err(StoreError::Timeout)
            }
        };
        this.accepted = None;
        Poll::Ready(this.engine.report(answer))
    }
}
