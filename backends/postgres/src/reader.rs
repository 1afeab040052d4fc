//! Connections that read. A query goes to the one with the fewest under way, so that a slow one delays few others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nightjar_store::remote::Backoff;
use nightjar_store::{Request, Row, SqlOptions, StoreError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::connection::{Connector, Session};

pub(crate) struct Readers {
    connector: Arc<Connector>,
    slots: Vec<Slot>,
    limit: usize,
    closed: AtomicBool,
}

struct Slot {
    // Held while connecting, so that one attempt serves all who wait.
    line: Mutex<Line>,
    running: AtomicUsize,
}

struct Line {
    session: Option<Arc<Session>>,
    backoff: Backoff,
}

/// Counts a query as long as it lives.
struct Running<'a>(&'a AtomicUsize);

impl Readers {
    /// At most `connections`, each made when it is first wanted.
    pub(crate) fn new(connector: Arc<Connector>, connections: usize, options: &SqlOptions) -> Readers {
        let slot = |_| Slot {
            line: Mutex::new(Line { session: None, backoff: Backoff::new(options.start_interval) }),
            running: AtomicUsize::new(0),
        };
        let slots = (0..connections.max(1)).map(slot).collect();
        Readers { connector, slots, limit: options.queue_limit, closed: AtomicBool::new(false) }
    }

    pub(crate) async fn query(&self, request: &Request) -> Result<Vec<Row>, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable);
        }
        let least = self.slots.iter().min_by_key(|slot| slot.running.load(Ordering::Relaxed));
        let slot = least.ok_or(StoreError::Unavailable)?;
        let running = Running::new(&slot.running);
        if running.others() >= self.limit / self.slots.len() {
            return Err(StoreError::Busy);
        }
        match slot.query(&self.connector, request).await {
            // The server may have been restarted since the last query; reading twice does no harm.
            Err(StoreError::Unavailable) => slot.query(&self.connector, request).await,
            answer => answer,
        }
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

impl Slot {
    async fn query(&self, connector: &Connector, request: &Request) -> Result<Vec<Row>, StoreError> {
        let session = self.session(connector).await?;
        let bound = session.bind(&request.host, request.statement, &request.params).await?;
        session.query(&bound).await
    }

    async fn session(&self, connector: &Connector) -> Result<Arc<Session>, StoreError> {
        let mut line = self.line.lock().await;
        if let Some(session) = line.session.as_ref().filter(|session| !session.client().is_closed()) {
            return Ok(session.clone());
        }
        line.session = None;
        if !line.backoff.ready(Instant::now()) {
            return Err(StoreError::Unavailable);
        }
        match connector.connect().await {
            Ok(session) => {
                line.backoff.succeeded();
                Ok(line.session.insert(Arc::new(session)).clone())
            }
            Err(error) => {
                line.backoff.failed(Instant::now());
                Err(error)
            }
        }
    }
}

impl<'a> Running<'a> {
    fn new(counter: &'a AtomicUsize) -> Running<'a> {
        counter.fetch_add(1, Ordering::Relaxed);
        Running(counter)
    }

    fn others(&self) -> usize {
        self.0.load(Ordering::Relaxed).saturating_sub(1)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
