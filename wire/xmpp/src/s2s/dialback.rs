//! Keys of dialback (XEP-0185).

use nightjar_sasl::{ScramHash, Secret};
use nightjar_text::Text;

#[cfg(test)]
mod tests;

/// Longest key that is taken from others, in bytes; ours have 64.
pub const KEY_BYTES_MAX: usize = 128;

/// The key for a stream that `receiving` has given this id, opened in the name of `originating` (XEP-0185 §2).
pub fn key(secret: &[u8], receiving: &str, originating: &str, stream_id: &str) -> Text {
    let secret = hex(&ScramHash::Sha256.digest(secret));
    let parts = [receiving, " ", originating, " ", stream_id].map(str::as_bytes);
    Text::from(hex(&ScramHash::Sha256.hmac(secret.as_bytes(), &parts)))
}

/// Whether `key` is the one we made, in time that does not depend on where it differs.
pub fn matches(secret: &[u8], receiving: &str, originating: &str, stream_id: &str, given: &str) -> bool {
    Secret::from(key(secret, receiving, originating, stream_id).as_str()).same_as(given.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
