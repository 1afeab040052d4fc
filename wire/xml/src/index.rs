//! The places in a frame that routing looks at: the first-level element's name and attributes, and the names
//! of its children. Of fixed size; what does not fit is found by walking the text.

use crate::check::{EndTag, Sink, StartTag};
use crate::namespace::Ns;
use crate::tag::RawAttr;
use crate::{XML_NS, XmlErrorKind};

/// So many attributes and children are indexed.
const ATTRS: usize = 6;
const CHILDREN: usize = 6;

/// Where a namespace name stands in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NsPlace {
    /// Nowhere: it is the namespace of stanzas.
    Content,
    Xml,
    At(u32, u32),
}

/// A direct child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChildPlace {
    pub start: u32,
    pub end: u32,
    /// Where the name without its prefix begins, from `start`.
    pub name: u16,
    pub name_len: u16,
    pub ns: NsPlace,
}

#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// The name without its prefix.
    pub name: (u32, u32),
    pub ns: NsPlace,
    /// Where the start tag ends.
    pub tag_end: u32,
    attr_count: u8,
    child_count: u8,
    /// There are more than the index holds.
    pub more_attrs: bool,
    pub more_children: bool,
    attrs: [RawAttr; ATTRS],
    children: [ChildPlace; CHILDREN],
}

impl NsPlace {
    pub(crate) fn of(start: &StartTag<'_>, ns: Ns) -> NsPlace {
        match (ns, start.space.place(ns)) {
            (Ns::Xml, _) => NsPlace::Xml,
            (Ns::Bound(index), Some((at, length))) => {
                let content = start.space.binding(index).is_some_and(|binding| binding.content);
                if content { NsPlace::Content } else { NsPlace::At(at, length) }
            }
            // A frame that leans on the stream's opening tag is rewritten before anybody asks.
            _ => NsPlace::Content,
        }
    }

    pub(crate) fn name<'a>(self, text: &'a str, content: &'a str) -> &'a str {
        match self {
            NsPlace::Content => content,
            NsPlace::Xml => XML_NS,
            NsPlace::At(at, length) => text.get(at as usize..(at + length) as usize).unwrap_or_default(),
        }
    }
}

impl Default for Index {
    #[inline(always)]
    fn default() -> Index {
        let child = ChildPlace { start: 0, end: 0, name: 0, name_len: 0, ns: NsPlace::Content };
        Index {
            name: (0, 0),
            ns: NsPlace::Content,
            tag_end: 0,
            attr_count: 0,
            child_count: 0,
            more_attrs: false,
            more_children: false,
            attrs: [RawAttr::default(); ATTRS],
            children: [child; CHILDREN],
        }
    }
}

impl Index {
    pub(crate) fn attrs(&self) -> &[RawAttr] {
        self.attrs.get(..self.attr_count.into()).unwrap_or_default()
    }

    pub(crate) fn children(&self) -> &[ChildPlace] {
        self.children.get(..self.child_count.into()).unwrap_or_default()
    }
}

impl Sink for Index {
    // `Limits::bounded` keeps names short enough for offsets of 16 bits.
    #[inline(always)]
    fn start(&mut self, start: &StartTag<'_>) -> Result<(), XmlErrorKind> {
        if start.depth > 1 {
            return Ok(());
        }
        let name = start.tag.local_at();
        let name_len = start.tag.local_end() - name;
        let ns = NsPlace::of(start, start.ns);
        if start.depth == 0 {
            self.name = (name as u32, name_len as u32);
            self.ns = ns;
            self.tag_end = start.tag.end as u32;
            self.more_attrs = start.attrs.len() > ATTRS;
            for (slot, attr) in self.attrs.iter_mut().zip(start.attrs) {
                *slot = *attr;
                self.attr_count += 1;
            }
        } else if let Some(slot) = self.children.get_mut(usize::from(self.child_count)) {
            let (start, name) = (start.tag.at as u32, (name - start.tag.at) as u16);
            *slot = ChildPlace { start, end: 0, name, name_len: name_len as u16, ns };
            self.child_count += 1;
        } else {
            self.more_children = true;
        }
        Ok(())
    }

    #[inline(always)]
    fn end(&mut self, end: &EndTag) -> Result<(), XmlErrorKind> {
        let last = usize::from(self.child_count).wrapping_sub(1);
        if end.depth == 1
            && !self.more_children
            && let Some(slot) = self.children.get_mut(last)
        {
            slot.end = end.end as u32;
        }
        Ok(())
    }
}
