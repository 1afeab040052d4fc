//! The thread that brings committed rows from the operating system to the device, beside the writer and a few times a
//! second: a loss of power takes a quarter of a second at most, and no commit waits for the device.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

#[cfg(test)]
mod tests;

/// Pause between two flushes. The first commit after a quiet time is flushed at once.
const INTERVAL: Duration = Duration::from_millis(250);

#[derive(Default)]
pub(crate) struct Flusher {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    dirty: bool,
    closed: bool,
}

impl Flusher {
    /// Something was committed.
    pub(crate) fn mark(&self) {
        let mut state = self.state.lock();
        if !std::mem::replace(&mut state.dirty, true) {
            self.wake.notify_one();
        }
    }

    /// Ends [`run`](Flusher::run) after a last flush.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.wake.notify_one();
    }

    /// Flushes the log of the database at `path` whenever there is something to flush.
    pub(crate) fn run(&self, path: &Path) {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        self.run_with(|| {
            // The log comes and goes with the connections, so it is opened anew.
            if let Err(error) = File::open(&log).and_then(|file| file.sync_data()) {
                tracing::error!(%error, "the log of the database cannot be flushed");
            }
        });
    }

    fn run_with(&self, mut flush: impl FnMut()) {
        let mut state = self.state.lock();
        loop {
            self.wake.wait_while(&mut state, |state| !state.dirty && !state.closed);
            if std::mem::take(&mut state.dirty) {
                drop(state);
                flush();
                state = self.state.lock();
            }
            if state.closed && !state.dirty {
                return;
            }
            self.wake.wait_while_for(&mut state, |state| !state.closed, INTERVAL);
        }
    }
}
