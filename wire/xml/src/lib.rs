//! XML as XMPP allows it (RFC 6120 §11): strict, namespace-aware, and cheap to pass on.
//!
//! [`StreamParser`] turns the bytes of one stream into events; a [`Frame`] is one first-level element, checked
//! and made independent of the stream it came in. [`Element`] is a small tree over shared text, [`Writer`]
//! the way back.

mod check;
mod class;
mod document;
mod element;
mod error;
mod escape;
mod frame;
mod index;
mod namespace;
mod open;
#[cfg(test)]
mod oracle;
mod rewrite;
mod scan;
mod stream;
mod tag;
mod walk;
mod writer;

pub use document::parse_document;
pub use element::{Element, ElementRef};
pub use error::{XmlError, XmlErrorKind};
pub use escape::{escape_attr, escape_text};
pub use frame::{ChildRef, Frame};
pub use open::StreamOpen;
pub use stream::{Event, StreamParser};
pub use writer::Writer;

/// What an element may cost before it is refused, checked before memory is taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one first-level element, of the stream's opening tag, and of an XML declaration.
    pub stanza_bytes: u32,
    /// Elements of one first-level element, itself included.
    pub elements: u32,
    /// Elements inside each other, the first-level element included.
    pub depth: u16,
    /// Attributes of one element, namespace declarations aside.
    pub attributes: u16,
    /// Namespace declarations in scope, those of the stream's opening tag aside.
    pub bindings: u16,
    /// Bytes of a name with its prefix, and of a namespace name.
    pub name_bytes: u16,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            stanza_bytes: 262_144,
            elements: u32::MAX,
            depth: 128,
            attributes: 128,
            bindings: 64,
            name_bytes: 1024,
        }
    }
}

impl Limits {
    /// For text that was checked before: only what the representation needs.
    pub(crate) const CHECKED: Limits = Limits {
        stanza_bytes: u32::MAX - 1,
        elements: u32::MAX,
        depth: u16::MAX,
        attributes: u16::MAX,
        bindings: u16::MAX,
        name_bytes: NAME_BYTES_MAX,
    };

    /// What the representation can hold: offsets are 32 bits wide, those inside a tag's name 16.
    pub(crate) fn bounded(self) -> Limits {
        let stanza_bytes = self.stanza_bytes.min(u32::MAX - 1);
        Limits { stanza_bytes, name_bytes: self.name_bytes.min(NAME_BYTES_MAX), ..self }
    }
}

const NAME_BYTES_MAX: u16 = u16::MAX - 2;

/// The namespace of the prefix `xml` (XML-NAMES §3).
pub(crate) const XML_NS: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of the prefix `xmlns` (XML-NAMES §3).
pub(crate) const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";
