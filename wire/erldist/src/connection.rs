//! A connection after the handshake: frames of four bytes of length, and ticks that show that both sides live.

#[cfg(test)]
mod tests;

use crate::Term;
use crate::flags::Flags;
use crate::message::{Control, Frame, Limits, Message, MessageError, MessageReader, write};
use std::time::Duration;

/// A frame of no bytes.
const TICK: [u8; 4] = [0; 4];

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// Something that is no message.
    #[error("{0}")]
    Message(#[from] MessageError),
    /// The peer has been silent for the whole tick time.
    #[error("the node does not answer any more")]
    Silent,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    flags: Flags,
    limits: Limits,
    reader: MessageReader,
    received: Vec<u8>,
    /// Bytes of `received` that have been read.
    taken: usize,
    to_send: Vec<u8>,
    /// A quarter of the tick time.
    interval: Duration,
    last_sent: Duration,
    last_heard: Duration,
}

impl Connection {
    /// `tick_time` is Erlang's `net_ticktime`, 60 s: each side sends something every quarter of it, and is given up
    /// when it has been silent for the whole.
    pub fn new(flags: Flags, limits: Limits, tick_time: Duration, now: Duration) -> Self {
        Self {
            flags,
            limits,
            reader: MessageReader::new(flags, limits),
            received: Vec::new(),
            taken: 0,
            to_send: Vec::new(),
            interval: (tick_time / 4).max(Duration::from_millis(1)),
            last_sent: now,
            last_heard: now,
        }
    }

    /// Takes what the peer sent. Read it with [`Connection::poll_message`] until that gives none.
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) {
        self.last_heard = now;
        self.received.drain(..self.taken);
        self.taken = 0;
        self.received.extend_from_slice(input);
    }

    /// The next message. Unknown ones are passed over.
    pub fn poll_message(&mut self) -> Result<Option<Message>, ConnectionError> {
        loop {
            let rest = self.received.get(self.taken..).unwrap_or_default();
            let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            if length > self.limits.frame {
                return Err(MessageError::TooLong.into());
            }
            let Some(frame) = rest.get(..length) else { return Ok(None) };
            self.taken += 4 + length;
            if let Frame::Message(message) = self.reader.read(frame)? {
                return Ok(Some(message));
            }
        }
    }

    /// Sends a message.
    pub fn send(&mut self, control: &Control, payload: Option<&Term>) {
        self.to_send.extend(write(self.flags, control, payload));
    }

    /// Bytes to send.
    pub fn poll_output(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.to_send.is_empty() {
            return None;
        }
        self.last_sent = now;
        Some(std::mem::take(&mut self.to_send))
    }

    /// Sends a tick if nothing else was sent; fails where the peer is silent.
    pub fn handle_timeout(&mut self, now: Duration) -> Result<(), ConnectionError> {
        if now >= self.silent_at() {
            return Err(ConnectionError::Silent);
        }
        if now >= self.tick_at() && self.to_send.is_empty() {
            self.to_send.extend(TICK);
        }
        Ok(())
    }

    /// When to call [`Connection::handle_timeout`].
    pub fn poll_timeout(&self) -> Duration {
        self.silent_at().min(self.tick_at())
    }

    fn tick_at(&self) -> Duration {
        self.last_sent.saturating_add(self.interval)
    }

    fn silent_at(&self) -> Duration {
        self.last_heard.saturating_add(self.interval.saturating_mul(4))
    }
}
