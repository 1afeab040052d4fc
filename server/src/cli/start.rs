//! `nightjar start`

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use nightjar_config::{Config, diagnostic};
use nightjar_net_listen::inherited;
use nightjar_sandbox::landlock::Paths;
use nightjar_sandbox::{INSIDE, Report, files, systemd};

use crate::home::Home;
use crate::logs::{Format, Logs, Setup};
use crate::node::{Ending, read_config};
use crate::{banner, boot, ctl, erlang, first_account, pid_file, process, protect, signals, supervisor};

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
    /// As root: become this user before anything is served. Ports below 1024 are bound first
    #[arg(long, value_name = "NAME[:GROUP]", env = "NIGHTJAR_USER")]
    user: Option<String>,
    /// As root with a configuration file: stay root, which no feature needs
    #[arg(long, env = "NIGHTJAR_ALLOW_ROOT", value_parser = clap::builder::FalseyValueParser::new())]
    allow_root: bool,
    /// Start although others can read files that hold secrets
    #[arg(long, env = "NIGHTJAR_ALLOW_EXPOSED_FILES", value_parser = clap::builder::FalseyValueParser::new())]
    allow_exposed_files: bool,
    /// Limit neither files nor system calls, and allow debuggers and core dumps
    #[arg(long, env = "NIGHTJAR_NO_SANDBOX", value_parser = clap::builder::FalseyValueParser::new())]
    no_sandbox: bool,
    /// A folder outside the home in which commands may write, such as dump_config; may be repeated
    #[arg(long, value_name = "DIR")]
    writable: Vec<PathBuf>,
    #[command(flatten)]
    erlang: erlang::Flags,
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
    process::take_sockets()?;
    let home = Home::locate(arguments.home.clone());
    let Some(config) = read(arguments, &home) else { return Ok(ExitCode::FAILURE) };
    process::settle();
    let (user, has_file) = (arguments.user.as_deref(), arguments.config.is_some());
    if let Some(user) = process::choose_user(user, has_file, arguments.allow_root)? {
        process::become_ordinary(&user, &config, &home)?;
    }
    let Some(locked) = take_home(&home)? else { return Ok(ExitCode::from(RUNNING)) };
    let remarks =
        protect::check_files(&home, arguments.config.as_deref(), &config, arguments.allow_exposed_files)?;
    let erlang = erlang::prepare(&arguments.erlang, &home).context("the Erlang node")?;
    let setup = log_setup(arguments, &home);
    let cookie = erlang.as_ref().and_then(|prepared| prepared.cookie_file.clone());
    let (sandbox, report) = enter_sandbox(arguments, &home, &setup, &config, cookie)?;
    let logs = Logs::start(&setup)?;
    logs.follow(&config.global);
    tell(&remarks, &report, sandbox.is_some());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let is_limited = sandbox.is_some();
    let start = boot::Start { home, file: arguments.config.clone(), config, logs: logs.clone(), sandbox };
    let ending = runtime.block_on(serve(start, erlang, arguments.quiet));
    logs.flush();
    match ending? {
        Ending::Stop => Ok(ExitCode::SUCCESS),
        Ending::Halt => Ok(ExitCode::FAILURE),
        Ending::Restart => {
            drop(runtime);
            drop(locked);
            start_again(is_limited)
        }
    }
}

/// The lock of the home, which is made if it isn't there; nothing after telling that a node runs in it.
fn take_home(home: &Home) -> anyhow::Result<Option<File>> {
    home.prepare().with_context(|| format!("the home {}", home.path().display()))?;
    match boot::lock(home) {
        Ok(locked) => Ok(Some(locked)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let place = home.path().display();
            let _ = writeln!(std::io::stderr(), "nightjar: a node is already running in {place}");
            Ok(None)
        }
        Err(error) => Err(error).context("the lock file"),
    }
}

/// Limits the process while it has one thread: those it starts are limited as well. Whatever it needs later is
/// needed at a restart too, so that nothing is gained by waiting.
fn enter_sandbox(
    arguments: &Arguments,
    home: &Home,
    setup: &Setup,
    config: &Config,
    cookie: Option<PathBuf>,
) -> anyhow::Result<(Option<Paths>, Report)> {
    if arguments.no_sandbox {
        return Ok((None, Report::default()));
    }
    let log = setup.file.as_ref().map(|(path, _)| path.as_path());
    if let Some(folder) =
        log.and_then(std::path::Path::parent).filter(|folder| !folder.as_os_str().is_empty())
    {
        files::create_private_dir_if_missing(folder).with_context(|| folder.display().to_string())?;
    }
    let mut paths = protect::paths(home, log, config, &arguments.writable);
    paths.read.extend(cookie);
    let report = nightjar_sandbox::enter(&paths);
    Ok((Some(paths), report))
}

fn tell(remarks: &[String], report: &Report, is_limited: bool) {
    process::warn(is_limited);
    remarks.iter().for_each(|remark| tracing::warn!("{remark}"));
    if !is_limited {
        tracing::warn!("--no-sandbox: neither files nor system calls are limited");
    }
    report.in_force.iter().chain(&report.lacking).for_each(|sentence| tracing::info!("sandbox: {sentence}"));
}

/// Replaces this process by a new node, which gets its sockets and stays in its sandbox.
fn start_again(is_limited: bool) -> anyhow::Result<ExitCode> {
    let sockets = inherited::copies()?;
    let handover = systemd::hand_over(sockets.iter().map(|(name, socket)| (name.as_str(), socket)))?;
    let mut words = std::env::args_os();
    // In the sandbox only the very file that runs may be run, be there a newer one of its name by now.
    let program = if is_limited { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
    let mut command = std::process::Command::new(program);
    command.arg0(words.next().unwrap_or_else(|| "nightjar".into())).args(words).envs(handover.set);
    if is_limited {
        command.env(INSIDE, "1");
    }
    handover.remove.iter().for_each(|name| {
        command.env_remove(name);
    });
    Err(command.exec()).context("the node can't be started again")
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

async fn serve(start: boot::Start, erlang: Option<erlang::Prepared>, quiet: bool) -> anyhow::Result<Ending> {
    let built_in = start.file.is_none();
    let is_first = !start.home.secret().exists();
    let node = boot::start(start).await?;
    let _pid_file = pid_file::write_where_asked()?;
    signals::follow(&node)?;
    let account = if built_in { first_account::make(&node).await? } else { None };
    let erlang = erlang::start(&node, erlang).await;
    let _erlang = match erlang {
        Ok(erlang) => erlang,
        Err(error) => {
            node.stop().await;
            return Err(error.context("the Erlang node"));
        }
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    for socket in inherited::unused() {
        tracing::warn!(socket, "this socket was handed over, and nothing in the configuration listens there");
    }
    if let Err(why) = ctl::on_start::run_all(&node.kernel, is_first).await {
        node.stop().await;
        anyhow::bail!(why);
    }
    supervisor::ready(&format!("{} hosts", node.kernel.config().hosts().len()));
    if !quiet {
        // Lines of the log come from another thread; the banner is to be the last thing on the screen.
        node.logs.flush();
        let text = banner::banner(&node.kernel.config(), &node.home, account.as_deref());
        let _ = writeln!(std::io::stdout(), "{text}");
    }
    let ending = node.ended().await;
    supervisor::ending(ending == Ending::Restart);
    if ending != Ending::Halt {
        node.stop().await;
    }
    Ok(ending)
}
