//! The fifteen control packets (§2.1.2, §3) in the three versions.

pub(crate) mod ack;
mod connack;
mod connect;
mod ending;
pub mod properties;
mod publish;
pub mod read;
pub(crate) mod subscribe;
pub(crate) mod write;

pub use ack::Ack;
pub use connack::Connack;
pub use connect::{Connect, Will};
pub use ending::{Auth, Disconnect};
pub use publish::Publish;
pub use subscribe::{RetainHandling, Suback, Subscribe, Subscription, Unsubscribe};

use crate::{Error, Version};
use bytes::Bytes;
use read::Reader;

/// Packet types: the high half of the first byte (§2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Kind {
    Connect = 1,
    Connack,
    Publish,
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
    Subscribe,
    Suback,
    Unsubscribe,
    Unsuback,
    Pingreq,
    Pingresp,
    Disconnect,
    Auth,
}

impl Kind {
    /// Reads the first byte of a packet: its type, and flags that this type may have (§2.1.3).
    pub const fn from_first(first: u8) -> Result<Self, Error> {
        let kind = match first >> 4 {
            1 => Self::Connect,
            2 => Self::Connack,
            3 => Self::Publish,
            4 => Self::Puback,
            5 => Self::Pubrec,
            6 => Self::Pubrel,
            7 => Self::Pubcomp,
            8 => Self::Subscribe,
            9 => Self::Suback,
            10 => Self::Unsubscribe,
            11 => Self::Unsuback,
            12 => Self::Pingreq,
            13 => Self::Pingresp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            _ => return Err(Error::malformed("packet type 0")),
        };
        // [MQTT-2.1.3-1]
        if !matches!(kind, Self::Publish) && first & 0x0f != kind.flags() {
            return Err(Error::malformed("reserved flags of a packet"));
        }
        Ok(kind)
    }

    /// The flags that all but PUBLISH must have.
    const fn flags(self) -> u8 {
        match self {
            Self::Pubrel | Self::Subscribe | Self::Unsubscribe => 2,
            _ => 0,
        }
    }

    pub(crate) const fn first(self) -> u8 {
        (self as u8) << 4 | self.flags()
    }
}

/// A packet of either side.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Packet {
    Connect(Box<Connect>),
    Connack(Box<Connack>),
    Publish(Publish),
    Puback(Ack),
    Pubrec(Ack),
    Pubrel(Ack),
    Pubcomp(Ack),
    Subscribe(Subscribe),
    Suback(Suback),
    Unsubscribe(Unsubscribe),
    Unsuback(Suback),
    Pingreq,
    Pingresp,
    Disconnect(Disconnect),
    Auth(Auth),
}

impl Packet {
    /// Reads a packet from its first byte and what follows the remaining length. CONNECT names its version itself.
    pub fn decode(version: Version, first: u8, body: Bytes) -> Result<Self, Error> {
        let kind = Kind::from_first(first)?;
        let mut reader = Reader(body);
        let reader_ref = &mut reader;
        let packet = match kind {
            Kind::Connect => Self::Connect(Box::new(Connect::decode(reader_ref)?)),
            Kind::Connack => Self::Connack(Box::new(Connack::decode(version, reader_ref)?)),
            Kind::Publish => Self::Publish(Publish::decode(version, first, reader_ref)?),
            Kind::Puback => Self::Puback(Ack::decode(version, kind, reader_ref)?),
            Kind::Pubrec => Self::Pubrec(Ack::decode(version, kind, reader_ref)?),
            Kind::Pubrel => Self::Pubrel(Ack::decode(version, kind, reader_ref)?),
            Kind::Pubcomp => Self::Pubcomp(Ack::decode(version, kind, reader_ref)?),
            Kind::Subscribe => Self::Subscribe(Subscribe::decode(version, reader_ref)?),
            Kind::Suback => Self::Suback(Suback::decode(version, kind, reader_ref)?),
            Kind::Unsubscribe => Self::Unsubscribe(Unsubscribe::decode(version, reader_ref)?),
            Kind::Unsuback => Self::Unsuback(Suback::decode(version, kind, reader_ref)?),
            Kind::Pingreq => Self::Pingreq,
            Kind::Pingresp => Self::Pingresp,
            Kind::Disconnect => Self::Disconnect(Disconnect::decode(version, reader_ref)?),
            Kind::Auth if version.is_5() => Self::Auth(Auth::decode(reader_ref)?),
            Kind::Auth => return Err(Error::malformed("AUTH before MQTT 5")),
        };
        reader.finish()?;
        Ok(packet)
    }

    /// Appends the packet. What the version doesn't know (properties, reason codes) is left out.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) {
        match self {
            Self::Connect(packet) => packet.encode(out),
            Self::Connack(packet) => packet.encode(version, out),
            Self::Publish(packet) => packet.encode(version, out),
            Self::Puback(packet) => packet.encode(version, Kind::Puback, out),
            Self::Pubrec(packet) => packet.encode(version, Kind::Pubrec, out),
            Self::Pubrel(packet) => packet.encode(version, Kind::Pubrel, out),
            Self::Pubcomp(packet) => packet.encode(version, Kind::Pubcomp, out),
            Self::Subscribe(packet) => packet.encode(version, out),
            Self::Suback(packet) => packet.encode(version, Kind::Suback, out),
            Self::Unsubscribe(packet) => packet.encode(version, out),
            Self::Unsuback(packet) => packet.encode(version, Kind::Unsuback, out),
            Self::Pingreq => out.extend_from_slice(&[Kind::Pingreq.first(), 0]),
            Self::Pingresp => out.extend_from_slice(&[Kind::Pingresp.first(), 0]),
            Self::Disconnect(packet) => packet.encode(version, out),
            Self::Auth(packet) => packet.encode(out),
        }
    }
}

#[cfg(test)]
mod tests;
