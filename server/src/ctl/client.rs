//! The client's side: connect, ask, print. No runtime and no parser of its own, so that it takes milliseconds.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::flags::Flags;
use super::protocol::{ANSWER_MAX, Answer, Request, receive, send};
use super::render::{FAILURE, Output, SUCCESS, UNREACHABLE};
use super::settings::{Settings, Surroundings};
use super::{console, erlang, http, launch, top};
use crate::erlang::client as distribution;

/// How long the node may take to answer, unless `--no-timeout` is given.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(60);
/// How long `started` and `stopped` wait…
const WAIT: Duration = Duration::from_secs(60);
/// …and the pause between their looks.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Somebody else's node.
pub(crate) const OTHER_USER: u8 = 7;
/// What ejabberd's script says where Elixir is missing.
const MISSING_PROGRAM: u8 = 127;

/// Runs a command in the node and prints what it says.
pub(crate) fn run(flags: Flags, is_ejabberdctl: bool) -> ExitCode {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim().split('.').next().filter(|host| !host.is_empty()).unwrap_or("localhost");
    let environment = |name: &str| std::env::var(name).ok();
    let around = Surroundings { is_ejabberdctl, root: Path::new("/"), host, environment: &environment };
    let settings = Settings::resolve(&flags, &around);
    let words: Vec<&str> = flags.words.iter().map(String::as_str).collect();
    let output = match words.as_slice() {
        ["ping"] => ping(&settings, settings.node_name()),
        ["ping", node] => ping(&settings, node),
        ["started"] => wait_until(WAIT, || is_up(&settings)),
        ["stopped"] => wait_until(WAIT, || !is_up(&settings)),
        ["start"] => launch::background(&settings),
        ["foreground"] => launch::foreground(&settings, false),
        ["foreground-quiet"] => launch::foreground(&settings, true),
        ["live"] => launch::live(&settings),
        ["debug"] => console::debug(&settings),
        ["etop"] => top::run(&settings),
        ["iexlive" | "iexdebug"] => Output::new(NO_ELIXIR, MISSING_PROGRAM),
        ["mnesia_change"] => Output::new(
            "Error: Please provide the old erlang node name, for example:\n  \
             ejabberdctl mnesia_change ejabberd@oldmachine",
            FAILURE,
        ),
        ["mnesia_change", ..] => Output::new(NO_MNESIA, FAILURE),
        _ => ask(&settings, flags),
    };
    print(&output)
}

/// Prints what there is to print. A reader that went away is no failure.
pub(crate) fn print(output: &Output) -> ExitCode {
    let mut text = output.text.clone();
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::from(output.code)
}

/// Whether the node answers.
pub(crate) fn is_up(settings: &Settings) -> bool {
    UnixStream::connect(settings.home.control_socket()).is_ok()
}

fn ping(settings: &Settings, node: &str) -> Output {
    let request = Request { words: vec!["status".to_owned()], json: false, node: Some(node.to_owned()) };
    let answers = match exchange(&settings.home.control_socket(), &request, Some(ANSWER_TIME)) {
        Ok(answer) => !answer.elsewhere,
        Err(_) => false,
    };
    let answers = answers || distribution::ping(node, &settings.home, variable).is_ok();
    if answers { Output::new("pong", SUCCESS) } else { Output::new("pang", FAILURE) }
}

/// What distribution reads of the environment.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Has a node that isn't this home's do it, over the Erlang distribution.
fn ask_elsewhere(settings: &Settings, node: &str, request: &Request, limit: Option<Duration>) -> Output {
    match distribution::ask(node, &request.words, &settings.home, variable, limit) {
        Ok(output) => output,
        Err(unreached) => unreachable(settings, &format!("{}\n({})", unreached.word, unreached.why)),
    }
}

pub(crate) fn wait_until(limit: Duration, reached: impl Fn() -> bool) -> Output {
    let end = Instant::now() + limit;
    loop {
        if reached() {
            return Output::default();
        }
        if Instant::now() >= end {
            return Output::new("", FAILURE);
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

/// Has the node do what the words say.
pub(crate) fn ask(settings: &Settings, flags: Flags) -> Output {
    let limit = (!flags.no_timeout).then_some(ANSWER_TIME);
    let started = Instant::now();
    let socket = settings.home.control_socket();
    // Without a name given, the node of this home is meant, whatever it is called.
    let node = flags.node.as_ref().and(settings.node.clone());
    let request = Request { words: flags.words, json: flags.json, node };
    match exchange(&socket, &request, limit) {
        Ok(answer) if answer.elsewhere => {
            let node = request.node.as_deref().unwrap_or_default();
            ask_elsewhere(settings, node, &request, limit)
        }
        Ok(answer) => Output::new(answer.text, answer.code),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let path = socket.display();
            Output::new(format!("ERROR: the node at {path} belongs to another user: {error}"), OTHER_USER)
        }
        Err(error) => {
            if let Some(output) = http::ask(settings, &request, limit) {
                return output;
            }
            if let Some(node) = &request.node {
                return ask_elsewhere(settings, node, &request, limit);
            }
            let late = limit.is_some_and(|limit| started.elapsed() >= limit);
            let reason = if late { "timeout" } else { "nodedown" };
            unreachable(settings, &format!("{reason}\n(control socket {}: {error})", socket.display()))
        }
    }
}

fn unreachable(settings: &Settings, reason: &str) -> Output {
    let node = erlang::atom(settings.node_name());
    let text = format!("Failed RPC connection to the node {node}: {reason}\n{}", launch::usage(settings));
    Output::new(text, UNREACHABLE)
}

/// One question and its answer.
///
/// # Errors
/// Those of the socket, and `InvalidData` for what is no answer.
pub(crate) fn exchange(socket: &Path, request: &Request, limit: Option<Duration>) -> io::Result<Answer> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    send(&stream, request)?;
    receive(&stream, ANSWER_MAX)
}

const NO_ELIXIR: &str = "\
Error: there is no Elixir shell, because this server runs without Erlang and Elixir.
'live' starts the node with a console, and 'debug' opens one to a running node.";

const NO_MNESIA: &str = "\
Error: there is no Mnesia database whose node name would have to be changed.
The data of this server doesn't depend on the node's name: stop the node, set ERLANG_NODE, and start it.";

#[cfg(test)]
mod tests;
