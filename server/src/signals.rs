//! What the operating system asks of a running node.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use crate::node::{Ending, Node};
use crate::reload;

/// Follows signals: TERM and INT end the node, a second one at once; HUP reads the configuration anew.
///
/// # Errors
/// If a handler can't be set.
pub(crate) fn follow(node: &Arc<Node>) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    let reloading = Arc::clone(node);
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            tracing::info!("SIGHUP: the configuration is read anew");
            if let Err(why) = reload::reload(&reloading).await {
                tracing::error!("nothing was changed: {why}");
            }
        }
    });
    let ending = Arc::clone(node);
    tokio::spawn(async move {
        for end in [Ending::Stop, Ending::Halt] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if end == Ending::Halt {
                ending.logs.flush();
                std::process::exit(1);
            }
            tracing::info!("stopping; a second signal stops at once");
            ending.end(end);
        }
    });
    Ok(())
}
