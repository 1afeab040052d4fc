use std::fmt;

/// The part of an address a [`JidError`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Local,
    Domain,
    Resource,
    /// A password or user name of SASL; not part of an address.
    Credential,
}

/// Why a text is no address. Maps to the stanza error `jid-malformed` (RFC 6120 §8.3.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JidError {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The part is there but empty, or nothing of it is left after preparation (RFC 7622 §3.2 to §3.4).
    Empty(Part),
    /// The part is longer than 1023 bytes.
    TooLong(Part),
    /// The part holds a character that its profile prohibits.
    Forbidden(Part, char),
    /// The part mixes writing directions (RFC 3454 §6).
    Bidirectional(Part),
    /// The part changes each time it is prepared, so it has no normal form.
    Unstable(Part),
    /// The domain looks like an IP literal but is none.
    BadAddressLiteral,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Local => "localpart",
            Part::Domain => "domainpart",
            Part::Resource => "resourcepart",
            Part::Credential => "credential",
        })
    }
}

impl fmt::Display for JidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JidError::NotUtf8 => write!(f, "the address is not UTF-8"),
            JidError::Empty(part) => write!(f, "the {part} is empty"),
            JidError::TooLong(part) => write!(f, "the {part} is longer than 1023 bytes"),
            JidError::Forbidden(part, c) => write!(f, "the {part} must not hold {c:?}"),
            JidError::Bidirectional(part) => write!(f, "the {part} mixes writing directions"),
            JidError::Unstable(part) => write!(f, "the {part} has no normal form"),
            JidError::BadAddressLiteral => write!(f, "the domainpart is no valid IP literal"),
        }
    }
}

impl std::error::Error for JidError {}
