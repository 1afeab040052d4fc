//! Reads the start tag of an element that has been checked before; looks at nothing behind it.

use std::borrow::Cow;

use crate::ns;

/// Local name, and the namespace, as written, if the element declares the one it is in.
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    pub(super) ns: Option<&'a str>,
}

/// The head of `xml`; `None` if it does not begin with a start tag.
pub(super) fn head(xml: &str) -> Option<Head<'_>> {
    let (qualified, _) = tag_name(xml)?;
    let (prefix, name) = qualified.split_once(':').unwrap_or(("", qualified));
    let wanted = |attribute: &str| match prefix {
        "" => attribute == "xmlns",
        _ => attribute.strip_prefix("xmlns:") == Some(prefix),
    };
    if prefix == "xml" {
        return Some(Head { name, ns: Some(ns::XML) });
    }
    let ns = Attributes::of(xml)?.find(|(name, _)| wanted(name)).map(|(_, value)| value);
    Some(Head { name, ns })
}

/// The value of the attribute that is written as `name`.
pub(super) fn attribute<'a>(xml: &'a str, name: &str) -> Option<Cow<'a, str>> {
    Attributes::of(xml)?.find(|(written, _)| *written == name).map(|(_, value)| unescape(value))
}

/// The content if it is plain text: no child element, no entity, no CDATA section.
pub(super) fn plain_text(xml: &str) -> Option<&str> {
    let mut attributes = Attributes::of(xml)?;
    attributes.by_ref().for_each(drop);
    let inside = match attributes.rest.strip_prefix('>') {
        None => return Some(""),
        Some(rest) => rest.get(..rest.rfind("</")?)?,
    };
    // Line ends are normalised on the slow path (XML 1.0 §2.11).
    (!inside.contains(['<', '&', '\r'])).then_some(inside)
}

/// The attributes of a start tag as written, declarations included; then `rest` begins with `/` or `>`.
struct Attributes<'a> {
    rest: &'a str,
}

impl<'a> Attributes<'a> {
    fn of(xml: &'a str) -> Option<Attributes<'a>> {
        Some(Attributes { rest: tag_name(xml)?.1.trim_ascii_start() })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        if self.rest.starts_with(['/', '>']) {
            return None;
        }
        let (name, rest) = self.rest.split_once('=')?;
        let rest = rest.trim_ascii_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (value, rest) = rest.get(1..)?.split_once(quote)?;
        self.rest = rest.trim_ascii_start();
        Some((name.trim_ascii_end(), value))
    }
}

/// The name as written, and what follows it.
fn tag_name(xml: &str) -> Option<(&str, &str)> {
    let rest = xml.strip_prefix('<')?;
    let end = rest.find([' ', '\t', '\r', '\n', '/', '>'])?;
    (end > 0).then(|| rest.split_at(end))
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains(['&', '\t', '\n', '\r']) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        let (before, entity) = rest.split_at(at);
        out.push_str(before);
        let (character, len) = reference(entity).unwrap_or((' ', 1));
        out.push(character);
        rest = entity.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character a reference stands for and the length of the reference; `None` if `text` begins with white space.
fn reference(text: &str) -> Option<(char, usize)> {
    let name = text.strip_prefix('&')?.split(';').next()?;
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "apos" => '\'',
        "quot" => '"',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((character, name.len() + 2))
}
