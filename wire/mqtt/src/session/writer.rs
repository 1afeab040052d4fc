//! Puts messages on the wire of one connection.

use super::sender::{Sender, Step, Stored};
use crate::connection::aliases::Taken;
use crate::message::{Delivery, One};
use crate::packet::{Kind, ack};
use crate::session::Refused;
use crate::{Outgoing, Reason, Version};

/// What encoding a message for one receiver needs of its connection.
pub(crate) struct Writer<'a> {
    pub version: Version,
    pub size_max: u32,
    pub now: u64,
    pub out: &'a mut Outgoing,
    pub taken: &'a mut Taken,
}

impl Writer<'_> {
    /// Writes a PUBLISH. `false` when the receiver takes no packet of this size ([MQTT-3.1.2-24]).
    pub(crate) fn publish(&mut self, packet_id: u16, dup: bool, delivery: &Delivery) -> bool {
        let message = &*delivery.message;
        let alias = self.taken.of(message);
        let one = One {
            version: self.version,
            packet_id,
            dup,
            qos: delivery.qos,
            retain: delivery.retain,
            identifiers: &delivery.identifiers,
            alias,
            now: self.now,
            size_max: self.size_max,
        };
        let written = message.encode(&one, self.out);
        if written {
            self.taken.sent(message, alias);
        }
        written
    }

    /// Writes what may be sent now; gives what is dropped instead.
    pub(crate) fn pump(&mut self, sender: &mut Sender, quota: u16) -> Vec<(Stored, Refused)> {
        let now = self.now;
        let mut dropped = Vec::new();
        let send = |step: Step<'_>| match step {
            Step::Publish { packet_id, dup, delivery } => self.publish(packet_id, dup, delivery),
            Step::Pubrel { packet_id } => {
                ack::short(self.version, Kind::Pubrel, packet_id, Reason::SUCCESS, self.out.packet());
                true
            }
        };
        sender.pump(now, usize::from(quota), send, |entry, why| dropped.push((entry, why)));
        dropped
    }
}
