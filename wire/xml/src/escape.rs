//! Between what is meant and what is written (XML 1.0 §2.4, §2.11, §3.3.3, §4.6).

use std::borrow::Cow;

use crate::class::is_char;
use crate::scan::reference;

#[cfg(test)]
mod tests;

/// What `text` is written as between tags. Characters that XML cannot carry become U+FFFD.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    escape(text, text_escape)
}

/// What `value` is written as in an attribute, inside quotes of either kind. Characters that XML cannot carry
/// become U+FFFD.
pub fn escape_attr(value: &str) -> Cow<'_, str> {
    escape(value, attr_escape)
}

/// Appends `text` as it is written between tags.
pub(crate) fn push_text(out: &mut String, text: &str) {
    push(out, text, text_escape);
}

/// Appends `value` as it is written inside quotes.
pub(crate) fn push_attr(out: &mut String, value: &str) {
    push(out, value, attr_escape);
}

fn text_escape(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        c if is_char(c) => None,
        _ => Some("\u{fffd}"),
    }
}

fn attr_escape(c: char) -> Option<&'static str> {
    match c {
        '"' => Some("&quot;"),
        '\'' => Some("&apos;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        c => text_escape(c),
    }
}

fn escape(text: &str, escaped: fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    if !text.chars().any(|c| escaped(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    push(&mut out, text, escaped);
    Cow::Owned(out)
}

#[inline(always)]
fn push(out: &mut String, text: &str, escaped: fn(char) -> Option<&'static str>) {
    let mut copied = 0;
    for (at, c) in text.char_indices() {
        if let Some(replacement) = escaped(c) {
            out.push_str(text.get(copied..at).unwrap_or_default());
            out.push_str(replacement);
            copied = at + c.len_utf8();
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
}

/// What checked character data means: references and CDATA sections resolved, line ends normalised.
pub(crate) fn unescape_text(written: &str) -> Cow<'_, str> {
    const CDATA: &str = "<![CDATA[";
    let find = |rest: &str| memchr::memchr3(b'&', b'\r', b'<', rest.as_bytes());
    if find(written).is_none() {
        return Cow::Borrowed(written);
    }
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = find(rest) {
        let (before, special) = rest.split_at(at);
        out.push_str(before);
        rest = if let Some(section) = special.strip_prefix(CDATA) {
            let (content, behind) = section.split_once("]]>").unwrap_or((section, ""));
            push_lines(&mut out, content);
            behind
        } else {
            push_special(&mut out, special, '\n')
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What a checked attribute value means: references resolved, white space normalised.
pub(crate) fn unescape_attr(written: &str) -> Cow<'_, str> {
    let find = |rest: &str| rest.bytes().position(|byte| matches!(byte, b'&' | b'\t' | b'\n' | b'\r'));
    if find(written).is_none() {
        return Cow::Borrowed(written);
    }
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(at) = find(rest) {
        let (before, special) = rest.split_at(at);
        out.push_str(before);
        rest = push_special(&mut out, special, ' ');
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Appends what the first character of `special` means, or the reference it begins; gives what follows.
fn push_special<'a>(out: &mut String, special: &'a str, line_end: char) -> &'a str {
    if let Ok((c, end)) = reference(special.as_bytes(), 0)
        && special.starts_with('&')
    {
        out.push(c);
        return special.get(end..).unwrap_or_default();
    }
    let mut rest = special.chars();
    match rest.next() {
        Some('\r') => {
            out.push(line_end);
            rest.as_str().strip_prefix('\n').unwrap_or(rest.as_str())
        }
        Some('\n' | '\t') => {
            out.push(' ');
            rest.as_str()
        }
        Some(c) => {
            out.push(c);
            rest.as_str()
        }
        None => "",
    }
}

fn push_lines(out: &mut String, content: &str) {
    let mut rest = content;
    while let Some((line, behind)) = rest.split_once('\r') {
        out.push_str(line);
        out.push('\n');
        rest = behind.strip_prefix('\n').unwrap_or(behind);
    }
    out.push_str(rest);
}
