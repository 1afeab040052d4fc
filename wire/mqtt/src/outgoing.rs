//! Bytes on their way out: small ones are joined, large payloads are shared.

use bytes::Bytes;
use std::io::IoSlice;

/// What is to be written. Empty, it holds no memory; lent memory is kept until it is taken.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    /// What stands before the byte of `bytes` with this index.
    shared: Vec<(usize, Bytes)>,
    shared_length: usize,
    written: usize,
    /// Packets written by [`Outgoing::packet`].
    packets: u32,
}

impl Outgoing {
    /// Bytes that aren't written yet.
    pub fn len(&self) -> usize {
        self.bytes.len() + self.shared_length - self.written
    }

    /// Whether all is written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The unwritten bytes in order, for one vectored write.
    pub fn slices<'a>(&'a self, into: &mut Vec<IoSlice<'a>>) {
        let (mut skip, mut start) = (self.written, 0);
        let mut push = |bytes: &'a [u8]| {
            let skipped = skip.min(bytes.len());
            skip -= skipped;
            if let Some(rest) = bytes.get(skipped..).filter(|rest| !rest.is_empty()) {
                into.push(IoSlice::new(rest));
            }
        };
        for (at, shared) in &self.shared {
            push(self.bytes.get(start..*at).unwrap_or_default());
            push(shared);
            start = *at;
        }
        push(self.bytes.get(start..).unwrap_or_default());
    }

    /// Notes that so many bytes were written. After the last one all is forgotten but the memory.
    pub fn advance(&mut self, written: usize) {
        self.written += written;
        if self.is_empty() {
            self.clear();
        }
    }

    /// Forgets all but the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.shared.clear();
        (self.shared_length, self.written) = (0, 0);
    }

    /// All unwritten bytes in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut slices = Vec::new();
        self.slices(&mut slices);
        slices.iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    /// Appends what another has.
    pub fn append(&mut self, mut other: Self) {
        if self.is_empty() && self.bytes.capacity() < other.bytes.capacity() {
            core::mem::swap(self, &mut other);
            return;
        }
        if other.written > 0 {
            return self.bytes.extend_from_slice(&other.to_vec());
        }
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.shared.extend(other.shared.into_iter().map(|(at, bytes)| (at + base, bytes)));
        self.shared_length += other.shared_length;
    }

    /// Where the bytes of one more packet are appended.
    pub(crate) fn packet(&mut self) -> &mut Vec<u8> {
        self.packets = self.packets.wrapping_add(1);
        &mut self.bytes
    }

    /// Takes the last packet back, which began behind so many small bytes.
    pub(crate) fn take_back(&mut self, before: usize) {
        self.bytes.truncate(before);
        self.packets = self.packets.wrapping_sub(1);
    }

    /// Packets since this was asked last.
    pub(crate) fn take_packets(&mut self) -> u32 {
        core::mem::take(&mut self.packets)
    }

    /// Where small bytes are appended.
    pub(crate) fn small(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn has_memory(&self) -> bool {
        self.bytes.capacity() > 0
    }

    /// Appends bytes, which are shared unless they are few.
    pub(crate) fn push(&mut self, bytes: &Bytes) {
        const SHARE_FROM: usize = 2048;
        if bytes.len() < SHARE_FROM {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.shared.push((self.bytes.len(), bytes.clone()));
            self.shared_length += bytes.len();
        }
    }
}

#[cfg(test)]
mod tests;
