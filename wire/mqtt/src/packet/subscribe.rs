//! SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK (§3.8 to §3.11).

use super::connect::properties;
use super::properties::{Place, Properties, id};
use super::read::Reader;
use super::{Kind, write};
use crate::{Error, QoS, Reason, Text, Version, topic};
use bytes::Bytes;

/// Which retained messages a new subscription gets (§3.8.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RetainHandling {
    /// All that match.
    #[default]
    Send,
    /// Those, if the subscription wasn't there before.
    SendIfNew,
    /// None.
    DontSend,
}

/// A topic filter and how its messages are to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Perhaps with `$share/` and a group in front. Not checked when it was read: each has a reason code of its own.
    pub filter: Text,
    /// At most this.
    pub qos: QoS,
    /// Not what this client itself published.
    pub no_local: bool,
    /// Keep the retain flag as the publisher set it.
    pub retain_as_published: bool,
    /// Which retained messages come first.
    pub retain_handling: RetainHandling,
}

/// SUBSCRIBE
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// What SUBACK repeats.
    pub packet_id: u16,
    /// None before MQTT 5.
    pub properties: Properties,
    /// At least one.
    pub filters: Vec<Subscription>,
}

/// UNSUBSCRIBE
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// What UNSUBACK repeats.
    pub packet_id: u16,
    /// None before MQTT 5.
    pub properties: Properties,
    /// At least one.
    pub filters: Vec<Text>,
}

/// SUBACK and UNSUBACK
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suback {
    /// Of the SUBSCRIBE or UNSUBSCRIBE.
    pub packet_id: u16,
    /// None before MQTT 5.
    pub properties: Properties,
    /// One for each filter. An UNSUBACK before MQTT 5 has none.
    pub reasons: Vec<Reason>,
}

impl Subscription {
    /// A subscription without options.
    pub fn new(filter: Text, qos: QoS) -> Self {
        let retain_handling = RetainHandling::Send;
        Self { filter, qos, no_local: false, retain_as_published: false, retain_handling }
    }

    fn decode(version: Version, reader: &mut Reader) -> Result<Self, Error> {
        let filter = reader.text()?;
        let options = reader.u8()?;
        let reserved = if version.is_5() { 0xc0 } else { 0xfc };
        // [MQTT-3.8.3-5]
        if options & reserved != 0 {
            return Err(Error::malformed("reserved bits of a subscription"));
        }
        let qos = QoS::from_u8(options & 3).ok_or(Error::protocol("a subscription with QoS 3"))?;
        let no_local = options & 4 != 0;
        // [MQTT-3.8.3-4]
        if no_local && topic::is_shared(filter.as_bytes()) {
            return Err(Error::protocol("no local on a shared subscription"));
        }
        let retain_handling = match options >> 4 {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DontSend,
            _ => return Err(Error::protocol("retain handling 3")),
        };
        Ok(Self { filter, qos, no_local, retain_as_published: options & 8 != 0, retain_handling })
    }

    fn options(&self) -> u8 {
        let flag = |bit, set: bool| if set { bit } else { 0 };
        self.qos as u8
            | flag(4, self.no_local)
            | flag(8, self.retain_as_published)
            | (self.retain_handling as u8) << 4
    }
}

impl Subscribe {
    /// What messages that match are to be marked with (§3.8.2.1.2).
    pub fn subscription_identifier(&self) -> Option<u32> {
        self.properties.number(id::SUBSCRIPTION_IDENTIFIER)
    }

    pub(super) fn decode(version: Version, reader: &mut Reader) -> Result<Self, Error> {
        let packet_id = reader.packet_id()?;
        let properties = properties(version, reader, Place::Subscribe)?;
        let filters = list(reader, |reader| Subscription::decode(version, reader))?;
        Ok(Self { packet_id, properties, filters })
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let mask = if version.is_5() { 0xff } else { 3 };
        write::packet(out, Kind::Subscribe.first(), |out| {
            head(version, self.packet_id, &self.properties, out);
            for filter in &self.filters {
                write::binary(out, filter.filter.as_bytes());
                out.push(filter.options() & mask);
            }
        });
    }
}

impl Unsubscribe {
    pub(super) fn decode(version: Version, reader: &mut Reader) -> Result<Self, Error> {
        let packet_id = reader.packet_id()?;
        let properties = properties(version, reader, Place::Unsubscribe)?;
        let filters = list(reader, Reader::text)?;
        Ok(Self { packet_id, properties, filters })
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        write::packet(out, Kind::Unsubscribe.first(), |out| {
            head(version, self.packet_id, &self.properties, out);
            for filter in &self.filters {
                write::binary(out, filter.as_bytes());
            }
        });
    }
}

impl Suback {
    pub(super) fn decode(version: Version, kind: Kind, reader: &mut Reader) -> Result<Self, Error> {
        let packet_id = reader.packet_id()?;
        let place = if kind == Kind::Suback { Place::Suback } else { Place::Unsuback };
        let properties = properties(version, reader, place)?;
        let has_reasons = version.is_5() || kind == Kind::Suback;
        let codes = if has_reasons { reader.rest() } else { Bytes::new() };
        let reasons: Vec<_> = codes.iter().map(|code| Reason(*code)).collect();
        let known = reasons.iter().all(|reason| match (kind, version) {
            (Kind::Suback, Version::V5) => reason.0 <= 2 || reason.is_error(),
            (Kind::Suback, _) => reason.0 <= 2 || reason.0 == 0x80,
            _ => matches!(reason.0, 0x00 | 0x11 | 0x80..),
        });
        if !known {
            return Err(Error::protocol("a reason code that this packet doesn't have"));
        }
        Ok(Self { packet_id, properties, reasons })
    }

    pub(super) fn encode(&self, version: Version, kind: Kind, out: &mut Vec<u8>) {
        answer(version, kind, self.packet_id, &self.properties, &self.reasons, out);
    }
}

/// Writes SUBACK or UNSUBACK. Before MQTT 5 all failures are one (MQTT 3.1.1 §3.9.3), and an UNSUBACK says nothing.
pub(crate) fn answer(
    version: Version,
    kind: Kind,
    packet_id: u16,
    properties: &Properties,
    reasons: &[Reason],
    out: &mut Vec<u8>,
) {
    write::packet(out, kind.first(), |out| {
        head(version, packet_id, properties, out);
        if version.is_5() {
            out.extend(reasons.iter().map(|reason| reason.0));
        } else if kind == Kind::Suback {
            out.extend(reasons.iter().map(|reason| reason.0.min(0x80)));
        }
    });
}

fn head(version: Version, packet_id: u16, properties: &Properties, out: &mut Vec<u8>) {
    out.extend_from_slice(&packet_id.to_be_bytes());
    if version.is_5() {
        properties.encode(out);
    }
}

/// [MQTT-3.8.3-2], [MQTT-3.10.3-2]: at least one.
fn list<T>(reader: &mut Reader, read: impl Fn(&mut Reader) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let mut items = Vec::new();
    while !reader.is_empty() {
        items.push(read(reader)?);
    }
    if items.is_empty() { Err(Error::protocol("no topic filter")) } else { Ok(items) }
}
