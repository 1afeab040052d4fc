//! YAML text into a tree of nodes.
//!
//! Scalars stay text: whether `5222` is a number or `on` a boolean is decided by the type of the option
//! they are given to, as ejabberd does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use nightjar_text::Text;

use crate::diagnostic::Diagnostic;
use crate::node::{Content, Entry, Node, Position, Scalar, Source};

#[cfg(test)]
mod tests;

/// Longest file that is read, in bytes.
pub(crate) const MAX_FILE_BYTES: usize = 8 << 20;
/// Deepest nesting of lists and maps.
pub(crate) const MAX_DEPTH: usize = 64;
/// Most nodes in one tree, aliases expanded: a few kilobytes of aliases can stand for billions.
pub(crate) const MAX_NODES: usize = 200_000;

/// Parses one file. An empty file is an empty map.
pub(crate) fn parse(source: &Arc<Source>) -> Result<Node, Diagnostic> {
    let mut options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_unresolved_aliases: true,
    };
    options.set_emit_comments(false);
    let mut builder = Builder {
        source,
        parser: Parser::new_from_str_with_options(&source.text, options),
        anchors: HashMap::new(),
        nodes: 0,
        depth: 0,
    };
    builder.document()
}

/// Turns bytes into a source, refusing what is too long or not UTF-8.
pub(crate) fn source(name: &str, bytes: Vec<u8>) -> Result<Arc<Source>, Diagnostic> {
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("the file is longer than {} MiB", MAX_FILE_BYTES >> 20);
        return Err(Diagnostic::file_error(name, message));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Arc::new(Source { name: name.to_owned(), text })),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let before = bytes.get(..good).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let mut diagnostic = Diagnostic::file_error(name, "the file is not UTF-8 text");
            diagnostic.line = u32::try_from(line).unwrap_or(u32::MAX);
            diagnostic.column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count() as u32;
            Err(diagnostic.suggest("save the file in UTF-8"))
        }
    }
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    depth: usize,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Node, Diagnostic> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ if root.is_some() => {
                    return Err(self.error(&span, "a configuration file holds one YAML document"));
                }
                event => root = Some(self.node(event, span)?),
            }
        }
        Ok(root.filter(|root| !root.is_null()).unwrap_or_else(|| Node {
            content: Content::Map(Vec::new()),
            at: Position::start_of(self.source),
        }))
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Diagnostic> {
        loop {
            return match self.parser.next_event() {
                Some(Ok((Event::Anchor(..), _))) => continue,
                Some(Ok(event)) => Ok(event),
                Some(Err(error)) => {
                    let marker = *error.marker();
                    let span = Span::new(marker, marker);
                    Err(self.error(&span, format!("this is not YAML: {}", error.info())))
                }
                None => Ok((Event::StreamEnd, Span::default())),
            };
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Diagnostic> {
        self.count(1, &span)?;
        let at = self.position(&span);
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let node = Node { content: scalar(&text, style), at };
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::SequenceStart(_, anchor, _) => {
                let node = self.nested(&span, |builder| builder.list(at))?;
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::MappingStart(_, anchor, _) => {
                let node = self.nested(&span, |builder| builder.map(at))?;
                self.remember(anchor, &node);
                Ok(node)
            }
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => {
                    let node = node.clone();
                    self.count(node.size(), &span)?;
                    Ok(Node { content: node.content, at })
                }
                None => Err(self.error(&span, "an alias can't stand inside what it refers to")),
            },
            Event::UnresolvedAlias(name) => {
                let message = format!("the alias `*{name}` refers to no anchor above it");
                Err(self
                    .error(&span, message)
                    .suggest(format!("write \"*{name}\" in quotes to mean the text")))
            }
            _ => Err(self.error(&span, "this is not YAML: a value is missing")),
        }
    }

    /// Anchors and nesting multiply: the parser limits either kind of nesting, this both together.
    fn nested<T>(
        &mut self,
        span: &Span,
        read: impl FnOnce(&mut Self) -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(span, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn list(&mut self, mut at: Position) -> Result<Node, Diagnostic> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::SequenceEnd => {
                    at.end = items.last().map_or(at.end, |item: &Node| item.at.end).max(at.start);
                    return Ok(Node { content: Content::List(items), at });
                }
                event => items.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self, mut at: Position) -> Result<Node, Diagnostic> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                if !merged.is_empty() {
                    let own: HashSet<&Text> = entries.iter().map(|entry| &entry.key).collect();
                    merged.retain(|entry| !own.contains(&entry.key));
                }
                at.end = entries.last().map_or(at.end, |entry| entry.value.at.end).max(at.start);
                entries.extend(merged);
                return Ok(Node { content: Content::Map(entries), at });
            }
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            let Some(scalar) = key.scalar() else {
                let message = format!("a key is a word, not {}", key.describe());
                return Err(Diagnostic::error(&key.at, "", message));
            };
            match &value.content {
                Content::Map(more) if &*scalar.text == "<<" && !scalar.quoted => {
                    merged.extend(more.iter().cloned());
                }
                _ => entries.push(Entry { key: scalar.text.clone(), key_at: key.at, value }),
            }
        }
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), Diagnostic> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(self.error(span, format!("the file holds more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn position(&self, span: &Span) -> Position {
        let byte =
            |marker: &granit_parser::Marker| u32::try_from(marker.byte_offset().unwrap_or(0)).unwrap_or(0);
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position {
            source: self.source.clone(),
            line: small(span.start.line()).max(1),
            column: small(span.start.col()).saturating_add(1),
            start: byte(&span.start),
            end: byte(&span.end),
        }
    }

    fn error(&self, span: &Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&self.position(span), "", message)
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Content {
    let quoted = !matches!(style, ScalarStyle::Plain);
    // The parser writes a tilde where nothing is written.
    if matches!(text, "" | "~") && !quoted {
        return Content::Null;
    }
    Content::Scalar(Scalar { text: Text::new(text), quoted })
}
