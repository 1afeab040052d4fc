//! What systemd is told, and the sockets it hands over. Without systemd nothing here does anything.

use std::env;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::descriptors;

/// The descriptors a node hands to itself when it restarts: `NAME=NUMBER`, with `;` between.
const OWN: &str = "NIGHTJAR_LISTEN_FDS";
/// systemd's first descriptor (sd_listen_fds(3)).
const FIRST: RawFd = 3;
/// More than anybody listens on.
const SOCKETS_MAX: RawFd = 1024;

/// What the service is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// It serves; also the end of a reload.
    Ready,
    /// It reads its configuration anew; `Ready` follows.
    Reloading,
    /// It ends.
    Stopping,
    /// The watchdog's proof of life.
    Alive,
    /// A sentence for `systemctl status`.
    Status(&'a str),
}

/// Tells systemd (sd_notify(3)). Nothing happens where nobody listens.
///
/// # Errors
/// If the socket that the environment names can't be reached.
pub fn notify(state: State<'_>) -> io::Result<()> {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    send(&socket, &message(state, monotonic_usec()))
}

fn send(socket: &std::ffi::OsStr, message: &str) -> io::Result<()> {
    let name = socket.as_encoded_bytes();
    let address = match name.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}

fn message(state: State<'_>, monotonic_usec: u64) -> String {
    match state {
        State::Ready => "READY=1\n".to_owned(),
        State::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={monotonic_usec}\n"),
        State::Stopping => "STOPPING=1\n".to_owned(),
        State::Alive => "WATCHDOG=1\n".to_owned(),
        State::Status(sentence) => format!("STATUS={}\n", sentence.replace('\n', " ")),
    }
}

fn monotonic_usec() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000
}

/// How often systemd wants [`State::Alive`], halved so that one may be late; none if it doesn't watch.
pub fn watchdog_pause() -> Option<Duration> {
    pause(env::var("WATCHDOG_USEC").ok()?.as_str(), env::var("WATCHDOG_PID").ok().as_deref())
}

fn pause(micros: &str, process: Option<&str>) -> Option<Duration> {
    let ours = process.is_none_or(|process| process == std::process::id().to_string());
    let micros: u64 = micros.parse().ok().filter(|micros| *micros > 0)?;
    ours.then(|| Duration::from_micros(micros) / 2)
}

/// The listening sockets this process was started with, by systemd (socket activation) or by itself before a
/// restart, each with its name. Called once, before anything is opened.
///
/// # Errors
/// If the environment names a descriptor that isn't there.
pub fn inherited() -> io::Result<Vec<(String, OwnedFd)>> {
    let variable = |name: &str| env::var(name).ok();
    let process = std::process::id();
    let named = named(
        variable(OWN).as_deref(),
        variable("LISTEN_PID").as_deref(),
        variable("LISTEN_FDS").as_deref(),
        variable("LISTEN_FDNAMES").as_deref(),
        process,
    );
    named.into_iter().map(|(name, number)| Ok((name, descriptors::take(number)?))).collect()
}

fn named(
    own: Option<&str>,
    process: Option<&str>,
    count: Option<&str>,
    names: Option<&str>,
    current: u32,
) -> Vec<(String, RawFd)> {
    if let Some(own) = own {
        let pair = |pair: &str| {
            let (name, number) = pair.rsplit_once('=')?;
            Some((name.to_owned(), number.parse().ok()?))
        };
        return own.split(';').filter_map(pair).collect();
    }
    // They are for the process that systemd started, not for one that inherited its environment.
    if process != Some(current.to_string().as_str()) {
        return Vec::new();
    }
    let count: RawFd = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut names = names.unwrap_or_default().split(':');
    let name =
        |number| (names.next().filter(|name| !name.is_empty()).unwrap_or("unknown").to_owned(), number);
    (FIRST..FIRST + count.clamp(0, SOCKETS_MAX)).map(name).collect()
}

/// What to set and to remove in the environment of a program that replaces this one and gets its sockets.
#[derive(Debug, Default)]
pub struct Handover {
    /// Variables to set.
    pub set: Vec<(&'static str, String)>,
    /// Variables to remove: they speak of descriptors that are closed by then.
    pub remove: Vec<&'static str>,
}

/// Lets the program that replaces this one inherit sockets. They must stay open until then.
///
/// # Errors
/// Those of the kernel.
pub fn hand_over<'a>(sockets: impl IntoIterator<Item = (&'a str, &'a OwnedFd)>) -> io::Result<Handover> {
    let mut pairs = Vec::new();
    for (name, socket) in sockets {
        pairs.push(format!("{}={}", name.replace([';', '='], "_"), descriptors::pass_on(socket)?));
    }
    let mut handover =
        Handover { set: Vec::new(), remove: vec!["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] };
    if pairs.is_empty() {
        handover.remove.push(OWN);
    } else {
        handover.set.push((OWN, pairs.join(";")));
    }
    Ok(handover)
}

#[cfg(test)]
mod tests;
