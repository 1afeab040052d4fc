//! CONNECT (§3.1).

use super::properties::{Place, Properties, id};
use super::read::Reader;
use super::{Kind, write};
use crate::{Error, QoS, Reason, Text, Version, topic};
use bytes::Bytes;

const USER_NAME: u8 = 0x80;
const PASSWORD: u8 = 0x40;
const WILL_RETAIN: u8 = 0x20;
const WILL: u8 = 0x04;
const CLEAN_START: u8 = 0x02;

/// What a client asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// What both sides speak from here on.
    pub version: Version,
    /// Clean Session in MQTT 3.1 and 3.1.1.
    pub clean_start: bool,
    /// Seconds; 0 for never.
    pub keep_alive: u16,
    /// Empty when the server is to choose one.
    pub client_id: Text,
    /// What to publish when the client is lost.
    pub will: Option<Will>,
    /// Who it says it is.
    pub user_name: Option<Text>,
    /// A secret.
    pub password: Option<Bytes>,
    /// None before MQTT 5.
    pub properties: Properties,
}

/// What to publish when a client is lost (§3.1.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Will {
    pub qos: QoS,
    pub retain: bool,
    pub topic: Text,
    pub payload: Bytes,
    pub properties: Properties,
}

impl core::fmt::Debug for Connect {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut out = formatter.debug_struct("Connect");
        out.field("version", &self.version).field("client_id", &self.client_id);
        out.field("user_name", &self.user_name).field("keep_alive", &self.keep_alive);
        out.field("clean_start", &self.clean_start)
            .field("will", &self.will.is_some())
            .finish_non_exhaustive()
    }
}

impl Will {
    /// Seconds to wait before it is published (§3.1.3.2.2).
    pub fn delay_interval(&self) -> u32 {
        self.properties.number(id::WILL_DELAY_INTERVAL).unwrap_or(0)
    }

    /// Whether the payload is what its format indicator says (§3.1.3.2.3).
    pub fn payload_format_is_valid(&self) -> bool {
        self.properties.number(id::PAYLOAD_FORMAT_INDICATOR) != Some(1)
            || core::str::from_utf8(&self.payload).is_ok()
    }

    /// A copy that keeps no packet alive: CONNECT has the password in it.
    #[must_use]
    pub fn detached(&self) -> Self {
        let (qos, retain, topic) = (self.qos, self.retain, self.topic.detached());
        let payload = Bytes::copy_from_slice(&self.payload);
        Self { qos, retain, topic, payload, properties: self.properties.detached() }
    }

    fn decode(version: Version, flags: u8, reader: &mut Reader) -> Result<Option<Self>, Error> {
        let qos = QoS::from_u8(flags >> 3 & 3);
        if flags & WILL == 0 {
            // [MQTT-3.1.2-11], [MQTT-3.1.2-13]; MQTT 3.1 says nothing of it.
            let clean = flags & WILL_RETAIN == 0 && qos == Some(QoS::AtMostOnce);
            return if clean || version == Version::V3_1 {
                Ok(None)
            } else {
                Err(Error::malformed("flags of a will, and no will"))
            };
        }
        // [MQTT-3.1.2-12]
        let qos = qos.ok_or(Error::malformed("the will has QoS 3"))?;
        let properties = properties(version, reader, Place::Will)?;
        let topic = reader.text()?;
        topic::check_name(topic.as_bytes(), &topic::Limits::default())?;
        check_response_topic(&properties)?;
        let payload = reader.binary()?;
        Ok(Some(Self { qos, retain: flags & WILL_RETAIN != 0, topic, payload, properties }))
    }
}

/// [MQTT-3.3.2-14]
pub(super) fn check_response_topic(properties: &Properties) -> Result<(), Error> {
    let Some(topic) = properties.bytes(id::RESPONSE_TOPIC) else { return Ok(()) };
    topic::check_name(&topic, &topic::Limits::default())
        .map_err(|_| Error::protocol("the response topic is no topic name"))
}

pub(super) fn properties(version: Version, reader: &mut Reader, place: Place) -> Result<Properties, Error> {
    if version.is_5() { Properties::decode(reader, place) } else { Ok(Properties::default()) }
}

impl Connect {
    /// A client that wants a clean start and nothing else.
    pub fn new(version: Version, client_id: Text) -> Self {
        Self {
            version,
            clean_start: true,
            keep_alive: 0,
            client_id,
            will: None,
            user_name: None,
            password: None,
            properties: Properties::default(),
        }
    }

    /// Seconds that the session outlives the connection: [`u32::MAX`] is for ever. The clean session of MQTT 3.1.1 is 0,
    /// the other kind never ends (§3.1.2.11.2).
    pub fn session_expiry_interval(&self) -> u32 {
        match self.version {
            Version::V5 => self.properties.number(id::SESSION_EXPIRY_INTERVAL).unwrap_or(0),
            _ if self.clean_start => 0,
            _ => u32::MAX,
        }
    }

    /// The method of enhanced authentication (§4.12).
    pub fn authentication_method(&self) -> Option<Text> {
        self.properties.text(id::AUTHENTICATION_METHOD)
    }

    /// The first data of enhanced authentication.
    pub fn authentication_data(&self) -> Option<Bytes> {
        self.properties.bytes(id::AUTHENTICATION_DATA)
    }

    pub(super) fn decode(reader: &mut Reader) -> Result<Self, Error> {
        let version = version(reader)?;
        let flags = reader.u8()?;
        // [MQTT-3.1.2-3]
        if flags & 1 != 0 && version != Version::V3_1 {
            return Err(Error::malformed("the reserved flag of CONNECT"));
        }
        let keep_alive = reader.u16()?;
        let properties = properties(version, reader, Place::Connect)?;
        if properties.find(id::AUTHENTICATION_DATA).is_some()
            && properties.find(id::AUTHENTICATION_METHOD).is_none()
        {
            return Err(Error::protocol("authentication data without a method"));
        }
        let client_id = reader.text()?;
        let will = Will::decode(version, flags, reader)?;
        // MQTT 3.1 lets the strings be missing although the flags announce them.
        let missing = |reader: &Reader| version == Version::V3_1 && reader.is_empty();
        let has = |flag| flags & flag != 0;
        // [MQTT-3.1.2-22] of MQTT 3.1.1
        if has(PASSWORD) && !has(USER_NAME) && version == Version::V3_1_1 {
            return Err(Error::malformed("a password without a user name"));
        }
        let user_name = if has(USER_NAME) && !missing(reader) { Some(reader.text()?) } else { None };
        let password = if has(PASSWORD) && !missing(reader) { Some(reader.binary()?) } else { None };
        let clean_start = has(CLEAN_START);
        // [MQTT-3.1.3-8] of MQTT 3.1.1; MQTT 3.1 wants a character in any case.
        let must_have_id = version == Version::V3_1 || (version == Version::V3_1_1 && !clean_start);
        if client_id.is_empty() && must_have_id {
            return Err(Error::new(Reason::CLIENT_IDENTIFIER_NOT_VALID, "an empty client identifier"));
        }
        Ok(Self { version, clean_start, keep_alive, client_id, will, user_name, password, properties })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let flag = |bit, set: bool| if set { bit } else { 0 };
        let mut flags = flag(CLEAN_START, self.clean_start)
            | flag(USER_NAME, self.user_name.is_some())
            | flag(PASSWORD, self.password.is_some());
        if let Some(will) = &self.will {
            flags |= WILL | flag(WILL_RETAIN, will.retain) | (will.qos as u8) << 3;
        }
        let (name, level) = self.version.protocol();
        write::packet(out, Kind::Connect.first(), |out| {
            write::binary(out, name.as_bytes());
            out.extend_from_slice(&[level, flags]);
            out.extend_from_slice(&self.keep_alive.to_be_bytes());
            let properties = |properties: &Properties, out: &mut Vec<u8>| {
                if self.version.is_5() {
                    properties.encode(out);
                }
            };
            properties(&self.properties, out);
            write::binary(out, self.client_id.as_bytes());
            if let Some(will) = &self.will {
                properties(&will.properties, out);
                write::binary(out, will.topic.as_bytes());
                write::binary(out, &will.payload);
            }
            if let Some(user_name) = &self.user_name {
                write::binary(out, user_name.as_bytes());
            }
            if let Some(password) = &self.password {
                write::binary(out, password);
            }
        });
    }
}

/// [MQTT-3.1.2-1], [MQTT-3.1.2-2]
fn version(reader: &mut Reader) -> Result<Version, Error> {
    let name = reader.binary()?;
    let level = reader.u8()?;
    let known = [Version::V3_1, Version::V3_1_1, Version::V5];
    let mine = known.iter().find(|version| {
        let (protocol, number) = version.protocol();
        protocol.as_bytes() == name && number == level
    });
    mine.copied().ok_or(match &*name {
        b"MQTT" | b"MQIsdp" => Error::new(Reason::UNSUPPORTED_PROTOCOL_VERSION, "a version that isn't known"),
        _ => Error::malformed("the protocol isn't MQTT"),
    })
}
