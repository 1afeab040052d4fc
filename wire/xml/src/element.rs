//! A small tree for features: nodes in the order of their start tags, over shared text.

use std::borrow::Cow;
use std::sync::Arc;

use nightjar_text::Text;

use crate::check::{Context, EndTag, Sink, StartTag};
use crate::document::read;
use crate::escape::unescape_attr;
use crate::frame::{join_text, run_whole};
use crate::index::NsPlace;
use crate::namespace::Scope;
use crate::rewrite::rewrite;
use crate::walk::{self, text_part};
use crate::{Limits, XmlError, XmlErrorKind};

#[cfg(test)]
mod tests;

/// An element and all that is inside it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Element {
    text: Text,
    scope: Scope,
    nodes: Arc<Vec<Node>>,
}

/// An element of a tree.
#[derive(Clone, Copy, Debug)]
pub struct ElementRef<'a> {
    tree: &'a Element,
    at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    start: u32,
    /// Where the start tag ends.
    tag_end: u32,
    /// Where the end tag begins; `tag_end` for an empty tag.
    close: u32,
    end: u32,
    /// The node behind the last one inside this.
    next: u32,
    /// The name without its prefix.
    name: u32,
    name_len: u16,
    ns: NsPlace,
}

/// Collects the nodes of a tree.
struct Tape {
    nodes: Vec<Node>,
    open: Vec<u32>,
}

impl Element {
    /// Reads one element with white space around it if need be. `content_ns` is the default namespace around
    /// it. Well-formedness is checked, sizes are not: this is for what the server wrote or has let in.
    pub fn parse(text: &Text, content_ns: &str) -> Result<Element, XmlError> {
        let scope = Scope::document(content_ns);
        let cx = Context { root: &scope, limits: &Limits::CHECKED };
        let mut tape = Tape::new(text);
        let (element, leans) = read(text, cx, &mut tape)?;
        if !leans {
            return Ok(Element { text: text.slice_ref(element), nodes: tape.nodes.into(), scope });
        }
        let text = Text::from(rewrite(element, cx)?);
        let mut tape = Tape::new(&text);
        run_whole(text.as_bytes(), cx, &mut tape)?;
        Ok(Element { text, nodes: tape.nodes.into(), scope })
    }

    /// The tree of text that was checked before and stands alone.
    pub(crate) fn checked(text: Text, scope: Scope) -> Element {
        let cx = Context { root: &scope, limits: &Limits::CHECKED };
        let mut tape = Tape::new(&text);
        let walked = run_whole(text.as_bytes(), cx, &mut tape);
        debug_assert!(walked.is_ok(), "{text} was checked: {walked:?}");
        Element { text, nodes: tape.nodes.into(), scope }
    }

    /// The element itself, to be asked like those inside it.
    pub fn root(&self) -> ElementRef<'_> {
        ElementRef { tree: self, at: 0 }
    }

    /// The name without its prefix.
    pub fn name(&self) -> &str {
        self.root().name()
    }

    /// The namespace name; `&`, `<` and quotes in it are still escaped.
    pub fn ns(&self) -> &str {
        self.root().ns()
    }

    /// Whether it has this name and namespace.
    pub fn is(&self, name: &str, ns: &str) -> bool {
        self.root().is(name, ns)
    }

    /// The value of the attribute with this name, `xml:lang` with its prefix.
    pub fn attr(&self, name: &str) -> Option<Cow<'_, str>> {
        self.root().attr(name)
    }

    /// The attributes as name with prefix, and value. Namespace declarations are not among them.
    pub fn attrs(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.root().attrs()
    }

    /// The direct children, in order.
    pub fn children(&self) -> impl Iterator<Item = ElementRef<'_>> {
        self.root().children()
    }

    /// The first direct child with this name and namespace.
    pub fn child(&self, name: &str, ns: &str) -> Option<ElementRef<'_>> {
        self.root().child(name, ns)
    }

    /// The character data that is directly inside, without that of the children.
    pub fn text(&self) -> Cow<'_, str> {
        self.root().text()
    }

    /// The whole element.
    pub fn raw(&self) -> Text {
        self.text.clone()
    }
}

impl<'a> ElementRef<'a> {
    fn node(self) -> Option<&'a Node> {
        self.tree.nodes.get(self.at)
    }

    fn part(self, range: impl FnOnce(&Node) -> (u32, u32)) -> &'a str {
        let (from, to) = self.node().map_or((0, 0), range);
        text_part(&self.tree.text, from as usize, to as usize)
    }

    /// The name without its prefix.
    pub fn name(self) -> &'a str {
        self.part(|node| (node.name, node.name + u32::from(node.name_len)))
    }

    /// The namespace name; `&`, `<` and quotes in it are still escaped.
    pub fn ns(self) -> &'a str {
        let place = self.node().map_or(NsPlace::Content, |node| node.ns);
        place.name(&self.tree.text, &self.tree.scope.content)
    }

    /// Whether it has this name and namespace.
    pub fn is(self, name: &str, ns: &str) -> bool {
        self.name() == name && self.ns() == ns
    }

    /// The value of the attribute with this name, `xml:lang` with its prefix.
    pub fn attr(self, name: &str) -> Option<Cow<'a, str>> {
        let tag = self.part(|node| (node.start, node.tag_end));
        let found =
            walk::attributes(tag.as_bytes(), 0).find(|attr| attr.name(tag.as_bytes()) == name.as_bytes())?;
        Some(unescape_attr(text_part(tag, found.value as usize, found.value_end())))
    }

    /// The attributes as name with prefix, and value. Namespace declarations are not among them.
    pub fn attrs(self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let tag = self.part(|node| (node.start, node.tag_end));
        walk::attributes(tag.as_bytes(), 0).filter(|attr| !attr.declares).map(move |attr| {
            let name_at = attr.name as usize;
            let name = text_part(tag, name_at, name_at + usize::from(attr.name_len));
            (name, unescape_attr(text_part(tag, attr.value as usize, attr.value_end())))
        })
    }

    /// The direct children, in order.
    pub fn children(self) -> impl Iterator<Item = ElementRef<'a>> {
        let end = self.node().map_or(0, |node| node.next as usize);
        let mut next = self.at + 1;
        std::iter::from_fn(move || {
            let child = ElementRef { tree: self.tree, at: next };
            next = child.node().filter(|_| child.at < end)?.next as usize;
            Some(child)
        })
    }

    /// The first direct child with this name and namespace.
    pub fn child(self, name: &str, ns: &str) -> Option<ElementRef<'a>> {
        self.children().find(|child| child.is(name, ns))
    }

    /// The character data that is directly inside, without that of the children.
    pub fn text(self) -> Cow<'a, str> {
        let Some(node) = self.node() else { return Cow::Borrowed("") };
        let text: &'a str = &self.tree.text;
        let mut from = node.tag_end;
        let gaps = self.children().filter_map(ElementRef::node).map(move |child| {
            let gap = (from, child.start);
            from = child.end;
            gap
        });
        let last = self.children().last().and_then(ElementRef::node).map_or(node.tag_end, |child| child.end);
        let pieces = gaps.chain([(last, node.close)]).filter(|(from, to)| from < to);
        join_text(pieces.map(|(from, to)| text_part(text, from as usize, to as usize)))
    }

    /// The whole element, a slice of the tree's text. It stands alone if it is a child of the root; deeper
    /// ones may take namespaces from their parents.
    pub fn raw(self) -> Text {
        self.tree.text.slice_ref(self.part(|node| (node.start, node.end)))
    }

    /// What is between the start tag and the end tag, as it is written.
    pub fn inner_raw(self) -> Text {
        self.tree.text.slice_ref(self.part(|node| (node.tag_end, node.close)))
    }
}

impl Tape {
    /// With room for exactly the elements of the text, CDATA sections apart.
    fn new(text: &str) -> Tape {
        let bytes = text.as_bytes();
        let starts = memchr::memchr_iter(b'<', bytes).filter(|at| bytes.get(at + 1) != Some(&b'/'));
        Tape { nodes: Vec::with_capacity(starts.count()), open: Vec::new() }
    }
}

impl Sink for Tape {
    fn start(&mut self, start: &StartTag<'_>) -> Result<(), XmlErrorKind> {
        let name = start.tag.local_at();
        self.open.push(self.nodes.len() as u32);
        self.nodes.push(Node {
            start: start.tag.at as u32,
            tag_end: start.tag.end as u32,
            close: 0,
            end: 0,
            next: 0,
            name: name as u32,
            name_len: (start.tag.local_end() - name) as u16,
            ns: NsPlace::of(start, start.ns),
        });
        Ok(())
    }

    fn end(&mut self, end: &EndTag) -> Result<(), XmlErrorKind> {
        let next = self.nodes.len() as u32;
        if let Some(node) = self.open.pop().and_then(|at| self.nodes.get_mut(at as usize)) {
            (node.close, node.end, node.next) = (end.at as u32, end.end as u32, next);
        }
        Ok(())
    }
}
