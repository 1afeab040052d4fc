//! The opening handshake as the server sees it (§4.2). Who may ask (`Origin`, §10.2) is for the caller to say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, Method, Version};
use sha1::{Digest as _, Sha1};

/// What a key is hashed with (§1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The version that is spoken (§4.1).
pub const VERSION: &str = "13";

/// A request that becomes a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The answer's `Sec-WebSocket-Accept`.
    pub accept: String,
    /// The subprotocol, the answer's `Sec-WebSocket-Protocol`; none if the client has asked for none.
    pub protocol: Option<&'static str>,
}

/// Why a request becomes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It doesn't ask for it: 426, with `Upgrade`.
    #[error("this is no WebSocket request")]
    NotAsked,
    /// It asks for another version: 426, with `Sec-WebSocket-Version` (§4.4).
    #[error("the version of WebSocket here is 13")]
    Version,
    /// It is wrong: 400.
    #[error("{0}")]
    Bad(&'static str),
}

/// Looks at a request. Of the subprotocols that the client names, the first that is among `protocols` is spoken.
///
/// # Errors
/// Why it is refused.
pub fn check(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
    protocols: &[&'static str],
) -> Result<Accepted, Refusal> {
    if !has_token(headers, &UPGRADE, "websocket") {
        return Err(Refusal::NotAsked);
    }
    if method != Method::GET || version != Version::HTTP_11 {
        return Err(Refusal::Bad("WebSocket begins with GET and HTTP/1.1"));
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        return Err(Refusal::Bad("Connection must say Upgrade"));
    }
    if headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0")
    {
        return Err(Refusal::Bad("the request must have no body"));
    }
    if only(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(Refusal::Version);
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let key = key.ok_or(Refusal::Bad("Sec-WebSocket-Key must be given once, 16 bytes in Base64"))?;
    Ok(Accepted { accept: accept(key), protocol: protocol(headers, protocols)? })
}

/// `Sec-WebSocket-Accept` for a key.
pub fn accept(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

fn is_key(key: &str) -> bool {
    key.len() == 24 && STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// The value of a field that stands once.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok().map(str::trim)
}

/// The members of a list that may stand in several fields.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted))
}

fn protocol(headers: &HeaderMap, spoken: &[&'static str]) -> Result<Option<&'static str>, Refusal> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    let mut asked = tokens(headers, &SEC_WEBSOCKET_PROTOCOL);
    let found = asked.find_map(|token| spoken.iter().find(|spoken| token == **spoken));
    found.map(|found| Some(*found)).ok_or(Refusal::Bad("none of these subprotocols is spoken here"))
}

#[cfg(test)]
mod tests;
