//! Addresses inside attributes.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::message::TransactionId;

const IPV4: u8 = 1;
const IPV6: u8 = 2;

/// An address family (RFC 8656 §18.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Of an address.
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// From the first byte of a value.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            IPV4 => Some(Family::V4),
            IPV6 => Some(Family::V6),
            _ => None,
        }
    }

    /// As in the first byte of a value.
    pub fn number(self) -> u8 {
        match self {
            Family::V4 => IPV4,
            Family::V6 => IPV6,
        }
    }
}

/// Reads the value of an attribute such as MAPPED-ADDRESS.
pub fn decode(value: &[u8]) -> Option<SocketAddr> {
    let ([_, family, high, low], ip) = value.split_first_chunk()?;
    let ip: IpAddr = match Family::from_number(*family)? {
        Family::V4 => Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?).into(),
        Family::V6 => Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?).into(),
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([*high, *low])))
}

/// Reads the value of an attribute such as XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
pub fn unmask(value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    decode(value).map(|address| mask(address, transaction))
}

/// Masks and unmasks.
pub fn mask(address: SocketAddr, transaction: &TransactionId) -> SocketAddr {
    let bits = u128::from_be_bytes(transaction.0);
    // The cookie is the upper 32 bits.
    let cookie = (bits >> 96) as u32;
    let port = address.port() ^ (cookie >> 16) as u16;
    let ip = match address.ip() {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip) ^ cookie).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip) ^ bits).into(),
    };
    SocketAddr::new(ip, port)
}

/// Appends the value of an attribute.
pub(crate) fn encode(out: &mut Vec<u8>, address: SocketAddr) {
    out.extend_from_slice(&[0, Family::of(address.ip()).number()]);
    out.extend_from_slice(&address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
}
