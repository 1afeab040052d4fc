use std::fmt;

/// What is wrong with the input, each named after its stream error (RFC 6120 §4.9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlErrorKind {
    /// Violates XML or XML-NAMES (§4.9.3.13, §11.3).
    NotWellFormed,
    /// Well-formed, but not what a stream may hold here: text between stanzas (§4.9.3.1).
    BadFormat,
    /// A comment, processing instruction, document type or entity reference (§4.9.3.18, §11.1).
    RestrictedXml,
    /// An encoding other than UTF-8 (§4.9.3.22).
    UnsupportedEncoding,
    /// Beyond a limit (§4.9.3.14).
    TooLarge,
}

impl XmlErrorKind {
    /// The stream error condition that answers it (RFC 6120 §4.9.3).
    pub fn condition(self) -> &'static str {
        match self {
            XmlErrorKind::NotWellFormed => "not-well-formed",
            XmlErrorKind::BadFormat => "bad-format",
            XmlErrorKind::RestrictedXml => "restricted-xml",
            XmlErrorKind::UnsupportedEncoding => "unsupported-encoding",
            XmlErrorKind::TooLarge => "policy-violation",
        }
    }
}

/// Why input was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlError {
    pub kind: XmlErrorKind,
    /// Bytes from the start of the element (or document) to the fault, or to the end of what holds it.
    pub offset: usize,
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            XmlErrorKind::NotWellFormed => "XML that is not well-formed",
            XmlErrorKind::BadFormat => "text between stanzas",
            XmlErrorKind::RestrictedXml => "XML that XMPP forbids",
            XmlErrorKind::UnsupportedEncoding => "an encoding other than UTF-8",
            XmlErrorKind::TooLarge => "XML beyond a limit",
        };
        write!(f, "{what}, at byte {} of the element", self.offset)
    }
}

impl std::error::Error for XmlError {}
