//! PUBACK, PUBREC, PUBREL and PUBCOMP (§3.4 to §3.7): one shape.

use super::properties::{Place, Properties};
use super::read::Reader;
use super::{Kind, write};
use crate::{Error, Reason, Version};

/// What both sides answer to a PUBLISH, and to the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Of the PUBLISH.
    pub packet_id: u16,
    /// Always success before MQTT 5.
    pub reason: Reason,
    /// None before MQTT 5.
    pub properties: Properties,
}

impl Ack {
    /// An answer without properties.
    pub fn new(packet_id: u16, reason: Reason) -> Self {
        Self { packet_id, reason, properties: Properties::default() }
    }

    pub(super) fn decode(version: Version, kind: Kind, reader: &mut Reader) -> Result<Self, Error> {
        let mut ack = Self::new(reader.packet_id()?, Reason::SUCCESS);
        if !version.is_5() || reader.is_empty() {
            return Ok(ack);
        }
        ack.reason = Reason(reader.u8()?);
        let known = match kind {
            Kind::Pubrel | Kind::Pubcomp => matches!(ack.reason.0, 0x00 | 0x92),
            _ => matches!(ack.reason.0, 0x00 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99),
        };
        if !known {
            return Err(Error::protocol("a reason code that this packet doesn't have"));
        }
        if !reader.is_empty() {
            ack.properties = Properties::decode(reader, Place::Ack)?;
        }
        Ok(ack)
    }

    pub(super) fn encode(&self, version: Version, kind: Kind, out: &mut Vec<u8>) {
        if self.properties.is_empty() || !version.is_5() {
            return short(version, kind, self.packet_id, self.reason, out);
        }
        write::packet(out, kind.first(), |out| {
            out.extend_from_slice(&self.packet_id.to_be_bytes());
            out.push(self.reason.0);
            self.properties.encode(out);
        });
    }
}

/// Writes an answer without properties.
pub(crate) fn short(version: Version, kind: Kind, packet_id: u16, reason: Reason, out: &mut Vec<u8>) {
    let [high, low] = packet_id.to_be_bytes();
    if version.is_5() && reason != Reason::SUCCESS {
        out.extend_from_slice(&[kind.first(), 3, high, low, reason.0]);
    } else {
        out.extend_from_slice(&[kind.first(), 2, high, low]);
    }
}
