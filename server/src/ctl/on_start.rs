//! `CTL_ON_CREATE` and `CTL_ON_START`: commands that the environment has a node run when it starts, as ejabberd's
//! container image does.

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_base::commands::Caller;

use super::console::split;
use super::dispatch;
use super::protocol::Request;
use super::render::SUCCESS;

/// Runs what the environment names, `CTL_ON_CREATE` only when a node starts for the first time.
///
/// # Errors
/// As [`run`].
pub(crate) async fn run_all(kernel: &Arc<Kernel>, is_first: bool) -> Result<(), String> {
    for name in ["CTL_ON_CREATE", "CTL_ON_START"] {
        if is_first || name == "CTL_ON_START" {
            run(kernel, &std::env::var(name).unwrap_or_default()).await?;
        }
    }
    Ok(())
}

/// Runs the commands of a text, one after the other: a semicolon between blanks separates them, and one behind an
/// exclamation mark may fail.
///
/// # Errors
/// A sentence about the first other command that fails; those behind it are not run.
async fn run(kernel: &Arc<Kernel>, text: &str) -> Result<(), String> {
    for command in text.split(" ; ").map(str::trim).filter(|command| !command.is_empty()) {
        let (line, may_fail) = match command.strip_prefix('!') {
            Some(line) => (line.trim(), true),
            None => (command, false),
        };
        let words = split(line).ok_or("a quote in CTL_ON_CREATE or CTL_ON_START is not closed")?;
        // The arguments may be passwords.
        let name = words.first().cloned().unwrap_or_default();
        let request = Request { words, json: false, node: None };
        let output = dispatch::run(kernel, request, Caller::LOCAL).await;
        match output.code {
            SUCCESS => tracing::info!(command = name, "run at start"),
            code if may_fail => tracing::warn!(command = name, code, "failed at start, which doesn't matter"),
            code => return Err(format!("the command {name} failed at start with exit code {code}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
