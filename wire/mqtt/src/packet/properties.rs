//! Properties (§2.2.2): a checked slice of the packet, looked through when a value is asked for.

use super::read::{Reader, variable};
use super::write;
use crate::{Error, Reason, Text};
use bytes::Bytes;

/// Identifiers of properties (§2.2.2.2).
pub mod id {
    #![allow(missing_docs, reason = "the names are the specification's")]
    pub const PAYLOAD_FORMAT_INDICATOR: u8 = 0x01;
    pub const MESSAGE_EXPIRY_INTERVAL: u8 = 0x02;
    pub const CONTENT_TYPE: u8 = 0x03;
    pub const RESPONSE_TOPIC: u8 = 0x08;
    pub const CORRELATION_DATA: u8 = 0x09;
    pub const SUBSCRIPTION_IDENTIFIER: u8 = 0x0b;
    pub const SESSION_EXPIRY_INTERVAL: u8 = 0x11;
    pub const ASSIGNED_CLIENT_IDENTIFIER: u8 = 0x12;
    pub const SERVER_KEEP_ALIVE: u8 = 0x13;
    pub const AUTHENTICATION_METHOD: u8 = 0x15;
    pub const AUTHENTICATION_DATA: u8 = 0x16;
    pub const REQUEST_PROBLEM_INFORMATION: u8 = 0x17;
    pub const WILL_DELAY_INTERVAL: u8 = 0x18;
    pub const REQUEST_RESPONSE_INFORMATION: u8 = 0x19;
    pub const RESPONSE_INFORMATION: u8 = 0x1a;
    pub const SERVER_REFERENCE: u8 = 0x1c;
    pub const REASON_STRING: u8 = 0x1f;
    pub const RECEIVE_MAXIMUM: u8 = 0x21;
    pub const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
    pub const TOPIC_ALIAS: u8 = 0x23;
    pub const MAXIMUM_QOS: u8 = 0x24;
    pub const RETAIN_AVAILABLE: u8 = 0x25;
    pub const USER_PROPERTY: u8 = 0x26;
    pub const MAXIMUM_PACKET_SIZE: u8 = 0x27;
    pub const WILDCARD_SUBSCRIPTION_AVAILABLE: u8 = 0x28;
    pub const SUBSCRIPTION_IDENTIFIER_AVAILABLE: u8 = 0x29;
    pub const SHARED_SUBSCRIPTION_AVAILABLE: u8 = 0x2a;
}

/// Where properties stand: which are allowed depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
#[allow(missing_docs, reason = "the names are those of the packets")]
pub enum Place {
    Connect = 1,
    Connack = 2,
    Publish = 4,
    Will = 8,
    /// PUBACK, PUBREC, PUBREL, PUBCOMP
    Ack = 16,
    Subscribe = 32,
    Suback = 64,
    Unsubscribe = 128,
    Unsuback = 256,
    Disconnect = 512,
    Auth = 1024,
}

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Value<'a> {
    Byte(u8),
    Two(u16),
    Four(u32),
    Variable(u32),
    Binary(&'a [u8]),
    /// Checked UTF-8.
    Text(&'a [u8]),
    /// Name and value, checked UTF-8.
    Pair(&'a [u8], &'a [u8]),
}

#[derive(Clone, Copy)]
enum Kind {
    Byte,
    Two,
    Four,
    Variable,
    Binary,
    Text,
    Pair,
}

/// Kind and places of a property (table 2-4); `None` for one that doesn't exist.
const fn shape(identifier: u8) -> Option<(Kind, u16)> {
    use Place::{Ack, Auth, Connack, Connect, Disconnect, Publish, Suback, Subscribe, Unsuback, Will};
    const BOTH: u16 = Publish as u16 | Will as u16;
    const START: u16 = Connect as u16 | Connack as u16;
    const ANSWERS: u16 =
        Connack as u16 | Ack as u16 | Suback as u16 | Unsuback as u16 | Disconnect as u16 | Auth as u16;
    Some(match identifier {
        id::PAYLOAD_FORMAT_INDICATOR => (Kind::Byte, BOTH),
        id::MESSAGE_EXPIRY_INTERVAL => (Kind::Four, BOTH),
        id::CONTENT_TYPE | id::RESPONSE_TOPIC => (Kind::Text, BOTH),
        id::CORRELATION_DATA => (Kind::Binary, BOTH),
        id::SUBSCRIPTION_IDENTIFIER => (Kind::Variable, Publish as u16 | Subscribe as u16),
        id::SESSION_EXPIRY_INTERVAL => (Kind::Four, START | Disconnect as u16),
        id::ASSIGNED_CLIENT_IDENTIFIER | id::RESPONSE_INFORMATION => (Kind::Text, Connack as u16),
        id::SERVER_KEEP_ALIVE => (Kind::Two, Connack as u16),
        id::AUTHENTICATION_METHOD => (Kind::Text, START | Auth as u16),
        id::AUTHENTICATION_DATA => (Kind::Binary, START | Auth as u16),
        id::REQUEST_PROBLEM_INFORMATION | id::REQUEST_RESPONSE_INFORMATION => (Kind::Byte, Connect as u16),
        id::WILL_DELAY_INTERVAL => (Kind::Four, Will as u16),
        id::SERVER_REFERENCE => (Kind::Text, Connack as u16 | Disconnect as u16),
        id::REASON_STRING => (Kind::Text, ANSWERS),
        id::RECEIVE_MAXIMUM | id::TOPIC_ALIAS_MAXIMUM => (Kind::Two, START),
        id::TOPIC_ALIAS => (Kind::Two, Publish as u16),
        id::MAXIMUM_QOS
        | id::RETAIN_AVAILABLE
        | id::WILDCARD_SUBSCRIPTION_AVAILABLE
        | id::SUBSCRIPTION_IDENTIFIER_AVAILABLE
        | id::SHARED_SUBSCRIPTION_AVAILABLE => (Kind::Byte, Connack as u16),
        id::USER_PROPERTY => (Kind::Pair, u16::MAX),
        id::MAXIMUM_PACKET_SIZE => (Kind::Four, START),
        _ => return None,
    })
}

/// Checked properties of one packet. None at all in MQTT 3.1 and 3.1.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(Bytes);

impl Properties {
    /// Reads the length and the properties, and checks that each may stand here, once, with a value it may have.
    pub(crate) fn decode(reader: &mut Reader, place: Place) -> Result<Self, Error> {
        let length = reader.variable()?;
        Self::from_bytes(reader.take(length as usize)?, place)
    }

    /// Checks properties that stand without their length, as a store may keep those of a message.
    pub fn from_bytes(bytes: Bytes, place: Place) -> Result<Self, Error> {
        let mut rest: &[u8] = &bytes;
        let mut seen = 0_u64;
        while !rest.is_empty() {
            let (identifier, value, after) = next(rest)?;
            let allowed = shape(identifier).is_some_and(|(_, places)| places & place as u16 != 0);
            if !allowed {
                return Err(Error::malformed("a property that this packet can't have"));
            }
            check(identifier, value)?;
            let many = identifier == id::USER_PROPERTY
                || (identifier == id::SUBSCRIPTION_IDENTIFIER && place == Place::Publish);
            if !many && seen & (1 << identifier) != 0 {
                return Err(Error::protocol("a property stands twice"));
            }
            seen |= 1 << identifier;
            rest = after;
        }
        Ok(Self(bytes))
    }

    /// The bytes without their length.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A copy that keeps no packet alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A way to make some.
    pub fn builder() -> Builder {
        Builder(Vec::new())
    }

    /// All of them in their order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Value<'_>)> {
        let mut rest: &[u8] = &self.0;
        core::iter::from_fn(move || {
            let (identifier, value, after) = next(rest).ok()?;
            rest = after;
            Some((identifier, value))
        })
    }

    /// The first with this identifier.
    pub fn find(&self, identifier: u8) -> Option<Value<'_>> {
        self.iter().find(|(found, _)| *found == identifier).map(|(_, value)| value)
    }

    /// The number with this identifier.
    pub fn number(&self, identifier: u8) -> Option<u32> {
        match self.find(identifier)? {
            Value::Byte(value) => Some(u32::from(value)),
            Value::Two(value) => Some(u32::from(value)),
            Value::Four(value) | Value::Variable(value) => Some(value),
            _ => None,
        }
    }

    /// The string or the bytes with this identifier, sharing the packet's memory.
    pub fn bytes(&self, identifier: u8) -> Option<Bytes> {
        match self.find(identifier)? {
            Value::Binary(value) | Value::Text(value) => Some(self.0.slice_ref(value)),
            _ => None,
        }
    }

    /// The string with this identifier.
    pub fn text(&self, identifier: u8) -> Option<Text> {
        self.bytes(identifier).and_then(|bytes| Text::from_bytes(bytes).ok())
    }

    /// User properties in their order, as names and values.
    pub fn user(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter_map(|(_, value)| match value {
            Value::Pair(name, value) => {
                Some((core::str::from_utf8(name).ok()?, core::str::from_utf8(value).ok()?))
            }
            _ => None,
        })
    }

    /// Those that `keep` wants; shares the memory when that is all.
    #[must_use]
    pub fn retain(&self, keep: impl Fn(u8) -> bool) -> Self {
        if self.iter().all(|(identifier, _)| keep(identifier)) {
            return self.clone();
        }
        let mut kept = Vec::with_capacity(self.0.len());
        let mut rest: &[u8] = &self.0;
        while let Ok((identifier, _, after)) = next(rest) {
            if keep(identifier) {
                kept.extend_from_slice(rest.get(..rest.len() - after.len()).unwrap_or_default());
            }
            rest = after;
        }
        Self(kept.into())
    }

    /// How many bytes they take in a packet.
    pub(crate) fn encoded_length(&self) -> usize {
        write::variable_length(self.0.len()) + self.0.len()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        write::variable(out, self.0.len());
        out.extend_from_slice(&self.0);
    }
}

/// Makes properties. A string that no packet can hold is left out.
#[derive(Debug, Default)]
pub struct Builder(Vec<u8>);

impl Builder {
    /// A property with one byte.
    #[must_use]
    pub fn byte(mut self, identifier: u8, value: u8) -> Self {
        self.0.extend_from_slice(&[identifier, value]);
        self
    }

    /// A property with two bytes.
    #[must_use]
    pub fn two(mut self, identifier: u8, value: u16) -> Self {
        self.0.push(identifier);
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A property with four bytes.
    #[must_use]
    pub fn four(mut self, identifier: u8, value: u32) -> Self {
        self.0.push(identifier);
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// The property that is a variable byte integer.
    #[must_use]
    pub fn subscription_identifier(mut self, value: u32) -> Self {
        self.0.push(id::SUBSCRIPTION_IDENTIFIER);
        write::variable(&mut self.0, value as usize);
        self
    }

    /// A string.
    #[must_use]
    pub fn text(self, identifier: u8, value: &str) -> Self {
        if value.as_bytes().contains(&0) { self } else { self.binary(identifier, value.as_bytes()) }
    }

    /// Bytes.
    #[must_use]
    pub fn binary(mut self, identifier: u8, value: &[u8]) -> Self {
        if value.len() <= usize::from(u16::MAX) {
            self.0.push(identifier);
            write::binary(&mut self.0, value);
        }
        self
    }

    /// A user property.
    #[must_use]
    pub fn user(mut self, name: &str, value: &str) -> Self {
        let fits = |text: &str| text.len() <= usize::from(u16::MAX) && !text.as_bytes().contains(&0);
        if fits(name) && fits(value) {
            self.0.push(id::USER_PROPERTY);
            write::binary(&mut self.0, name.as_bytes());
            write::binary(&mut self.0, value.as_bytes());
        }
        self
    }

    /// What was made.
    pub fn finish(self) -> Properties {
        Properties(self.0.into())
    }
}

const SHORT: Error = Error::malformed("a property ends too early");

/// One property and what follows it.
fn next(bytes: &[u8]) -> Result<(u8, Value<'_>, &[u8]), Error> {
    // The identifier is a variable byte integer, but there is none of two bytes.
    let (&identifier, rest) = bytes.split_first().ok_or(SHORT)?;
    let (kind, _) = shape(identifier).ok_or(Error::malformed("a property that doesn't exist"))?;
    let (value, rest) = match kind {
        Kind::Byte => rest.split_first().map(|(value, rest)| (Value::Byte(*value), rest)).ok_or(SHORT)?,
        Kind::Two => rest
            .split_first_chunk()
            .map(|(value, rest)| (Value::Two(u16::from_be_bytes(*value)), rest))
            .ok_or(SHORT)?,
        Kind::Four => rest
            .split_first_chunk()
            .map(|(value, rest)| (Value::Four(u32::from_be_bytes(*value)), rest))
            .ok_or(SHORT)?,
        Kind::Variable => {
            let (value, length) = variable(rest)?.ok_or(SHORT)?;
            (Value::Variable(value), rest.get(length..).unwrap_or_default())
        }
        Kind::Binary => binary(rest).map(|(value, rest)| (Value::Binary(value), rest))?,
        Kind::Text => binary(rest).map(|(value, rest)| (Value::Text(value), rest))?,
        Kind::Pair => {
            let (name, rest) = binary(rest)?;
            let (value, rest) = binary(rest)?;
            (Value::Pair(name, value), rest)
        }
    };
    Ok((identifier, value, rest))
}

fn binary(bytes: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let (length, rest) = bytes.split_first_chunk().ok_or(SHORT)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(SHORT)
}

/// Values that a property can't have.
fn check(identifier: u8, value: Value<'_>) -> Result<(), Error> {
    let text = |bytes: &[u8]| core::str::from_utf8(bytes).is_ok() && !bytes.contains(&0);
    match value {
        Value::Byte(2..) => Err(Error::protocol("a property is neither 0 nor 1")),
        // [MQTT-3.3.2-8]
        Value::Two(0) if identifier == id::TOPIC_ALIAS => {
            Err(Error::new(Reason::TOPIC_ALIAS_INVALID, "topic alias 0"))
        }
        Value::Two(0) if identifier == id::RECEIVE_MAXIMUM => Err(Error::protocol("receive maximum 0")),
        Value::Four(0) if identifier == id::MAXIMUM_PACKET_SIZE => {
            Err(Error::protocol("maximum packet size 0"))
        }
        Value::Variable(0) => Err(Error::protocol("subscription identifier 0")),
        Value::Text(bytes) if !text(bytes) => Err(Error::malformed("a property is not UTF-8, or has U+0000")),
        Value::Pair(name, value) if !(text(name) && text(value)) => {
            Err(Error::malformed("a user property is not UTF-8, or has U+0000"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
