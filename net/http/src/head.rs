//! The request line and header fields of HTTP/1 before anybody interprets them. What two servers in a row could
//! understand differently is refused here (RFC 9112 §11.2), so hyper sees only heads that have one meaning.

use http::StatusCode;
use memchr::{memchr, memchr_iter};

use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub sentence: &'static str,
}

/// What has come of a head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Not all of it.
    Partial,
    /// All of it; it has this many bytes.
    Complete(usize),
    /// Something that is no head of ours.
    Refused(Refusal),
}

const fn bad(sentence: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, sentence }
}

const NOT_HTTP: Refusal = bad("This is no HTTP request.");
const LINE_END: Refusal = bad("A line of the header must end with CR LF and hold neither alone.");
const FOLDED: Refusal = bad("A header field must not go on in the next line.");
const NAME: Refusal = bad("The name of a header field is missing or holds a blank.");
const LENGTH: Refusal = bad("Content-Length must be one number.");
const LENGTHS: Refusal = bad("Content-Length must be given once.");
const BOTH: Refusal = bad("Content-Length and Transfer-Encoding must not be given together.");
const CODING: Refusal = Refusal {
    status: StatusCode::NOT_IMPLEMENTED,
    sentence: "The only Transfer-Encoding here is chunked, given once, in HTTP/1.1.",
};
const VERSION: Refusal = Refusal {
    status: StatusCode::HTTP_VERSION_NOT_SUPPORTED,
    sentence: "Speak HTTP/1.1, or HTTP/2 over TLS.",
};
const TOO_LARGE: Refusal = Refusal {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    sentence: "The header may have 32 KiB and 100 fields at most.",
};

/// Empty lines before a request line, which some clients send after a body (RFC 9112 §2.2).
pub(crate) fn leading_lines(bytes: &[u8]) -> usize {
    bytes.chunks_exact(2).take_while(|pair| *pair == b"\r\n").count() * 2
}

/// Looks at the bytes that have come. `scanned` says how many were looked at before.
pub(crate) fn inspect(bytes: &[u8], scanned: &mut usize) -> Head {
    // A TLS hello and most other protocols show themselves by their first byte.
    if bytes.first().is_some_and(|first| !first.is_ascii_alphanumeric() && *first != b'\r') {
        return Head::Refused(NOT_HTTP);
    }
    let from = *scanned;
    *scanned = bytes.len();
    for at in memchr_iter(b'\n', bytes.get(from..).unwrap_or_default()).map(|at| at + from) {
        let before = bytes.get(..at).unwrap_or_default();
        if before.last() != Some(&b'\r') {
            return Head::Refused(LINE_END);
        }
        if before.ends_with(b"\r\n\r") {
            let end = at + 1;
            if end > HEAD_BYTES_MAX {
                return Head::Refused(TOO_LARGE);
            }
            return match check(bytes.get(..at - 3).unwrap_or_default()) {
                Ok(()) => Head::Complete(end),
                Err(refusal) => Head::Refused(refusal),
            };
        }
    }
    if bytes.len() >= HEAD_BYTES_MAX { Head::Refused(TOO_LARGE) } else { Head::Partial }
}

/// What of the header fields says where the body ends.
#[derive(Default)]
struct Framing {
    lengths: usize,
    codings: usize,
}

/// Checks a head without the empty line at its end.
fn check(head: &[u8]) -> Result<(), Refusal> {
    let mut lines = lines(head);
    let is_http_11 = check_request_line(lines.next().unwrap_or_default())?;
    let mut framing = Framing::default();
    for (number, line) in lines.enumerate() {
        if number == HEADERS_MAX {
            return Err(TOO_LARGE);
        }
        check_field(line, &mut framing)?;
    }
    match framing {
        Framing { lengths: 1.., codings: 1.. } => Err(BOTH),
        Framing { lengths: 2.., .. } => Err(LENGTHS),
        Framing { codings: 2.., .. } => Err(CODING),
        Framing { codings: 1, .. } if !is_http_11 => Err(CODING),
        _ => Ok(()),
    }
}

/// Says whether it is HTTP/1.1 rather than HTTP/1.0.
fn check_request_line(line: &[u8]) -> Result<bool, Refusal> {
    if memchr(b'\r', line).is_some() {
        return Err(LINE_END);
    }
    let mut words = line.split(|byte| *byte == b' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(_), Some(_), Some(b"HTTP/1.1"), None) => Ok(true),
        (Some(_), Some(_), Some(b"HTTP/1.0"), None) => Ok(false),
        (Some(_), Some(_), Some(version), None) if version.starts_with(b"HTTP/") => Err(VERSION),
        _ => Err(NOT_HTTP),
    }
}

fn check_field(line: &[u8], framing: &mut Framing) -> Result<(), Refusal> {
    if memchr(b'\r', line).is_some() {
        return Err(LINE_END);
    }
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(FOLDED);
    }
    let colon = memchr(b':', line).ok_or(NAME)?;
    let (name, value) = line.split_at(colon);
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    if name.is_empty() || name.iter().any(|byte| byte.is_ascii_whitespace()) {
        return Err(NAME);
    }
    if name.eq_ignore_ascii_case(b"content-length") {
        framing.lengths += 1;
        // 18 digits are an exabyte; more could overflow somebody's number.
        if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
            return Err(LENGTH);
        }
    }
    if name.eq_ignore_ascii_case(b"transfer-encoding") {
        framing.codings += 1;
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(CODING);
        }
    }
    Ok(())
}

/// The lines without their CR LF. Every LF was found to follow a CR.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests;
