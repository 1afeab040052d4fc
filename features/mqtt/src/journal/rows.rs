//! Rows of the journal. No parameter is a text, so all batches keep their order.

use std::sync::Arc;

use bytes::Bytes;
use nightjar_mqtt::packet::properties::Place;
use nightjar_mqtt::{Delivery, Identifiers, Message, Properties, QoS, Text, Will};
use nightjar_store::{Call, Params, Row, Statement, StoreError, params};

use crate::stored::Clocks;
use crate::topics::Wish;

/// In place of a time: not known before the connection ends.
pub(crate) const CONNECTED: i64 = -1;
/// In place of flags: there is none.
const NONE: i64 = -1;
/// In place of a sequence: not known yet.
const UNPLACED: i64 = -1;
/// In place of a message: the client has it.
const RELEASED: i64 = 0;

static OPEN: Statement = Statement::upsert(
    "nightjar_mqtt_session",
    &["id"],
    &[
        "username",
        "client_id",
        "expiry",
        "expires_at",
        "will_topic",
        "will_payload",
        "will_properties",
        "will_flags",
        "will_at",
    ],
);
static LEAVE: Statement =
    Statement::new("UPDATE nightjar_mqtt_session SET expires_at = ?, will_at = ? WHERE id = ? AND {host}");
static LEAVE_FOR_GOOD: Statement = Statement::new(
    "UPDATE nightjar_mqtt_session SET expires_at = ?, will_flags = -1 WHERE id = ? AND {host}",
);
static OVER: [Statement; 4] = [
    Statement::new("DELETE FROM nightjar_mqtt_session WHERE id = ? AND {host}"),
    Statement::new("DELETE FROM nightjar_mqtt_subscription WHERE session = ? AND {host}"),
    Statement::new("DELETE FROM nightjar_mqtt_delivery WHERE session = ? AND {host}"),
    Statement::new("DELETE FROM nightjar_mqtt_received WHERE session = ? AND {host}"),
];
static SUBSCRIBE: Statement =
    Statement::insert("nightjar_mqtt_subscription", &["session", "topic_filter", "options", "identifier"]);
static UNSUBSCRIBE: Statement = Statement::new(
    "DELETE FROM nightjar_mqtt_subscription WHERE session = ? AND topic_filter = ? AND {host}",
);
static MESSAGE: Statement = Statement::insert(
    "nightjar_mqtt_message",
    &["id", "topic", "payload", "properties", "flags", "expires_at"],
);
static FORGET_MESSAGE: Statement =
    Statement::new("DELETE FROM nightjar_mqtt_message WHERE id = ? AND {host}");
static DELIVER: Statement = Statement::insert(
    "nightjar_mqtt_delivery",
    &["id", "session", "message", "flags", "identifiers", "sequence"],
);
static PLACE: Statement =
    Statement::new("UPDATE nightjar_mqtt_delivery SET sequence = ? WHERE id = ? AND {host}");
static RELEASE: Statement =
    Statement::new("UPDATE nightjar_mqtt_delivery SET message = 0 WHERE id = ? AND {host}");
static FORGET: Statement = Statement::new("DELETE FROM nightjar_mqtt_delivery WHERE id = ? AND {host}");
static RECEIVE: Statement = Statement::insert_new("nightjar_mqtt_received", &["session", "packet_id"]);
static COMPLETE: Statement =
    Statement::new("DELETE FROM nightjar_mqtt_received WHERE session = ? AND packet_id = ? AND {host}");

pub(crate) static ALL_SESSIONS: Statement = Statement::new(
    "SELECT id, username, client_id, expiry, expires_at, will_topic, will_payload, will_properties, will_flags, \
     will_at FROM nightjar_mqtt_session WHERE {host}",
);
pub(crate) static ALL_SUBSCRIPTIONS: Statement = Statement::new(
    "SELECT session, topic_filter, options, identifier FROM nightjar_mqtt_subscription WHERE {host}",
);
pub(crate) static ALL_MESSAGES: Statement = Statement::new(
    "SELECT id, topic, payload, properties, flags, expires_at FROM nightjar_mqtt_message WHERE {host}",
);
pub(crate) static ALL_DELIVERIES: Statement = Statement::new(
    "SELECT id, session, message, flags, identifiers, sequence FROM nightjar_mqtt_delivery WHERE {host} \
     ORDER BY id",
);
pub(crate) static ALL_RECEIVED: Statement =
    Statement::new("SELECT session, packet_id FROM nightjar_mqtt_received WHERE {host}");

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn flags(qos: QoS, retain: bool) -> i64 {
    i64::from(qos as u8 | u8::from(retain) << 2)
}

fn of_flags(flags: i64) -> Option<(QoS, bool)> {
    let flags = u8::try_from(flags).ok()?;
    Some((QoS::from_u8(flags & 3)?, flags & 4 != 0))
}

pub(super) fn open(session: u64, user: &str, client_id: &[u8], expiry: u32, will: Option<&Will>) -> Call {
    let bytes = |of: fn(&Will) -> &[u8]| will.map(of).unwrap_or_default().to_vec();
    let params = params![
        int(session),
        user.as_bytes(),
        client_id,
        expiry,
        CONNECTED,
        bytes(|will| will.topic.as_bytes()),
        bytes(|will| &will.payload),
        bytes(|will| will.properties.as_bytes()),
        will.map_or(NONE, |will| flags(will.qos, will.retain)),
        CONNECTED
    ];
    (&OPEN, params)
}

pub(super) fn leave(session: u64, expires_at: i64, will_at: Option<i64>) -> Call {
    match will_at {
        Some(will_at) => (&LEAVE, params![expires_at, will_at, int(session)]),
        None => (&LEAVE_FOR_GOOD, params![expires_at, int(session)]),
    }
}

pub(super) fn over(session: u64) -> impl Iterator<Item = Call> {
    OVER.iter().map(move |statement| (statement, params![int(session)]))
}

pub(super) fn subscribe(session: u64, filter: &[u8], wish: Wish) -> Call {
    (&SUBSCRIBE, params![int(session), filter, i32::from(wish.options()), wish.identifier().unwrap_or(0)])
}

pub(super) fn unsubscribe(session: u64, filter: &[u8]) -> Call {
    (&UNSUBSCRIBE, params![int(session), filter])
}

pub(super) fn message(message: &Message, clocks: Clocks) -> Call {
    let params = params![
        int(message.reference),
        message.topic(),
        message.payload().to_vec(),
        message.properties().to_vec(),
        flags(message.qos, message.retain),
        clocks.to_unix(message.expires_at)
    ];
    (&MESSAGE, params)
}

pub(super) fn forget_message(message: u64) -> Call {
    (&FORGET_MESSAGE, params![int(message)])
}

pub(super) fn deliver(session: u64, delivery: &Delivery, sequence: Option<u64>) -> Call {
    let identifiers: Vec<u8> =
        delivery.identifiers.as_slice().iter().flat_map(|identifier| identifier.to_be_bytes()).collect();
    let params = params![
        int(delivery.reference),
        int(session),
        int(delivery.message.reference),
        flags(delivery.qos, delivery.retain),
        identifiers,
        sequence.map_or(UNPLACED, int)
    ];
    (&DELIVER, params)
}

pub(super) fn place(delivery: u64, sequence: u64) -> Call {
    (&PLACE, params![int(sequence), int(delivery)])
}

pub(super) fn release(delivery: u64) -> Call {
    (&RELEASE, params![int(delivery)])
}

pub(super) fn forget(delivery: u64) -> Call {
    (&FORGET, params![int(delivery)])
}

pub(super) fn receive(session: u64, packet_id: u16) -> Call {
    (&RECEIVE, received(session, packet_id))
}

pub(super) fn complete(session: u64, packet_id: u16) -> Call {
    (&COMPLETE, received(session, packet_id))
}

fn received(session: u64, packet_id: u16) -> Params {
    params![int(session), packet_id]
}

/// A number that was written by [`int`].
fn number(row: &Row, column: usize) -> Result<u64, StoreError> {
    u64::try_from(row.int(column)?).map_err(|_| StoreError::Corrupt)
}

fn text(row: &Row, column: usize) -> Result<Text, StoreError> {
    Text::from_bytes(Bytes::from(row.blob(column)?)).map_err(|_| StoreError::Corrupt)
}

/// A row of [`ALL_SESSIONS`].
pub(crate) struct SessionRow {
    pub(crate) id: u64,
    pub(crate) user: nightjar_text::Text,
    pub(crate) client_id: Text,
    pub(crate) expiry: u32,
    /// UNIX time, or [`CONNECTED`].
    pub(crate) expires_at: i64,
    /// With its UNIX time, or [`CONNECTED`].
    pub(crate) will: Option<(Box<Will>, i64)>,
}

impl SessionRow {
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let user = text(row, 1)?;
        let will = match of_flags(row.int(8)?) {
            None => None,
            Some((qos, retain)) => {
                let properties = Properties::from_bytes(Bytes::from(row.blob(7)?), Place::Will);
                let will = Will {
                    topic: text(row, 5)?,
                    payload: Bytes::from(row.blob(6)?),
                    qos,
                    retain,
                    properties: properties.map_err(|_| StoreError::Corrupt)?,
                };
                Some((Box::new(will), row.int(9)?))
            }
        };
        Ok(Self {
            id: number(row, 0)?,
            user: nightjar_text::Text::new(user.as_str()),
            client_id: text(row, 2)?,
            expiry: u32::try_from(row.int(3)?).map_err(|_| StoreError::Corrupt)?,
            expires_at: row.int(4)?,
            will,
        })
    }
}

/// The session, filter and wish of a row of [`ALL_SUBSCRIPTIONS`].
pub(crate) fn subscription_of(row: &Row) -> Result<(u64, Text, Wish), StoreError> {
    let options = u8::try_from(row.int(2)?).map_err(|_| StoreError::Corrupt)?;
    let identifier = u32::try_from(row.int(3)?).map_err(|_| StoreError::Corrupt)?;
    let wish = Wish::of_options(options, Some(identifier).filter(|identifier| *identifier != 0));
    Ok((number(row, 0)?, text(row, 1)?, wish.ok_or(StoreError::Corrupt)?))
}

/// The message of a row of [`ALL_MESSAGES`].
pub(crate) fn message_of(row: &Row, clocks: Clocks) -> Result<Message, StoreError> {
    let (qos, retain) = of_flags(row.int(4)?).ok_or(StoreError::Corrupt)?;
    let properties = Properties::from_bytes(Bytes::from(row.blob(3)?), Place::Publish);
    let properties = properties.map_err(|_| StoreError::Corrupt)?;
    let payload = Bytes::from(row.blob(2)?);
    let mut message = Message::new(&text(row, 1)?, qos, retain, &properties, &payload, clocks.now);
    message.reference = number(row, 0)?;
    message.expires_at = clocks.of_unix(row.int(5)?);
    Ok(message)
}

/// A row of [`ALL_DELIVERIES`].
#[derive(Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) id: u64,
    pub(crate) session: u64,
    /// `None` when the client has the message.
    pub(crate) message: Option<u64>,
    pub(crate) sequence: Option<u64>,
    qos: QoS,
    retain: bool,
    identifiers: Identifiers,
}

impl DeliveryRow {
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let (qos, retain) = of_flags(row.int(3)?).ok_or(StoreError::Corrupt)?;
        let identifiers = row.blob(4)?;
        let (identifiers, _) = identifiers.as_chunks::<4>();
        let identifiers = identifiers
            .iter()
            .fold(Identifiers::None, |all, identifier| all.with(u32::from_be_bytes(*identifier)));
        Ok(Self {
            id: number(row, 0)?,
            session: number(row, 1)?,
            message: Some(number(row, 2)?).filter(|message| int(*message) != RELEASED),
            sequence: Some(row.int(5)?).filter(|sequence| *sequence != UNPLACED).map(i64::cast_unsigned),
            qos,
            retain,
            identifiers,
        })
    }

    pub(crate) fn delivery(&self, message: Arc<Message>) -> Delivery {
        let Self { id, qos, retain, .. } = *self;
        Delivery { message, qos, retain, identifiers: self.identifiers.clone(), reference: id }
    }
}
