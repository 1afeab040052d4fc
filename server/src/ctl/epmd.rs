//! Who has a node's name, as epmd on this host says.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// epmd's port, unless `ERL_EPMD_PORT` names another.
const PORT: u16 = 4369;
const TIME: Duration = Duration::from_secs(1);
/// Bytes of the list of names.
const NAMES_MAX: u64 = 1 << 20;
/// NAMES_REQ behind its length.
const NAMES_REQUEST: &[u8] = &[0, 1, b'n'];

/// Who has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// It is free.
    Nobody,
    /// A process that has the node's name in its command line or environment.
    Node,
    /// Something of which no process is seen.
    Other,
}

/// Who has the name of this node.
pub(crate) fn holder(node: &str) -> Holder {
    let port = std::env::var("ERL_EPMD_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(PORT);
    let Some(names) = names(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) else { return Holder::Nobody };
    let alive = node.split('@').next().unwrap_or(node);
    if !is_named(&names, alive) {
        Holder::Nobody
    } else if is_process(node) {
        Holder::Node
    } else {
        Holder::Other
    }
}

/// The answer's text: `name N at port P`, a line each.
fn names(epmd: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&epmd, TIME).ok()?;
    stream.set_read_timeout(Some(TIME)).ok()?;
    stream.set_write_timeout(Some(TIME)).ok()?;
    stream.write_all(NAMES_REQUEST).ok()?;
    let mut answer = Vec::new();
    stream.take(NAMES_MAX).read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(answer.get(4..)?).into_owned())
}

fn is_named(names: &str, alive: &str) -> bool {
    names.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("name") && words.next() == Some(alive)
    })
}

/// Whether a process other than this one has the text in its command line (`pgrep -f`), or is told it as its name.
fn is_process(node: &str) -> bool {
    let own = std::process::id().to_string();
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let is_process = name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        if !is_process || name.to_str() == Some(own.as_str()) {
            return false;
        }
        let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let told = format!("ERLANG_NODE={node}");
        // A shell that merely runs a command with the name in it has it in one argument among others.
        let named =
            |bytes: &[u8], text: &str| bytes.split(|byte| *byte == 0).any(|one| one == text.as_bytes());
        named(&read("cmdline"), node) || named(&read("environ"), &told) && is_server(&read("cmdline"))
    })
}

/// Whether a command line is that of a node that was started, not of a question to one.
fn is_server(command_line: &[u8]) -> bool {
    command_line.split(|byte| *byte == 0).nth(1) == Some(b"start")
}

#[cfg(test)]
mod tests;
