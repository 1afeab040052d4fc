//! One first-level element, as it is routed.

use std::borrow::Cow;

use nightjar_text::Text;

use crate::check::{Checker, Context, Sink};
use crate::class::has_illegal_char;
use crate::element::Element;
use crate::escape::{unescape_attr, unescape_text};
use crate::index::{ChildPlace, Index, NsPlace};
use crate::namespace::Scope;
use crate::rewrite::rewrite;
use crate::scan::Stop;
use crate::tag::RawAttr;
use crate::walk::{self, text_part};
use crate::{Limits, XML_NS, XmlError, XmlErrorKind};

#[cfg(test)]
mod tests;

/// One first-level element: checked, and written so that it stands alone with the namespace of stanzas as
/// default namespace; each of its children does so too.
///
/// The text is its one allocation. A clone copies about 300 bytes and increments one counter.
#[derive(Clone, Debug)]
pub struct Frame {
    raw: Text,
    scope: Scope,
    index: Index,
}

/// A direct child of a [`Frame`]; it stands alone with the namespace of stanzas as default namespace.
#[derive(Clone, Debug)]
pub struct ChildRef<'a> {
    /// Without its prefix.
    pub name: &'a str,
    /// The namespace name; `&`, `<` and quotes in it are still escaped.
    pub ns: &'a str,
    /// The whole child, a slice of the frame's text.
    pub raw: Text,
    scope: &'a Scope,
}

/// The bytes of one element as text, when they are text and all characters are allowed.
pub(crate) fn as_text(bytes: &[u8]) -> Result<&str, XmlErrorKind> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) if !has_illegal_char(text) => Ok(text),
        _ => Err(XmlErrorKind::NotWellFormed),
    }
}

/// Walks an element that is all there.
pub(crate) fn run_whole<S: Sink>(
    bytes: &[u8],
    cx: Context<'_>,
    sink: &mut S,
) -> Result<(usize, bool), XmlError> {
    let mut checker = Checker::default();
    match checker.run(bytes, cx, sink) {
        Ok(end) => Ok((end, checker.leans)),
        Err(Stop::More) => Err(XmlError { kind: XmlErrorKind::NotWellFormed, offset: bytes.len() }),
        Err(Stop::Bad(kind, offset)) => Err(XmlError { kind, offset }),
    }
}

impl Frame {
    /// A frame of an element that was checked and leans on nothing. `scope` has the namespace of stanzas that
    /// it was checked with, and nothing else.
    #[inline(always)]
    pub(crate) fn new(raw: Text, scope: &Scope, index: &Index) -> Frame {
        Frame { raw, scope: scope.clone(), index: index.clone() }
    }

    /// A frame of an element that was checked against `cx` and leans on something.
    #[cold]
    pub(crate) fn rewritten(element: &str, cx: Context<'_>, scope: &Scope) -> Result<Frame, XmlError> {
        let raw = Text::from(rewrite(element, cx)?);
        let mut index = Index::default();
        let alone = Context { root: scope, limits: &Limits::CHECKED };
        let (_, leans) = run_whole(raw.as_bytes(), alone, &mut index)?;
        debug_assert!(!leans, "{raw} still leans on something");
        Ok(Frame::new(raw, scope, &index))
    }

    /// The name without a prefix.
    pub fn name(&self) -> &str {
        let (at, length) = self.index.name;
        text_part(&self.raw, at as usize, (at + length) as usize)
    }

    /// The namespace name; `&`, `<` and quotes in it are still escaped.
    pub fn ns(&self) -> &str {
        self.index.ns.name(&self.raw, &self.scope.content)
    }

    /// The namespace of stanzas that the frame was read with.
    pub fn content_ns(&self) -> &str {
        &self.scope.content
    }

    /// The whole element.
    pub fn raw(&self) -> &Text {
        &self.raw
    }

    /// The value of the attribute with this name, `xml:lang` with its prefix; shares the buffer when nothing
    /// in it is escaped.
    pub fn attr(&self, name: &str) -> Option<Text> {
        let named = |attr: &RawAttr| attr.name(self.raw.as_bytes()) == name.as_bytes();
        let attr = match self.index.attrs().iter().copied().find(named) {
            None if self.index.more_attrs => walk::attributes(self.raw.as_bytes(), 0).find(named)?,
            found => found?,
        };
        Some(self.value(&attr))
    }

    /// The attributes as namespace name (empty without a prefix), name without prefix, and value.
    /// Namespace declarations are not among them.
    pub fn attrs(&self) -> impl Iterator<Item = (&str, &str, Text)> {
        let bytes = self.raw.as_bytes();
        walk::attributes(bytes, 0).filter(|attr| !attr.declares).map(|attr| {
            let local_at = usize::from(attr.name_len) - attr.local(bytes).len();
            let from = attr.name as usize;
            let local = text_part(&self.raw, from + local_at, from + usize::from(attr.name_len));
            (self.attr_ns(&attr), local, self.value(&attr))
        })
    }

    fn attr_ns(&self, attr: &RawAttr) -> &str {
        let bytes = self.raw.as_bytes();
        match attr.prefix(bytes) {
            b"" => "",
            b"xml" => XML_NS,
            prefix => {
                let mut attrs = walk::attributes(bytes, 0);
                let found = attrs.find(|declaration| walk::declares_prefix(declaration, bytes, prefix));
                found.map_or("", |found| text_part(&self.raw, found.value as usize, found.value_end()))
            }
        }
    }

    fn value(&self, attr: &RawAttr) -> Text {
        let (from, to) = (attr.value as usize, attr.value_end());
        if attr.plain {
            self.raw.slice(from..to)
        } else {
            Text::from(unescape_attr(text_part(&self.raw, from, to)))
        }
    }

    /// The direct children, in order.
    pub fn children(&self) -> impl Iterator<Item = ChildRef<'_>> {
        let indexed = self.index.children();
        let mut next = indexed.last().map_or(self.raw.len(), |last| last.end as usize);
        let more = std::iter::from_fn(move || {
            let place = if self.index.more_children { self.child_behind(next) } else { None };
            next = place.map_or(self.raw.len(), |place| place.end as usize);
            place
        });
        indexed.iter().copied().chain(more).map(|place| self.child_at(place))
    }

    /// The first direct child with this name and namespace.
    pub fn child(&self, name: &str, ns: &str) -> Option<ChildRef<'_>> {
        self.children().find(|child| child.name == name && child.ns == ns)
    }

    fn child_at(&self, place: ChildPlace) -> ChildRef<'_> {
        let start = place.start as usize;
        let name = start + usize::from(place.name);
        ChildRef {
            name: text_part(&self.raw, name, name + usize::from(place.name_len)),
            ns: place.ns.name(&self.raw, &self.scope.content),
            raw: self.raw.slice(start..place.end as usize),
            scope: &self.scope,
        }
    }

    /// The child whose start tag comes next behind `at`, the end of another child.
    fn child_behind(&self, at: usize) -> Option<ChildPlace> {
        let bytes = self.raw.as_bytes();
        let (start, true) = walk::next_tag(bytes, at)? else { return None };
        let (name, name_end, prefix) = walk::name(bytes, start);
        let declared = walk::attributes(bytes, start).find(|attr| walk::declares_prefix(attr, bytes, prefix));
        let ns = match declared {
            _ if prefix == b"xml" => NsPlace::Xml,
            Some(attr) => NsPlace::At(attr.value, attr.value_len),
            // A child that stands alone declares its namespace, or has that of stanzas.
            None => NsPlace::Content,
        };
        let end = walk::element_end(bytes, start);
        let (name, name_len) = ((name - start) as u16, (name_end - name) as u16);
        Some(ChildPlace { start: start as u32, end: end as u32, name, name_len, ns })
    }

    /// The character data that is directly inside the element, without that of its children.
    pub fn text(&self) -> Cow<'_, str> {
        walk::own_text(&self.raw, self.index.tag_end as usize)
    }

    /// The element as a tree.
    pub fn parse(&self) -> Element {
        Element::checked(self.raw.clone(), self.scope.clone())
    }
}

impl ChildRef<'_> {
    /// The child as a tree.
    pub fn parse(&self) -> Element {
        Element::checked(self.raw.clone(), self.scope.clone())
    }

    /// The character data that is directly inside the child, without that of its children.
    pub fn text(&self) -> Cow<'_, str> {
        let (tag_end, _) = walk::tag_end(self.raw.as_bytes(), 0);
        walk::own_text(&self.raw, tag_end)
    }

    /// The value of the attribute with this name, `xml:lang` with its prefix.
    pub fn attr(&self, name: &str) -> Option<Text> {
        let bytes = self.raw.as_bytes();
        let found = walk::attributes(bytes, 0).find(|attr| attr.name(bytes) == name.as_bytes())?;
        let (from, to) = (found.value as usize, found.value_end());
        let plain = found.plain.then(|| self.raw.slice(from..to));
        Some(plain.unwrap_or_else(|| Text::from(unescape_attr(text_part(&self.raw, from, to)))))
    }
}

/// What pieces of character data mean together; borrows when one plain piece is all there is.
pub(crate) fn join_text<'a>(mut pieces: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    let Some(first) = pieces.next() else { return Cow::Borrowed("") };
    pieces.fold(unescape_text(first), |mut joined, piece| {
        joined.to_mut().push_str(&unescape_text(piece));
        joined
    })
}
