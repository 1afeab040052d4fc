//! Writing to a database over the network: bounded queues, group commit, order by account, reconnection with back-off.
//!
//! A backend brings a [`Driver`]; [`Writers`] runs some of its connections, each in a task of its own.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{Batch, BoxFuture, Counts, Receipt, SqlOptions, StoreError, Value};

mod backoff;
#[cfg(test)]
mod tests;
mod worker;

pub use backoff::Backoff;
use worker::Worker;

/// Bytes of batches that may wait in all queues together.
const QUEUE_BYTES: usize = 64 << 20;

/// How a backend reaches its database.
pub trait Driver: Send + Sync + 'static {
    type Connection: Send + 'static;

    /// A new connection, within the driver's own time limit.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, StoreError>> + Send;

    /// Whether a connection that was idle for a while can still be used.
    fn usable(&self, connection: &mut Self::Connection, idle: Duration) -> impl Future<Output = bool> + Send;

    /// Runs all batches in one transaction. An error means that none of them took effect, except
    /// [`StoreError::Timeout`] and [`StoreError::Unavailable`], after which the connection is dropped.
    fn run(
        &self,
        connection: &mut Self::Connection,
        batches: &[Batch],
    ) -> impl Future<Output = Result<Vec<Counts>, StoreError>> + Send;
}

struct Job {
    batch: Batch,
    weight: usize,
    answer: oneshot::Sender<Result<Counts, StoreError>>,
}

/// Connections that write.
pub struct Writers {
    shards: Vec<Shard>,
    queued_bytes: Arc<AtomicUsize>,
    hasher: foldhash::fast::FixedState,
}

struct Shard {
    queue: Mutex<ShardQueue>,
    /// Number of batches whose transaction has ended.
    settled: watch::Receiver<u64>,
}

struct ShardQueue {
    // Gone once closed.
    sender: Option<mpsc::Sender<Job>>,
    accepted: u64,
}

impl Writers {
    /// Starts `connections` writers; call it inside a Tokio runtime. They connect when there is something to write.
    pub fn start<D: Driver>(driver: &Arc<D>, connections: usize, options: &SqlOptions) -> Writers {
        let connections = connections.max(1);
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let shards = (0..connections).map(|_| {
            let (sender, jobs) = mpsc::channel((options.queue_limit / connections).max(1));
            let (settle, settled) = watch::channel(0);
            let worker = Worker::new(driver.clone(), options);
            tokio::spawn(worker.run(jobs, settle, queued_bytes.clone()));
            Shard { queue: Mutex::new(ShardQueue { sender: Some(sender), accepted: 0 }), settled }
        });
        Writers { shards: shards.collect(), queued_bytes, hasher: foldhash::fast::FixedState::default() }
    }

    /// Accepts a batch for the connection that its account belongs to; see [`Backend::write`](crate::Backend::write).
    pub fn write(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let weight = batch.weight();
        let queued = self.queued_bytes.load(Ordering::Relaxed);
        if queued > 0 && queued.saturating_add(weight) > QUEUE_BYTES {
            return Err(StoreError::Busy);
        }
        let shard = self.shard(&batch).ok_or(StoreError::Unavailable)?;
        let (answer, receipt) = oneshot::channel();
        let mut queue = shard.queue.lock();
        let sender = queue.sender.as_ref().ok_or(StoreError::Unavailable)?;
        sender.try_send(Job { batch, weight, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable,
        })?;
        queue.accepted += 1;
        self.queued_bytes.fetch_add(weight, Ordering::Relaxed);
        Ok(receipt)
    }

    /// Waits for every batch accepted before this call.
    pub fn settled(&self) -> impl Future<Output = ()> + Send + 'static {
        let behind: Vec<_> = self.shards.iter().filter_map(Shard::behind).collect();
        async move {
            for (mut settled, accepted) in behind {
                // A worker that is gone settles nothing more.
                let _ = settled.wait_for(|settled| *settled >= accepted).await;
            }
        }
    }

    /// Batches accepted and not yet settled.
    pub fn pending(&self) -> usize {
        let behind = self.shards.iter().filter_map(Shard::behind);
        behind.map(|(settled, accepted)| accepted.saturating_sub(*settled.borrow()) as usize).sum()
    }

    /// Takes no more and finishes what was accepted.
    pub fn close(&self) -> BoxFuture<()> {
        for shard in &self.shards {
            shard.queue.lock().sender = None;
        }
        Box::pin(self.settled())
    }

    /// Batches with the same first text parameter share a connection, which keeps their order.
    fn shard(&self, batch: &Batch) -> Option<&Shard> {
        let first_text = batch.calls.iter().flat_map(|(_, params)| params).find_map(|value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        });
        let hash = self.hasher.hash_one((&batch.host, first_text));
        self.shards.get((hash % self.shards.len() as u64) as usize)
    }
}

impl Shard {
    fn behind(&self) -> Option<(watch::Receiver<u64>, u64)> {
        let accepted = self.queue.lock().accepted;
        (*self.settled.borrow() < accepted).then(|| (self.settled.clone(), accepted))
    }
}
