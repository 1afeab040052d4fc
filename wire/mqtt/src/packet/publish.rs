//! PUBLISH (§3.3).

use super::connect::{check_response_topic, properties};
use super::properties::{Place, Properties, id};
use super::read::Reader;
use super::write;
use crate::{Error, QoS, Text, Version, topic};
use bytes::Bytes;

/// A message on its way. Topic, properties and payload are slices of the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Sent before.
    pub dup: bool,
    /// How often it is to arrive.
    pub qos: QoS,
    /// To be kept (from a client), or kept before (to one).
    pub retain: bool,
    /// Empty when an alias stands for it; the machines put the name back.
    pub topic: Text,
    /// 0 with QoS 0.
    pub packet_id: u16,
    /// None before MQTT 5.
    pub properties: Properties,
    /// Anything.
    pub payload: Bytes,
}

impl Publish {
    /// The alias that the sender gives the topic, or names it by (§3.3.2.3.4).
    pub fn topic_alias(&self) -> Option<u16> {
        self.properties.number(id::TOPIC_ALIAS).and_then(|alias| u16::try_from(alias).ok())
    }

    pub(super) fn decode(version: Version, first: u8, reader: &mut Reader) -> Result<Self, Error> {
        // [MQTT-3.3.1-4]
        let qos = QoS::from_u8(first >> 1 & 3).ok_or(Error::malformed("PUBLISH with QoS 3"))?;
        let dup = first & 8 != 0;
        // [MQTT-3.3.1-2]
        if dup && qos == QoS::AtMostOnce {
            return Err(Error::malformed("PUBLISH with DUP and QoS 0"));
        }
        let topic = reader.text()?;
        let packet_id = if qos == QoS::AtMostOnce { 0 } else { reader.packet_id()? };
        let properties = properties(version, reader, Place::Publish)?;
        let publish =
            Self { dup, qos, retain: first & 1 != 0, topic, packet_id, properties, payload: reader.rest() };
        publish.check()?;
        Ok(publish)
    }

    fn check(&self) -> Result<(), Error> {
        if !self.topic.is_empty() {
            topic::check_name(self.topic.as_bytes(), &topic::Limits::default())?;
        } else if self.topic_alias().is_none() {
            return Err(Error::protocol("PUBLISH without a topic"));
        }
        check_response_topic(&self.properties)
    }

    /// Whether the payload is what its format indicator says (§3.3.2.3.2).
    pub fn payload_format_is_valid(&self) -> bool {
        self.properties.number(id::PAYLOAD_FORMAT_INDICATOR) != Some(1)
            || core::str::from_utf8(&self.payload).is_ok()
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let first = 0x30 | u8::from(self.dup) << 3 | (self.qos as u8) << 1 | u8::from(self.retain);
        write::packet(out, first, |out| {
            write::binary(out, self.topic.as_bytes());
            if self.qos > QoS::AtMostOnce {
                out.extend_from_slice(&self.packet_id.to_be_bytes());
            }
            if version.is_5() {
                self.properties.encode(out);
            }
            out.extend_from_slice(&self.payload);
        });
    }
}
