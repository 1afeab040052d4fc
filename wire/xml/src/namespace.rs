//! Which namespace a prefix stands for (XML-NAMES): what the stream's opening tag declares, and what the
//! open elements declare.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::escape::{escape_attr, unescape_attr};
use crate::tag::RawAttr;
use crate::{Limits, XML_NS, XMLNS_NS, XmlErrorKind};

/// What stands around a first-level element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// The stream's opening tag's name with its prefix; empty for a document.
    pub name: Cow<'static, str>,
    /// The namespace of stanzas; frames are written as if it were the default namespace around them.
    pub content: Cow<'static, str>,
    /// The default namespace that the opening tag declares, when it is not that of stanzas.
    pub default: Option<Cow<'static, str>>,
    /// The prefixes that the opening tag declares, and their namespaces.
    pub prefixes: Cow<'static, [(Cow<'static, str>, Cow<'static, str>)]>,
}

/// A [`Root`] that costs no memory when it is one of the usual ones.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    Known(&'static Root),
    Own(Arc<Root>),
}

type Prefixes = &'static [(Cow<'static, str>, Cow<'static, str>)];

const STREAM: (Cow<'static, str>, Cow<'static, str>) =
    (Cow::Borrowed("stream"), Cow::Borrowed("http://etherx.jabber.org/streams"));
const DIALBACK: (Cow<'static, str>, Cow<'static, str>) =
    (Cow::Borrowed("db"), Cow::Borrowed("jabber:server:dialback"));

const fn known(name: &'static str, content: &'static str, prefixes: Prefixes) -> Root {
    Root {
        name: Cow::Borrowed(name),
        content: Cow::Borrowed(content),
        default: None,
        prefixes: Cow::Borrowed(prefixes),
    }
}

static KNOWN: [Root; 8] = [
    known("", "", &[]),
    known("", "jabber:client", &[]),
    known("", "jabber:server", &[]),
    known("stream:stream", "jabber:client", &[STREAM]),
    known("stream:stream", "jabber:server", &[STREAM]),
    known("stream:stream", "jabber:server", &[STREAM, DIALBACK]),
    known("stream:stream", "jabber:server", &[DIALBACK, STREAM]),
    known("stream:stream", "jabber:component:accept", &[STREAM]),
];

impl Scope {
    pub(crate) fn empty() -> Scope {
        Scope::Known(&KNOWN[0])
    }

    /// A document or a stored element, with this default namespace around it.
    pub(crate) fn document(content: &str) -> Scope {
        let known = KNOWN.iter().find(|root| root.name.is_empty() && root.content == content);
        known.map_or_else(|| Scope::new(document_root(content)), Scope::Known)
    }

    pub(crate) fn new(root: Root) -> Scope {
        let known = KNOWN.iter().find(|known| **known == root);
        known.map_or_else(|| Scope::Own(Arc::new(root)), Scope::Known)
    }
}

fn document_root(content: &str) -> Root {
    Root {
        name: Cow::Borrowed(""),
        content: Cow::Owned(content.to_owned()),
        default: None,
        prefixes: Cow::Borrowed(&[]),
    }
}

impl Deref for Scope {
    type Target = Root;

    fn deref(&self) -> &Root {
        match self {
            Scope::Known(root) => root,
            Scope::Own(root) => root,
        }
    }
}

/// Where a namespace was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ns {
    /// By an open element: the index of the binding.
    Bound(u32),
    /// By the stream's opening tag, for a prefix: the index among its prefixes.
    Root(u32),
    /// By the stream's opening tag, as default.
    RootDefault,
    /// By XML itself, for the prefix `xml`.
    Xml,
}

/// One declaration of an open element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// Where the prefix and the namespace name stand in the bytes.
    attr: RawAttr,
    /// Declares the namespace of stanzas.
    pub content: bool,
}

/// The declarations of the open elements, innermost last.
#[derive(Debug)]
pub(crate) struct Space {
    bindings: SmallVec<[Binding; 6]>,
    /// What an element without a prefix belongs to.
    pub default: Ns,
    /// How many bindings the first-level element declares.
    pub head: u32,
}

impl Binding {
    /// The declared prefix; empty for the default namespace.
    pub(crate) fn prefix<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        if self.attr.prefix_len == 0 { b"" } else { self.attr.local(bytes) }
    }
}

impl Default for Space {
    fn default() -> Space {
        Space { bindings: SmallVec::new(), default: Ns::RootDefault, head: 0 }
    }
}

impl Space {
    pub(crate) fn len(&self) -> usize {
        self.bindings.len()
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.bindings.truncate(length);
    }

    pub(crate) fn binding(&self, index: u32) -> Option<&Binding> {
        self.bindings.get(index as usize)
    }

    /// Takes one declaration in. Gives whether its namespace name is written in the canonical way.
    pub(crate) fn declare(
        &mut self,
        bytes: &[u8],
        attr: RawAttr,
        root: &Root,
        limits: &Limits,
    ) -> Result<bool, XmlErrorKind> {
        let malformed = Err(XmlErrorKind::NotWellFormed);
        if attr.value_len > u32::from(limits.name_bytes) || self.len() >= usize::from(limits.bindings) {
            return Err(XmlErrorKind::TooLarge);
        }
        let mut canonical = true;
        let mut name = Cow::Borrowed(attr.value(bytes));
        if !attr.plain {
            let Ok(written) = str::from_utf8(attr.value(bytes)) else { return malformed };
            let meant = unescape_attr(written);
            canonical = escape_attr(&meant) == written;
            name = Cow::Owned(meant.into_owned().into_bytes());
        }
        let binding = Binding { attr, content: *name == *root.content.as_bytes() };
        let prefix = binding.prefix(bytes);
        match (prefix, &*name) {
            (b"xml", name) if name == XML_NS.as_bytes() => return Ok(canonical),
            (b"xml" | b"xmlns", _) => return malformed,
            (_, name) if name == XML_NS.as_bytes() || name == XMLNS_NS.as_bytes() => return malformed,
            // Only the default namespace can be undeclared (XML-NAMES 1.0 §5).
            ([_, ..], b"") => return malformed,
            _ => {}
        }
        if prefix.is_empty() {
            self.default = Ns::Bound(self.len() as u32);
        }
        self.bindings.push(binding);
        Ok(canonical)
    }

    /// What `prefix` stands for; `None` when nobody declared it.
    pub(crate) fn lookup(&self, bytes: &[u8], prefix: &[u8], root: &Root) -> Option<Ns> {
        let bound = self.bindings.iter().rposition(|binding| binding.prefix(bytes) == prefix);
        if let Some(index) = bound {
            return Some(Ns::Bound(index as u32));
        }
        if prefix == b"xml" {
            return Some(Ns::Xml);
        }
        let index = root.prefixes.iter().position(|(known, _)| known.as_bytes() == prefix)?;
        Some(Ns::Root(index as u32))
    }

    /// The namespace name, references resolved.
    pub(crate) fn uri<'a>(&self, ns: Ns, bytes: &'a [u8], root: &'a Root) -> Cow<'a, str> {
        match ns {
            Ns::Bound(index) => {
                let value = self.binding(index).map_or(&b""[..], |binding| binding.attr.value(bytes));
                unescape_attr(str::from_utf8(value).unwrap_or_default())
            }
            Ns::Root(index) => Cow::Borrowed(root.prefixes.get(index as usize).map_or("", |(_, uri)| uri)),
            Ns::RootDefault => Cow::Borrowed(root.default.as_ref().unwrap_or(&root.content)),
            Ns::Xml => Cow::Borrowed(XML_NS),
        }
    }

    /// Where the namespace name stands in the bytes, for one that an open element declares.
    pub(crate) fn place(&self, ns: Ns) -> Option<(u32, u32)> {
        let Ns::Bound(index) = ns else { return None };
        self.binding(index).map(|binding| (binding.attr.value, binding.attr.value_len))
    }

    /// Whether it is the namespace of stanzas.
    pub(crate) fn is_content(&self, ns: Ns, root: &Root) -> bool {
        match ns {
            Ns::Bound(index) => self.binding(index).is_some_and(|binding| binding.content),
            Ns::Root(index) => root.prefixes.get(index as usize).is_some_and(|(_, uri)| *uri == root.content),
            Ns::RootDefault => root.default.is_none(),
            Ns::Xml => false,
        }
    }

    /// Whether two attributes of one element have the same expanded name (XML-NAMES §6.3).
    pub(crate) fn same_name(&self, a: &RawAttr, b: &RawAttr, bytes: &[u8], root: &Root) -> bool {
        self.name_order(a, b, bytes, root).is_eq()
    }

    /// Whether two of the attributes of one element have the same expanded name.
    pub(crate) fn has_duplicate(&self, attrs: &mut [RawAttr], bytes: &[u8], root: &Root) -> bool {
        if attrs.len() > PAIRWISE_MAX {
            // An unprefixed name sorts before all prefixed ones, so equals stand side by side.
            attrs.sort_unstable_by(|a, b| self.name_order(a, b, bytes, root));
            return attrs
                .windows(2)
                .any(|pair| matches!(pair, [a, b] if self.name_order(a, b, bytes, root).is_eq()));
        }
        attrs.iter().enumerate().any(|(index, a)| {
            let earlier = attrs.get(..index).unwrap_or_default();
            earlier.iter().any(|b| may_equal(a, b, bytes) && self.same_name(a, b, bytes, root))
        })
    }

    fn name_order(&self, a: &RawAttr, b: &RawAttr, bytes: &[u8], root: &Root) -> std::cmp::Ordering {
        a.local(bytes).cmp(b.local(bytes)).then_with(|| {
            let (x, y) = (a.prefix(bytes), b.prefix(bytes));
            if x == y {
                return std::cmp::Ordering::Equal;
            }
            let uri = |prefix| self.lookup(bytes, prefix, root).map(|ns| self.uri(ns, bytes, root));
            let class = |attr: &RawAttr| (attr.declares, attr.prefix_len != 0);
            class(a).cmp(&class(b)).then_with(|| uri(x).cmp(&uri(y)))
        })
    }
}

/// Up to so many attributes every pair is compared; more are sorted.
const PAIRWISE_MAX: usize = 10;

/// A cheap test that most pairs fail.
#[inline(always)]
fn may_equal(a: &RawAttr, b: &RawAttr, bytes: &[u8]) -> bool {
    let local_len = |attr: &RawAttr| attr.name_len - attr.prefix_len - u16::from(attr.prefix_len != 0);
    let last = |attr: &RawAttr| bytes.get(attr.name as usize + usize::from(attr.name_len) - 1);
    local_len(a) == local_len(b) && last(a) == last(b)
}
