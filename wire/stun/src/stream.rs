//! Messages that follow each other on a stream (RFC 8489 §6.2.2, RFC 8656 §12.5).

use crate::{channel, message};

/// Bytes of the longest message.
pub const LENGTH_MAX: usize = channel::HEADER + u16::MAX as usize + 3;

/// What the beginning of a buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A part of a message.
    Part,
    /// A whole message of so many bytes, with its padding.
    Whole(usize),
    /// Nothing that belongs here.
    Foreign,
}

/// Looks at the beginning of a buffer. ChannelData counts only from clients that have an allocation: `GET ` looks like it.
pub fn first(buffer: &[u8], has_allocation: bool) -> Piece {
    let Some(header) = buffer.first_chunk::<4>() else { return Piece::Part };
    let channel = channel::stream_length(header).filter(|_| has_allocation);
    match channel.or_else(|| message::stream_length(header)) {
        Some(length) if length <= buffer.len() => Piece::Whole(length),
        Some(_) => Piece::Part,
        None => Piece::Foreign,
    }
}

#[cfg(test)]
mod tests;
