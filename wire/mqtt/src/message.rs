//! A message as a server keeps it: one for all who receive it. What is the same for all is encoded once; flags, packet
//! identifier, subscription identifiers, alias and the rest of its life are put in for each.

use crate::packet::properties::{Properties, id};
use crate::packet::{Publish, Will, write};
use crate::{Outgoing, QoS, Text, Version};
use bytes::Bytes;
use std::sync::Arc;

/// A payload from here on stays in the packet it came in; a smaller one is copied, so that it doesn't keep alive a buffer
/// many times its size.
const COPY_BELOW: usize = 16 * 1024;

/// A message, made once.
pub struct Message {
    /// The topic behind its length, then the properties behind theirs: as PUBLISH has them.
    head: Bytes,
    payload: Bytes,
    topic_length: u16,
    /// As it was published.
    pub qos: QoS,
    /// As it was published.
    pub retain: bool,
    /// When it is to be forgotten; [`u64::MAX`] is never.
    pub expires_at: u64,
    /// For the owner's use: what its store knows it by; 0 is nothing.
    pub reference: u64,
}

impl core::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let topic = String::from_utf8_lossy(self.topic());
        let mut out = formatter.debug_struct("Message");
        out.field("topic", &topic)
            .field("qos", &self.qos)
            .field("bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

impl Message {
    /// Makes a message. Of the properties those are kept that every receiver gets (§3.3.2.3); the expiry interval counts
    /// from `now`.
    pub fn new(
        topic: &Text,
        qos: QoS,
        retain: bool,
        properties: &Properties,
        payload: &Bytes,
        now: u64,
    ) -> Self {
        let expires_at = properties
            .number(id::MESSAGE_EXPIRY_INTERVAL)
            .map_or(u64::MAX, |seconds| now.saturating_add(u64::from(seconds) * 1000));
        let kept = properties.retain(|identifier| {
            !matches!(
                identifier,
                id::TOPIC_ALIAS
                    | id::SUBSCRIPTION_IDENTIFIER
                    | id::MESSAGE_EXPIRY_INTERVAL
                    | id::WILL_DELAY_INTERVAL
            )
        });
        let copied = if payload.len() < COPY_BELOW { payload.len() } else { 0 };
        let head_length = 2 + topic.as_bytes().len() + kept.encoded_length();
        let mut bytes = Vec::with_capacity(head_length + copied);
        write::binary(&mut bytes, topic.as_bytes());
        kept.encode(&mut bytes);
        if copied > 0 {
            bytes.extend_from_slice(payload);
        }
        let mut head = Bytes::from(bytes);
        let payload = if payload.len() < COPY_BELOW { head.split_off(head_length) } else { payload.clone() };
        let topic_length = u16::try_from(topic.as_bytes().len()).unwrap_or(u16::MAX);
        Self { head, payload, topic_length, qos, retain, expires_at, reference: 0 }
    }

    /// The message of a PUBLISH that came at `now`.
    pub fn from_publish(publish: &Publish, now: u64) -> Self {
        let Publish { topic, qos, retain, properties, payload, .. } = publish;
        Self::new(topic, *qos, *retain, properties, payload, now)
    }

    /// The message of a will that is published at `now`.
    pub fn from_will(will: &Will, now: u64) -> Self {
        Self::new(&will.topic, will.qos, will.retain, &will.properties, &will.payload, now)
    }

    /// The topic name.
    pub fn topic(&self) -> &[u8] {
        self.head.get(2..2 + usize::from(self.topic_length)).unwrap_or_default()
    }

    /// What was published.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// Properties as every receiver gets them, without their length; [`Properties::from_bytes`] reads them again.
    pub fn properties(&self) -> Bytes {
        let start = self.properties_start();
        let digits = self.head.iter().skip(start).take_while(|byte| **byte & 0x80 != 0).count() + 1;
        self.head.slice((start + digits).min(self.head.len())..)
    }

    /// Whether its time is over.
    pub fn expired(&self, now: u64) -> bool {
        now >= self.expires_at
    }

    /// Bytes that it holds in memory.
    pub fn size(&self) -> usize {
        self.head.len() + self.payload.len() + size_of::<Self>()
    }

    fn properties_start(&self) -> usize {
        2 + usize::from(self.topic_length)
    }

    /// Appends the PUBLISH for one receiver. `false`, and nothing appended, when it would be over its limit.
    pub(crate) fn encode(&self, one: &One<'_>, out: &mut Outgoing) -> bool {
        let start = self.properties_start();
        let aliased = matches!(one.alias, Alias::Known(_));
        let topic = if aliased { &[0, 0][..] } else { self.head.get(..start).unwrap_or_default() };
        let all = self.head.get(start..).unwrap_or_default();
        // A client of MQTT 5 gets the properties of all behind those of its own.
        let own = one.version.is_5().then(|| one.own_properties(self)).filter(|own| !own.is_empty());
        let shared = if own.is_some() { strip_length(all) } else { all };
        let properties_length = match (&own, one.version.is_5()) {
            (_, false) => 0,
            (None, true) => all.len(),
            (Some(own), true) => {
                let length = own.len() + shared.len();
                write::variable_length(length) + length
            }
        };
        let identifier_length = if one.qos > QoS::AtMostOnce { 2 } else { 0 };
        let remaining = topic.len() + identifier_length + properties_length + self.payload.len();
        let total = 1 + write::variable_length(remaining) + remaining;
        if total > one.size_max as usize || remaining > crate::packet::read::VARIABLE_MAX as usize {
            return false;
        }
        let bytes = out.packet();
        bytes.push(0x30 | u8::from(one.dup) << 3 | (one.qos as u8) << 1 | u8::from(one.retain));
        write::variable(bytes, remaining);
        bytes.extend_from_slice(topic);
        if one.qos > QoS::AtMostOnce {
            bytes.extend_from_slice(&one.packet_id.to_be_bytes());
        }
        if one.version.is_5() {
            if let Some(own) = own {
                write::variable(bytes, own.len() + shared.len());
                bytes.extend_from_slice(&own);
            }
            bytes.extend_from_slice(shared);
        }
        out.push(&self.payload);
        true
    }
}

fn strip_length(properties: &[u8]) -> &[u8] {
    let digits = properties.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    properties.get(digits..).unwrap_or_default()
}

/// What the topic alias of a PUBLISH is (§3.3.2.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alias {
    None,
    /// Given with the name.
    New(u16),
    /// In place of the name.
    Known(u16),
}

/// What differs from receiver to receiver.
pub(crate) struct One<'a> {
    pub version: Version,
    pub packet_id: u16,
    pub dup: bool,
    pub qos: QoS,
    pub retain: bool,
    pub identifiers: &'a Identifiers,
    pub alias: Alias,
    pub now: u64,
    pub size_max: u32,
}

impl One<'_> {
    fn own_properties(&self, message: &Message) -> smallvec::SmallVec<[u8; 16]> {
        let mut own = smallvec::SmallVec::new();
        if message.expires_at != u64::MAX {
            // [MQTT-3.3.2-6]: less the time it waited here.
            let seconds = message.expires_at.saturating_sub(self.now).div_ceil(1000);
            own.push(id::MESSAGE_EXPIRY_INTERVAL);
            own.extend_from_slice(&u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes());
        }
        if let Alias::New(alias) | Alias::Known(alias) = self.alias {
            own.push(id::TOPIC_ALIAS);
            own.extend_from_slice(&alias.to_be_bytes());
        }
        for identifier in self.identifiers.as_slice() {
            let mut digits = Vec::with_capacity(5);
            digits.push(id::SUBSCRIPTION_IDENTIFIER);
            write::variable(&mut digits, *identifier as usize);
            own.extend_from_slice(&digits);
        }
        own
    }
}

/// Subscription identifiers that a message is marked with: seldom one, hardly ever more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Identifiers {
    /// None.
    #[default]
    None,
    /// One.
    One(u32),
    /// More.
    Many(Box<[u32]>),
}

impl Identifiers {
    /// All of them.
    pub fn as_slice(&self) -> &[u32] {
        match self {
            Self::None => &[],
            Self::One(one) => core::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    /// One more.
    #[must_use]
    pub fn with(self, identifier: u32) -> Self {
        match self {
            Self::None => Self::One(identifier),
            Self::One(one) => Self::Many(Box::new([one, identifier])),
            Self::Many(many) => Self::Many(many.iter().copied().chain([identifier]).collect()),
        }
    }
}

/// What the owner's store knows a message by: [`Delivery::reference`] and [`Message::reference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Of the delivery.
    pub delivery: u64,
    /// Of the message; `None` when the receiver has it and only its packet identifier is in use.
    pub message: Option<u64>,
}

/// A message for one receiver.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What all receivers share.
    pub message: Arc<Message>,
    /// The lower of what was published and what was subscribed to.
    pub qos: QoS,
    /// What the receiver's flag says (§3.3.1.3).
    pub retain: bool,
    /// Those of all subscriptions that matched.
    pub identifiers: Identifiers,
    /// For the owner's use: what its store knows this delivery by; 0 is nothing.
    pub reference: u64,
}

impl Delivery {
    /// A delivery of what is published now, to a subscription without options.
    pub fn new(message: Arc<Message>, qos: QoS) -> Self {
        Self { message, qos, retain: false, identifiers: Identifiers::None, reference: 0 }
    }

    /// What a store knows of it.
    pub fn kept(&self) -> Kept {
        Kept { delivery: self.reference, message: Some(self.message.reference) }
    }
}

#[cfg(test)]
mod tests;
