//! What a DTLS server must tell of a ClientHello before it keeps anything: whether its sender has shown that it gets what
//! is sent to its address (RFC 6347 §4.2.1). All here is stateless.

use core::net::SocketAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Bytes of a record's header (RFC 6347 §4.1).
const RECORD: usize = 13;
/// Bytes of a handshake message's header (RFC 6347 §4.2.2).
const HANDSHAKE: usize = 12;
/// Where a hello's session identifier is: after version and random.
const SESSION: usize = RECORD + HANDSHAKE + 2 + RANDOM;
const RANDOM: usize = 32;
const HANDSHAKE_RECORD: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const HELLO_VERIFY_REQUEST: u8 = 3;
/// DTLS 1.0, which a HelloVerifyRequest always says (RFC 6347 §4.2.1).
const DTLS_1_0: [u8; 2] = [0xfe, 0xff];
/// A longer hello isn't one: it would come in pieces.
const LENGTH_MAX: usize = 4_096;
/// Milliseconds that a cookie is made for; it is good until the end of the next such time.
const PERIOD_MS: u64 = 30_000;

/// A cookie.
pub type Cookie = [u8; 32];

/// Whether a datagram's first byte is one of DTLS (RFC 7983 §7).
pub fn is_dtls(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| (20..=63).contains(first))
}

/// A datagram that is one whole ClientHello.
#[derive(Clone, Copy, Debug)]
pub struct Hello<'a> {
    packet: &'a [u8],
    /// Where the cookie's length is.
    cookie_at: usize,
    cookie: &'a [u8],
}

impl<'a> Hello<'a> {
    /// `None` for anything else, and for hellos in pieces: they would have to be kept to be understood.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let body_length = packet.len().checked_sub(RECORD + HANDSHAKE)?;
        let is_hello = packet.len() <= LENGTH_MAX
            && packet.first() == Some(&HANDSHAKE_RECORD)
            && packet.get(1) == Some(&0xfe)
            && packet.get(3..5) == Some(&[0, 0])
            && number(packet, 11, 2) == Some(packet.len() - RECORD)
            && packet.get(RECORD) == Some(&CLIENT_HELLO)
            && number(packet, RECORD + 1, 3) == Some(body_length)
            && number(packet, RECORD + 6, 3) == Some(0)
            && number(packet, RECORD + 9, 3) == Some(body_length);
        if !is_hello {
            return None;
        }
        let session = number(packet, SESSION, 1).filter(|length| *length <= 32)?;
        let cookie_at = SESSION + 1 + session;
        let cookie_length = number(packet, cookie_at, 1)?;
        let cookie = packet.get(cookie_at + 1..cookie_at + 1 + cookie_length)?;
        // What follows is for whoever speaks the rest of the protocol.
        Some(Self { packet, cookie_at, cookie })
    }

    /// Whether its sender knows nothing newer than DTLS 1.0, which nobody should speak any more (RFC 8996).
    pub fn is_outdated(&self) -> bool {
        self.packet.get(RECORD + HANDSHAKE..RECORD + HANDSHAKE + 2) == Some(&DTLS_1_0)
    }

    /// The answer to one that is outdated: a fatal alert, `protocol_version`.
    pub fn alert(&self) -> Vec<u8> {
        const ALERT_RECORD: u8 = 21;
        const FATAL: u8 = 2;
        const PROTOCOL_VERSION: u8 = 70;
        let mut bytes = vec![ALERT_RECORD];
        bytes.extend(DTLS_1_0);
        bytes.extend(self.packet.get(3..11).unwrap_or_default());
        bytes.extend([0, 2, FATAL, PROTOCOL_VERSION]);
        bytes
    }

    /// What tells this handshake from another.
    pub fn random(&self) -> [u8; RANDOM] {
        let start = SESSION - RANDOM;
        self.packet.get(start..SESSION).and_then(|random| random.try_into().ok()).unwrap_or_default()
    }

    /// The number of its record.
    pub fn sequence(&self) -> u64 {
        number(self.packet, 5, 6).map_or(0, |number| number as u64)
    }

    /// The number of the message: 1 after a HelloVerifyRequest.
    pub fn message(&self) -> u16 {
        number(self.packet, RECORD + 4, 2).and_then(|number| u16::try_from(number).ok()).unwrap_or_default()
    }

    /// The cookie that it came with.
    pub fn cookie(&self) -> Option<Cookie> {
        self.cookie.try_into().ok()
    }

    /// The answer to one without a good cookie. It is shorter than any hello.
    pub fn verify_request(&self, cookie: &Cookie) -> Vec<u8> {
        const BODY: u8 = 2 + 1 + 32;
        let mut bytes = Vec::with_capacity(RECORD + HANDSHAKE + usize::from(BODY));
        bytes.push(HANDSHAKE_RECORD);
        bytes.extend(DTLS_1_0);
        // The record's number is the hello's, as nothing is kept to count (RFC 6347 §4.2.1).
        bytes.extend(self.packet.get(3..11).unwrap_or_default());
        bytes.extend([0, HANDSHAKE as u8 + BODY]);
        bytes.extend([HELLO_VERIFY_REQUEST, 0, 0, BODY, 0, 0, 0, 0, 0, 0, 0, BODY]);
        bytes.extend(DTLS_1_0);
        bytes.push(32);
        bytes.extend(cookie);
        bytes
    }

    /// The hello that its sender must have sent before: the same without a cookie, and the first message of all.
    pub fn before(&self) -> Vec<u8> {
        let (head, rest) = self.packet.split_at_checked(self.cookie_at).unwrap_or_default();
        let rest = rest.get(1 + self.cookie.len()..).unwrap_or_default();
        let mut bytes = [head, &[0], rest].concat();
        let record = (bytes.len() - RECORD) as u16;
        let body = (bytes.len() - RECORD - HANDSHAKE) as u32;
        let body = &body.to_be_bytes()[1..];
        for (at, value) in [
            (5, &[0; 6][..]),
            (11, &record.to_be_bytes()),
            (RECORD + 1, body),
            (RECORD + 4, &[0; 2]),
            (RECORD + 9, body),
        ] {
            if let Some(place) = bytes.get_mut(at..at + value.len()) {
                place.copy_from_slice(value);
            }
        }
        bytes
    }
}

/// Makes and knows cookies.
#[derive(Clone)]
pub struct Cookies(Hmac<Sha256>);

impl Cookies {
    /// With a secret of this server.
    pub fn new(secret: [u8; 32]) -> Self {
        // HMAC fills a short key up with zeros (RFC 2104 §2).
        let mut block = [0; 64];
        block[..secret.len()].copy_from_slice(&secret);
        Self(Hmac::new(&block.into()))
    }

    /// The cookie for a hello from an address, at a time in milliseconds.
    pub fn make(&self, now: u64, remote: SocketAddr, hello: &Hello<'_>) -> Cookie {
        self.of_period(now / PERIOD_MS, remote, hello)
    }

    /// Whether a hello came with a cookie made for it not long ago.
    pub fn is_good(&self, now: u64, remote: SocketAddr, hello: &Hello<'_>) -> bool {
        let period = now / PERIOD_MS;
        let is_of = |period| bool::from(self.of_period(period, remote, hello).ct_eq(hello.cookie));
        is_of(period) || period.checked_sub(1).is_some_and(is_of)
    }

    fn of_period(&self, period: u64, remote: SocketAddr, hello: &Hello<'_>) -> Cookie {
        let ip = match remote.ip() {
            core::net::IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            core::net::IpAddr::V6(ip) => ip,
        };
        // Both hellos have the same parameters (RFC 6347 §4.2.1): all but headers and cookie.
        let start = RECORD + HANDSHAKE;
        let before = hello.packet.get(start..hello.cookie_at).unwrap_or_default();
        let after = hello.packet.get(hello.cookie_at + 1 + hello.cookie.len()..).unwrap_or_default();
        let mut mac = self.0.clone();
        mac.update(&period.to_be_bytes());
        mac.update(&ip.octets());
        mac.update(&remote.port().to_be_bytes());
        mac.update(before);
        mac.update(after);
        mac.finalize().into_bytes().into()
    }
}

/// Adds to the numbers of the records of a datagram that aren't encrypted: a server that was stateless so far counts on
/// from the record of the hello that it answers (RFC 6347 §4.2.1).
pub fn renumber(datagram: &mut [u8], more: u64) {
    let mut start = 0;
    while let Some(length) = number(datagram, start + 11, 2) {
        if datagram.get(start + 3..start + 5) == Some(&[0, 0])
            && let Some(sequence) = number(datagram, start + 5, 6)
            && let Some(place) = datagram.get_mut(start + 5..start + 11)
        {
            let sequence = (sequence as u64).wrapping_add(more).to_be_bytes();
            place.copy_from_slice(&sequence[2..]);
        }
        start += RECORD + length;
    }
}

fn number(packet: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = packet.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests;
