//! `ctl start` and `ctl foreground`: a node started by the same program.

use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::client::NODE;
use super::flags::Flags;
use super::render::{FAILURE, Output, SUCCESS};

/// The node runs already.
const RUNNING: u8 = 4;

/// Starts a node that outlives the terminal.
pub(crate) fn background(flags: &Flags, socket: &Path) -> Output {
    if UnixStream::connect(socket).is_ok() {
        let node = flags.node.as_deref().unwrap_or(NODE);
        return Output::new(format!("ERROR: The ejabberd node '{node}' is already running."), RUNNING);
    }
    let started = start(flags).and_then(|mut command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn()
    });
    match started {
        Ok(_) => Output::new("", SUCCESS),
        Err(error) => Output::new(format!("Error: the node can't be started: {error}"), FAILURE),
    }
}

/// Becomes the node.
pub(crate) fn foreground(flags: &Flags) -> Output {
    let error = match start(flags) {
        Ok(mut command) => command.exec(),
        Err(error) => error,
    };
    Output::new(format!("Error: the node can't be started: {error}"), FAILURE)
}

fn start(flags: &Flags) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("start");
    if let Some(home) = &flags.home {
        command.arg("--home").arg(home);
    }
    if let Some(config) = &flags.config {
        command.arg("--config").arg(config);
    }
    if flags.words.first().is_some_and(|word| word == "foreground-quiet") {
        command.arg("--quiet");
    }
    Ok(command)
}
