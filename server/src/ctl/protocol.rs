//! What the client and the node say to each other over the control socket: one request, one answer, each a length of
//! four bytes (big endian) and so many bytes of JSON.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bytes of a request.
pub(crate) const REQUEST_MAX: u32 = 16 << 20;
/// Bytes of an answer: the accounts of a large host.
pub(crate) const ANSWER_MAX: u32 = 1 << 30;

/// What the client wants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The command with its arguments, and before it perhaps `--version` and `--auth`.
    pub(crate) words: Vec<String>,
    /// Whether the result is wanted as JSON.
    #[serde(default)]
    pub(crate) json: bool,
    /// The node that is meant, if it was named.
    #[serde(default)]
    pub(crate) node: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// What the client prints.
    pub(crate) text: String,
    /// The client's exit code.
    pub(crate) code: u8,
    /// Whether another node is meant than the one that answers; its name is the text.
    #[serde(default)]
    pub(crate) elsewhere: bool,
}

/// A message with its length in front.
///
/// # Errors
/// If it is longer than four bytes can say.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    if let Some(head) = bytes.first_chunk_mut() {
        *head = length.to_be_bytes();
    }
    Ok(bytes)
}

/// Writes a message.
///
/// # Errors
/// Those of the socket.
pub(crate) fn send(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    to.write_all(&encode(message)?)?;
    to.flush()
}

/// Reads a message of at most `max` bytes.
///
/// # Errors
/// Those of the socket, and `InvalidData` for anything else than a message.
pub(crate) fn receive<T: DeserializeOwned>(mut from: impl Read, max: u32) -> io::Result<T> {
    let mut head = [0; 4];
    from.read_exact(&mut head)?;
    let length = checked_length(head, max)?;
    let mut bytes = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    decode(&bytes)
}

/// The length that a message's head gives.
///
/// # Errors
/// `InvalidData` if it is beyond `max`.
pub(crate) fn checked_length(head: [u8; 4], max: u32) -> io::Result<u32> {
    let length = u32::from_be_bytes(head);
    if length > max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    Ok(length)
}

/// A message without its length.
///
/// # Errors
/// `InvalidData` if it isn't one.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
