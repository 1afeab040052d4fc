//! Cutting a stream of bytes into packets (§2.1). Nothing is copied, and a packet that drips in is never looked at twice
//! but for its first five bytes.

use crate::packet::Kind;
use crate::packet::read::variable;
use crate::{Error, Reason};
use bytes::{Buf as _, Bytes, BytesMut};

/// The start of a packet: enough to know whether it may come at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type and flags, which are valid.
    pub first: u8,
    /// What `first` says.
    pub kind: Kind,
    /// Bytes of the header itself.
    pub length: usize,
    /// Bytes after it.
    pub remaining: usize,
}

impl Header {
    /// Reads the start of a packet of at most `limit` bytes altogether; `None` when more bytes are needed.
    pub fn read(bytes: &[u8], limit: u32) -> Result<Option<Self>, Error> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let kind = Kind::from_first(first)?;
        let Some((remaining, digits)) = variable(rest)? else { return Ok(None) };
        let header = Self { first, kind, length: 1 + digits, remaining: remaining as usize };
        if header.total() > limit as usize {
            return Err(Error::new(Reason::PACKET_TOO_LARGE, "a packet over the limit"));
        }
        Ok(Some(header))
    }

    /// Bytes of the whole packet.
    pub const fn total(&self) -> usize {
        self.length + self.remaining
    }

    /// Takes the body from the buffer's front; `None`, and nothing taken, when it isn't all there.
    pub fn take_body(&self, input: &mut BytesMut) -> Option<Bytes> {
        if input.len() < self.total() {
            return None;
        }
        if self.remaining == 0 {
            input.advance(self.length);
            return Some(Bytes::new());
        }
        let mut packet = input.split_to(self.total());
        packet.advance(self.length);
        Some(packet.freeze())
    }
}

#[cfg(test)]
mod tests;
