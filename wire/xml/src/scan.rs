//! The smallest pieces: names, references, values, runs of text. All take the bytes received so far and a
//! place in them; all may find that the bytes end too early.

use crate::XmlErrorKind;
use crate::class::{HIGH, NAME, NAME_START, class, is_char, is_name_char, is_name_start, is_space};

#[cfg(test)]
mod tests;

/// Why scanning could not go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes end inside a piece.
    More,
    /// The bytes are wrong at this offset.
    Bad(XmlErrorKind, usize),
}

pub(crate) type Scan<T> = Result<T, Stop>;

/// The longest reference, `&` and `;` included. Leading zeros would allow any length, and be rescanned for
/// each byte of a slow sender.
const REFERENCE_BYTES_MAX: usize = 32;

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

pub(crate) fn malformed<T>(at: usize) -> Scan<T> {
    Err(Stop::Bad(XmlErrorKind::NotWellFormed, at))
}

#[inline(always)]
pub(crate) fn byte_at(bytes: &[u8], at: usize) -> Scan<u8> {
    bytes.get(at).copied().ok_or(Stop::More)
}

/// The bytes `from..to`; empty when they are not there.
#[inline(always)]
pub(crate) fn part(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to).unwrap_or_default()
}

/// Where the white space that begins at `at` ends.
#[inline(always)]
pub(crate) fn skip_space(bytes: &[u8], mut at: usize) -> Scan<usize> {
    while is_space(byte_at(bytes, at)?) {
        at += 1;
    }
    Ok(at)
}

/// Scans a name with an optional prefix; gives its end and the length of the prefix.
#[inline(always)]
pub(crate) fn qualified_name(bytes: &[u8], start: usize, limit: u16) -> Scan<(usize, usize)> {
    let mut end = simple_name(bytes, start)?;
    let mut prefix_len = 0;
    if bytes.get(end) == Some(&b':') {
        prefix_len = end - start;
        end = simple_name(bytes, end + 1)?;
    }
    if end - start > usize::from(limit) {
        return Err(Stop::Bad(XmlErrorKind::TooLarge, end));
    }
    Ok((end, prefix_len))
}

/// `NCName` (XML-NAMES §3).
#[inline(always)]
fn simple_name(bytes: &[u8], start: usize) -> Scan<usize> {
    let mut seen = class(byte_at(bytes, start)?);
    if seen & NAME_START == 0 {
        return malformed(start);
    }
    let mut end = start + 1;
    loop {
        let found = class(byte_at(bytes, end)?);
        if found & NAME == 0 {
            break;
        }
        seen |= found;
        end += 1;
    }
    if seen & HIGH != 0 {
        check_name(part(bytes, start, end), start)?;
    }
    Ok(end)
}

#[cold]
fn check_name(name: &[u8], start: usize) -> Scan<()> {
    let Ok(name) = str::from_utf8(name) else { return malformed(start) };
    if name.starts_with(is_name_start) && name.chars().all(is_name_char) { Ok(()) } else { malformed(start) }
}

/// Scans a quoted attribute value; gives where it starts and ends inside the quotes, and whether it is plain:
/// without references and without white space that normalisation would change (XML 1.0 §3.3.3).
#[inline(always)]
pub(crate) fn quoted_value(bytes: &[u8], quote_at: usize) -> Scan<(usize, usize, bool)> {
    let quote = byte_at(bytes, quote_at)?;
    if quote != b'"' && quote != b'\'' {
        return malformed(quote_at);
    }
    let start = quote_at + 1;
    let mut at = start;
    let mut plain = true;
    loop {
        at = find_value_stop(bytes, at, quote);
        match byte_at(bytes, at)? {
            byte if byte == quote => return Ok((start, at, plain)),
            b'<' => return malformed(at),
            b'&' => {
                plain = false;
                at = reference(bytes, at)?.1;
            }
            _ => {
                plain = false;
                at += 1;
            }
        }
    }
}

/// The first `quote`, `&`, `<` or control character at or behind `at`, or the end.
#[inline(always)]
fn find_value_stop(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    // `&` differs from either quote in one bit, so one comparison finds both.
    let (keep, sought) = if quote == b'\'' { (!1, 0x26) } else { (!4, 0x22) };
    let keep = u64::from_le_bytes([keep; 8]);
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*chunk);
        let hits = zeros((word & keep) ^ (ONES * sought))
            | zeros(word ^ (ONES * u64::from(b'<')))
            | (word.wrapping_sub(ONES * 0x20) & !word & HIGHS);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let stops = |byte: &u8| *byte < b' ' || *byte == quote || matches!(byte, b'<' | b'&');
    at + bytes.get(at..).map_or(0, |rest| rest.iter().position(stops).unwrap_or(rest.len()))
}

/// The first `<`, `>` or `&` at or behind `at`, or the end.
#[inline(always)]
pub(crate) fn find_text_stop(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*chunk);
        // `<` and `>` differ in one bit.
        let hits =
            zeros((word & (ONES * 0xfd)) ^ (ONES * u64::from(b'<'))) | zeros(word ^ (ONES * u64::from(b'&')));
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let stops = |byte: &u8| matches!(byte, b'<' | b'>' | b'&');
    at + bytes.get(at..).map_or(0, |rest| rest.iter().position(stops).unwrap_or(rest.len()))
}

/// The high bit of each byte that is zero. Bytes above the first zero may be marked wrongly.
#[inline(always)]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Scans a reference that begins at `at`; gives the character and where the reference ends.
/// Only the five predefined entities exist (RFC 6120 §11.1).
pub(crate) fn reference(bytes: &[u8], at: usize) -> Scan<(char, usize)> {
    let window = part(bytes, at + 1, bytes.len().min(at + REFERENCE_BYTES_MAX));
    let Some(length) = window.iter().position(|&byte| byte == b';') else {
        let name_only = |&byte: &u8| byte == b'#' || class(byte) & NAME != 0;
        return match window.iter().position(|byte| !name_only(byte)) {
            Some(wrong) => malformed(at + 1 + wrong),
            None if window.len() + 1 == REFERENCE_BYTES_MAX => malformed(at),
            None => Err(Stop::More),
        };
    };
    let c = match part(window, 0, length) {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"apos" => Some('\''),
        b"quot" => Some('"'),
        [b'#', b'x', digits @ ..] => character(digits, 16),
        [b'#', digits @ ..] => character(digits, 10),
        name if simple_name(window, 0) == Ok(name.len()) => {
            return Err(Stop::Bad(XmlErrorKind::RestrictedXml, at));
        }
        _ => None,
    };
    c.map_or_else(|| malformed(at), |c| Ok((c, at + length + 2)))
}

fn character(digits: &[u8], radix: u32) -> Option<char> {
    if digits.is_empty() {
        return None;
    }
    let mut code = 0u32;
    for &byte in digits {
        let digit = char::from(byte).to_digit(radix)?;
        code = code.checked_mul(radix)?.checked_add(digit)?;
    }
    char::from_u32(code).filter(|&c| is_char(c))
}
