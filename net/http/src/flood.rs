//! Frames of HTTP/2 that cost their sender nothing and move nothing: counted, and too many end the connection
//! (RFC 9113 §10.5). h2 bounds what they cost in memory; this bounds what they cost in time.

use std::time::Duration;

/// Such frames at once.
const BURST: u32 = 2_000;
/// Such frames a second for ever.
const PER_SECOND: u32 = 100;
/// The client's first bytes (RFC 9113 §3.4).
const PREFACE_BYTES: usize = 24;
const HEADER_BYTES: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const WINDOW_UPDATE: u8 = 8;

/// Follows the frames of a connection.
pub(crate) struct FrameMeter {
    /// Bytes that are passed over: the preface, then payloads.
    skip: usize,
    header: [u8; HEADER_BYTES],
    filled: usize,
    left: u32,
    /// When `left` was last added to, in whole seconds since the connection began.
    second: u64,
    updates: u32,
}

impl FrameMeter {
    pub(crate) fn new() -> Self {
        let header = [0; HEADER_BYTES];
        Self { skip: PREFACE_BYTES, header, filled: 0, left: BURST, second: 0, updates: 0 }
    }

    /// Takes bytes of the client that came at `age` of the connection. False: it floods.
    pub(crate) fn take(&mut self, mut bytes: &[u8], age: Duration) -> bool {
        let seconds = u32::try_from(age.as_secs().saturating_sub(self.second)).unwrap_or(u32::MAX);
        self.second = age.as_secs();
        self.left = self.left.saturating_add(seconds.saturating_mul(PER_SECOND)).min(BURST);
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let missing = (HEADER_BYTES - self.filled).min(bytes.len());
            if let Some(free) = self.header.get_mut(self.filled..self.filled + missing) {
                free.copy_from_slice(bytes.get(..missing).unwrap_or_default());
            }
            bytes = bytes.get(missing..).unwrap_or_default();
            self.filled += missing;
            if self.filled == HEADER_BYTES && !self.frame() {
                return false;
            }
        }
        true
    }

    /// A frame's header is whole.
    fn frame(&mut self) -> bool {
        let [high, middle, low, kind, ..] = self.header;
        self.skip = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.filled = 0;
        let is_free = match kind {
            DATA | HEADERS => self.skip == 0,
            // Every download asks for windows; only far more of them than a download needs are a flood.
            WINDOW_UPDATE => {
                self.updates = self.updates.wrapping_add(1);
                self.updates.is_multiple_of(16)
            }
            _ => true,
        };
        if is_free {
            match self.left.checked_sub(1) {
                Some(left) => self.left = left,
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
