//! What systemd is told of a node's life.

use nightjar_sandbox::systemd::{State, notify, watchdog_pause};

/// The node serves; its runtime proves from now on that it lives.
pub(crate) fn ready(status: &str) {
    tell(State::Status(status));
    tell(State::Ready);
    if let Some(pause) = watchdog_pause() {
        // A task like those that serve: where no task gets its turn any more, systemd starts the node anew.
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(pause);
            loop {
                ticks.tick().await;
                tell(State::Alive);
            }
        });
    }
}

/// The node reads its configuration anew, or restarts, until the value is dropped.
pub(crate) struct Reloading(());

impl Reloading {
    pub(crate) fn begin() -> Self {
        tell(State::Reloading);
        Self(())
    }
}

impl Drop for Reloading {
    fn drop(&mut self) {
        tell(State::Ready);
    }
}

/// The node ends; or starts again, which systemd sees as a reload that the new one completes.
pub(crate) fn ending(restarts: bool) {
    tell(if restarts { State::Reloading } else { State::Stopping });
}

fn tell(state: State<'_>) {
    if let Err(error) = notify(state) {
        tracing::debug!(%error, ?state, "systemd could not be told");
    }
}
