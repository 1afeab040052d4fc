//! `ctl start`, `foreground` and `live`: a node started by the same program.

use std::fs::DirBuilder;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::{OTHER_USER, is_up};
use super::render::{FAILURE, Output};
use super::settings::Settings;
use super::{console, epmd};

/// The node runs already.
const RUNNING: u8 = 4;
/// Something else has the node's name.
const REGISTERED: u8 = 5;
/// The home can't be entered.
const NO_HOME: u8 = 6;

/// How long a node is watched that starts in the background.
const START: Duration = Duration::from_secs(30);
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// Starts a node that outlives the terminal. What it has to say until it serves is said here.
pub(crate) fn background(settings: &Settings) -> Output {
    let mut command = match prepared(settings, true) {
        Ok(command) => command,
        Err(output) => return output,
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return cannot(&error),
    };
    // The node doesn't mind when nobody reads any more.
    let said = child.stderr.take().map(|mut errors| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).trim_end().to_owned()
        })
    });
    match until_up(settings, &mut child) {
        Ok(()) => Output::default(),
        Err(output) => {
            let said = said.and_then(|said| said.join().ok()).filter(|said| !said.is_empty());
            Output::new(said.unwrap_or(output.text), output.code)
        }
    }
}

/// Becomes the node.
pub(crate) fn foreground(settings: &Settings, quiet: bool) -> Output {
    match prepared(settings, quiet) {
        Ok(mut command) => cannot(&command.exec()),
        Err(output) => output,
    }
}

/// Starts a node whose console is this terminal; it ends with the console.
pub(crate) fn live(settings: &Settings) -> Output {
    let mut command = match prepared(settings, false) {
        Ok(command) => command,
        Err(output) => return output,
    };
    console::warn(settings, console::LIVE);
    command.args(["--log-format", "human"]);
    // A console's interrupt key is the console's, not the node's.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return cannot(&error),
    };
    let mut console = console::Console::new(settings);
    let log = child.stderr.take().map(|log| {
        let mut show = console.printer();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                show(&line);
            }
        })
    });
    let started = until_up(settings, &mut child);
    if started.is_ok() {
        console.talk(&mut || matches!(child.try_wait(), Ok(None)));
        console.ask_quietly("stop");
    }
    let code = child.wait().ok().and_then(|status| status.code());
    if let Some(log) = log {
        let _ = log.join();
    }
    let code = code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILURE);
    started.err().unwrap_or(Output::new("", code))
}

/// Waits until the node answers.
fn until_up(settings: &Settings, child: &mut Child) -> Result<(), Output> {
    let end = Instant::now() + START;
    while Instant::now() < end {
        if let Ok(Some(status)) = child.try_wait() {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).filter(|code| *code > 0);
            let log = settings.log_file.clone().unwrap_or_else(|| settings.home.log());
            let text = format!("Error: the node did not start; the reason is in {}", log.display());
            return Err(Output::new(text, code.unwrap_or(FAILURE)));
        }
        if is_up(settings) {
            return Ok(());
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    // As ejabberdctl: `started` waits longer.
    Ok(())
}

fn cannot(error: &io::Error) -> Output {
    Output::new(format!("Error: the node can't be started: {error}"), FAILURE)
}

/// The command that starts the node, after everything that forbids it was looked for.
fn prepared(settings: &Settings, quiet: bool) -> Result<Command, Output> {
    for warning in &settings.warnings {
        let _ = writeln!(io::stderr(), "WARNING: {warning}");
    }
    enter(settings.home.path())?;
    let node = settings.node_name();
    let running = || Output::new(format!("ERROR: The ejabberd node '{node}' is already running."), RUNNING);
    if is_up(settings) {
        return Err(running());
    }
    // Without a name of its own the node doesn't ask epmd for one.
    if settings.node.is_some() && !settings.exported.contains_key("ERL_DIST_PORT") {
        match epmd::holder(node) {
            epmd::Holder::Nobody => {}
            epmd::Holder::Node => return Err(running()),
            epmd::Holder::Other => return Err(Output::new(registered(node), REGISTERED)),
        }
    }
    command(settings, quiet).map_err(|error| cannot(&error))
}

fn registered(node: &str) -> String {
    format!(
        "ERROR: The ejabberd node '{node}' is registered,\n       but no related process has been found.\n\
         Shutdown all other erlang nodes, and call 'epmd -kill'."
    )
}

/// Makes the home and sees whether it is ours.
fn enter(home: &Path) -> Result<(), Output> {
    let cannot = || Output::new(format!("ERROR: can not access directory {}", home.display()), NO_HOME);
    let is_root = rustix::process::geteuid().is_root();
    if is_root && !home.exists() {
        // The node makes it for the user that it becomes.
        let above = home.ancestors().find(|folder| folder.exists());
        return if above.is_none_or(Path::is_dir) { Ok(()) } else { Err(cannot()) };
    }
    make_folder(home).map_err(|_| cannot())?;
    let owner = std::fs::metadata(home).map_err(|_| cannot())?.uid();
    let own = rustix::process::geteuid().as_raw();
    if owner != own && !is_root {
        let text = format!(
            "ERROR: This command can only be run by root or the user {owner}, to whom {} belongs",
            home.display()
        );
        return Err(Output::new(text, OTHER_USER));
    }
    std::fs::read_dir(home).map(drop).map_err(|_| cannot())
}

/// Makes a folder that nobody else may look into; one that is there stays as it is.
fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn command(settings: &Settings, quiet: bool) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("start").arg("--home").arg(settings.home.path());
    if let Some(config) = &settings.config {
        command.arg("--config").arg(config);
    }
    if let Some(log) = &settings.log_file {
        if let Some(folder) = log.parent().filter(|_| !rustix::process::geteuid().is_root()) {
            make_folder(folder)?;
        }
        command.arg("--log-file").arg(log);
    }
    if quiet {
        command.arg("--quiet");
    }
    if let Some(folder) = settings.exported.get("EJABBERD_PID_PATH").and_then(|path| Path::new(path).parent())
    {
        // The file is to be taken away again.
        command.arg("--writable").arg(folder);
    }
    if let Some(user) = settings.user.as_ref().filter(|_| rustix::process::geteuid().is_root()) {
        command.arg("--user").arg(user);
    }
    command.envs(&settings.exported);
    if let Some(node) = &settings.node {
        command.env("ERLANG_NODE", node);
    }
    Ok(command)
}

/// What ejabberdctl's script says about itself.
pub(crate) fn usage(settings: &Settings) -> String {
    let path = |path: Option<&Path>| path.map_or("(none)".to_owned(), |path| path.display().to_string());
    let logs = settings.log_file.clone().unwrap_or_else(|| settings.home.log());
    format!(
        "
Commands to start an ejabberd node:
  start            Start in server mode
  foreground       Start in server mode (attached)
  foreground-quiet Start in server mode (attached), show only critical messages
  live             Start in interactive mode, with a console

Commands to interact with a running ejabberd node:
  debug            Attach a console to a running node
  etop             Show what a running node is doing
  ping             Send ping to the node, returns pong or pang
  started|stopped  Wait for the node to fully start|stop

Optional parameters when starting an ejabberd node:
  --config-dir dir   Config ejabberd:    {}
  --config file      Config ejabberd:    {}
  --ctl-config file  Config ejabberdctl: {}
  --logs dir         Directory for logs: {}
  --spool dir        Database spool dir: {}
  --node nodename    ejabberd node name: {}
",
        path(settings.config.as_deref().and_then(Path::parent)),
        path(settings.config.as_deref()),
        path(settings.ctl_config.as_deref()),
        path(logs.parent()),
        settings.home.path().display(),
        settings.node_name(),
    )
}

#[cfg(test)]
mod tests;
