//! A tree back into YAML: what `dump_config` prints.

use std::fmt::Write as _;

use crate::config::Config;
use crate::macros;
use crate::node::{Content, Entry, Node, Scalar};
use crate::secret::is_secret;
use crate::units::integer;

#[cfg(test)]
mod tests;

/// What stands where a secret was.
pub const REDACTED: &str = "***";

impl Config {
    /// The configuration as it is used: files included, macros replaced, old names rewritten.
    /// Secrets are left out unless asked for.
    pub fn dump(&self, secrets: bool) -> String {
        to_yaml(&self.tree, secrets)
    }
}

/// A tree as YAML in block style. Reading it gives the same tree, secrets apart.
pub fn to_yaml(node: &Node, secrets: bool) -> String {
    let mut writer = Writer { output: String::new(), secrets };
    match &node.content {
        Content::Map(entries) if !entries.is_empty() => writer.map(entries, 0, true),
        Content::List(items) if !items.is_empty() => writer.list(items, 0, true),
        _ => writer.single(node),
    }
    writer.output.push('\n');
    writer.output
}

/// A tree on one line, secrets left out.
pub(crate) fn to_line(name: &str, node: &Node) -> String {
    if is_secret(name) && !node.is_null() {
        return REDACTED.to_owned();
    }
    let mut line = String::new();
    flow(node, &mut line);
    line
}

struct Writer {
    output: String,
    secrets: bool,
}

impl Writer {
    /// The value after `key:` or `-`, on the same line or below it.
    fn value(&mut self, node: &Node, indent: usize, after_dash: bool) {
        match &node.content {
            Content::Map(entries) if !entries.is_empty() => self.map(entries, indent, after_dash),
            Content::List(items) if !items.is_empty() => self.list(items, indent, after_dash),
            _ => {
                if !node.is_null() {
                    self.output.push(' ');
                }
                self.single(node);
            }
        }
    }

    fn line(&mut self, indent: usize, first: bool, inline: bool) {
        if !(first && inline) {
            self.output.push('\n');
            self.output.extend(std::iter::repeat_n(' ', indent));
        } else if !self.output.is_empty() {
            self.output.push(' ');
        }
    }

    fn map(&mut self, entries: &[Entry], indent: usize, inline: bool) {
        for (index, entry) in entries.iter().enumerate() {
            self.line(indent, index == 0, inline);
            quote(&entry.key, false, &mut self.output);
            self.output.push(':');
            if self.hides(entry) {
                let _ = write!(self.output, " \"{REDACTED}\"");
            } else {
                self.value(&entry.value, indent + 2, false);
            }
        }
    }

    fn list(&mut self, items: &[Node], indent: usize, inline: bool) {
        for (index, item) in items.iter().enumerate() {
            self.line(indent, index == 0, inline);
            self.output.push('-');
            self.value(item, indent + 2, true);
        }
    }

    fn single(&mut self, node: &Node) {
        flow(node, &mut self.output);
    }

    /// Secrets, and keywords, which may stand for one.
    fn hides(&self, entry: &Entry) -> bool {
        let leaf = !matches!(&entry.value.content, Content::Map(_) | Content::Null);
        let keyword = macros::is_name(&entry.key) && is_secret(&entry.key.to_lowercase());
        !self.secrets && leaf && (is_secret(&entry.key) || keyword)
    }
}

/// In one line: `[a, b]`, `{a: b}`.
fn flow(node: &Node, output: &mut String) {
    match &node.content {
        Content::Null => {}
        Content::Scalar(Scalar { text, quoted }) => quote(text, *quoted, output),
        Content::List(items) => {
            output.push('[');
            for (index, item) in items.iter().enumerate() {
                output.push_str(if index == 0 { "" } else { ", " });
                flow(item, output);
            }
            output.push(']');
        }
        Content::Map(entries) => {
            output.push('{');
            for (index, entry) in entries.iter().enumerate() {
                output.push_str(if index == 0 { "" } else { ", " });
                quote(&entry.key, false, output);
                output.push_str(": ");
                output.push_str(&to_line(&entry.key, &entry.value));
            }
            output.push('}');
        }
    }
}

/// A word as it is where YAML takes it for one, otherwise in quotes.
fn quote(text: &str, quoted: bool, output: &mut String) {
    let number = integer(text).is_some();
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'/' | b'-');
    let word = text.bytes().all(letter) && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    if (word || number) && !(quoted && number) {
        output.push_str(text);
        return;
    }
    output.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                output.push('\\');
                output.push(letter);
            }
            '\n' => output.push_str("\\n"),
            '\t' => output.push_str("\\t"),
            // Line breaks of YAML and characters it does not print.
            letter if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(output, "\\u{:04x}", u32::from(letter));
            }
            '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(output, "\\u{:04x}", u32::from(letter));
            }
            letter => output.push(letter),
        }
    }
    output.push('"');
}
