//! What stands inside a stanza: a list of child elements over shared text.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use nightjar_text::Text;
use nightjar_xml::{Element, Frame};
use smallvec::SmallVec;

use crate::ns;
use crate::write::Sink;

mod scan;
#[cfg(test)]
mod tests;

/// The child elements of a stanza, in order. Each is a slice of the buffer it came in; appending or removing one
/// copies no other, and a clone copies the index and counts one reference per buffer.
///
/// Text between the children is dropped: RFC 6120 §8.2 gives it no meaning.
#[derive(Clone, Default)]
pub struct Payload {
    entries: SmallVec<[Entry; 4]>,
    /// The frame's buffer, then one buffer per appended element.
    sources: SmallVec<[Text; 1]>,
}

/// Where an element, its local name and its namespace stand, in bytes.
#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    len: u32,
    /// From the element's start.
    name_at: u16,
    name_len: u16,
    /// From the element's start; [`CONTENT`] and [`XML`] stand for namespaces that are not written there.
    ns_at: u16,
    ns_len: u16,
    source: u16,
}

/// The element is in the content namespace.
const CONTENT: u16 = 0;
/// The element's prefix is `xml`.
const XML: u16 = u16::MAX;
/// What [`Entry::source`] can count.
const SOURCES_MAX: usize = u16::MAX as usize;

/// One child element of a stanza.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    source: &'a Text,
    xml: &'a str,
    name: &'a str,
    ns: &'a str,
}

impl Payload {
    /// The children of a checked stanza; shares the frame's buffer.
    pub fn from_frame(frame: &Frame) -> Payload {
        let mut payload = Payload::default();
        payload.sources.push(frame.raw().clone());
        for child in frame.children() {
            // Outside the element stand the content namespace and that of the prefix `xml`.
            let declared = offset_in(&child.raw, child.ns).is_some() || child.ns == ns::XML;
            let ns = declared.then_some(child.ns).filter(|ns| *ns != frame.content_ns());
            payload.index(0, &child.raw, child.name, ns);
        }
        payload
    }

    /// Whether there is no child element.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many child elements there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Length of all children as XML, in bytes.
    pub fn byte_len(&self) -> usize {
        self.entries.iter().map(|entry| entry.len as usize).sum()
    }

    /// Adds one complete element behind the others. It must stand alone: what it leaves undeclared is in the content
    /// namespace. Anything that is not an element is left out (and stops a debug build).
    pub fn append(&mut self, xml: Text) {
        if self.sources.len() >= SOURCES_MAX {
            *self = self.compact();
        }
        let source = self.sources.len() as u16;
        self.sources.push(xml.clone());
        let indexed = self.push(source, &xml);
        debug_assert!(indexed.is_some(), "not an element: {xml}");
    }

    /// Removes the children for which `unwanted` is true; returns how many.
    pub fn remove(&mut self, mut unwanted: impl FnMut(Piece<'_>) -> bool) -> usize {
        let before = self.entries.len();
        let sources = &self.sources;
        self.entries.retain(|entry| !piece(sources, entry).is_some_and(&mut unwanted));
        before - self.entries.len()
    }

    /// The first child of this name and namespace.
    pub fn child(&self, name: &str, ns: &str) -> Option<Piece<'_>> {
        self.pieces().find(|piece| piece.is(name, ns))
    }

    /// All children in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> + Clone {
        self.entries.iter().filter_map(|entry| piece(&self.sources, entry))
    }

    /// Writes the children one after the other.
    pub fn write<S: Sink>(&self, out: &mut S) {
        self.pieces().for_each(|piece| out.put(piece.xml));
    }

    /// The same children in one buffer that holds nothing else, for payloads that outlive their stanza by much.
    pub fn detach(&self) -> Payload {
        let held: usize = self.sources.iter().map(Text::buffer_len).sum();
        if held <= 2 * self.byte_len() + 256 {
            return self.clone();
        }
        self.compact()
    }

    fn compact(&self) -> Payload {
        let mut xml = String::with_capacity(self.byte_len());
        self.write(&mut xml);
        let text = Text::from(xml);
        let mut payload = Payload::default();
        payload.sources.push(text.clone());
        let mut rest = text.as_str();
        for entry in &self.entries {
            let (xml, behind) = rest.split_at_checked(entry.len as usize).unwrap_or_default();
            payload.push(0, xml);
            rest = behind;
        }
        payload
    }

    fn push(&mut self, source: u16, xml: &str) -> Option<()> {
        let head = scan::head(xml)?;
        self.index(source, xml, head.name, head.ns)
    }

    /// Indexes `xml`, a slice of source number `source`; `name` and `ns` are slices of it. `None` if it is no element.
    fn index(&mut self, source: u16, xml: &str, name: &str, ns: Option<&str>) -> Option<()> {
        let (name_at, name_len) = short_span(xml, name)?;
        let (ns_at, ns_len) = match ns {
            None => (CONTENT, 0),
            Some(ns::XML) => (XML, 0),
            Some(ns) => short_span(xml, ns)?,
        };
        let start = offset_in(self.sources.get(usize::from(source))?, xml)?;
        let (start, len) = (u32::try_from(start).ok()?, u32::try_from(xml.len()).ok()?);
        self.entries.push(Entry { start, len, name_at, name_len, ns_at, ns_len, source });
        Some(())
    }
}

/// Where `part` begins, if it points into `whole`.
fn offset_in(whole: &str, part: &str) -> Option<usize> {
    let offset = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (offset + part.len() <= whole.len()).then_some(offset)
}

/// Offset and length of `part` in `whole` if both are below 64 KiB, as they are unless somebody hunts for the limit.
fn short_span(whole: &str, part: &str) -> Option<(u16, u16)> {
    Some((u16::try_from(offset_in(whole, part)?).ok()?, u16::try_from(part.len()).ok()?))
}

fn piece<'a>(sources: &'a [Text], entry: &Entry) -> Option<Piece<'a>> {
    let source = sources.get(usize::from(entry.source))?;
    let slice = |text: &'a str, at: usize, len: usize| text.get(at..at + len);
    let xml = slice(source, entry.start as usize, entry.len as usize)?;
    let ns = match entry.ns_at {
        CONTENT => ns::CLIENT,
        XML => ns::XML,
        at => slice(xml, at.into(), entry.ns_len.into())?,
    };
    Some(Piece { source, xml, name: slice(xml, entry.name_at.into(), entry.name_len.into())?, ns })
}

impl<'a> Piece<'a> {
    /// Local name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Namespace name; `&`, `<` and quotes in it are still escaped. Elements in the stream's content namespace give
    /// `jabber:client` on every kind of stream.
    pub fn ns(&self) -> &'a str {
        self.ns
    }

    /// Whether name and namespace are these.
    pub fn is(&self, name: &str, ns: &str) -> bool {
        self.name == name && self.ns == ns
    }

    /// The whole element as XML.
    pub fn as_str(&self) -> &'a str {
        self.xml
    }

    /// The whole element as XML; shares the buffer.
    pub fn raw(&self) -> Text {
        self.source.slice_ref(self.xml)
    }

    /// The element as a tree over the shared text. Appended text that is not well-formed gives an empty element
    /// `not-xml` (and stops a debug build).
    pub fn parse(&self) -> Element {
        static NOT_XML: LazyLock<Element> = LazyLock::new(|| {
            let Ok(element) = Element::parse(&Text::new("<not-xml/>"), "") else { unreachable!("constant") };
            element
        });
        let parsed = Element::parse(&self.raw(), ns::CLIENT);
        debug_assert!(parsed.is_ok(), "{} was checked or written here", self.xml);
        parsed.unwrap_or_else(|_| NOT_XML.clone())
    }

    /// The text inside, without entities; that of child elements left out.
    pub fn text(&self) -> Cow<'a, str> {
        match scan::plain_text(self.xml) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.parse().text().into_owned()),
        }
    }

    /// The value of an attribute without prefix, or of `xml:lang`.
    pub fn attr(&self, name: &str) -> Option<Cow<'a, str>> {
        scan::attribute(self.xml, name)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.pieces()).finish()
    }
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.xml)
    }
}

/// By bytes: the same children in the same order, written the same way.
impl PartialEq for Payload {
    fn eq(&self, other: &Payload) -> bool {
        self.pieces().map(|piece| piece.xml).eq(other.pieces().map(|piece| piece.xml))
    }
}

impl Eq for Payload {}
