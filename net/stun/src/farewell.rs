//! The end of a listener's connections: they are told, and have a moment to tell their clients.

use std::time::Duration;

use tokio::sync::watch;

/// How long all of this may take.
const TIME: Duration = Duration::from_secs(2);

/// What the connections of a listener and its end know of each other.
pub(crate) struct Farewell {
    connections: watch::Sender<usize>,
    is_over: watch::Sender<bool>,
}

/// One connection.
pub(crate) struct Here<'a>(&'a Farewell);

impl Default for Farewell {
    fn default() -> Self {
        Self { connections: watch::Sender::new(0), is_over: watch::Sender::new(false) }
    }
}

impl Farewell {
    /// Counts a connection as long as this is kept.
    pub(crate) fn here(&self) -> Here<'_> {
        self.connections.send_modify(|connections| *connections += 1);
        Here(self)
    }

    /// Waits until the end has come.
    pub(crate) async fn is_over(&self) {
        // The sender is ours: it isn't gone.
        let _ = self.is_over.subscribe().wait_for(|is_over| *is_over).await;
    }

    /// Ends all connections and waits for them. False if they took too long.
    pub(crate) async fn tell(&self) -> bool {
        self.is_over.send_replace(true);
        let mut connections = self.connections.subscribe();
        tokio::time::timeout(TIME, connections.wait_for(|connections| *connections == 0)).await.is_ok()
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.connections.send_modify(|connections| *connections = connections.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests;
