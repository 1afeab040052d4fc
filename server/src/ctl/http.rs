//! `CTL_OVER_HTTP`: a node reached through an `ejabberd_http` listener on a UNIX socket.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::protocol::{ANSWER_MAX, Request};
use super::render::{Output, UNREACHABLE};
use super::settings::Settings;

/// The node's answer; nothing where the socket isn't there, or isn't for this command.
pub(crate) fn ask(settings: &Settings, request: &Request, limit: Option<Duration>) -> Option<Output> {
    let path = settings.http_socket.as_deref()?;
    let command = request.words.first()?;
    let is_socket = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
    // As ejabberd's script: these are never asked for by HTTP.
    if !is_socket || matches!(command.as_str(), "help" | "mnesia_info_ctl" | "print_sql_schema") {
        return None;
    }
    let answer = exchange(path, command, &request.words, limit);
    Some(answer.unwrap_or_else(|error| {
        let text = format!("Failed HTTP connection to the node at {}: {error}", path.display());
        Output::new(text, UNREACHABLE)
    }))
}

fn exchange(path: &Path, command: &str, words: &[String], limit: Option<Duration>) -> io::Result<Output> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    let body = serde_json::to_string(words)?;
    // A command's name has no character that a path could not have; flags before it don't matter to the path.
    let name: String =
        command.chars().filter(|next| next.is_ascii_alphanumeric() || "_-".contains(*next)).collect();
    let head = format!(
        "POST /ctl/{name} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(u64::from(ANSWER_MAX)).read_to_end(&mut answer)?;
    read(&answer)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no answer that can be understood"))
}

/// The body, and the exit code of the header `status-code`. The answer to HTTP/1.0 isn't in chunks.
fn read(answer: &[u8]) -> Option<Output> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let body = String::from_utf8_lossy(answer.get(end + 4..)?);
    let mut lines = head.lines();
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let code = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("status-code").then(|| value.trim().parse().ok())?
    });
    match code {
        Some(code) => Some(Output::new(body.trim_end_matches('\n'), code)),
        None => Some(Output::new(format!("Error: HTTP status {status}: {}", body.trim_end()), UNREACHABLE)),
    }
}

#[cfg(test)]
mod tests;
