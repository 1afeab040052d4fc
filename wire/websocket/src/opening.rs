//! The opening handshake as the client sees it (§4.1): what it asks for, and a machine that takes the answer's bytes.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::handshake::{VERSION, accept, has_token, only};

/// Bytes of the answer's head at most.
pub const HEAD_MAX: usize = 16 * 1024;
/// Header fields of the answer at most.
const FIELDS_MAX: usize = 100;
/// What follows each line of a head.
const END: &[u8] = b"\r\n\r\n";

/// What is asked for. The caller sees to it that there is nothing in it but visible ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The host, with the port unless it is the scheme's own.
    pub authority: &'a str,
    /// From the first slash on, with the query.
    pub path: &'a str,
    /// The one subprotocol that will do.
    pub protocol: &'static str,
}

/// Why there is no connection. It goes well behind the name of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// The answer isn't HTTP/1.1.
    #[error("its answer is no HTTP")]
    NoHttp,
    /// The answer's head is over a limit.
    #[error("the head of its answer has more than 16 KiB or 100 fields")]
    TooLarge,
    /// The server says something else than 101; redirections are not followed.
    #[error("it answers with HTTP status {0}, not with a WebSocket")]
    Status(u16),
    /// The answer isn't one to what was asked.
    #[error("{0}")]
    Wrong(&'static str),
}

/// A connection that was asked for.
#[derive(Debug)]
pub struct Opening {
    /// What the key makes the server say.
    accept: String,
    protocol: &'static str,
    head: Vec<u8>,
}

impl Opening {
    /// Asks: gives the request that is to be written. `nonce` is new for each connection, and nobody can guess it.
    pub fn new(target: &Target<'_>, nonce: [u8; 16]) -> (Self, String) {
        let Target { authority, path, protocol } = *target;
        let key = STANDARD.encode(nonce);
        let mut request = String::new();
        let _ = write!(
            request,
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: {VERSION}\r\n\
             Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
        );
        (Self { accept: accept(&key), protocol, head: Vec::new() }, request)
    }

    /// Takes bytes of the answer; once its head is whole, gives those behind it, which are frames.
    ///
    /// # Errors
    /// Why there is no connection.
    pub fn handle_input(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, NotOpened> {
        let searched = self.head.len().saturating_sub(END.len() - 1);
        self.head.extend_from_slice(bytes);
        let fresh = self.head.get(searched..).unwrap_or_default();
        let end = fresh.windows(END.len()).position(|window| window == END);
        let end = end.map(|at| searched + at + END.len());
        let is_whole = end.is_some_and(|end| end <= HEAD_MAX);
        // Between the first line and the end, nothing is decided: a head that comes by the byte costs no more than others.
        if !is_whole && self.head.len() <= HEAD_MAX && !bytes.contains(&b'\n') {
            return Ok(None);
        }
        let mut head = self.head.get(..end.unwrap_or(self.head.len()).min(HEAD_MAX)).unwrap_or_default();
        if self.head.len() <= HEAD_MAX {
            // Whole lines only, so that it doesn't matter how bytes are cut.
            let lines = head.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            head = head.get(..lines).unwrap_or_default();
        }
        self.look(head, is_whole)?;
        match end {
            Some(end) if is_whole => Ok(Some(self.head.split_off(end))),
            _ if self.head.len() > HEAD_MAX => Err(NotOpened::TooLarge),
            _ => Ok(None),
        }
    }

    /// Looks at a head, or at its beginning.
    fn look(&self, head: &[u8], is_whole: bool) -> Result<(), NotOpened> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut answer = httparse::Response::new(&mut fields);
        let parsed = answer.parse(head);
        // What isn't a WebSocket may be as long as it likes: its status says most.
        match (answer.version, answer.code) {
            (Some(0), _) => return Err(NotOpened::NoHttp),
            (_, Some(status)) if status != 101 => return Err(NotOpened::Status(status)),
            _ => {}
        }
        let parsed = parsed.map_err(|error| match error {
            httparse::Error::TooManyHeaders => NotOpened::TooLarge,
            _ => NotOpened::NoHttp,
        })?;
        match parsed {
            httparse::Status::Complete(_) => self.check(&header_map(answer.headers)?),
            httparse::Status::Partial if is_whole => Err(NotOpened::NoHttp),
            httparse::Status::Partial => Ok(()),
        }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), NotOpened> {
        let is_upgrade =
            has_token(headers, &UPGRADE, "websocket") && has_token(headers, &CONNECTION, "upgrade");
        let wrong = if !is_upgrade {
            "its answer upgrades to no WebSocket"
        } else if only(headers, &SEC_WEBSOCKET_ACCEPT) != Some(&self.accept) {
            "its answer has another Sec-WebSocket-Accept than the key asks for"
        } else if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            "its answer has an extension that wasn't asked for"
        } else if only(headers, &SEC_WEBSOCKET_PROTOCOL) != Some(self.protocol) {
            "its answer doesn't have the subprotocol that was asked for"
        } else {
            return Ok(());
        };
        Err(NotOpened::Wrong(wrong))
    }
}

fn header_map(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, NotOpened> {
    let mut headers = HeaderMap::new();
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| NotOpened::NoHttp)?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| NotOpened::NoHttp)?;
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
