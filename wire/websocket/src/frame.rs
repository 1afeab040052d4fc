//! Headers of frames (§5.2) and the mask (§5.3), for both ends.

use crate::Fault;

/// Bytes of the payload of a control frame at most (§5.5).
pub const CONTROL_MAX: usize = 125;
/// Bytes of a header at most.
pub const HEADER_MAX: usize = 14;

const LAST: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// More of a message.
    Continuation,
    /// A message's first frame.
    Message(Kind),
    /// The last frame of all.
    Close,
    /// To be answered.
    Ping,
    /// The answer.
    Pong,
}

impl Opcode {
    const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Continuation,
            1 => Self::Message(Kind::Text),
            2 => Self::Message(Kind::Binary),
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    const fn number(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Message(Kind::Text) => 1,
            Self::Message(Kind::Binary) => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    /// Whether it may stand between the frames of a message.
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// Whose frames they are: a client masks all of them, a server none (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The end that has connected.
    Client,
    /// The end that was connected to.
    Server,
}

/// The start of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub opcode: Opcode,
    /// Whether the message ends with this frame.
    pub is_last: bool,
    /// What the payload is masked with.
    pub mask: Option<[u8; 4]>,
    /// Bytes of the payload.
    pub length: u64,
}

impl Header {
    /// Reads a header and says how many bytes it has; `None` when more are needed. What is wrong is told by the first byte
    /// that shows it.
    ///
    /// # Errors
    /// What no sender may send.
    pub fn read(bytes: &[u8], sender: Sender) -> Result<Option<(Self, usize)>, Fault> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let (opcode, is_last) = first_byte(first)?;
        let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
        let is_masked = second & MASKED != 0;
        match (sender, is_masked) {
            (Sender::Client, false) => return Err(Fault::protocol("a client's frame that isn't masked")),
            (Sender::Server, true) => return Err(Fault::protocol("a server's frame that is masked")),
            _ => {}
        }
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > CONTROL_MAX {
            return Err(Fault::protocol("a control frame of more than 125 bytes"));
        }
        let (length, rest) = match short {
            LENGTH_16 => {
                let Some((bytes, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (checked(u16::from_be_bytes(*bytes).into(), u64::from(LENGTH_16))?, rest)
            }
            LENGTH_64 => {
                let Some((bytes, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (checked(u64::from_be_bytes(*bytes), 1 << 16)?, rest)
            }
            short => (short.into(), rest),
        };
        let (mask, rest) = match (is_masked, rest.split_first_chunk()) {
            (false, _) => (None, rest),
            (true, Some((mask, rest))) => (Some(*mask), rest),
            (true, None) => return Ok(None),
        };
        Ok(Some((Self { opcode, is_last, mask, length }, bytes.len() - rest.len())))
    }

    /// Appends the header. The payload that follows is to be masked by [`apply_mask`] if there is a mask.
    pub fn write(&self, out: &mut Vec<u8>) {
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        out.push(self.opcode.number() | if self.is_last { LAST } else { 0 });
        match (u8::try_from(self.length), u16::try_from(self.length)) {
            (Ok(short), _) if short < LENGTH_16 => out.push(masked | short),
            (_, Ok(length)) => {
                out.push(masked | LENGTH_16);
                out.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                out.push(masked | LENGTH_64);
                out.extend_from_slice(&self.length.to_be_bytes());
            }
        }
        out.extend_from_slice(self.mask.as_ref().map_or(&[], |mask| mask.as_slice()));
    }
}

fn first_byte(first: u8) -> Result<(Opcode, bool), Fault> {
    if first & RESERVED != 0 {
        return Err(Fault::protocol("a reserved bit of an extension that was not agreed on"));
    }
    let opcode = Opcode::from_number(first & 0x0f).ok_or(Fault::protocol("a reserved opcode"))?;
    let is_last = first & LAST != 0;
    if opcode.is_control() && !is_last {
        return Err(Fault::protocol("a control frame in fragments"));
    }
    Ok((opcode, is_last))
}

/// A length has one form, the shortest, and no more than 63 bits.
fn checked(length: u64, least: u64) -> Result<u64, Fault> {
    if length < least {
        return Err(Fault::protocol("a length in a form longer than it needs"));
    }
    if length >> 63 != 0 {
        return Err(Fault::protocol("a length of 64 bits"));
    }
    Ok(length)
}

/// Masks or unmasks a piece of a payload, and turns the mask for the next piece.
pub fn apply_mask(mask: &mut [u8; 4], bytes: &mut [u8]) {
    let turned = bytes.len() % 4;
    let [a, b, c, d] = *mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    mask.rotate_left(turned);
}

#[cfg(test)]
mod tests;
