//! Threads that answer queries.

use std::sync::Arc;
use std::time::Instant;

use nightjar_store::{Request, Row, StoreError};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::Shared;
use crate::session::Session;

/// SQLite's virtual machine looks at the clock every so many instructions: about every 0.1 ms.
const CLOCK_STEPS: i32 = 10_000;

pub(crate) struct Read {
    pub(crate) request: Request,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Result<Vec<Row>, StoreError>>,
}

pub(crate) fn run(mut connection: Connection, shared: &Shared) {
    let watchdog = match Watchdog::install(&mut connection) {
        Ok(watchdog) => watchdog,
        Err(error) => return tracing::error!(%error, "SQLite takes no progress handler"),
    };
    let mut session = Session::new(&connection, shared.layout);
    let mut taken = Vec::new();
    while shared.reads.take(&mut taken, 1) {
        for read in taken.drain(..) {
            read.run(&mut session, &watchdog);
        }
    }
}

impl Read {
    pub(crate) fn run(self, session: &mut Session<'_>, watchdog: &Watchdog) {
        // Nobody waits any more: the limit passed while it was queued.
        if self.answer.is_closed() {
            return;
        }
        watchdog.set(Some(self.deadline));
        let Request { host, statement, params } = &self.request;
        let rows = session.query(host, statement, params);
        watchdog.set(None);
        let _ = self.answer.send(rows);
    }
}

/// Interrupts a statement that runs past its deadline.
pub(crate) struct Watchdog {
    deadline: Arc<Mutex<Option<Instant>>>,
}

impl Watchdog {
    pub(crate) fn install(connection: &mut Connection) -> rusqlite::Result<Watchdog> {
        let deadline = Arc::new(Mutex::new(None));
        let watched = deadline.clone();
        let late = move || watched.lock().is_some_and(|deadline: Instant| Instant::now() > deadline);
        connection.progress_handler(CLOCK_STEPS, Some(late))?;
        Ok(Watchdog { deadline })
    }

    pub(crate) fn set(&self, deadline: Option<Instant>) {
        *self.deadline.lock() = deadline;
    }
}
