//! Chance, from the cryptography library's generator.

/// Fills with random bytes.
pub fn fill(bytes: &mut [u8]) {
    if aws_lc_rs::rand::fill(bytes).is_err() {
        // Going on with bytes that can be guessed would be worse than anything.
        std::process::abort();
    }
}

/// A random number.
pub(crate) fn number() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

/// Which life of a node it is: anything but 0, and no number of the old kind, which ended at 3.
pub(crate) fn creation() -> u32 {
    let [_, _, _, _, a, b, c, d] = number().to_be_bytes();
    u32::from_be_bytes([a, b, c, d]).max(4)
}
