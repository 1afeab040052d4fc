//! The thread that writes: all batches that wait share one transaction.

use std::time::{Duration, Instant};

use nightjar_store::{Batch, Counts, StoreError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::Shared;
use crate::connection::store_error;
use crate::reader::{Read, Watchdog};
use crate::session::Session;

/// Batches in one transaction at most: the first of them waits for the last.
const GROUP_LIMIT: usize = 4_096;

/// A transaction costs about the same for one row as for some. Those answered by the last one usually come again at
/// once, so it is worth waiting for them: this part of what the last one took, and never longer than the limit.
const PATIENCE_SHARE: u32 = 8;
const PATIENCE_LIMIT: Duration = Duration::from_millis(1);

pub(crate) enum Job {
    Write { batch: Batch, answer: Answer },
    Read(Read),
}

type Answer = oneshot::Sender<Result<Counts, StoreError>>;

/// A batch with what became of it.
struct Entry {
    batch: Batch,
    answer: Answer,
    outcome: Option<Result<Counts, StoreError>>,
}

struct Writer<'c> {
    connection: &'c Connection,
    session: Session<'c>,
    watchdog: Watchdog,
    control: Control<'c>,
    shared: &'c Shared,
}

/// The statements around batches, prepared.
struct Control<'c> {
    begin: rusqlite::Statement<'c>,
    commit: rusqlite::Statement<'c>,
    rollback: rusqlite::Statement<'c>,
    savepoint: rusqlite::Statement<'c>,
    release: rusqlite::Statement<'c>,
    undo: rusqlite::Statement<'c>,
}

pub(crate) fn run(mut connection: Connection, shared: &Shared) {
    let mut service = Service { shared, ended_well: false };
    let started =
        Watchdog::install(&mut connection).and_then(|watchdog| serve(&connection, watchdog, shared));
    match started {
        Ok(()) => service.ended_well = true,
        Err(error) => tracing::error!(%error, "the SQLite writer cannot start"),
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "SQLite did not close cleanly");
    }
}

/// Without a writer nothing works: when it did not start or panicked, all who wait or come get an error at once.
struct Service<'a> {
    shared: &'a Shared,
    ended_well: bool,
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        if !self.ended_well {
            self.shared.writes.abandon();
            self.shared.reads.abandon();
        }
    }
}

fn serve(connection: &Connection, watchdog: Watchdog, shared: &Shared) -> rusqlite::Result<()> {
    let mut writer = Writer {
        connection,
        session: Session::new(connection, shared.layout),
        watchdog,
        control: Control::prepare(connection)?,
        shared,
    };
    let (mut jobs, mut group) = (Vec::new(), Vec::new());
    let (mut answered, mut patience) = (0, Duration::ZERO);
    while shared.writes.take_more(&mut jobs, GROUP_LIMIT, answered, patience) {
        let (started, settled) = (Instant::now(), jobs.len());
        for job in jobs.drain(..) {
            match job {
                Job::Write { batch, answer } => group.push(Entry { batch, answer, outcome: None }),
                // Only a database in memory reads here: what came before it has to be visible.
                Job::Read(read) => {
                    writer.commit_group(&mut group);
                    answer_all(&mut group);
                    read.run(&mut writer.session, &writer.watchdog);
                }
            }
        }
        writer.commit_group(&mut group);
        // First this, so that whoever reads after an answer has nothing to wait for.
        shared.settled.send_modify(|number| *number += settled as u64);
        answer_all(&mut group);
        shared.flusher.mark();
        // One who writes alone never waits.
        answered = if settled > 1 { settled } else { 0 };
        patience = (started.elapsed() / PATIENCE_SHARE).min(PATIENCE_LIMIT);
    }
    Ok(())
}

fn answer_all(group: &mut Vec<Entry>) {
    for Entry { answer, outcome, .. } in group.drain(..) {
        // Nobody listens any more where a ticket was dropped.
        let _ = answer.send(outcome.unwrap_or(Err(StoreError::Unavailable)));
    }
}

impl Writer<'_> {
    /// Runs the batches in one transaction. A batch that fails takes nothing else with it.
    fn commit_group(&mut self, group: &mut [Entry]) {
        if group.is_empty() {
            return;
        }
        // Each round ends the group or finds at least one batch that cannot be part of it.
        while let Err(error) = self.try_group(group) {
            if let Some(error) = error {
                for entry in group.iter_mut() {
                    entry.outcome = Some(Err(error.clone()));
                }
                break;
            }
        }
    }

    /// `Err(None)`: SQLite dropped the transaction because of one batch, whose outcome is set; run the others again.
    /// `Err(Some(_))`: nothing can be written now.
    fn try_group(&mut self, group: &mut [Entry]) -> Result<(), Option<StoreError>> {
        step(&mut self.control.begin).map_err(Some)?;
        for position in 0..group.len() {
            let Some(entry) = group.get_mut(position) else { break };
            if matches!(entry.outcome, Some(Err(_))) {
                continue;
            }
            self.watchdog.set(Some(Instant::now() + self.shared.query_timeout));
            let outcome = self.run_batch(&entry.batch);
            self.watchdog.set(None);
            let full = matches!(outcome, Err(StoreError::Full | StoreError::Unavailable));
            entry.outcome = Some(outcome.clone());
            if full || self.connection.is_autocommit() {
                self.roll_back();
                return Err(outcome.err().filter(|_| full));
            }
        }
        step(&mut self.control.commit).map_err(|error| {
            self.roll_back();
            Some(error)
        })
    }

    fn run_batch(&mut self, batch: &Batch) -> Result<Counts, StoreError> {
        // A single statement undoes itself when it fails.
        if batch.calls.len() <= 1 {
            return self.run_calls(batch);
        }
        step(&mut self.control.savepoint)?;
        let outcome = self.run_calls(batch);
        if outcome.is_err() && !self.connection.is_autocommit() {
            step(&mut self.control.undo)?;
        }
        if !self.connection.is_autocommit() {
            step(&mut self.control.release)?;
        }
        outcome
    }

    fn run_calls(&mut self, batch: &Batch) -> Result<Counts, StoreError> {
        let session = &mut self.session;
        batch
            .calls
            .iter()
            .map(|(statement, params)| session.execute(&batch.host, statement, params))
            .collect()
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() {
            // It fails only when SQLite has rolled back by itself meanwhile.
            let _ = step(&mut self.control.rollback);
        }
    }
}

impl<'c> Control<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Control<'c>> {
        Ok(Control {
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            commit: connection.prepare("COMMIT")?,
            rollback: connection.prepare("ROLLBACK")?,
            savepoint: connection.prepare("SAVEPOINT batch")?,
            release: connection.prepare("RELEASE batch")?,
            undo: connection.prepare("ROLLBACK TO batch")?,
        })
    }
}

fn step(statement: &mut rusqlite::Statement<'_>) -> Result<(), StoreError> {
    statement.execute([]).map(drop).map_err(|error| store_error(&error))
}
