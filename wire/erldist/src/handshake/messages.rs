//! The messages of the handshake, without their two bytes of length.

use super::Refusal;
use crate::cookie::DIGEST_BYTES;
use crate::flags::Flags;
use crate::term::Reader;

/// Version 5 of `send_name` and `send_challenge` says so with two bytes; version 6 has other tags.
const OLD_VERSION: u16 = 5;

/// What a node says of itself.
pub(super) struct Introduction {
    pub(super) is_old: bool,
    pub(super) flags: Flags,
    pub(super) creation: u32,
    pub(super) challenge: u32,
    pub(super) name: String,
}

impl Introduction {
    /// `send_name`: `n` or `N`.
    pub(super) fn read_name(frame: &[u8]) -> Result<Self, Refusal> {
        read(frame, false).ok_or(Refusal::Protocol("the name is malformed"))
    }

    /// `send_challenge`: `n` or `N` with a challenge.
    pub(super) fn read_challenge(frame: &[u8]) -> Result<Self, Refusal> {
        read(frame, true).ok_or(Refusal::Protocol("the challenge is malformed"))
    }

    pub(super) fn write_name(&self) -> Vec<u8> {
        self.write(false)
    }

    pub(super) fn write_challenge(&self) -> Vec<u8> {
        self.write(true)
    }

    fn write(&self, with_challenge: bool) -> Vec<u8> {
        let mut frame = Vec::with_capacity(20 + self.name.len());
        let challenge = self.challenge.to_be_bytes();
        let challenge: &[u8] = if with_challenge { &challenge } else { &[] };
        if self.is_old {
            frame.push(b'n');
            frame.extend(OLD_VERSION.to_be_bytes());
            frame.extend(low(self.flags).to_be_bytes());
            frame.extend(challenge);
        } else {
            frame.push(b'N');
            frame.extend(self.flags.0.to_be_bytes());
            frame.extend(challenge);
            frame.extend(self.creation.to_be_bytes());
            frame.extend(u16::try_from(self.name.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
        frame.extend(self.name.as_bytes());
        frame
    }
}

fn read(frame: &[u8], with_challenge: bool) -> Option<Introduction> {
    let mut input = Reader::new(frame);
    let is_old = match input.u8()? {
        b'n' => true,
        b'N' => false,
        _ => return None,
    };
    if is_old && input.u16()? != OLD_VERSION {
        return None;
    }
    let flags = Flags(if is_old { u64::from(input.u32()?) } else { input.u64()? });
    let challenge = if with_challenge { input.u32()? } else { 0 };
    let (creation, name) = if is_old {
        (0, input.rest())
    } else {
        let creation = input.u32()?;
        let length = usize::from(input.u16()?);
        // More may follow the name, and is for later versions.
        (creation, input.take(length)?)
    };
    let name = std::str::from_utf8(name).ok()?.to_owned();
    Some(Introduction { is_old, flags, creation, challenge, name })
}

/// The lower half of the flags, which is all that version 5 sends at first.
fn low(flags: Flags) -> u32 {
    u32::try_from(flags.0 & u64::from(u32::MAX)).unwrap_or_default()
}

/// `send_complement`: the upper half of the flags, and the creation.
pub(super) fn write_complement(flags: Flags, creation: u32) -> Vec<u8> {
    let high = u32::try_from(flags.0 >> 32).unwrap_or_default();
    [&b"c"[..], &high.to_be_bytes(), &creation.to_be_bytes()].concat()
}

pub(super) fn read_complement(frame: &[u8]) -> Option<(Flags, u32)> {
    let mut input = Reader::new(frame.strip_prefix(b"c")?);
    Some((Flags(u64::from(input.u32()?) << 32), input.u32()?))
}

pub(super) fn write_reply(challenge: u32, digest: &[u8; DIGEST_BYTES]) -> Vec<u8> {
    [&b"r"[..], &challenge.to_be_bytes(), digest].concat()
}

pub(super) fn read_reply(frame: &[u8]) -> Option<(u32, [u8; DIGEST_BYTES])> {
    let mut input = Reader::new(frame.strip_prefix(b"r")?);
    let reply = (input.u32()?, input.array()?);
    input.rest().is_empty().then_some(reply)
}

pub(super) fn write_ack(digest: &[u8; DIGEST_BYTES]) -> Vec<u8> {
    [&b"a"[..], digest].concat()
}

pub(super) fn read_ack(frame: &[u8]) -> Option<[u8; DIGEST_BYTES]> {
    frame.strip_prefix(b"a")?.try_into().ok()
}

/// `snamed:`: the name and the creation given to a node that asked for them.
pub(super) fn write_named(name: &str, creation: u32) -> Vec<u8> {
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&b"snamed:"[..], &length, name.as_bytes(), &creation.to_be_bytes()].concat()
}

pub(super) fn read_named(frame: &[u8]) -> Option<(String, u32)> {
    let mut input = Reader::new(frame.strip_prefix(b"snamed:")?);
    let length = usize::from(input.u16()?);
    let name = std::str::from_utf8(input.take(length)?).ok()?.to_owned();
    Some((name, input.u32()?))
}
