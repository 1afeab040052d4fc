//! `nightjar start`

use std::io::{IsTerminal as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use nightjar_config::{Config, diagnostic};

use crate::home::Home;
use crate::logs::{Format, Logs, Setup};
use crate::node::{Ending, read_config};
use crate::{banner, boot, first_account, process, signals};

/// The node's home belongs to a node that runs.
const RUNNING: u8 = 4;

#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// The configuration file, an ejabberd.yml; the built-in one if left out
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of database, keys, logs and control socket [default: ./nightjar-home]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// How log lines look on standard error [default: journal under systemd, human otherwise]
    #[arg(long, value_enum)]
    log_format: Option<Format>,
    /// How log lines look in the log file
    #[arg(long, value_enum, default_value_t)]
    log_file_format: Format,
    /// The log file [default: logs/nightjar.log in the home]; an empty name for none
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Only errors on standard error, and no banner
    #[arg(long)]
    quiet: bool,
}

/// Runs a node until it is stopped.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    match start(&arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "nightjar: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let home = Home::locate(arguments.home.clone());
    let Some(config) = read(arguments, &home) else { return Ok(ExitCode::FAILURE) };
    process::settle();
    home.prepare().with_context(|| format!("the home {}", home.path().display()))?;
    let locked = match boot::lock(&home) {
        Ok(locked) => locked,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let _ = writeln!(
                std::io::stderr(),
                "nightjar: a node is already running in {}",
                home.path().display()
            );
            return Ok(ExitCode::from(RUNNING));
        }
        Err(error) => return Err(error).context("the lock file"),
    };
    let logs = Logs::start(&log_setup(arguments, &home))?;
    logs.follow(&config.global);
    process::warn();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let start = boot::Start { home, file: arguments.config.clone(), config, logs: logs.clone() };
    let ending = runtime.block_on(serve(start, arguments.quiet));
    logs.flush();
    match ending? {
        Ending::Stop => Ok(ExitCode::SUCCESS),
        Ending::Halt => Ok(ExitCode::FAILURE),
        Ending::Restart => {
            drop(runtime);
            drop(locked);
            let program = std::env::current_exe()?;
            let again = std::process::Command::new(program).args(std::env::args_os().skip(1)).exec();
            Err(again).context("the node can't be started again")
        }
    }
}

/// The configuration, or nothing after every mistake in it was shown.
fn read(arguments: &Arguments, home: &Home) -> Option<Config> {
    let colour = std::io::stderr().is_terminal();
    match read_config(arguments.config.as_ref(), home) {
        Ok((config, remarks)) => {
            if !arguments.quiet {
                let _ = write!(std::io::stderr(), "{}", diagnostic::render(&remarks, colour));
            }
            Some(config)
        }
        Err(mistakes) => {
            let _ = write!(std::io::stderr(), "{}", diagnostic::render(&mistakes, colour));
            let _ =
                writeln!(std::io::stderr(), "nightjar: the configuration has mistakes, nothing was started");
            None
        }
    }
}

fn log_setup(arguments: &Arguments, home: &Home) -> Setup {
    let path = arguments.log_file.clone().unwrap_or_else(|| home.log());
    let file = (!path.as_os_str().is_empty()).then_some((path, arguments.log_file_format));
    // systemd sets it for a process whose standard error is its journal.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let usual = if journal { Format::Journal } else { Format::Human };
    Setup { console: Some(arguments.log_format.unwrap_or(usual)), quiet: arguments.quiet, file }
}

async fn serve(start: boot::Start, quiet: bool) -> anyhow::Result<Ending> {
    let built_in = start.file.is_none();
    let node = boot::start(start).await?;
    signals::follow(&node)?;
    let account = if built_in { first_account::make(&node).await? } else { None };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    if !quiet {
        // Lines of the log come from another thread; the banner is to be the last thing on the screen.
        node.logs.flush();
        let text = banner::banner(&node.kernel.config(), &node.home, account.as_deref());
        let _ = writeln!(std::io::stdout(), "{text}");
    }
    let ending = node.ended().await;
    if ending != Ending::Halt {
        node.stop().await;
    }
    Ok(ending)
}
