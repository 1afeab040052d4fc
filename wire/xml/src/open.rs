//! How a stream begins: the XML declaration and the opening tag (RFC 6120 §4.7, §11.5).

use nightjar_text::Text;

use crate::check::{Checker, Context, EndTag, Sink, StartTag};
use crate::class::is_space;
use crate::escape::unescape_attr;
use crate::frame::as_text;
use crate::namespace::{Root, Scope};
use crate::scan::Stop;
use crate::tag::{RawAttr, attribute};
use crate::walk::text_part;
use crate::{Limits, XmlErrorKind};

#[cfg(test)]
mod tests;

/// The opening tag of a stream, checked for well-formedness alone.
#[derive(Clone, Debug, Default)]
pub struct StreamOpen {
    /// Empty without one.
    pub prefix: Text,
    /// Without the prefix; `stream` in a correct stream.
    pub name: Text,
    /// The namespace of the tag; `http://etherx.jabber.org/streams` in a correct stream.
    pub ns: Text,
    /// The default namespace that the tag declares: that of stanzas. Empty without one.
    pub content_ns: Text,
    pub to: Option<Text>,
    pub from: Option<Text>,
    pub version: Option<Text>,
    pub id: Option<Text>,
    /// `xml:lang`.
    pub lang: Option<Text>,
    /// The prefixes that the tag declares, and their namespaces.
    pub prefixes: Vec<(Text, Text)>,
}

/// Reads the opening tag, which is all of `piece`; gives it and whether it is an empty tag.
pub(crate) fn opening(piece: &[u8], limits: &Limits) -> Result<(StreamOpen, bool), XmlErrorKind> {
    let text = as_text(piece)?;
    let scope = Scope::empty();
    let mut opener = Opener { text: Text::new(text), open: StreamOpen::default() };
    let cx = Context { root: &scope, limits };
    match Checker::default().run(piece, cx, &mut opener) {
        Ok(_) => Ok((opener.open, true)),
        Err(Stop::More) => Ok((opener.open, false)),
        Err(Stop::Bad(kind, _)) => Err(kind),
    }
}

/// Checks an XML declaration, which is all of `piece` (XML 1.0 §2.8, RFC 6120 §11.5 and §11.6).
pub(crate) fn declaration(piece: &[u8]) -> Result<(), XmlErrorKind> {
    let malformed = Err(XmlErrorKind::NotWellFormed);
    let names: [&[u8]; 3] = [b"version", b"encoding", b"standalone"];
    let mut known = names.into_iter();
    let mut at = "<?xml".len();
    let mut versioned = false;
    loop {
        let from = at;
        while piece.get(at).is_some_and(|&byte| is_space(byte)) {
            at += 1;
        }
        if piece.get(at..) == Some(b"?>") {
            return if versioned { Ok(()) } else { malformed };
        }
        let Ok(attr) = attribute(piece, at, &Limits::CHECKED) else { return malformed };
        if from == at || !known.any(|name| name == attr.name(piece)) {
            return malformed;
        }
        match (attr.name(piece), attr.value(piece)) {
            (b"version", b"1.0") => versioned = true,
            (b"encoding", name) if name.eq_ignore_ascii_case(b"utf-8") => {}
            (b"encoding", _) => return Err(XmlErrorKind::UnsupportedEncoding),
            (b"standalone", b"yes" | b"no") => {}
            _ => return malformed,
        }
        if !versioned {
            return malformed;
        }
        at = attr.value_end() + 1;
    }
}

impl StreamOpen {
    pub(crate) fn root(&self) -> Root {
        let owned = |text: &Text| text.as_str().to_owned().into();
        let name = if self.prefix.is_empty() {
            self.name.as_str().to_owned()
        } else {
            format!("{}:{}", self.prefix, self.name)
        };
        Root {
            name: name.into(),
            content: owned(&self.content_ns),
            default: None,
            prefixes: self.prefixes.iter().map(|(prefix, ns)| (owned(prefix), owned(ns))).collect(),
        }
    }
}

struct Opener {
    text: Text,
    open: StreamOpen,
}

impl Opener {
    fn slice(&self, from: usize, to: usize) -> Text {
        self.text.slice_ref(text_part(&self.text, from, to))
    }

    fn value(&self, attr: &RawAttr) -> Text {
        let written = self.slice(attr.value as usize, attr.value_end());
        if attr.plain { written } else { Text::from(unescape_attr(&written)) }
    }
}

impl Sink for Opener {
    fn start(&mut self, start: &StartTag<'_>) -> Result<(), XmlErrorKind> {
        let tag = start.tag;
        self.open.prefix = self.slice(tag.at + 1, tag.at + 1 + tag.prefix_len);
        self.open.name = self.slice(tag.local_at(), tag.local_end());
        self.open.ns = Text::from(start.space.uri(start.ns, start.bytes, &Scope::empty()));
        for attr in start.attrs {
            let value = self.value(attr);
            match attr.name(start.bytes) {
                b"to" => self.open.to = Some(value),
                b"from" => self.open.from = Some(value),
                b"version" => self.open.version = Some(value),
                b"id" => self.open.id = Some(value),
                b"xml:lang" => self.open.lang = Some(value),
                b"xmlns" => self.open.content_ns = value,
                _ if attr.declares => {
                    let end = attr.name as usize + usize::from(attr.name_len);
                    let prefix = self.slice(attr.name as usize + "xmlns:".len(), end);
                    self.open.prefixes.push((prefix, value));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &EndTag) -> Result<(), XmlErrorKind> {
        Ok(())
    }
}
