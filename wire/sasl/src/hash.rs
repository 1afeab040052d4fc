use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

/// Hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScramHash {
    Sha1,
    Sha256,
    Sha512,
}

impl ScramHash {
    pub const ALL: [ScramHash; 3] = [ScramHash::Sha1, ScramHash::Sha256, ScramHash::Sha512];

    /// Length of the hash and of every key derived with it, in bytes.
    pub const fn size(self) -> usize {
        match self {
            ScramHash::Sha1 => 20,
            ScramHash::Sha256 => 32,
            ScramHash::Sha512 => 64,
        }
    }

    const fn block_size(self) -> usize {
        match self {
            ScramHash::Sha1 | ScramHash::Sha256 => 64,
            ScramHash::Sha512 => 128,
        }
    }

    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            ScramHash::Sha1 => Sha1::digest(data).to_vec(),
            ScramHash::Sha256 => Sha256::digest(data).to_vec(),
            ScramHash::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    /// HMAC over the concatenation of `parts`.
    pub fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        // RFC 2104 §2: a longer key is hashed, a shorter one padded with zeros. Done here because a key of exactly
        // one block is the constructor that cannot fail.
        let mut block = Zeroizing::new([0u8; 128]);
        let hashed = (key.len() > self.block_size()).then(|| Zeroizing::new(self.digest(key)));
        let short = hashed.as_ref().map_or(key, |hashed| hashed.as_slice());
        for (slot, byte) in block.iter_mut().zip(short) {
            *slot = *byte;
        }
        match self {
            ScramHash::Sha1 => mac::<Hmac<Sha1>>(block.as_slice(), parts),
            ScramHash::Sha256 => mac::<Hmac<Sha256>>(block.as_slice(), parts),
            ScramHash::Sha512 => mac::<Hmac<Sha512>>(block.as_slice(), parts),
        }
    }

    /// `Hi()` of RFC 5802 §2.2: PBKDF2 with one block of output.
    pub fn salted_password(self, password: &[u8], salt: &[u8], iterations: u32) -> Zeroizing<Vec<u8>> {
        let mut salted = Zeroizing::new(vec![0u8; self.size()]);
        match self {
            ScramHash::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut salted),
            ScramHash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut salted),
            ScramHash::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut salted),
        }
        salted
    }
}

fn mac<M: Mac + KeyInit>(block: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut key = hmac::digest::Key::<M>::default();
    for (slot, byte) in key.iter_mut().zip(block) {
        *slot = *byte;
    }
    let mut mac = <M as KeyInit>::new(&key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
