//! Finds its way through text that was checked before. Nothing here can go wrong; where it would, it ends.

use std::borrow::Cow;

use crate::Limits;
use crate::class::is_space;
use crate::frame::join_text;
use crate::scan::{part, qualified_name};
use crate::tag::{RawAttr, attribute};

/// The attributes of the start tag whose `<` is at `at`.
pub(crate) fn attributes(bytes: &[u8], at: usize) -> impl Iterator<Item = RawAttr> + '_ {
    let mut next =
        qualified_name(bytes, at + 1, Limits::CHECKED.name_bytes).map_or(usize::MAX, |(end, _)| end);
    std::iter::from_fn(move || {
        while bytes.get(next).is_some_and(|&byte| is_space(byte)) {
            next += 1;
        }
        let attr = attribute(bytes, next, &Limits::CHECKED).ok()?;
        next = attr.value_end() + 1;
        Some(attr)
    })
}

/// Where the start tag at `at` ends, and whether it is an empty one.
pub(crate) fn tag_end(bytes: &[u8], at: usize) -> (usize, bool) {
    let mut next = at;
    while let Some(found) = find(bytes, next, |rest| memchr::memchr3(b'>', b'"', b'\'', rest)) {
        next = match bytes.get(found) {
            Some(b'>') => return (found + 1, bytes.get(found.wrapping_sub(1)) == Some(&b'/')),
            Some(&quote) => match find(bytes, found + 1, |rest| memchr::memchr(quote, rest)) {
                Some(end) => end + 1,
                None => break,
            },
            None => break,
        };
    }
    (bytes.len(), true)
}

/// Where the next tag behind `at` begins, CDATA sections skipped; and whether it is a start tag.
pub(crate) fn next_tag(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    loop {
        at = find(bytes, at, |rest| memchr::memchr(b'<', rest))?;
        match bytes.get(at + 1)? {
            b'!' => at = find(bytes, at, |rest| memchr::memmem::find(rest, b"]]>"))?,
            b'/' => return Some((at, false)),
            _ => return Some((at, true)),
        }
    }
}

/// Where the element whose start tag is at `at` ends.
pub(crate) fn element_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0usize;
    let mut next = at;
    while let Some((tag, starts)) = next_tag(bytes, next) {
        let (end, empty) = tag_end(bytes, tag);
        match (starts, empty) {
            (true, false) => depth += 1,
            (true, true) => {}
            (false, _) => depth = depth.saturating_sub(1),
        }
        if depth == 0 {
            return end;
        }
        next = end;
    }
    bytes.len()
}

fn find(bytes: &[u8], from: usize, search: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    search(bytes.get(from..)?).map(|found| from + found)
}

/// The bytes as text; they were text before they were bytes.
pub(crate) fn text_part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

/// Whether the attribute declares what an element with this prefix (or none) belongs to.
pub(crate) fn declares_prefix(attr: &RawAttr, bytes: &[u8], prefix: &[u8]) -> bool {
    let declared = if attr.prefix_len == 0 { &b""[..] } else { attr.local(bytes) };
    attr.declares && declared == prefix
}

/// The name in the start tag at `at`: where it begins without its prefix, where it ends, and the prefix.
pub(crate) fn name(bytes: &[u8], at: usize) -> (usize, usize, &[u8]) {
    let (end, prefix_len) = qualified_name(bytes, at + 1, Limits::CHECKED.name_bytes).unwrap_or((at + 1, 0));
    let local = if prefix_len == 0 { at + 1 } else { at + 2 + prefix_len };
    (local.min(end), end, part(bytes, at + 1, at + 1 + prefix_len))
}

/// The character data directly inside the element whose start tag ends at `tag_end`.
pub(crate) fn own_text(text: &str, tag_end: usize) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let empty = bytes.get(tag_end.wrapping_sub(2)) == Some(&b'/');
    let mut next = if empty { None } else { Some(tag_end) };
    join_text(std::iter::from_fn(move || {
        let from = next?;
        let found = next_tag(bytes, from);
        next = found.and_then(|(at, starts)| starts.then(|| element_end(bytes, at)));
        Some(text_part(text, from, found.map_or(text.len(), |(at, _)| at)))
    }))
}
