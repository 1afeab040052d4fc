//! One start tag: name, attributes, and how it ends. Namespaces are the next step's concern.

use smallvec::SmallVec;

use crate::class::{SPACE, class};
use crate::scan::{Scan, Stop, byte_at, malformed, part, qualified_name, quoted_value, skip_space};
use crate::{Limits, XmlErrorKind};

/// An attribute as it stands in the tag. Offsets count from the start of the bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RawAttr {
    /// Where the name begins, with its prefix.
    pub name: u32,
    /// Where the value begins, inside the quotes.
    pub value: u32,
    pub value_len: u32,
    pub name_len: u16,
    /// Zero without a prefix.
    pub prefix_len: u16,
    /// No reference and no white space other than blanks: the value is what stands there.
    pub plain: bool,
    /// `xmlns` or `xmlns:…`.
    pub declares: bool,
}

pub(crate) type Attrs = SmallVec<[RawAttr; 8]>;

/// A start tag as it stands in the bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawTag {
    /// Where its `<` is.
    pub at: usize,
    /// Where it ends, behind its `>`.
    pub end: usize,
    pub name_len: usize,
    /// Zero without a prefix.
    pub prefix_len: usize,
    /// Ends with `/>`.
    pub empty: bool,
    /// Number of namespace declarations.
    pub declarations: usize,
    /// Number of attributes with a prefix, namespace declarations aside.
    pub prefixed: usize,
}

impl RawAttr {
    /// The name with its prefix.
    #[inline]
    pub(crate) fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        part(bytes, self.name as usize, self.name as usize + usize::from(self.name_len))
    }

    /// The prefix; empty without one.
    pub(crate) fn prefix<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        part(bytes, self.name as usize, self.name as usize + usize::from(self.prefix_len))
    }

    /// The name without its prefix.
    pub(crate) fn local<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let skip = if self.prefix_len == 0 { 0 } else { usize::from(self.prefix_len) + 1 };
        part(self.name(bytes), skip, self.name_len.into())
    }

    /// The value as it stands there.
    pub(crate) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        part(bytes, self.value as usize, self.value_end())
    }

    /// Where the value ends; its closing quote stands there.
    pub(crate) fn value_end(&self) -> usize {
        self.value as usize + self.value_len as usize
    }
}

impl RawTag {
    /// The prefix; empty without one.
    pub(crate) fn prefix<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        part(bytes, self.at + 1, self.at + 1 + self.prefix_len)
    }

    /// Where the name without its prefix begins.
    pub(crate) fn local_at(&self) -> usize {
        self.at + 1 + if self.prefix_len == 0 { 0 } else { self.prefix_len + 1 }
    }

    pub(crate) fn local_end(&self) -> usize {
        self.at + 1 + self.name_len
    }
}

/// Scans the start tag whose `<` is at `at`; `attrs` is emptied and filled.
#[inline]
pub(crate) fn start_tag(bytes: &[u8], at: usize, limits: &Limits, attrs: &mut Attrs) -> Scan<RawTag> {
    attrs.clear();
    let (mut end, prefix_len) = qualified_name(bytes, at + 1, limits.name_bytes)?;
    let name_len = end - at - 1;
    let (mut declarations, mut prefixed) = (0, 0);
    loop {
        let mut next = byte_at(bytes, end)?;
        let spaced = class(next) & SPACE != 0;
        if spaced {
            end = skip_space(bytes, end + 1)?;
            next = byte_at(bytes, end)?;
        }
        let empty = match next {
            b'>' => false,
            b'/' => match byte_at(bytes, end + 1)? {
                b'>' => true,
                _ => return malformed(end + 1),
            },
            _ if !spaced => return malformed(end),
            _ => {
                let attr = attribute(bytes, end, limits)?;
                declarations += usize::from(attr.declares);
                prefixed += usize::from(attr.prefix_len != 0 && !attr.declares);
                end = attr.value_end() + 1;
                let limit = if attr.declares { limits.bindings } else { limits.attributes };
                let count = if attr.declares { declarations } else { attrs.len() + 1 - declarations };
                if count > usize::from(limit) {
                    return Err(Stop::Bad(XmlErrorKind::TooLarge, end));
                }
                attrs.push(attr);
                continue;
            }
        };
        let end = end + 1 + usize::from(empty);
        return Ok(RawTag { at, end, name_len, prefix_len, empty, declarations, prefixed });
    }
}

/// Scans one attribute whose name begins at `at`.
#[inline(always)]
pub(crate) fn attribute(bytes: &[u8], at: usize, limits: &Limits) -> Scan<RawAttr> {
    let (name_end, prefix_len) = qualified_name(bytes, at, limits.name_bytes)?;
    let mut end = name_end;
    if byte_at(bytes, end)? != b'=' {
        end = skip_space(bytes, end)?;
        if byte_at(bytes, end)? != b'=' {
            return malformed(end);
        }
    }
    end += 1;
    if class(byte_at(bytes, end)?) & SPACE != 0 {
        end = skip_space(bytes, end)?;
    }
    let (value, value_end, plain) = quoted_value(bytes, end)?;
    let first = if prefix_len == 0 { name_end } else { at + prefix_len };
    Ok(RawAttr {
        name: at as u32,
        value: value as u32,
        value_len: (value_end - value) as u32,
        name_len: (name_end - at) as u16,
        prefix_len: prefix_len as u16,
        plain,
        declares: part(bytes, at, first) == b"xmlns",
    })
}
