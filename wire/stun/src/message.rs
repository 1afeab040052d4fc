//! Reading messages. A message is a view of the bytes it came in; nothing is copied.

use core::net::SocketAddr;

use crate::address;
use crate::attribute::kind;
use crate::credential::{self, Key};

/// Bytes of a header.
pub const HEADER: usize = 20;
/// RFC 8489 §5
pub const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Attributes that a message may have: far more than any request needs.
const ATTRIBUTES_MAX: usize = 64;

/// What a message is for (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// The answer to a request that worked.
    Success,
    /// The answer to one that didn't.
    Error,
}

/// What a message is about. Other numbers than these are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(pub u16);

impl Method {
    /// RFC 8489 §3
    pub const BINDING: Self = Self(0x001);
    /// RFC 8656 §17
    pub const ALLOCATE: Self = Self(0x003);
    /// RFC 8656 §17
    pub const REFRESH: Self = Self(0x004);
    /// RFC 8656 §17
    pub const SEND: Self = Self(0x006);
    /// RFC 8656 §17
    pub const DATA: Self = Self(0x007);
    /// RFC 8656 §17
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// RFC 8656 §17
    pub const CHANNEL_BIND: Self = Self(0x009);
    /// RFC 6062 §6.1
    pub const CONNECT: Self = Self(0x00a);
    /// RFC 6062 §6.1
    pub const CONNECTION_BIND: Self = Self(0x00b);
    /// RFC 6062 §6.1
    pub const CONNECTION_ATTEMPT: Self = Self(0x00c);
}

/// The 96 bits that an answer repeats; and the magic cookie in front, which RFC 3489 clients fill with bits of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 16]);

impl TransactionId {
    /// Whether the sender knows nothing newer than RFC 3489.
    pub fn is_classic(&self) -> bool {
        self.0.first_chunk() != Some(&MAGIC_COOKIE)
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not a STUN message at all: answered by nothing.
    #[error("no STUN message")]
    Foreign,
    /// A header whose length or attributes don't fit.
    #[error("attributes don't fit into the message")]
    Malformed,
    /// The checksum is wrong.
    #[error("wrong FINGERPRINT")]
    Fingerprint,
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// Its class.
    pub class: Class,
    /// Its method.
    pub method: Method,
    /// Its transaction.
    pub transaction: TransactionId,
    /// Where MESSAGE-INTEGRITY's header begins.
    integrity: Option<usize>,
    /// Where MESSAGE-INTEGRITY-SHA256's header begins.
    integrity_sha256: Option<usize>,
    has_fingerprint: bool,
}

/// One attribute: its type, its value, and where its header begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// See [`kind`].
    pub kind: u16,
    /// Without padding.
    pub value: &'a [u8],
    at: usize,
}

/// The length of the message that begins here, with its header, on a stream transport; none if it is no message.
pub fn stream_length(header: &[u8; 4]) -> Option<usize> {
    let [first, _, high, low] = *header;
    let length = usize::from(u16::from_be_bytes([high, low]));
    (first & 0xc0 == 0 && length.is_multiple_of(4)).then_some(HEADER + length)
}

impl<'a> Message<'a> {
    /// Reads a message that fills `bytes`.
    ///
    /// # Errors
    /// [`MessageError`]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let (header, _) = bytes.split_first_chunk::<HEADER>().ok_or(MessageError::Foreign)?;
        let (start, transaction) = header.split_first_chunk::<4>().ok_or(MessageError::Foreign)?;
        let transaction = TransactionId(transaction.try_into().map_err(|_| MessageError::Foreign)?);
        if stream_length(start) != Some(bytes.len()) {
            return Err(MessageError::Foreign);
        }
        let (class, method) = class_and_method(u16::from_be_bytes([start[0], start[1]]));
        let mut message = Message {
            bytes,
            class,
            method,
            transaction,
            integrity: None,
            integrity_sha256: None,
            has_fingerprint: false,
        };
        message.survey()?;
        Ok(message)
    }

    /// All of it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Walks over all attributes once: whether they fit, and where the last ones are.
    fn survey(&mut self) -> Result<(), MessageError> {
        let mut walk = Walk { bytes: self.bytes, at: HEADER };
        let mut count = 0;
        while let Some(attribute) = walk.step()? {
            count += 1;
            // FINGERPRINT is the last attribute (RFC 8489 §14.7).
            if count > ATTRIBUTES_MAX || self.has_fingerprint {
                return Err(MessageError::Malformed);
            }
            match attribute.kind {
                kind::MESSAGE_INTEGRITY if self.integrity.is_none() && self.integrity_sha256.is_none() => {
                    self.integrity = Some(attribute.at);
                }
                kind::MESSAGE_INTEGRITY_SHA256 if self.integrity_sha256.is_none() => {
                    self.integrity_sha256 = Some(attribute.at);
                }
                kind::FINGERPRINT => {
                    let covered = self.bytes.get(..attribute.at).unwrap_or_default();
                    if *attribute.value != credential::fingerprint(covered) {
                        return Err(MessageError::Fingerprint);
                    }
                    self.has_fingerprint = true;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The attributes that count: nothing behind an integrity, which vouches for what stands before it (RFC 8489 §14.5).
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let end = self.integrity.or(self.integrity_sha256).unwrap_or(self.bytes.len());
        let mut walk = Walk { bytes: self.bytes.get(..end).unwrap_or_default(), at: HEADER };
        std::iter::from_fn(move || walk.step().ok().flatten())
            .filter(|attribute| attribute.kind != kind::FINGERPRINT)
    }

    /// The value of the first attribute of a type.
    pub fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|attribute| attribute.kind == kind).map(|attribute| attribute.value)
    }

    /// An attribute of 32 bits.
    pub fn get_u32(&self, kind: u16) -> Option<u32> {
        self.get(kind).and_then(|value| value.try_into().ok()).map(u32::from_be_bytes)
    }

    /// An attribute that is an address as it is.
    pub fn get_address(&self, kind: u16) -> Option<SocketAddr> {
        self.get(kind).and_then(address::decode)
    }

    /// An attribute that is an address masked with the cookie.
    pub fn get_xor_address(&self, kind: u16) -> Option<SocketAddr> {
        self.get(kind).and_then(|value| address::unmask(value, &self.transaction))
    }

    /// Types that must be understood and aren't among `known` (RFC 8489 §6.3.1).
    pub fn unknown(&self, known: &[u16]) -> Vec<u16> {
        let mut unknown: Vec<u16> = self
            .attributes()
            .map(|attribute| attribute.kind)
            .filter(|kind| *kind < 0x8000 && !known.contains(kind))
            .collect();
        unknown.dedup();
        unknown.truncate(16);
        unknown
    }

    /// Whether it says that a key was used.
    pub fn has_integrity(&self) -> bool {
        self.integrity.is_some() || self.integrity_sha256.is_some()
    }

    /// Whether it has MESSAGE-INTEGRITY-SHA256.
    pub fn has_integrity_sha256(&self) -> bool {
        self.integrity_sha256.is_some()
    }

    /// Whether it carries a checksum, which was right.
    pub fn has_fingerprint(&self) -> bool {
        self.has_fingerprint
    }

    /// Whether every integrity that is there was made with this key; false if there is none.
    pub fn verify(&self, key: &Key) -> bool {
        let sha1 = self.integrity.map(|at| credential::verify_sha1(self.bytes, at, key));
        let sha256 = self.integrity_sha256.map(|at| credential::verify_sha256(self.bytes, at, key));
        (sha1.is_some() || sha256.is_some()) && sha1.unwrap_or(true) && sha256.unwrap_or(true)
    }
}

fn class_and_method(word: u16) -> (Class, Method) {
    let class = match (word & 0x0100 != 0, word & 0x0010 != 0) {
        (false, false) => Class::Request,
        (false, true) => Class::Indication,
        (true, false) => Class::Success,
        (true, true) => Class::Error,
    };
    (class, Method(word & 0x000f | (word & 0x00e0) >> 1 | (word & 0x3e00) >> 2))
}

/// The first 16 bits of a message.
pub(crate) fn type_word(class: Class, method: Method) -> u16 {
    let class = match class {
        Class::Request => 0,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    let Method(method) = method;
    class | method & 0x000f | (method & 0x0070) << 1 | (method & 0x0f80) << 2
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn step(&mut self) -> Result<Option<Attribute<'a>>, MessageError> {
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let ([high, low, long, short], rest) = rest.split_first_chunk().ok_or(MessageError::Malformed)?;
        let length = usize::from(u16::from_be_bytes([*long, *short]));
        let value = rest.get(..length).ok_or(MessageError::Malformed)?;
        let padded = length.next_multiple_of(4);
        if padded > rest.len() {
            return Err(MessageError::Malformed);
        }
        self.at = at + 4 + padded;
        Ok(Some(Attribute { kind: u16::from_be_bytes([*high, *low]), value, at }))
    }
}

#[cfg(test)]
mod tests;
