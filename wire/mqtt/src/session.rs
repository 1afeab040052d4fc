//! What outlives a connection (§4.1): messages on their way to the other side, and those that came and aren't done with.
//!
//! Both ends have the same: a server's [`crate::Connection`] and a [`crate::client::Client`] each own a session while they
//! are connected.

pub(crate) mod receiver;
pub(crate) mod sender;
pub(crate) mod writer;

pub use sender::{Stage, Stored};

use crate::Delivery;
use receiver::Receiver;
use sender::Sender;

/// Why a message isn't taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many wait as may.
    #[error("the queue is full")]
    QueueFull,
    /// The receiver said that it takes no packet of this size.
    #[error("the message is larger than the client takes")]
    TooLarge,
    /// Its time was over before it was sent.
    #[error("the message has expired")]
    Expired,
    /// There is no connection for a message that doesn't wait for one.
    #[error("not connected")]
    NotConnected,
}

/// The packet identifier that belongs to a place in the session's sequence.
pub const fn packet_id(sequence: u64) -> u16 {
    (sequence % 65_535) as u16 + 1
}

/// The state of a session. Without messages under way it holds no memory beside itself.
#[derive(Debug)]
pub struct Session {
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
}

impl Session {
    /// A new session, in which so many messages may wait to be sent.
    pub fn new(queue_max: usize) -> Self {
        Self { sender: Sender::new(queue_max), receiver: Receiver::default() }
    }

    /// A session as it was stored: deliveries, and packet identifiers of messages with QoS 2 that the other side hasn't
    /// released. A delivery that may have been on the wire is to be [`Stage::Sent`]. `next` is a sequence above all that
    /// were ever used, as far as is known.
    pub fn restore(queue_max: usize, stored: Vec<Stored>, received: Vec<u16>, next: u64) -> Self {
        Self { sender: Sender::restore(queue_max, stored, next), receiver: Receiver::restore(received) }
    }

    /// Lets a message with QoS 1 or 2 wait for the connection. Its packet identifier is fixed from here on:
    /// `packet_id(sequence)`.
    pub fn enqueue(&mut self, delivery: Delivery) -> Result<u64, Refused> {
        self.sender.push(delivery, Stage::Queued, 0)
    }

    /// The same, but it isn't sent before [`Session::stored`] is called: a message with QoS 2 arrives once only if its
    /// packet identifier is stored before it is sent.
    pub fn hold(&mut self, delivery: Delivery) -> Result<u64, Refused> {
        self.sender.push(delivery, Stage::Held, 0)
    }

    /// Lets a held message go.
    pub fn stored(&mut self, sequence: u64) {
        self.sender.unhold(sequence);
    }

    /// Notes that the store knows of PUBREC while there is no connection.
    pub fn release(&mut self, sequence: u64) {
        self.sender.mark_released(sequence);
    }

    /// Says of a message with QoS 2, whose connection was lost before it was acknowledged, whether it is safe now.
    pub fn settle(&mut self, packet_id: u16, safe: bool) {
        self.receiver.settle(packet_id, safe);
    }

    /// Notes that the store has forgotten a received packet identifier while there is no connection.
    pub fn complete(&mut self, packet_id: u16) {
        self.receiver.complete(packet_id);
    }

    /// A new connection, or none.
    pub(crate) fn restart(&mut self) {
        self.sender.restart();
        self.receiver.restart();
    }

    /// Messages under way and waiting, in order.
    pub fn outgoing(&self) -> impl Iterator<Item = Stored> + '_ {
        self.sender.stored()
    }

    /// How many of those there are.
    pub fn outgoing_count(&self) -> usize {
        self.sender.count()
    }

    /// The sequence that the next message will have, or one shortly before.
    pub fn next_sequence(&self) -> u64 {
        self.sender.next_sequence()
    }

    /// Packet identifiers of messages with QoS 2 that came and aren't released yet.
    pub fn received(&self) -> impl Iterator<Item = u16> + '_ {
        self.receiver.ids()
    }
}

#[cfg(test)]
mod tests;
