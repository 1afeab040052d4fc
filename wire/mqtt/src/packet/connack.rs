//! CONNACK (§3.2).

use super::connect::properties;
use super::properties::{Place, Properties};
use super::read::Reader;
use super::{Kind, write};
use crate::{Error, Reason, Version};

/// The server's answer to CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connack {
    /// Whether the server went on with a session it had.
    pub session_present: bool,
    /// Before MQTT 5 only those with a return code can be said.
    pub reason: Reason,
    /// None before MQTT 5.
    pub properties: Properties,
}

impl Connack {
    pub(super) fn decode(version: Version, reader: &mut Reader) -> Result<Self, Error> {
        let flags = reader.u8()?;
        // [MQTT-3.2.2-1]
        if flags > 1 {
            return Err(Error::malformed("reserved flags of CONNACK"));
        }
        let code = reader.u8()?;
        let reason = match (version.is_5(), code) {
            (true, 0x00 | 0x80..) => Reason(code),
            (false, 0..=5) => Reason::from_return_code(code),
            _ => return Err(Error::protocol("a code that CONNACK doesn't have")),
        };
        // [MQTT-3.2.2-6]
        if flags == 1 && reason.is_error() {
            return Err(Error::protocol("a refusal with a session"));
        }
        // A server that doesn't speak MQTT 5 refuses in the form of its own version.
        let properties = if reader.is_empty() && reason.is_error() {
            Properties::default()
        } else {
            properties(version, reader, Place::Connack)?
        };
        Ok(Self { session_present: flags == 1, reason, properties })
    }

    /// Before MQTT 5, a reason without a return code is said as "not authorized".
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let code = if version.is_5() { self.reason.0 } else { self.reason.return_code().unwrap_or(5) };
        write::packet(out, Kind::Connack.first(), |out| {
            out.extend_from_slice(&[u8::from(self.session_present), code]);
            if version.is_5() {
                self.properties.encode(out);
            }
        });
    }
}
