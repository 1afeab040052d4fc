use md5::{Digest as _, Md5};
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Bytes of a digest.
pub(crate) const DIGEST_BYTES: usize = 16;

/// The secret that the nodes of a cluster share. It is never sent and never shown.
#[derive(Clone)]
pub struct Cookie(Zeroizing<Vec<u8>>);

impl Cookie {
    /// A cookie, without the line end that its file may have.
    pub fn new(cookie: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(cookie.into()))
    }

    /// What proves knowledge of the cookie: MD5 of it and of the challenge as decimal text.
    pub(crate) fn digest(&self, challenge: u32) -> [u8; DIGEST_BYTES] {
        let mut digest = Md5::new();
        digest.update(self.0.as_slice());
        digest.update(challenge.to_string());
        digest.finalize().into()
    }

    /// Compares in constant time.
    pub(crate) fn proves(&self, challenge: u32, digest: &[u8; DIGEST_BYTES]) -> bool {
        self.digest(challenge).ct_eq(digest).into()
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Cookie")
    }
}
