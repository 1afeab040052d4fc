//! Writing XML into either of the two buffers the server uses.

use nightjar_xml::{escape_attr, escape_text};

/// Where serialised XML goes: a `String` (values kept as text) or a `Vec<u8>` (bytes for a socket).
pub trait Sink {
    /// Appends `text` as it is.
    fn put(&mut self, text: &str);
}

impl Sink for String {
    fn put(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// Appends ` name='value'`, escaped.
pub fn attribute<S: Sink>(out: &mut S, name: &str, value: &str) {
    out.put(" ");
    out.put(name);
    out.put("='");
    attribute_value(out, value);
    out.put("'");
}

/// Appends ` name='value'` when there is a value.
pub fn attribute_if<S: Sink>(out: &mut S, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        attribute(out, name, value);
    }
}

/// Appends `<name>value</name>`, escaped.
pub fn text_element<S: Sink>(out: &mut S, name: &str, value: &str) {
    out.put("<");
    out.put(name);
    out.put(">");
    text(out, value);
    out.put("</");
    out.put(name);
    out.put(">");
}

/// Appends `value` as character data, escaped. Characters that XML cannot carry become U+FFFD.
pub fn text<S: Sink>(out: &mut S, value: &str) {
    if value.bytes().all(is_plain) { out.put(value) } else { out.put(&escape_text(value)) }
}

fn attribute_value<S: Sink>(out: &mut S, value: &str) {
    if value.bytes().all(is_plain) { out.put(value) } else { out.put(&escape_attr(value)) }
}

/// Printable ASCII that is written as it is everywhere: the usual case, decided without looking at characters.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'\'' | b'"')
}
