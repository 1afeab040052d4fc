//! The broker's messages to the client, and its answers to the client's.

use super::{Connection, Event, State};
use crate::message::Delivery;
use crate::packet::properties::Properties;
use crate::packet::{Kind, ack, subscribe};
use crate::session::writer::Writer;
use crate::session::{Refused, Stage, packet_id};
use crate::{QoS, Reason};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// With QoS 0: it is written, and that is all.
    Sent,
    /// With QoS 1 or 2: it is written, or it waits for the client; this is its place.
    Queued(u64),
}

impl Connection {
    /// Sends a message, or lets it wait until the client's receive maximum allows it.
    pub fn deliver(&mut self, now: u64, delivery: Delivery) -> Result<Delivered, Refused> {
        if self.closed.is_some() || self.state != State::Connected {
            return Err(Refused::NotConnected);
        }
        if delivery.message.expired(now) {
            return Err(Refused::Expired);
        }
        if delivery.qos == QoS::AtMostOnce {
            let Self { out, taken, version, size_max, .. } = self;
            let mut writer = Writer { version: *version, size_max: *size_max, now, out, taken };
            return if writer.publish(0, false, &delivery) {
                Ok(Delivered::Sent)
            } else {
                Err(Refused::TooLarge)
            };
        }
        self.enqueue(now, delivery, Stage::Queued).map(Delivered::Queued)
    }

    /// Takes a message with QoS 1 or 2 and doesn't send it before [`Connection::stored`]: one with QoS 2 arrives once
    /// only if its packet identifier is stored before it is sent.
    pub fn hold(&mut self, now: u64, delivery: Delivery) -> Result<u64, Refused> {
        self.enqueue(now, delivery, Stage::Held)
    }

    /// Lets a held message go.
    pub fn stored(&mut self, now: u64, sequence: u64) {
        if let Some(session) = &mut self.session {
            session.sender.unhold(sequence);
            self.pump_at(now);
        }
    }

    /// Says that PUBREC is stored: PUBREL follows.
    pub fn release(&mut self, sequence: u64) {
        let Some(session) = &mut self.session else { return };
        if session.sender.mark_released(sequence) && self.closed.is_none() {
            let id = packet_id(sequence);
            ack::short(self.version, Kind::Pubrel, id, Reason::SUCCESS, self.out.packet());
        }
    }

    /// Answers a message of the client, now that it is safe or refused. Answers may be given in any order; they are
    /// written in the order of the messages.
    ///
    /// A message with QoS 1 whose connection was lost isn't to be answered on the next one: the client sends it again, or
    /// uses its packet identifier for another. One with QoS 2 is.
    pub fn acknowledge(&mut self, packet_id: u16, reason: Reason) {
        let Some(session) = &mut self.session else { return };
        let waiting =
            |pending: &&mut super::Pending| pending.packet_id == packet_id && pending.answer.is_none();
        let Some(pending) = self.pending.iter_mut().find(waiting) else {
            return session.receiver.settle(packet_id, !reason.is_error());
        };
        pending.answer = Some(reason);
        if pending.qos == QoS::ExactlyOnce {
            session.receiver.settle(packet_id, !reason.is_error());
        }
        while let Some(pending) = self.pending.front()
            && let Some(reason) = pending.answer
        {
            let kind = if pending.qos == QoS::ExactlyOnce { Kind::Pubrec } else { Kind::Puback };
            if kind == Kind::Puback || reason.is_error() {
                self.unanswered = self.unanswered.saturating_sub(1);
            }
            if self.closed.is_none() {
                ack::short(self.version, kind, pending.packet_id, reason, self.out.packet());
            }
            self.pending.pop_front();
        }
        if self.pending.is_empty() && self.pending.capacity() > 16 {
            self.pending = std::collections::VecDeque::new();
        }
    }

    /// Says that the packet identifier of a released message is forgotten: PUBCOMP follows.
    pub fn complete(&mut self, packet_id: u16) {
        let Some(session) = &mut self.session else { return };
        if session.receiver.complete(packet_id) && self.closed.is_none() {
            self.unanswered = self.unanswered.saturating_sub(1);
            ack::short(self.version, Kind::Pubcomp, packet_id, Reason::SUCCESS, self.out.packet());
        }
    }

    /// Answers SUBSCRIBE, with a reason for each filter.
    pub fn suback(&mut self, packet_id: u16, reasons: &[Reason]) {
        self.list_answer(Kind::Suback, packet_id, reasons);
    }

    /// Answers UNSUBSCRIBE, with a reason for each filter.
    pub fn unsuback(&mut self, packet_id: u16, reasons: &[Reason]) {
        self.list_answer(Kind::Unsuback, packet_id, reasons);
    }

    fn list_answer(&mut self, kind: Kind, packet_id: u16, reasons: &[Reason]) {
        if self.closed.is_some() {
            return;
        }
        let before = self.out.small().len();
        subscribe::answer(self.version, kind, packet_id, &Properties::default(), reasons, self.out.packet());
        // [MQTT-3.1.2-24]
        if self.out.small().len() - before > self.size_max as usize {
            self.out.take_back(before);
            self.disconnect(Reason::PACKET_TOO_LARGE, None);
        }
    }

    fn enqueue(&mut self, now: u64, delivery: Delivery, stage: Stage) -> Result<u64, Refused> {
        let quota = usize::from(self.quota);
        let Some(session) = self.session.as_mut().filter(|_| self.closed.is_none()) else {
            return Err(Refused::NotConnected);
        };
        let room = quota.saturating_sub(session.sender.in_flight());
        let sequence = session.sender.push(delivery, stage, room)?;
        // What is dropped at once is told by the result alone.
        match self.pump(now, Some(sequence)) {
            Some(why) => Err(why),
            None => Ok(sequence),
        }
    }

    /// Sends what may be sent.
    pub(super) fn pump_at(&mut self, now: u64) {
        self.pump(now, None);
    }

    /// Says why the message at `watched` was dropped, if it was.
    fn pump(&mut self, now: u64, watched: Option<u64>) -> Option<Refused> {
        let Self { session, out, taken, version, size_max, .. } = self;
        let session = session.as_mut().filter(|_| self.closed.is_none())?;
        let mut writer = Writer { version: *version, size_max: *size_max, now, out, taken };
        let mut refused = None;
        for (entry, why) in writer.pump(&mut session.sender, self.quota) {
            if Some(entry.sequence) == watched {
                refused = Some(why);
            } else if self.durable {
                let (sequence, kept) = (entry.sequence, entry.kept());
                self.events.push_back(Event::Dropped { sequence, kept, why });
            }
        }
        refused
    }
}
