//! The client's side: connect, ask, print. No runtime and no parser of its own, so that it takes milliseconds.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::erlang;
use super::flags::Flags;
use super::protocol::{ANSWER_MAX, Answer, Request, receive, send};
use super::render::{FAILURE, Output, SUCCESS, UNREACHABLE};
use crate::home::Home;

/// ejabberd's default name of a node.
pub(crate) const NODE: &str = "ejabberd@localhost";

/// How long the node may take to answer, unless `--no-timeout` is given.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// `started` and `stopped` look so many times…
const LOOKS: u32 = 30;
/// …and this long apart.
const LOOK_PAUSE: Duration = Duration::from_secs(2);
/// The socket of another user's node.
const OTHER_USER: u8 = 7;

/// Runs a command in the node and prints what it says.
pub(crate) fn run(flags: Flags) -> ExitCode {
    let socket = Home::locate(flags.home.clone()).control_socket();
    let words: Vec<&str> = flags.words.iter().map(String::as_str).collect();
    let output = match words.as_slice() {
        ["ping"] | ["ping", _] => ping(&socket),
        ["started"] => wait_until(|| UnixStream::connect(&socket).is_ok()),
        ["stopped"] => wait_until(|| UnixStream::connect(&socket).is_err()),
        ["start", ..] => super::launch::background(&flags, &socket),
        ["foreground" | "foreground-quiet", ..] => super::launch::foreground(&flags),
        ["live" | "iexlive" | "debug" | "iexdebug" | "etop" | "mnesia_change", ..] => {
            let what = words.first().copied().unwrap_or_default();
            Output::new(format!("Error: '{what}' needs an Erlang runtime; this server has none."), FAILURE)
        }
        _ => ask(&socket, flags),
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

fn ping(socket: &Path) -> Output {
    match UnixStream::connect(socket) {
        Ok(_) => Output::new("pong", SUCCESS),
        Err(_) => Output::new("pang", FAILURE),
    }
}

fn wait_until(reached: impl Fn() -> bool) -> Output {
    for _ in 0..LOOKS {
        if reached() {
            return Output::default();
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    Output::new("", FAILURE)
}

fn ask(socket: &Path, flags: Flags) -> Output {
    let node = flags.node.clone().unwrap_or_else(|| NODE.to_owned());
    let limit = (!flags.no_timeout).then_some(ANSWER_TIME);
    let started = Instant::now();
    let request = Request { words: flags.words, json: flags.json };
    match exchange(socket, &request, limit) {
        Ok(answer) => Output::new(answer.text, answer.code),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let path = socket.display();
            Output::new(format!("ERROR: the node at {path} belongs to another user: {error}"), OTHER_USER)
        }
        Err(error) => {
            let late = limit.is_some_and(|limit| started.elapsed() >= limit);
            let reason = if late { "timeout" } else { "nodedown" };
            let text = format!(
                "Failed RPC connection to the node {}: {reason}\n(control socket {}: {error})\n{HINT}",
                erlang::atom(&node),
                socket.display()
            );
            Output::new(text, UNREACHABLE)
        }
    }
}

fn exchange(socket: &Path, request: &Request, limit: Option<Duration>) -> io::Result<Answer> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    send(&stream, request)?;
    receive(&stream, ANSWER_MAX)
}

const HINT: &str = "
Commands to start a node:
  nightjar start [--config FILE] [--home DIR]   Start in the foreground
  nightjar ctl start                            Start in the background

Commands about a node:
  ping              Prints pong or pang
  started|stopped   Waits until the node runs, or does not

The node is found by its home: --home DIR, or NIGHTJAR_HOME, or ./nightjar-home.";
