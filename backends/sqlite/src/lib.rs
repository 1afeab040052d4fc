//! SQLite, embedded. One writer thread commits whatever waits in one transaction; reader threads work beside it.

mod connection;
mod flusher;
mod functions;
mod migration;
mod probe;
mod queue;
mod reader;
mod session;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nightjar_store::{
    Backend, Batch, BoxFuture, Dialect, Layout, Limits, Params, Receipt, Request, Row, Statement, Store,
    StoreError,
};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use flusher::Flusher;
pub use migration::{MigrationReport, OpenError, rehearse};
pub use probe::probe;
use queue::Queue;
use reader::Read;
use writer::Job;

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// Once the operating system has it, which survives the death of the process. A thread brings it to the device
    /// within a quarter of a second: that much a loss of power can take.
    Normal,
    /// Once the device has it. A lone write costs about four times the CPU and ten times the time.
    Full,
}

/// How a database file is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file, made with mode 0600 when absent; `None` keeps everything in memory.
    pub path: Option<PathBuf>,
    /// Reader threads. A database in memory has none: its writer reads too.
    pub readers: usize,
    /// Batches, and as many queries, that may wait.
    pub queue_limit: usize,
    /// Bytes of batches that may wait.
    pub queue_bytes: usize,
    /// A query that runs longer is interrupted.
    pub query_timeout: Duration,
    /// Layout of a database that has no tables yet.
    pub layout: Layout,
    pub synchronous: Synchronous,
}

impl SqliteOptions {
    pub fn new(path: impl Into<PathBuf>) -> SqliteOptions {
        SqliteOptions { path: Some(path.into()), readers: 2, ..SqliteOptions::memory() }
    }

    /// A database that lives as long as its handle.
    pub fn memory() -> SqliteOptions {
        SqliteOptions {
            path: None,
            readers: 0,
            queue_limit: 65_536,
            queue_bytes: 64 << 20,
            query_timeout: Duration::from_secs(60),
            layout: Layout::MultiHost,
            synchronous: Synchronous::Normal,
        }
    }
}

/// An open database; closes when the last handle goes.
pub struct Sqlite {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads and the handles share.
struct Shared {
    layout: Layout,
    query_timeout: Duration,
    writes: Queue<Job>,
    reads: Queue<Read>,
    /// Number of batches taken from `writes` whose transaction has ended.
    settled: watch::Sender<u64>,
    flusher: Flusher,
    has_readers: bool,
}

/// Opens the database, brings its tables up to date and starts its threads.
pub fn open(options: &SqliteOptions) -> Result<(Arc<Sqlite>, MigrationReport), OpenError> {
    let (connection, layout, report) = migration::open_and_migrate(options)?;
    let readers = if options.path.is_some() { options.readers.max(1) } else { 0 };
    let shared = Arc::new(Shared {
        layout,
        query_timeout: options.query_timeout,
        writes: Queue::new(options.queue_limit, options.queue_bytes),
        reads: Queue::new(options.queue_limit, options.queue_bytes),
        settled: watch::Sender::new(0),
        flusher: Flusher::default(),
        has_readers: readers > 0,
    });
    let mut threads = Vec::with_capacity(readers + 1);
    for number in 0..readers {
        let connection = connection::open_reader(options)?;
        threads.push(spawn(format!("sqlite-read-{number}"), &shared, move |shared| {
            reader::run(connection, &shared);
        })?);
    }
    if let Some(path) = options.path.clone().filter(|_| options.synchronous == Synchronous::Normal) {
        threads.push(spawn("sqlite-flush".to_owned(), &shared, move |shared| shared.flusher.run(&path))?);
    }
    threads.push(spawn("sqlite-write".to_owned(), &shared, move |shared| writer::run(connection, &shared))?);
    Ok((Arc::new(Sqlite { shared, threads: Mutex::new(threads) }), report))
}

/// A store over a fresh database in memory, multi-host layout, for tests.
///
/// # Panics
/// When SQLite cannot open a database in memory, which is a broken build.
#[allow(clippy::expect_used)]
pub fn temporary(host: &str) -> Store {
    let (database, _) = open(&SqliteOptions::memory()).expect("SQLite opens a database in memory");
    Store::new(database, host, Limits::default())
}

/// How SQLite would run a query given as text: one line a step. Tests assert with it that a query uses its index
/// (`SEARCH archive USING INDEX …`) and never reads a whole table (`SCAN archive`).
pub async fn query_plan(
    store: &Store,
    statement: &'static Statement,
    params: Params,
) -> Result<Vec<String>, StoreError> {
    let sql = statement.sql().ok_or_else(|| StoreError::Other("not a query".into()))?;
    let rows = store.query(Statement::interned(&format!("EXPLAIN QUERY PLAN {sql}")), params).await?;
    rows.iter().map(|row| Ok(row.text(3)?.to_string())).collect()
}

fn spawn(
    name: String,
    shared: &Arc<Shared>,
    run: impl FnOnce(Arc<Shared>) + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let shared = shared.clone();
    std::thread::Builder::new().name(name).spawn(move || run(shared)).map_err(OpenError::Thread)
}

impl Backend for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn layout(&self) -> Layout {
        self.shared.layout
    }

    fn read(&self, request: Request) -> BoxFuture<Result<Vec<Row>, StoreError>> {
        let shared = self.shared.clone();
        let seen = shared.writes.accepted();
        let deadline = Instant::now() + shared.query_timeout;
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let read = Read { request, deadline, answer };
            if shared.has_readers {
                shared.wait_settled(seen).await?;
                shared.reads.push(read, 0)?;
            } else {
                shared.writes.push(Job::Read(read), 0)?;
            }
            answered.await.unwrap_or(Err(StoreError::Unavailable))
        })
    }

    fn write(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let (answer, receipt) = oneshot::channel();
        let weight = batch.weight();
        self.shared.writes.push(Job::Write { batch, answer }, weight)?;
        Ok(receipt)
    }

    fn pending(&self) -> usize {
        let settled = *self.shared.settled.borrow();
        usize::try_from(self.shared.writes.accepted().saturating_sub(settled)).unwrap_or(usize::MAX)
    }

    fn close(&self) -> BoxFuture<()> {
        let shared = self.shared.clone();
        let accepted = shared.writes.close();
        Box::pin(async move {
            // The queue takes no more, so everything that was accepted gets settled.
            let _ = shared.wait_settled(accepted).await;
            shared.reads.close();
        })
    }
}

impl Shared {
    async fn wait_settled(&self, number: u64) -> Result<(), StoreError> {
        if *self.settled.borrow() >= number {
            return Ok(());
        }
        let mut settled = self.settled.subscribe();
        settled.wait_for(|settled| *settled >= number).await.map_err(|_| StoreError::Unavailable)?;
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.shared.writes.close();
        self.shared.reads.close();
        self.shared.flusher.close();
        for thread in self.threads.lock().drain(..) {
            // A thread that panicked has already dropped its answers, which are errors for those who wait.
            let _ = thread.join();
        }
    }
}
