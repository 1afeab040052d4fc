//! The thread that writes lines, and the files it rotates.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use super::level::Level;
use super::line::{Format, Record};
use crate::home::append_private;

/// Lines that may wait to be written; more are lost, and counted.
const WAITING_MAX: usize = 8192;

enum Order {
    Line(Record),
    Rotate,
    Reopen,
    Limits { size: Option<u64>, count: u64 },
    Flush(SyncSender<()>),
}

/// One place lines go to.
pub(crate) struct Target {
    format: Format,
    least: Level,
    output: Output,
}

enum Output {
    Console { colour: bool },
    File(Rotating),
}

impl Target {
    pub(crate) fn console(format: Format, colour: bool, least: Level) -> Self {
        Self { format, least, output: Output::Console { colour } }
    }

    pub(crate) fn file(path: PathBuf, format: Format, least: Level) -> io::Result<Self> {
        Ok(Self { format, least, output: Output::File(Rotating::open(path)?) })
    }

    fn write(&mut self, record: &Record) {
        if record.level > self.least {
            return;
        }
        // A log that can't be written has nowhere to say so.
        let _ = match &mut self.output {
            Output::Console { colour } => {
                io::stderr().write_all(record.render(self.format, *colour).as_bytes())
            }
            Output::File(file) => file.write(record.render(self.format, false).as_bytes()),
        };
    }

    fn file_mut(&mut self) -> Option<&mut Rotating> {
        match &mut self.output {
            Output::File(file) => Some(file),
            Output::Console { .. } => None,
        }
    }
}

/// The way to the writing thread.
#[derive(Clone)]
pub(crate) struct Sink {
    orders: SyncSender<Order>,
    lost: Arc<AtomicU64>,
}

impl Sink {
    pub(crate) fn start(targets: Vec<Target>) -> io::Result<Self> {
        let (orders, waiting) = sync_channel(WAITING_MAX);
        thread::Builder::new().name("log".to_owned()).spawn(move || run(targets, &waiting))?;
        Ok(Self { orders, lost: Arc::default() })
    }

    pub(crate) fn write(&self, record: Record) {
        if let Err(TrySendError::Full(_)) = self.orders.try_send(Order::Line(record)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn rotate(&self) {
        self.order(Order::Rotate);
    }

    pub(crate) fn reopen(&self) {
        self.order(Order::Reopen);
    }

    /// Bytes of a file before it is rotated, and rotated files that are kept.
    pub(crate) fn rotate_at(&self, size: Option<u64>, count: u64) {
        self.order(Order::Limits { size, count });
    }

    pub(crate) fn flush(&self, limit: Duration) {
        let (done, wait) = sync_channel(1);
        self.order(Order::Flush(done));
        let _ = wait.recv_timeout(limit);
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(
                io::stderr(),
                "{lost} lines of the log were lost: they came faster than they could be written"
            );
        }
    }

    fn order(&self, order: Order) {
        // Only a thread that is gone refuses, and then the process is ending.
        let _ = self.orders.send(order);
    }
}

fn run(mut targets: Vec<Target>, waiting: &Receiver<Order>) {
    while let Ok(order) = waiting.recv() {
        match order {
            Order::Line(record) => targets.iter_mut().for_each(|target| target.write(&record)),
            Order::Flush(done) => {
                let _ = done.try_send(());
            }
            order => {
                for file in targets.iter_mut().filter_map(Target::file_mut) {
                    let _ = match order {
                        Order::Rotate => file.rotate(),
                        Order::Reopen => file.reopen(),
                        Order::Limits { size, count } => {
                            (file.size_max, file.kept) = (size, count);
                            Ok(())
                        }
                        Order::Line(_) | Order::Flush(_) => Ok(()),
                    };
                }
            }
        }
    }
}

/// A file that is renamed away when it is full: `nightjar.log` becomes `nightjar.log.0`, that becomes `.1`, and so on.
struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    size_max: Option<u64>,
    kept: u64,
}

impl Rotating {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = append_private(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size, size_max: Some(10 << 20), kept: 1 })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = line.len() as u64;
        if self.size > 0 && self.size_max.is_some_and(|max| self.size + length > max) {
            self.rotate()?;
        }
        self.size += length;
        self.file.write_all(line)
    }

    fn rotate(&mut self) -> io::Result<()> {
        let named = |number: u64| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        if self.kept == 0 {
            remove(&self.path)?;
        } else {
            remove(&named(self.kept - 1))?;
            for number in (0..self.kept - 1).rev() {
                rename(&named(number), &named(number + 1))?;
            }
            rename(&self.path, &named(0))?;
        }
        self.reopen()
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.file = append_private(&self.path)?;
        self.size = self.file.metadata()?.len();
        Ok(())
    }
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    absent_is_fine(fs::rename(from, to))
}

fn remove(path: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(path))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
