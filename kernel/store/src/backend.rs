//! What a database has to offer.

use std::pin::Pin;

use nightjar_text::Text;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::{Dialect, Layout, Params, Row, Statement, StoreError};

/// A future that a trait object can return.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One statement with its parameters.
pub type Call = (&'static Statement, Params);

/// Rows affected by each statement of a batch.
pub type Counts = SmallVec<[u64; 4]>;

/// Resolves when the batch is durable; dropped by the backend only when it stops ([`StoreError::Unavailable`]).
pub type Receipt = oneshot::Receiver<Result<Counts, StoreError>>;

/// Something to read.
#[derive(Debug)]
pub struct Request {
    pub host: Text,
    pub statement: &'static Statement,
    pub params: Params,
}

/// Statements that take effect together or not at all.
#[derive(Debug)]
pub struct Batch {
    pub host: Text,
    pub calls: SmallVec<[Call; 1]>,
}

impl Batch {
    /// Bytes this batch holds in a queue, about.
    pub fn weight(&self) -> usize {
        let call = |(_, params): &Call| {
            64 + params.iter().map(|value| size_of_val(value) + value.weight()).sum::<usize>()
        };
        self.calls.iter().map(call).sum()
    }
}

/// A database. Nothing here waits for it except the futures returned.
pub trait Backend: Send + Sync + 'static {
    fn dialect(&self) -> Dialect;

    fn layout(&self) -> Layout;

    /// Runs a query that sees every batch [`write`](Backend::write) accepted before this call.
    fn read(&self, request: Request) -> BoxFuture<Result<Vec<Row>, StoreError>>;

    /// Accepts a batch, or refuses with [`StoreError::Busy`] when the queue is full.
    /// Batches whose first text parameters are equal (the same account) take effect in the order they came.
    fn write(&self, batch: Batch) -> Result<Receipt, StoreError>;

    /// Batches accepted and not yet durable.
    fn pending(&self) -> usize;

    /// Finishes what was accepted and closes; later calls are [`StoreError::Unavailable`].
    fn close(&self) -> BoxFuture<()>;
}
