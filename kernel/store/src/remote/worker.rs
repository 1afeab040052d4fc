//! One connection that writes, and its task.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::{Backoff, Driver, Job};
use crate::{Batch, Counts, SqlOptions, StoreError};

/// Batches in one transaction at most: the first of them waits for the last.
const GROUP_LIMIT: usize = 256;

/// A batch that lost against another connection (deadlock, serialization) is tried this often.
const ATTEMPTS: u32 = 4;
const RETRY_PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Worker<D: Driver> {
    driver: Arc<D>,
    connection: Option<D::Connection>,
    used: Instant,
    backoff: Backoff,
    query_timeout: Duration,
}

impl<D: Driver> Worker<D> {
    pub(super) fn new(driver: Arc<D>, options: &SqlOptions) -> Worker<D> {
        let backoff = Backoff::new(options.start_interval);
        Worker {
            driver,
            connection: None,
            used: Instant::now(),
            backoff,
            query_timeout: options.query_timeout,
        }
    }

    pub(super) async fn run(
        mut self,
        mut jobs: mpsc::Receiver<Job>,
        settled: watch::Sender<u64>,
        queued_bytes: Arc<AtomicUsize>,
    ) {
        let mut group = Vec::new();
        while jobs.recv_many(&mut group, GROUP_LIMIT).await > 0 {
            let weight = group.iter().map(|job| job.weight).sum();
            let (batches, answers): (Vec<_>, Vec<_>) =
                group.drain(..).map(|job| (job.batch, job.answer)).unzip();
            let outcomes = self.outcomes(&batches).await;
            queued_bytes.fetch_sub(weight, Ordering::Relaxed);
            settled.send_modify(|number| *number += answers.len() as u64);
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                let _ = answer.send(outcome);
            }
        }
    }

    /// What became of each batch. They share a transaction; when that fails each gets its own.
    async fn outcomes(&mut self, batches: &[Batch]) -> Vec<Result<Counts, StoreError>> {
        match self.attempt(batches).await {
            Ok(counts) => return counts.into_iter().map(Ok).collect(),
            Err(error) if error.is_outage() => return batches.iter().map(|_| Err(error.clone())).collect(),
            Err(_) => {}
        }
        let mut outcomes = Vec::with_capacity(batches.len());
        for batch in batches {
            outcomes.push(self.outcome(batch).await);
        }
        outcomes
    }

    async fn outcome(&mut self, batch: &Batch) -> Result<Counts, StoreError> {
        for attempt in 0..ATTEMPTS {
            match self.attempt(std::slice::from_ref(batch)).await {
                Err(StoreError::Busy) => sleep(RETRY_PAUSE * 4_u32.pow(attempt)).await,
                Ok(counts) => return Ok(counts.into_iter().next().unwrap_or_default()),
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Busy)
    }

    /// One transaction. A connection that failed or went silent is dropped.
    async fn attempt(&mut self, batches: &[Batch]) -> Result<Vec<Counts>, StoreError> {
        let mut connection = self.connect().await?;
        let answer = timeout(self.query_timeout, self.driver.run(&mut connection, batches)).await;
        let answer = answer.unwrap_or(Err(StoreError::Timeout));
        if !matches!(&answer, Err(error) if error.is_outage()) {
            self.connection = Some(connection);
            self.used = Instant::now();
        }
        answer
    }

    async fn connect(&mut self) -> Result<D::Connection, StoreError> {
        if let Some(mut connection) = self.connection.take()
            && self.driver.usable(&mut connection, self.used.elapsed()).await
        {
            return Ok(connection);
        }
        if !self.backoff.ready(Instant::now()) {
            return Err(StoreError::Unavailable);
        }
        let connection = self.driver.connect().await;
        match &connection {
            Ok(_) => self.backoff.succeeded(),
            Err(_) => self.backoff.failed(Instant::now()),
        }
        connection
    }
}
