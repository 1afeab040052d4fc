//! Messages with QoS 1 and 2 on their way to the other side (§4.3, §4.4, §4.9).
//!
//! All stand in one queue in the order in which they are sent. Those at its front are in flight on this connection, and
//! those behind wait: for the other side's receive maximum, or for a connection.

use super::{Refused, packet_id};
use crate::packet::Kind;
use crate::{Delivery, Error, Kept, QoS, Reason};
use std::collections::VecDeque;

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Waits until it is stored.
    Held,
    /// Waits to be sent.
    Queued,
    /// Was sent at least once.
    Sent,
    /// PUBREC came, and waits until that is stored.
    Received,
    /// PUBREL was sent or is to be sent; the message itself isn't needed any more.
    Released,
}

/// A message of the queue, as a store keeps it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its place; the packet identifier follows from it.
    pub sequence: u64,
    /// How far it has come.
    pub stage: Stage,
    /// As the delivery has it.
    pub reference: u64,
    /// `None` when it isn't needed any more.
    pub delivery: Option<Delivery>,
}

impl Stored {
    /// What a store knows of it.
    pub fn kept(&self) -> Kept {
        let message = self.delivery.as_ref().map(|delivery| delivery.message.reference);
        Kept { delivery: self.reference, message }
    }
}

/// All that is on its way to one side.
#[derive(Debug)]
pub(crate) struct Sender {
    entries: VecDeque<Stored>,
    in_flight: u32,
    queue_max: u32,
    next: u64,
}

/// What is to be put on the wire next.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    Publish { packet_id: u16, dup: bool, delivery: &'a Delivery },
    Pubrel { packet_id: u16 },
}

/// What an answer from the other side did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is no such packet.
    Unknown,
    /// PUBREC came for the first time.
    Received(u64, Kept),
    /// PUBREC came again after PUBREL.
    ReleasedBefore,
    /// It is over.
    Complete(u64, Kept),
    /// Nothing changes.
    Nothing,
}

impl Sender {
    pub(crate) fn new(queue_max: usize) -> Self {
        let queue_max = u32::try_from(queue_max).unwrap_or(u32::MAX);
        Self { entries: VecDeque::new(), in_flight: 0, queue_max, next: 0 }
    }

    pub(crate) fn restore(queue_max: usize, mut stored: Vec<Stored>, next: u64) -> Self {
        stored.sort_unstable_by_key(|entry| entry.sequence);
        stored.dedup_by_key(|entry| entry.sequence);
        let last = stored.last().map_or(0, |entry| entry.sequence + 1);
        for entry in &mut stored {
            entry.stage = match (entry.stage, &entry.delivery) {
                // What a store keeps is stored.
                (Stage::Held | Stage::Queued, Some(_)) => Stage::Queued,
                (Stage::Sent, Some(_)) => Stage::Sent,
                _ => Stage::Released,
            };
        }
        Self { entries: stored.into(), next: next.max(last), ..Self::new(queue_max) }
    }

    pub(crate) fn stored(&self) -> impl Iterator<Item = Stored> + '_ {
        self.entries.iter().cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Messages that there is memory for.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.entries.capacity()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight as usize
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Appends a message. `room` is how many the connection takes beside those that may wait.
    pub(crate) fn push(&mut self, delivery: Delivery, stage: Stage, room: usize) -> Result<u64, Refused> {
        let waiting = self.entries.len() - self.in_flight();
        if waiting >= (self.queue_max as usize).saturating_add(room) {
            return Err(Refused::QueueFull);
        }
        let sequence = self.free_sequence().ok_or(Refused::QueueFull)?;
        self.next = sequence + 1;
        let reference = delivery.reference;
        self.entries.push_back(Stored { sequence, stage, reference, delivery: Some(delivery) });
        Ok(sequence)
    }

    /// A packet identifier for something else than a message.
    pub(crate) fn reserve_id(&mut self) -> Option<u16> {
        let sequence = self.free_sequence()?;
        self.next = sequence + 1;
        Some(packet_id(sequence))
    }

    /// The next sequence whose packet identifier isn't in use. Identifiers follow the sequence, so that one can only be in
    /// use again once 65,535 messages have passed one that is stuck.
    fn free_sequence(&self) -> Option<u64> {
        const IDS: u64 = 65_535;
        if self.entries.len() as u64 >= IDS {
            return None;
        }
        let Some(oldest) = self.entries.front() else { return Some(self.next) };
        if self.next - oldest.sequence < IDS {
            return Some(self.next);
        }
        let waiting = self.entries.get(self.in_flight());
        let end = waiting.map_or(u64::MAX, |entry| entry.sequence + IDS);
        let in_flight = || self.entries.range(..self.in_flight());
        (self.next..self.next + IDS)
            .take_while(|sequence| *sequence < end)
            .find(|sequence| in_flight().all(|entry| packet_id(entry.sequence) != packet_id(*sequence)))
    }

    /// A new connection: whatever isn't over is sent again, in order ([MQTT-4.4.0-1], [MQTT-4.6.0-1]).
    pub(crate) fn restart(&mut self) {
        self.in_flight = 0;
    }

    /// The other side lost its session: messages are sent as if for the first time, and what was released is over.
    pub(crate) fn forget_progress(&mut self) {
        self.in_flight = 0;
        self.entries.retain_mut(|entry| {
            if entry.stage == Stage::Sent {
                entry.stage = Stage::Queued;
            }
            matches!(entry.stage, Stage::Held | Stage::Queued)
        });
    }

    /// Lets a held message go.
    pub(crate) fn unhold(&mut self, sequence: u64) {
        if let Some(entry) = self.by_sequence(sequence)
            && entry.stage == Stage::Held
        {
            entry.stage = Stage::Queued;
        }
    }

    /// From here on the message itself isn't needed. Says whether PUBREL is due on this connection.
    pub(crate) fn mark_released(&mut self, sequence: u64) -> bool {
        let in_flight = self.in_flight();
        let Ok(index) = self.entries.binary_search_by_key(&sequence, |entry| entry.sequence) else {
            return false;
        };
        match self.entries.get_mut(index) {
            Some(entry) if entry.stage == Stage::Received => {
                (entry.stage, entry.delivery) = (Stage::Released, None);
                index < in_flight
            }
            _ => false,
        }
    }

    fn by_sequence(&mut self, sequence: u64) -> Option<&mut Stored> {
        let index = self.entries.binary_search_by_key(&sequence, |entry| entry.sequence).ok()?;
        self.entries.get_mut(index)
    }

    /// Puts what may be sent now on the wire, through `send`: `false` drops the message. Those that expired before they
    /// were sent ([MQTT-3.3.2-5]) or were dropped are given to `dropped`.
    pub(crate) fn pump(
        &mut self,
        now: u64,
        quota: usize,
        mut send: impl FnMut(Step<'_>) -> bool,
        mut dropped: impl FnMut(Stored, Refused),
    ) {
        while self.in_flight() < quota {
            let index = self.in_flight();
            let Some(entry) = self.entries.get_mut(index) else { return };
            let packet_id = packet_id(entry.sequence);
            let refused = match (entry.stage, &entry.delivery) {
                (Stage::Held, _) => return,
                (Stage::Queued, Some(delivery)) if delivery.message.expired(now) => Some(Refused::Expired),
                (Stage::Queued | Stage::Sent, Some(delivery)) => {
                    let dup = entry.stage == Stage::Sent;
                    let sent = send(Step::Publish { packet_id, dup, delivery });
                    entry.stage = Stage::Sent;
                    (!sent).then_some(Refused::TooLarge)
                }
                (Stage::Received, _) => None,
                (Stage::Released, _) | (_, None) => {
                    entry.stage = Stage::Released;
                    send(Step::Pubrel { packet_id });
                    None
                }
            };
            match refused {
                None => self.in_flight += 1,
                Some(why) => {
                    if let Some(entry) = self.entries.remove(index) {
                        dropped(entry, why);
                    }
                }
            }
        }
    }

    /// Takes PUBACK, PUBREC or PUBCOMP. `durable`: PUBREL waits until the owner says that PUBREC is stored.
    pub(crate) fn answer(
        &mut self,
        kind: Kind,
        packet: u16,
        reason: Reason,
        durable: bool,
    ) -> Result<Progress, Error> {
        let mut flying = self.entries.range(..self.in_flight());
        let Some(index) = flying.position(|entry| packet_id(entry.sequence) == packet) else {
            return Ok(Progress::Unknown);
        };
        let Some(entry) = self.entries.get_mut(index) else { return Ok(Progress::Unknown) };
        let qos = entry.delivery.as_ref().map_or(QoS::ExactlyOnce, |delivery| delivery.qos);
        match (kind, entry.stage, qos) {
            (Kind::Puback, Stage::Sent, QoS::AtLeastOnce) | (Kind::Pubcomp, Stage::Released, _) => {
                Ok(self.finish(index))
            }
            (Kind::Pubrec, Stage::Sent, QoS::ExactlyOnce) if reason.is_error() => Ok(self.finish(index)),
            (Kind::Pubrec, Stage::Sent, QoS::ExactlyOnce) => {
                let received = Progress::Received(entry.sequence, entry.kept());
                entry.stage = Stage::Received;
                if !durable {
                    (entry.stage, entry.delivery) = (Stage::Released, None);
                }
                Ok(received)
            }
            (Kind::Pubrec, Stage::Released, _) => Ok(Progress::ReleasedBefore),
            (Kind::Pubrec, Stage::Received, _) => Ok(Progress::Nothing),
            _ => Err(Error::protocol("an answer that doesn't belong to the message's QoS")),
        }
    }

    fn finish(&mut self, index: usize) -> Progress {
        let Some(entry) = self.entries.remove(index) else { return Progress::Unknown };
        self.in_flight -= 1;
        if self.entries.is_empty() && self.entries.capacity() > 16 {
            self.entries = VecDeque::new();
        }
        Progress::Complete(entry.sequence, entry.kept())
    }
}
