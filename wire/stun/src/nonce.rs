//! Nonces that need no memory: they say when they were made, and a code shows who made them and for whom.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use core::net::IpAddr;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Begins a nonce that tells of security features (RFC 8489 §9.2).
const COOKIE: &str = "obMatJos2";
/// Bytes of the code that are kept: enough against guessing over the network, where each guess is a packet. Who has a
/// nonce has nothing yet; and each byte more would be one more in every answer to a forged request.
const CODE: usize = 8;

/// What a nonce announces (RFC 8489 §18.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Clients may choose a password algorithm.
    pub password_algorithms: bool,
    /// Clients may hide their names.
    pub username_anonymity: bool,
}

impl Features {
    fn bits(self) -> [u8; 3] {
        let first = u8::from(self.password_algorithms) << 7 | u8::from(self.username_anonymity) << 6;
        [first, 0, 0]
    }

    fn text(self) -> String {
        STANDARD.encode(self.bits())
    }
}

/// What a nonce is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may be used, and announced this.
    Fresh(Features),
    /// It is too old, another's, or not of ours: the client is to take a new one.
    Stale,
}

/// Makes and judges nonces.
#[derive(Clone)]
pub struct Nonces {
    /// Has the secret taken in already.
    mac: Hmac<Sha256>,
    /// What nonces begin with: those that announce all, and those that ask for names as they are.
    heads: [(Features, String); 2],
    lifetime_seconds: u64,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Nonces")
            .field("lifetime_seconds", &self.lifetime_seconds)
            .finish_non_exhaustive()
    }
}

impl Nonces {
    /// With a secret of this server and the time a nonce may be used.
    pub fn new(secret: [u8; 32], lifetime_seconds: u64, features: Features) -> Self {
        // HMAC fills a short key up with zeros (RFC 2104 §2).
        let mut block = [0; 64];
        block[..secret.len()].copy_from_slice(&secret);
        let mac = Hmac::new(&block.into());
        let open = Features { username_anonymity: false, ..features };
        let heads = [features, open].map(|features| (features, format!("{COOKIE}{}", features.text())));
        Self { mac, heads, lifetime_seconds }
    }

    /// A nonce for a client: 29 bytes. `now` is in seconds of any clock that only goes forward and is younger than 136
    /// years.
    pub fn make(&self, client: IpAddr, now: u64) -> String {
        let [all, _] = &self.heads;
        self.make_with(all, client, now)
    }

    /// One that announces no hidden names, for a client whose name couldn't be found by its hash.
    pub fn make_open(&self, client: IpAddr, now: u64) -> String {
        let [_, open] = &self.heads;
        self.make_with(open, client, now)
    }

    fn make_with(&self, (features, head): &(Features, String), client: IpAddr, now: u64) -> String {
        let now = (now as u32).to_be_bytes();
        let mut body = [0; 4 + CODE];
        body[..4].copy_from_slice(&now);
        body[4..].copy_from_slice(&self.code(*features, client, now));
        let mut nonce = head.clone();
        URL_SAFE_NO_PAD.encode_string(body, &mut nonce);
        nonce
    }

    /// Whether a client may use a nonce.
    pub fn judge(&self, nonce: &[u8], client: IpAddr, now: u64) -> Judgement {
        match self.made(nonce, client) {
            Some((features, made)) if made <= now && now - made <= self.lifetime_seconds => {
                Judgement::Fresh(features)
            }
            _ => Judgement::Stale,
        }
    }

    fn made(&self, nonce: &[u8], client: IpAddr) -> Option<(Features, u64)> {
        let begins = |(features, head): &(Features, String)| {
            nonce.strip_prefix(head.as_bytes()).map(|rest| (*features, rest))
        };
        let (features, rest) = self.heads.iter().find_map(begins)?;
        // The decoder wants a little more room than it fills.
        let mut body = [0; 4 + CODE + 4];
        let length = URL_SAFE_NO_PAD.decode_slice(rest, &mut body).ok()?;
        let body = body.get(..length)?;
        let (made, code) = body.split_first_chunk::<4>()?;
        let own = self.code(features, client, *made);
        bool::from(own.as_slice().ct_eq(code)).then_some((features, u32::from_be_bytes(*made).into()))
    }

    /// It covers what is announced: nobody between may take from that (RFC 8489 §9.2.1).
    fn code(&self, features: Features, client: IpAddr, made: [u8; 4]) -> [u8; CODE] {
        let mut code = [0; CODE];
        let mut mac = self.mac.clone();
        mac.update(&features.bits());
        mac.update(&made);
        match client {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        if let Some(first) = mac.finalize().into_bytes().first_chunk() {
            code = *first;
        }
        code
    }
}

#[cfg(test)]
mod tests;
