//! Makes an element independent of what stood around it.
//!
//! The result means the same when only the namespace of stanzas is in scope as default, and so does each of its
//! children alone:
//! - a prefix or default namespace that a child takes from outside is declared where the child needs it,
//! - an element in the namespace of stanzas has no prefix where that namespace is the default,
//! - and does not declare what is the default already.
//!
//! Everything else stays as it was written.

use std::borrow::Cow;

use crate::check::{Checker, Context, EndTag, Sink, StartTag};
use crate::escape::push_attr;
use crate::namespace::Ns;
use crate::scan::Stop;
use crate::tag::RawAttr;
use crate::walk::text_part;
use crate::{XmlError, XmlErrorKind};

#[cfg(test)]
mod tests;

/// A rewritten element may be this much longer than half again its size: declarations that many children
/// take from outside must not multiply it, and all copies together stay below four times the input.
const GROWTH_BYTES_MAX: usize = 4096;

/// The default namespace where a tag stands in the output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DefaultNs {
    Content,
    Other(Ns),
    /// It differs between the whole element and the child standing alone.
    Unclear,
}

struct Level {
    default: DefaultNs,
    /// The prefix was dropped, so it must be in the end tag.
    bare_name: bool,
    name: (usize, usize),
}

struct Rewriter<'a> {
    source: &'a str,
    cx: Context<'a>,
    out: String,
    out_max: usize,
    /// The source up to here is in the output or dropped.
    done: usize,
    levels: Vec<Level>,
    /// Outer namespaces that an open element of the output declares, with its depth.
    added: Vec<(Ns, usize)>,
}

/// Rewrites one checked element.
pub(crate) fn rewrite(source: &str, cx: Context<'_>) -> Result<String, XmlError> {
    let out_max = source.len() + source.len() / 2 + GROWTH_BYTES_MAX;
    let mut rewriter = Rewriter {
        source,
        cx,
        out: String::with_capacity(out_max),
        out_max,
        done: 0,
        levels: Vec::new(),
        added: Vec::new(),
    };
    match Checker::default().run(source.as_bytes(), cx, &mut rewriter) {
        Ok(_) => Ok(rewriter.out),
        Err(Stop::Bad(kind, offset)) => Err(XmlError { kind, offset }),
        Err(Stop::More) => Err(XmlError { kind: XmlErrorKind::NotWellFormed, offset: source.len() }),
    }
}

impl Sink for Rewriter<'_> {
    fn start(&mut self, start: &StartTag<'_>) -> Result<(), XmlErrorKind> {
        self.push_source(start.tag.at);
        self.done = start.tag.end;
        let around = self.default_around(start.depth);
        let is_content = |ns| start.space.is_content(ns, self.cx.root);
        let prefixed = start.tag.prefix_len != 0;
        let bare_name = prefixed && is_content(start.ns) && around == DefaultNs::Content;
        let name = (start.tag.local_at(), start.tag.local_end());
        self.out.push('<');
        self.out.push_str(text_part(self.source, if bare_name { name.0 } else { start.tag.at + 1 }, name.1));
        let own_default = (start.space.default != start.outer_default).then_some(start.space.default);
        let wanted = match (prefixed, bare_name) {
            (false, _) => Some(start.ns),
            (true, true) => None,
            (true, false) => own_default,
        };
        let mut default = around;
        if let Some(ns) = wanted {
            let is_wanted = if is_content(ns) { DefaultNs::Content } else { DefaultNs::Other(ns) };
            if !self.same_default(start, around, is_wanted) {
                self.declare(start, "", ns);
            }
            default = is_wanted;
        }
        for attr in start.attrs.iter().filter(|attr| attr.declares && attr.prefix_len != 0) {
            self.redeclare(start, attr);
        }
        if prefixed && !bare_name {
            self.bring(start, start.tag.prefix(start.bytes));
        }
        for attr in start.attrs.iter().filter(|attr| !attr.declares) {
            if attr.prefix_len != 0 {
                self.bring(start, attr.prefix(start.bytes));
            }
            self.out.push(' ');
            self.out.push_str(text_part(self.source, attr.name as usize, attr.value_end() + 1));
        }
        self.out.push_str(if start.tag.empty { "/>" } else { ">" });
        self.levels.push(Level { default, bare_name, name });
        self.check_length()
    }

    fn end(&mut self, end: &EndTag) -> Result<(), XmlErrorKind> {
        self.added.retain(|(_, depth)| *depth < end.depth);
        self.push_source(end.at);
        let level = self.levels.pop();
        if let Some(Level { bare_name: true, name, .. }) = level
            && end.at < end.end
        {
            self.out.push_str("</");
            self.out.push_str(text_part(self.source, name.0, name.1));
            self.out.push('>');
            self.done = end.end;
        }
        self.push_source(end.end);
        self.check_length()
    }
}

impl Rewriter<'_> {
    /// Copies what was not yet copied, up to `to`.
    fn push_source(&mut self, to: usize) {
        self.out.push_str(text_part(self.source, self.done.min(to), to));
        self.done = self.done.max(to);
    }

    fn check_length(&self) -> Result<(), XmlErrorKind> {
        if self.out.len() > self.out_max { Err(XmlErrorKind::TooLarge) } else { Ok(()) }
    }

    fn default_around(&self, depth: usize) -> DefaultNs {
        match (depth, self.levels.last()) {
            (0, _) | (_, None) => DefaultNs::Content,
            (1, Some(level)) if level.default != DefaultNs::Content => DefaultNs::Unclear,
            (_, Some(level)) => level.default,
        }
    }

    fn same_default(&self, start: &StartTag<'_>, around: DefaultNs, wanted: DefaultNs) -> bool {
        let uri = |ns| start.space.uri(ns, start.bytes, self.cx.root);
        match (around, wanted) {
            (DefaultNs::Content, DefaultNs::Content) => true,
            (DefaultNs::Other(a), DefaultNs::Other(b)) => a == b || uri(a) == uri(b),
            _ => false,
        }
    }

    /// Declares the prefix (or the default namespace, when it is empty).
    fn declare(&mut self, start: &StartTag<'_>, prefix: &str, ns: Ns) {
        let uri: Cow<'_, str> = start.space.uri(ns, start.bytes, self.cx.root);
        self.out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
        self.out.push_str(prefix);
        self.out.push_str("='");
        push_attr(&mut self.out, &uri);
        self.out.push('\'');
    }

    /// Keeps a declaration of a prefix, its namespace name in canonical form.
    fn redeclare(&mut self, start: &StartTag<'_>, attr: &RawAttr) {
        let prefix = attr.local(start.bytes);
        if let (Ok(name), Some(ns)) =
            (str::from_utf8(prefix), start.space.lookup(start.bytes, prefix, self.cx.root))
        {
            self.declare(start, name, ns);
        }
    }

    /// Declares a prefix here when it is used here but declared outside.
    fn bring(&mut self, start: &StartTag<'_>, prefix: &[u8]) {
        let Some(ns) = start.space.lookup(start.bytes, prefix, self.cx.root) else { return };
        let outside = match ns {
            Ns::Root(_) => true,
            Ns::Bound(index) => start.depth > 0 && index < start.space.head,
            Ns::RootDefault | Ns::Xml => false,
        };
        // What the first-level element brings in does not help a child that must stand alone.
        let least = usize::from(start.depth > 0);
        let here = |(added, depth): &(Ns, usize)| *added == ns && *depth >= least;
        if !outside || self.added.iter().any(here) {
            return;
        }
        if let Ok(name) = str::from_utf8(prefix) {
            self.declare(start, name, ns);
            self.added.push((ns, start.depth));
        }
    }
}
