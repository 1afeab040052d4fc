//! Old messages deleted a batch at a time in the background, at most so many a minute: one task for each kind and host.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nightjar_base::commands::declare::{binary, field};
use nightjar_base::commands::{Call, CommandError, CommandResult, Field, Shape, Value};
use nightjar_base::hooks::BoxFuture;
use nightjar_store::StoreError;
use nightjar_text::Text;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

/// The argument of the commands that ask after a task or end it.
pub const HOST: &[Field] = &[binary("host")];
/// Their result.
pub const STATUS: Field = field("status", Shape::String);

/// The tasks of a server.
#[derive(Default)]
pub struct Purges {
    tasks: Mutex<HashMap<(&'static str, Text), Arc<Purge>>>,
}

#[derive(Default)]
struct Purge {
    deleted: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    Beginning,
    Working(AbortHandle),
    Aborted,
    Failed(String),
    Completed,
}

/// Deletes one batch; how many there were.
pub type Step = Box<dyn Fn() -> BoxFuture<'static, Result<u64, StoreError>> + Send + Sync>;

impl Purges {
    /// Begins a task that deletes until a batch is empty. `rate` is in messages a minute; 0 is no limit.
    /// Answers no if one of its kind is at work.
    pub fn begin(&self, kind: &'static str, host: Text, rate: u64, step: Step) -> bool {
        let purge = Arc::new(Purge::default());
        {
            let mut tasks = self.tasks.lock();
            if tasks.get(&(kind, host.clone())).is_some_and(|task| task.is_working()) {
                return false;
            }
            tasks.insert((kind, host), Arc::clone(&purge));
        }
        // Held until its handle is kept, so that the task can't end before it has begun.
        let mut state = purge.state.lock();
        let working = Arc::clone(&purge);
        let task = tokio::spawn(async move {
            let ending = match work(&working, rate, step).await {
                Ok(()) => State::Completed,
                Err(error) => State::Failed(error.to_string()),
            };
            let mut state = working.state.lock();
            if matches!(*state, State::Working(_)) {
                *state = ending;
            }
        });
        *state = State::Working(task.abort_handle());
        true
    }

    /// How a task does, in ejabberd's words.
    pub fn status(&self, kind: &'static str, host: &str) -> String {
        let tasks = self.tasks.lock();
        let Some(purge) = tasks.get(&(kind, Text::new(host))) else {
            return "Operation not started".to_owned();
        };
        let count = purge.deleted.load(Ordering::Relaxed);
        match &*purge.state.lock() {
            State::Beginning | State::Working(_) => {
                format!("Operation in progress, deleted {count} messages")
            }
            State::Aborted => format!("Operation was aborted after deleting {count} messages"),
            State::Failed(why) => {
                format!("Operation failed after deleting {count} messages with error {why}")
            }
            State::Completed => format!("Operation was completed after deleting {count} messages"),
        }
    }

    /// Ends a task, in ejabberd's words.
    pub fn abort(&self, kind: &'static str, host: &str) -> &'static str {
        let tasks = self.tasks.lock();
        let Some(purge) = tasks.get(&(kind, Text::new(host))) else { return "No task running" };
        let mut state = purge.state.lock();
        let State::Working(task) = &*state else { return "No task running" };
        task.abort();
        *state = State::Aborted;
        "Operation aborted"
    }
}

impl Purge {
    fn is_working(&self) -> bool {
        matches!(*self.state.lock(), State::Beginning | State::Working(_))
    }
}

async fn work(purge: &Purge, rate: u64, step: Step) -> Result<(), StoreError> {
    loop {
        let count = step().await?;
        purge.deleted.fetch_add(count, Ordering::Relaxed);
        if count == 0 {
            return Ok(());
        }
        if let Some(pause) = (count * 60_000).checked_div(rate) {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }
}

/// The time before which messages are old: argument `at` in days.
///
/// # Errors
/// If it is negative.
pub fn before(call: &Call, at: usize) -> Result<i64, CommandError> {
    let days = call.integer(at);
    if days < 0 {
        return Err(CommandError::Arguments("days must not be negative".to_owned()));
    }
    Ok(call.kernel.clock.unix_micros().saturating_sub(days.saturating_mul(86_400_000_000)))
}

/// Messages of a batch and messages a minute: the arguments from `at` on.
///
/// # Errors
/// If they are not above 0.
pub fn pace(call: &Call, at: usize) -> Result<(i64, u64), CommandError> {
    let rate = u64::try_from(call.integer(at + 1)).ok().filter(|rate| *rate > 0);
    match (call.integer(at), rate) {
        (batch, Some(rate)) if batch > 0 => Ok((batch, rate)),
        _ => Err(CommandError::Arguments("batch_size and rate must be above 0".to_owned())),
    }
}

/// What the command answers that begins a task.
pub fn begun(begun: bool) -> CommandResult {
    Ok(if begun {
        Value::Told(true, Text::empty())
    } else {
        Value::Told(false, "Operation in progress".into())
    })
}

#[cfg(test)]
mod tests;
