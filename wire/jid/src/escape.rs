//! JID escaping (XEP-0106): localparts that hold what nodeprep prohibits.

use std::borrow::Cow;

#[cfg(test)]
mod tests;

/// The characters that may not stand in a localpart, and the backslash itself, with their codes (§3.1).
const CODES: [(char, &str); 10] = [
    (' ', "20"),
    ('"', "22"),
    ('&', "26"),
    ('\'', "27"),
    ('/', "2f"),
    (':', "3a"),
    ('<', "3c"),
    ('>', "3e"),
    ('@', "40"),
    ('\\', "5c"),
];

/// Escapes text for use as a localpart. A backslash is escaped only where it would read as an escape (§4.2).
pub fn escape_node(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| CODES.iter().any(|(special, _)| *special == c)) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        match CODES.iter().find(|(special, _)| *special == c) {
            Some((_, code)) if c != '\\' || text.get(at..).and_then(decode).is_some() => {
                escaped.push('\\');
                escaped.push_str(code);
            }
            _ => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Undoes [`escape_node`].
pub fn unescape_node(local: &str) -> Cow<'_, str> {
    if !local.contains('\\') {
        return Cow::Borrowed(local);
    }
    let mut text = String::with_capacity(local.len());
    let mut rest = local;
    while let Some(first) = rest.chars().next() {
        let (c, taken) = decode(rest).map_or((first, first.len_utf8()), |c| (c, 3));
        text.push(c);
        rest = rest.get(taken..).unwrap_or_default();
    }
    Cow::Owned(text)
}

/// The character that an escape at the start of `text` stands for.
fn decode(text: &str) -> Option<char> {
    let code = text.strip_prefix('\\')?.get(..2)?;
    CODES.iter().find(|(_, known)| known.eq_ignore_ascii_case(code)).map(|(c, _)| *c)
}
