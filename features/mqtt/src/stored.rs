//! Retained messages in ejabberd's table `mqtt_pub`.

use bytes::Bytes;
use nightjar_mqtt::packet::properties::{Place, id};
use nightjar_mqtt::{Message, Properties, QoS, Text};
use nightjar_store::{Call, Row, Statement, StoreError, params};

use crate::client::Key;

/// ejabberd's word for a message that doesn't expire.
const NEVER: i64 = 0xFFFF_FFFF;

static UPSERT: Statement = Statement::upsert(
    "mqtt_pub",
    &["topic"],
    &[
        "username",
        "resource",
        "qos",
        "payload",
        "payload_format",
        "content_type",
        "response_topic",
        "correlation_data",
        "user_properties",
        "expiry",
    ],
);
static DELETE: Statement = Statement::new("DELETE FROM mqtt_pub WHERE topic = ? AND {host}");
pub(crate) static SELECT: Statement = Statement::new(
    "SELECT topic, qos, payload, payload_format, content_type, response_topic, correlation_data, user_properties, \
     expiry, username, resource FROM mqtt_pub WHERE {host}",
);

/// Where the two clocks stand.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    /// Milliseconds of the monotonic clock.
    pub(crate) now: u64,
    /// Seconds since the UNIX epoch.
    pub(crate) unix: i64,
}

impl Clocks {
    pub(crate) fn to_unix(self, expires_at: u64) -> i64 {
        if expires_at == u64::MAX {
            return NEVER;
        }
        let left = expires_at.saturating_sub(self.now) / 1000;
        self.unix.saturating_add(i64::try_from(left).unwrap_or(NEVER)).min(NEVER - 1)
    }

    pub(crate) fn of_unix(self, expiry: i64) -> u64 {
        if expiry >= NEVER {
            return u64::MAX;
        }
        let left = u64::try_from(expiry.saturating_sub(self.unix)).unwrap_or(0);
        self.now.saturating_add(left.saturating_mul(1000))
    }
}

/// Keeps a message in the place of the one before.
pub(crate) fn keep(message: &Message, user: &str, client_id: &str, clocks: Clocks) -> Call {
    let properties = Properties::from_bytes(message.properties(), Place::Publish).unwrap_or_default();
    let text =
        |identifier| properties.text(identifier).map(|text| text.as_str().to_owned()).unwrap_or_default();
    let format = properties.number(id::PAYLOAD_FORMAT_INDICATOR).unwrap_or(0);
    let correlation = properties.bytes(id::CORRELATION_DATA).unwrap_or_default();
    let params = params![
        topic(message),
        user,
        client_id,
        i32::from(message.qos as u8),
        message.payload().to_vec(),
        format,
        text(id::CONTENT_TYPE),
        text(id::RESPONSE_TOPIC),
        correlation.to_vec(),
        encode_pairs(properties.user()),
        clocks.to_unix(message.expires_at)
    ];
    (&UPSERT, params)
}

/// Forgets the message of a topic.
pub(crate) fn forget(message: &Message) -> Call {
    (&DELETE, params![topic(message)])
}

fn topic(message: &Message) -> String {
    String::from_utf8_lossy(message.topic()).into_owned()
}

/// The message of a row and who it is from; none if it can't be one, or has expired.
pub(crate) fn read(row: &Row, clocks: Clocks) -> Result<Option<(Message, Key)>, StoreError> {
    let mut properties = Properties::builder();
    if row.int(3)? == 1 {
        properties = properties.byte(id::PAYLOAD_FORMAT_INDICATOR, 1);
    }
    for (column, identifier) in [(4, id::CONTENT_TYPE), (5, id::RESPONSE_TOPIC)] {
        let text = row.text(column)?;
        if !text.is_empty() {
            properties = properties.text(identifier, &text);
        }
    }
    let correlation = row.blob(6)?;
    if !correlation.is_empty() {
        properties = properties.binary(id::CORRELATION_DATA, &correlation);
    }
    for (name, value) in decode_pairs(&row.blob(7)?) {
        properties = properties.user(&name, &value);
    }
    let Some(topic) = Text::new(&row.text(0)?) else { return Ok(None) };
    let qos = u8::try_from(row.int(1)?).ok().and_then(QoS::from_u8).unwrap_or(QoS::AtMostOnce);
    let payload = Bytes::from(row.blob(2)?);
    let mut message = Message::new(&topic, qos, true, &properties.finish(), &payload, clocks.now);
    message.expires_at = clocks.of_unix(row.int(8)?);
    let publisher = (row.text(9)?, Text::new(&row.text(10)?).unwrap_or_default());
    Ok((!message.expired(clocks.now)).then_some((message, publisher)))
}

// User properties are a list of pairs of binaries in Erlang's external term format; none is nothing at all.
const VERSION: u8 = 131;
const LIST: u8 = 108;
const NIL: u8 = 106;
const TUPLE: u8 = 104;
const BINARY: u8 = 109;

fn encode_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() {
        return Vec::new();
    }
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = vec![VERSION, LIST];
    out.extend(length(pairs.len()));
    for (name, value) in pairs {
        out.extend([TUPLE, 2]);
        for text in [name, value] {
            out.push(BINARY);
            out.extend(length(text.len()));
            out.extend(text.as_bytes());
        }
    }
    out.push(NIL);
    out
}

/// As many pairs as can be read.
fn decode_pairs(bytes: &[u8]) -> Vec<(String, String)> {
    fn binary<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
        let (head, rest) = bytes.split_first_chunk::<5>()?;
        let [BINARY, length @ ..] = head else { return None };
        let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        *bytes = rest;
        std::str::from_utf8(text).ok()
    }
    let mut pairs = Vec::new();
    let Some(mut rest) = bytes.strip_prefix(&[VERSION, LIST]).and_then(|rest| rest.get(4..)) else {
        return pairs;
    };
    while let Some(mut pair) = rest.strip_prefix(&[TUPLE, 2]) {
        let (Some(name), Some(value)) = (binary(&mut pair), binary(&mut pair)) else { break };
        pairs.push((name.to_owned(), value.to_owned()));
        rest = pair;
    }
    pairs
}

#[cfg(test)]
mod tests;
