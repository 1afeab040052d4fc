//! Writing messages.

use core::net::SocketAddr;

use crate::address;
use crate::attribute::{ErrorCode, kind};
use crate::credential::{self, Integrity, Key};
use crate::message::{Class, HEADER, Message, Method, TransactionId, type_word};

/// A message being written at the end of a buffer.
#[derive(Debug)]
pub struct Builder<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    transaction: TransactionId,
}

impl<'b> Builder<'b> {
    /// Begins a message at the end of `out`.
    pub fn new(out: &'b mut Vec<u8>, class: Class, method: Method, transaction: TransactionId) -> Self {
        let start = out.len();
        out.extend_from_slice(&type_word(class, method).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&transaction.0);
        Self { out, start, transaction }
    }

    /// Begins the answer to a request.
    pub fn success(out: &'b mut Vec<u8>, request: &Message<'_>) -> Self {
        Self::new(out, Class::Success, request.method, request.transaction)
    }

    /// Begins the answer to a request that is refused.
    pub fn error(out: &'b mut Vec<u8>, request: &Message<'_>, error: ErrorCode) -> Self {
        Self::new(out, Class::Error, request.method, request.transaction).error_code(error)
    }

    /// An attribute of any bytes; more than 65,535 are cut.
    pub fn bytes(self, kind: u16, value: &[u8]) -> Self {
        self.attribute(kind, |out| out.extend_from_slice(value.get(..0xffff).unwrap_or(value)))
    }

    /// An attribute of 32 bits.
    pub fn u32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// An address as it is.
    pub fn address(self, kind: u16, address: SocketAddr) -> Self {
        self.attribute(kind, |out| address::encode(out, address))
    }

    /// An address masked with the cookie.
    pub fn xor_address(self, kind: u16, address: SocketAddr) -> Self {
        let masked = address::mask(address, &self.transaction);
        self.address(kind, masked)
    }

    /// ERROR-CODE (RFC 8489 §14.8).
    pub fn error_code(self, error: ErrorCode) -> Self {
        self.attribute(kind::ERROR_CODE, |out| {
            let (class, number) = (error.code / 100, error.code % 100);
            out.extend_from_slice(&[0, 0, (class & 7) as u8, number as u8]);
            out.extend_from_slice(error.reason.as_bytes());
        })
    }

    /// UNKNOWN-ATTRIBUTES (RFC 8489 §14.13).
    pub fn unknown_attributes(self, kinds: &[u16]) -> Self {
        self.attribute(kind::UNKNOWN_ATTRIBUTES, |out| {
            kinds.iter().for_each(|kind| out.extend_from_slice(&kind.to_be_bytes()));
        })
    }

    fn attribute(self, kind: u16, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.out.extend_from_slice(&kind.to_be_bytes());
        self.out.extend_from_slice(&[0, 0]);
        let begin = self.out.len();
        write(self.out);
        let length = self.out.len() - begin;
        set_u16(self.out, begin - 2, length);
        // Padding bytes are zero: old memory never leaks through them.
        self.out.resize(begin + length.next_multiple_of(4), 0);
        self
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Never: there is a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Shows that this server has the key.
    pub fn sign(mut self, key: &Key, integrity: Integrity) -> Self {
        match integrity {
            Integrity::Sha1 => {
                let code = credential::sha1(self.covered(24), key);
                self.bytes(kind::MESSAGE_INTEGRITY, &code)
            }
            Integrity::Sha256 => {
                let code = credential::sha256(self.covered(36), key);
                self.bytes(kind::MESSAGE_INTEGRITY_SHA256, &code)
            }
        }
    }

    /// Adds FINGERPRINT and ends the message.
    pub fn finish_with_fingerprint(mut self) {
        let code = credential::fingerprint(self.covered(8));
        self.bytes(kind::FINGERPRINT, &code).finish();
    }

    /// Ends the message.
    pub fn finish(mut self) {
        self.covered(0);
    }

    /// What was written, with a header that counts `more` bytes to come (RFC 8489 §14.5, §14.7).
    fn covered(&mut self, more: usize) -> &[u8] {
        let length = self.len() - HEADER + more;
        set_u16(self.out, self.start + 2, length);
        self.out.get(self.start..).unwrap_or_default()
    }
}

fn set_u16(out: &mut [u8], at: usize, value: usize) {
    let value = u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(bytes) = out.get_mut(at..at + 2) {
        bytes.copy_from_slice(&value);
    }
}
