//! Reading the data types of §1.5 from the body of a packet.

use crate::{Error, Text};
use bytes::{Buf, Bytes};

/// The largest number that a variable byte integer holds (§1.5.5).
pub const VARIABLE_MAX: u32 = 268_435_455;

const SHORT: Error = Error::malformed("the packet ends too early");

/// What hasn't been read of a packet yet. What is taken shares the packet's memory.
pub(crate) struct Reader(pub(crate) Bytes);

impl Reader {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.0.try_get_u8().map_err(|_| SHORT)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.0.try_get_u16().map_err(|_| SHORT)
    }

    pub(crate) fn variable(&mut self) -> Result<u32, Error> {
        let (value, length) = variable(&self.0)?.ok_or(SHORT)?;
        self.0.advance(length);
        Ok(value)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<Bytes, Error> {
        if length > self.0.len() {
            return Err(SHORT);
        }
        Ok(self.0.split_to(length))
    }

    pub(crate) fn binary(&mut self) -> Result<Bytes, Error> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    pub(crate) fn text(&mut self) -> Result<Text, Error> {
        Text::from_bytes(self.binary()?)
    }

    /// [MQTT-2.2.1-3], [MQTT-2.2.1-4]: 0 identifies nothing.
    pub(crate) fn packet_id(&mut self) -> Result<u16, Error> {
        match self.u16()? {
            0 => Err(Error::protocol("packet identifier 0")),
            id => Ok(id),
        }
    }

    pub(crate) fn rest(&mut self) -> Bytes {
        core::mem::take(&mut self.0)
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::malformed("bytes after the end of the packet")) }
    }
}

/// A variable byte integer and how many bytes it takes; `None` when more are needed.
///
/// [MQTT-1.5.5-1]: a longer form than needed is refused.
pub fn variable(bytes: &[u8]) -> Result<Option<(u32, usize)>, Error> {
    let mut value = 0_u32;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if *byte == 0 && index > 0 {
                return Err(Error::malformed("a variable byte integer is longer than needed"));
            }
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() >= 4 {
        return Err(Error::malformed("a variable byte integer has more than four bytes"));
    }
    Ok(None)
}
