//! The tree of a YAML file before it means anything: every part knows where it was written.

use std::fmt;
use std::sync::Arc;

use nightjar_text::Text;

use crate::units;

#[cfg(test)]
mod tests;

/// A file as it was read.
#[derive(Debug)]
pub struct Source {
    /// The path as given, or a description in angle brackets for text that is in no file.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// No file at all.
    pub fn unnamed() -> Arc<Source> {
        Arc::new(Source { name: String::new(), text: String::new() })
    }
}

/// Where something was written: file, line and column (both counted from 1), and the bytes it covers.
#[derive(Clone)]
pub struct Position {
    /// The file.
    pub source: Arc<Source>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// First byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Position {
    /// The beginning of a file.
    pub fn start_of(source: &Arc<Source>) -> Position {
        Position { source: source.clone(), line: 1, column: 1, start: 0, end: 0 }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
    }
}

/// One value of the tree. Two nodes are equal when they say the same, wherever they stand.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// Where it stands.
    pub at: Position,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing was written.
    Null,
    /// One word, number or string.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file; the same key may stand more than once.
    Map(Vec<Entry>),
}

/// A scalar; whether it was quoted decides whether it may be a number.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The text, without quotes and with escapes resolved.
    pub text: Text,
    /// Written in quotes or as a block.
    pub quoted: bool,
}

impl PartialEq for Scalar {
    /// Quotes matter only where they decide between a number and a string.
    fn eq(&self, other: &Scalar) -> bool {
        self.text == other.text && (self.quoted == other.quoted || units::integer(&self.text).is_none())
    }
}

/// One key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Text,
    /// Where the key stands.
    pub key_at: Position,
    /// The value.
    pub value: Node,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        self.content == other.content
    }
}

impl Node {
    /// A quoted string at a place.
    pub fn string(text: impl Into<Text>, at: Position) -> Node {
        Node { content: Content::Scalar(Scalar { text: text.into(), quoted: true }), at }
    }

    /// An unquoted word at a place.
    pub fn word(text: impl Into<Text>, at: Position) -> Node {
        Node { content: Content::Scalar(Scalar { text: text.into(), quoted: false }), at }
    }

    /// The scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }

    /// The text of a scalar, sharing its buffer.
    pub fn as_text(&self) -> Option<&Text> {
        self.scalar().map(|scalar| &scalar.text)
    }

    /// An unquoted whole number.
    pub fn as_int(&self) -> Option<i64> {
        let scalar = self.scalar()?;
        if scalar.quoted { None } else { units::integer(&scalar.text) }
    }

    /// One of ejabberd's words for true and false.
    pub fn as_bool(&self) -> Option<bool> {
        units::boolean(self.as_str()?)
    }

    /// The members of a list; nothing for any other node.
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map; nothing for any other node.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of the first entry with this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == *key).map(|entry| &entry.value)
    }

    /// Nothing was written.
    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// What a message calls it: the type of the value in a reader's words.
    pub fn describe(&self) -> &'static str {
        match &self.content {
            Content::Null => "nothing",
            Content::Scalar(scalar) if scalar.text.is_empty() => "an empty string",
            Content::Scalar(_) if self.as_int().is_some() => "a number",
            Content::Scalar(_) => "a string",
            Content::List(items) if items.is_empty() => "an empty list",
            Content::List(_) => "a list",
            Content::Map(entries) if entries.is_empty() => "an empty map",
            Content::Map(_) => "a map",
        }
    }

    /// Number of nodes in it, itself included.
    pub fn size(&self) -> usize {
        match &self.content {
            Content::Null | Content::Scalar(_) => 1,
            Content::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Content::Map(entries) => 1 + entries.iter().map(|entry| entry.value.size()).sum::<usize>(),
        }
    }
}

/// A step from the top of the file to a value, for the path in a message.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Top,
    Key(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The file itself.
    pub const TOP: Place<'static> = Place { parent: None, step: Step::Top };

    /// The value of a key below this place.
    pub fn key(&'a self, key: &'a str) -> Place<'a> {
        Place { parent: Some(self), step: Step::Key(key) }
    }

    /// The nearest key on the way up.
    pub fn last_key(&self) -> Option<&'a str> {
        match (self.step, self.parent) {
            (Step::Key(key), _) => Some(key),
            (Step::Index(_), Some(parent)) => parent.last_key(),
            _ => None,
        }
    }

    /// A list member below this place, counted from 0 and shown from 1.
    pub fn index(&'a self, index: usize) -> Place<'a> {
        Place { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Place<'_> {
    /// `modules.mod_mam.default`, `listen[2].port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Top => Ok(()),
            Step::Index(index) => write!(f, "[{}]", index + 1),
            Step::Key(key) => {
                let first = self.parent.is_none_or(|parent| matches!(parent.step, Step::Top));
                if first { f.write_str(key) } else { write!(f, ".{key}") }
            }
        }
    }
}
