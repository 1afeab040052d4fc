//! Keys and what is made with them: message integrity, fingerprints, hashes of user names.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// How a message shows that its sender has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// MESSAGE-INTEGRITY.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256.
    Sha256,
}

/// How a password becomes a key (RFC 8489 §18.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// MD5.
    Md5,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            Algorithm::Md5 => 1,
            Algorithm::Sha256 => 2,
        }
    }
}

/// The value of PASSWORD-ALGORITHMS that offers all of them, the best first.
pub const ALGORITHMS: [u8; 8] = [0, 2, 0, 0, 0, 1, 0, 0];

/// A key, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key")
    }
}

impl Key {
    /// The key of a long-term credential (RFC 8489 §9.2.2). All three are prepared by OpaqueString already.
    pub fn long_term(user: &str, realm: &str, password: &str, algorithm: Algorithm) -> Self {
        let text = format!("{user}:{realm}:{password}");
        Self(match algorithm {
            Algorithm::Md5 => Md5::digest(text).to_vec(),
            Algorithm::Sha256 => Sha256::digest(text).to_vec(),
        })
    }

    /// The key of a short-term credential (RFC 8489 §9.1.1).
    pub fn short_term(password: &str) -> Self {
        Self(password.as_bytes().to_vec())
    }
}

/// USERHASH (RFC 8489 §14.4).
pub fn userhash(user: &str, realm: &str) -> [u8; 32] {
    Sha256::digest(format!("{user}:{realm}")).into()
}

/// FINGERPRINT over everything before it (RFC 8489 §14.7).
pub(crate) fn fingerprint(covered: &[u8]) -> [u8; 4] {
    (crc32fast::hash(covered) ^ 0x5354_554e).to_be_bytes()
}

pub(crate) fn sha1(covered: &[u8], key: &Key) -> [u8; 20] {
    match Hmac::<Sha1>::new_from_slice(&key.0) {
        Ok(mac) => mac.chain_update(covered).finalize().into_bytes().into(),
        // HMAC takes keys of every length.
        Err(_) => [0; 20],
    }
}

pub(crate) fn sha256(covered: &[u8], key: &Key) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(&key.0) {
        Ok(mac) => mac.chain_update(covered).finalize().into_bytes().into(),
        Err(_) => [0; 32],
    }
}

/// Whether the MESSAGE-INTEGRITY whose header begins at `at` was made with `key`.
pub(crate) fn verify_sha1(message: &[u8], at: usize, key: &Key) -> bool {
    let Some(value) = message.get(at + 4..at + 24) else { return false };
    let is_whole = message.get(at + 2..at + 4) == Some(&[0, 20]);
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&key.0) else { return false };
    covered(message, at, at + 4, |bytes| mac.update(bytes));
    is_whole && bool::from(mac.finalize().into_bytes().as_slice().ct_eq(value))
}

/// Whether the MESSAGE-INTEGRITY-SHA256 whose header begins at `at` was made with `key`. It may be cut to no less than
/// 16 bytes (RFC 8489 §14.6).
pub(crate) fn verify_sha256(message: &[u8], at: usize, key: &Key) -> bool {
    let length = message.get(at + 2..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
    let Some(length @ (16 | 20 | 24 | 28 | 32)) = length.map(usize::from) else { return false };
    let Some(value) = message.get(at + 4..at + 4 + length) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.0) else { return false };
    covered(message, at, at + 4 + length - 20, |bytes| mac.update(bytes));
    mac.finalize().into_bytes().get(..length).is_some_and(|code| bool::from(code.ct_eq(value)))
}

/// The bytes before `at`, with a header that counts what ends at `length` plus a header of a message.
fn covered(message: &[u8], at: usize, length: usize, mut update: impl FnMut(&[u8])) {
    let counted = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    update(message.get(..2).unwrap_or_default());
    update(&counted);
    update(message.get(4..at).unwrap_or_default());
}

#[cfg(test)]
mod tests;
