//! DISCONNECT (§3.14) and AUTH (§3.15): a reason and properties, both of which may be left out.

use super::properties::{Place, Properties, id};
use super::read::Reader;
use super::{Kind, write};
use crate::{Error, Reason, Text, Version};
use bytes::Bytes;

/// The end of a connection, from either side. Before MQTT 5 only a client says it, without a word.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Disconnect {
    pub reason: Reason,
    pub properties: Properties,
}

/// A step of enhanced authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Auth {
    pub reason: Reason,
    pub properties: Properties,
}

impl Disconnect {
    /// A reason without more words.
    pub fn new(reason: Reason) -> Self {
        Self { reason, properties: Properties::default() }
    }

    pub(super) fn decode(version: Version, reader: &mut Reader) -> Result<Self, Error> {
        if !version.is_5() {
            return Ok(Self::new(Reason::SUCCESS));
        }
        let (reason, properties) = decode(reader, Place::Disconnect)?;
        // §3.14.2.1: all that aren't errors are these two.
        if !(reason.is_error() || matches!(reason, Reason::SUCCESS | Reason::DISCONNECT_WITH_WILL)) {
            return Err(Error::protocol("a reason code that DISCONNECT doesn't have"));
        }
        Ok(Self { reason, properties })
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        if version.is_5() {
            encode(Kind::Disconnect, self.reason, &self.properties, out);
        } else {
            out.extend_from_slice(&[Kind::Disconnect.first(), 0]);
        }
    }
}

impl Auth {
    /// What was agreed on in CONNECT.
    pub fn method(&self) -> Option<Text> {
        self.properties.text(id::AUTHENTICATION_METHOD)
    }

    /// What the method wants to say.
    pub fn data(&self) -> Option<Bytes> {
        self.properties.bytes(id::AUTHENTICATION_DATA)
    }

    pub(super) fn decode(reader: &mut Reader) -> Result<Self, Error> {
        let (reason, properties) = decode(reader, Place::Auth)?;
        // [MQTT-3.15.2-1]
        match reason {
            Reason::SUCCESS | Reason::CONTINUE_AUTHENTICATION | Reason::REAUTHENTICATE => {
                Ok(Self { reason, properties })
            }
            _ => Err(Error::protocol("a reason code that AUTH doesn't have")),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        encode(Kind::Auth, self.reason, &self.properties, out);
    }
}

fn decode(reader: &mut Reader, place: Place) -> Result<(Reason, Properties), Error> {
    let reason = if reader.is_empty() { Reason::SUCCESS } else { Reason(reader.u8()?) };
    let properties =
        if reader.is_empty() { Properties::default() } else { Properties::decode(reader, place)? };
    Ok((reason, properties))
}

fn encode(kind: Kind, reason: Reason, properties: &Properties, out: &mut Vec<u8>) {
    write::packet(out, kind.first(), |out| {
        if !properties.is_empty() {
            out.push(reason.0);
            properties.encode(out);
        } else if reason != Reason::SUCCESS {
            out.push(reason.0);
        }
    });
}
