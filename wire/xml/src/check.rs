//! Walks one element from its first `<` to its last `>`, checks it, and tells a [`Sink`] its tags.
//! Can stop wherever the bytes end, and go on when there are more.

use smallvec::SmallVec;

use crate::namespace::{Ns, Root, Space};
use crate::scan::{Scan, Stop, byte_at, find_text_stop, malformed, part, reference, skip_space};
use crate::tag::{Attrs, RawAttr, RawTag, start_tag};
use crate::{Limits, XmlErrorKind};

/// What the element is read against.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub root: &'a Root,
    pub limits: &'a Limits,
}

/// A start tag with its namespaces.
pub(crate) struct StartTag<'a> {
    pub bytes: &'a [u8],
    pub tag: RawTag,
    pub attrs: &'a [RawAttr],
    pub ns: Ns,
    pub space: &'a Space,
    /// 0 for the first-level element.
    pub depth: usize,
    /// The default namespace around this tag.
    pub outer_default: Ns,
}

/// The end of an element: its end tag, or the end of its empty tag.
pub(crate) struct EndTag {
    /// Where the end tag begins; the end of an empty tag.
    pub at: usize,
    pub end: usize,
    pub depth: usize,
}

pub(crate) trait Sink {
    fn start(&mut self, start: &StartTag<'_>) -> Result<(), XmlErrorKind>;
    fn end(&mut self, end: &EndTag) -> Result<(), XmlErrorKind>;
}

/// An element whose end tag is awaited.
#[derive(Debug)]
struct Open {
    name_at: u32,
    name_len: u32,
    /// What was in scope around it.
    bindings: u32,
    default: Ns,
}

/// The state between two pieces, and inside a piece that the bytes cut off.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    open: SmallVec<[Open; 8]>,
    space: Space,
    attrs: Attrs,
    /// Start tags that were read.
    elements: u32,
    /// The first byte that belongs to no finished tag.
    token: usize,
    /// No need to look at bytes before this one again to find the end of the piece.
    scanned: usize,
    /// A tag or section was cut off: find its end before it is read again.
    waiting: bool,
    /// The quote that `scanned` is inside, or 0.
    quote: u8,
    /// The element leans on what stands around it, or its children on the element (see `rewrite`).
    pub leans: bool,
    /// Bytes looked at or copied, for the tests' proof that time is linear.
    #[cfg(test)]
    pub steps: usize,
}

impl Checker {
    /// Goes on until the element ends; gives where. `bytes` begins with the element and has only grown
    /// since the last call. UTF-8 and control characters are left to `class::has_illegal_char`.
    pub(crate) fn run<S: Sink>(&mut self, bytes: &[u8], cx: Context<'_>, sink: &mut S) -> Scan<usize> {
        if self.waiting {
            self.await_end(bytes)?;
            (self.waiting, self.scanned) = (false, self.token);
        }
        loop {
            if !self.open.is_empty() {
                self.text(bytes)?;
            }
            let at = self.token;
            match self.tag(bytes, at, cx, sink) {
                Ok(true) => return Ok(self.token),
                Ok(false) => {}
                Err(Stop::More) => {
                    self.count(bytes.len() - at);
                    (self.waiting, self.scanned, self.quote) = (true, at + 1, 0);
                    return Err(Stop::More);
                }
                Err(bad) => return Err(bad),
            }
            self.count(self.token - at);
        }
    }

    /// Notes for the tests that so many bytes were looked at or copied.
    pub(crate) fn count(&mut self, _bytes: usize) {
        #[cfg(test)]
        {
            self.steps += _bytes;
        }
    }

    /// Moves `token` behind the text that begins there: to a `<`.
    #[inline(always)]
    fn text(&mut self, bytes: &[u8]) -> Scan<()> {
        let mut at = self.scanned.max(self.token);
        loop {
            let from = at;
            at = find_text_stop(bytes, at);
            self.count(at - from);
            match bytes.get(at) {
                Some(b'<') => break,
                Some(b'>') => {
                    // XML 1.0 §2.4.
                    if part(bytes, self.token, at).ends_with(b"]]") {
                        return malformed(at);
                    }
                    at += 1;
                }
                Some(_) => {
                    self.scanned = at;
                    at = reference(bytes, at)?.1;
                }
                None => {
                    self.scanned = at;
                    return Err(Stop::More);
                }
            }
        }
        (self.token, self.scanned) = (at, at);
        Ok(())
    }

    /// Reads the tag or section at `at`; gives whether the element has ended.
    #[inline(always)]
    fn tag<S: Sink>(&mut self, bytes: &[u8], at: usize, cx: Context<'_>, sink: &mut S) -> Scan<bool> {
        match byte_at(bytes, at + 1)? {
            b'/' => self.end_tag(bytes, at, sink),
            b'!' if self.open.is_empty() => Err(Stop::Bad(XmlErrorKind::RestrictedXml, at)),
            b'!' => {
                let end = cdata(bytes, at, at)?;
                (self.token, self.scanned) = (end, end);
                Ok(false)
            }
            b'?' => Err(Stop::Bad(XmlErrorKind::RestrictedXml, at)),
            _ => self.start_tag(bytes, at, cx, sink),
        }
    }

    #[inline(always)]
    fn start_tag<S: Sink>(&mut self, bytes: &[u8], at: usize, cx: Context<'_>, sink: &mut S) -> Scan<bool> {
        let tag = start_tag(bytes, at, cx.limits, &mut self.attrs)?;
        let depth = self.open.len();
        if depth >= usize::from(cx.limits.depth) || self.elements >= cx.limits.elements {
            return Err(Stop::Bad(XmlErrorKind::TooLarge, at));
        }
        self.elements += 1;
        let outer_bindings = self.space.len();
        let outer_default = self.space.default;
        let bad = |kind| Stop::Bad(kind, tag.end);
        let ns = self.resolve(bytes, &tag, cx).map_err(bad)?;
        if depth == 0 {
            self.space.head = self.space.len() as u32;
        }
        let start = StartTag { bytes, tag, attrs: &self.attrs, ns, space: &self.space, depth, outer_default };
        self.leans |= start.leans(cx.root);
        sink.start(&start).map_err(bad)?;
        if self.attrs.len() > 1 && self.space.has_duplicate(&mut self.attrs, bytes, cx.root) {
            return malformed(tag.end);
        }
        (self.token, self.scanned) = (tag.end, tag.end);
        if tag.empty {
            sink.end(&EndTag { at: tag.end, end: tag.end, depth }).map_err(bad)?;
            self.space.truncate(outer_bindings);
            self.space.default = outer_default;
            return Ok(depth == 0);
        }
        self.open.push(Open {
            name_at: at as u32 + 1,
            name_len: tag.name_len as u32,
            bindings: outer_bindings as u32,
            default: outer_default,
        });
        Ok(false)
    }

    /// Takes the declarations in, then resolves the prefixes of the element and its attributes.
    #[inline(always)]
    fn resolve(&mut self, bytes: &[u8], tag: &RawTag, cx: Context<'_>) -> Result<Ns, XmlErrorKind> {
        if tag.declarations != 0 {
            for attr in self.attrs.iter().filter(|attr| attr.declares) {
                self.leans |= !self.space.declare(bytes, *attr, cx.root, cx.limits)?;
            }
        }
        if tag.prefixed != 0 {
            for attr in self.attrs.iter().filter(|attr| attr.prefix_len != 0 && !attr.declares) {
                let found = self.space.lookup(bytes, attr.prefix(bytes), cx.root);
                found.ok_or(XmlErrorKind::NotWellFormed)?;
            }
        }
        if tag.prefix_len == 0 {
            return Ok(self.space.default);
        }
        self.space.lookup(bytes, tag.prefix(bytes), cx.root).ok_or(XmlErrorKind::NotWellFormed)
    }

    #[inline(always)]
    fn end_tag<S: Sink>(&mut self, bytes: &[u8], at: usize, sink: &mut S) -> Scan<bool> {
        let Some(open) = self.open.last() else { return malformed(at) };
        let name = part(bytes, open.name_at as usize, (open.name_at + open.name_len) as usize);
        let found = part(bytes, at + 2, bytes.len().min(at + 2 + name.len()));
        if found != name {
            return if name.starts_with(found) { Err(Stop::More) } else { malformed(at) };
        }
        let mut end = at + 2 + name.len();
        if byte_at(bytes, end)? != b'>' {
            end = skip_space(bytes, end)?;
            if byte_at(bytes, end)? != b'>' {
                return malformed(end);
            }
        }
        end += 1;
        self.space.truncate(open.bindings as usize);
        self.space.default = open.default;
        self.open.pop();
        let depth = self.open.len();
        sink.end(&EndTag { at, end, depth }).map_err(|kind| Stop::Bad(kind, end))?;
        (self.token, self.scanned) = (end, end);
        Ok(depth == 0)
    }

    /// Looks in the bytes that are new for the end of the tag or section at `token`. A wrong one may pass:
    /// it is found out when it is read.
    fn await_end(&mut self, bytes: &[u8]) -> Scan<()> {
        match byte_at(bytes, self.token + 1)? {
            b'?' => Ok(()),
            b'!' => {
                let from = self.scanned;
                self.scanned = bytes.len();
                self.count(bytes.len() - from);
                match cdata(bytes, self.token, from) {
                    Err(Stop::More) => Err(Stop::More),
                    _ => Ok(()),
                }
            }
            b'/' => {
                let rest = bytes.get(self.scanned..).unwrap_or_default();
                self.count(rest.len());
                self.scanned = bytes.len();
                memchr::memchr(b'>', rest).map(|_| ()).ok_or(Stop::More)
            }
            _ => self.await_tag_end(bytes),
        }
    }

    /// The same for the opening tag of a stream, or the XML declaration: gives where it ends.
    pub(crate) fn await_prolog_end(&mut self, bytes: &[u8]) -> Scan<usize> {
        self.scanned = self.scanned.max(1);
        self.await_tag_end(bytes)?;
        Ok(self.scanned)
    }

    fn await_tag_end(&mut self, bytes: &[u8]) -> Scan<()> {
        loop {
            let rest = bytes.get(self.scanned..).unwrap_or_default();
            // A `<` never belongs to a tag: it ends the wait for what will turn out wrong.
            let found = match self.quote {
                0 => rest.iter().position(|byte| matches!(byte, b'>' | b'"' | b'\'' | b'<')),
                quote => memchr::memchr2(quote, b'<', rest),
            };
            let Some(found) = found else {
                self.count(rest.len());
                self.scanned = bytes.len();
                return Err(Stop::More);
            };
            self.count(found + 1);
            self.scanned += found + 1;
            self.quote = match (self.quote, rest.get(found)) {
                (_, Some(b'<')) | (0, Some(b'>')) => return Ok(()),
                (0, Some(&quote)) => quote,
                _ => 0,
            };
        }
    }
}

/// Scans the CDATA section at `at`, whose end is not before `from`; gives where it ends.
fn cdata(bytes: &[u8], at: usize, from: usize) -> Scan<usize> {
    const START: &[u8] = b"<![CDATA[";
    let found = part(bytes, at, bytes.len().min(at + START.len()));
    if found != START {
        // Comments and document types begin alike.
        let restricted = Err(Stop::Bad(XmlErrorKind::RestrictedXml, at));
        return if START.starts_with(found) { Err(Stop::More) } else { restricted };
    }
    let content = at + START.len();
    let mut next = from.max(content);
    loop {
        let rest = bytes.get(next..).unwrap_or_default();
        next += memchr::memchr(b'>', rest).ok_or(Stop::More)?;
        if part(bytes, content, next).ends_with(b"]]") {
            return Ok(next + 1);
        }
        next += 1;
    }
}

impl StartTag<'_> {
    /// Whether this tag depends on what stands around its frame, or around its direct child of the frame:
    /// `rewrite` then makes both stand alone.
    #[inline(always)]
    fn leans(&self, root: &Root) -> bool {
        let inner = self.depth > 0;
        let outside = |ns: Ns| match ns {
            Ns::Root(_) => true,
            Ns::Bound(index) => inner && index < self.space.head,
            Ns::RootDefault | Ns::Xml => false,
        };
        let is_content = |ns| self.space.is_content(ns, root);
        let name_leans = if self.tag.prefix_len == 0 {
            match self.ns {
                Ns::RootDefault => !is_content(self.ns),
                ns => outside(ns) && !is_content(ns),
            }
        } else {
            outside(self.ns) || (is_content(self.ns) && (!inner || is_content(self.outer_default)))
        };
        // A child that repeats the namespace of stanzas would carry it into streams that have another.
        let repeats = inner
            && self.tag.declarations != 0
            && self.space.default != self.outer_default
            && is_content(self.space.default)
            && is_content(self.outer_default);
        let attr_leans = |attr: &RawAttr| {
            let prefix = attr.prefix(self.bytes);
            attr.prefix_len != 0
                && !attr.declares
                && self.space.lookup(self.bytes, prefix, root).is_some_and(outside)
        };
        name_leans || repeats || (self.tag.prefixed != 0 && self.attrs.iter().any(attr_leans))
    }
}
