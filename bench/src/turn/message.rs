//! Messages of STUN: just enough for a client.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::net::Ipv4Addr;

const COOKIE: u32 = 0x2112_a442;
const HEADER: usize = 20;
const INTEGRITY: u16 = 0x0008;
const INTEGRITY_BYTES: usize = 20;

/// A request with its attributes, and MESSAGE-INTEGRITY if there is a key.
pub fn request(kind: u16, transaction: u64, attributes: &[(u16, &[u8])], key: Option<&[u8]>) -> Vec<u8> {
    let mut body = Vec::new();
    attributes.iter().for_each(|(kind, value)| push(&mut body, *kind, value));
    let signed = if key.is_some() { 4 + INTEGRITY_BYTES } else { 0 };
    let mut message = Vec::with_capacity(HEADER + body.len() + signed);
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&((body.len() + signed) as u16).to_be_bytes());
    message.extend_from_slice(&COOKIE.to_be_bytes());
    message.extend_from_slice(&[0; 4]);
    message.extend_from_slice(&transaction.to_be_bytes());
    message.append(&mut body);
    if let Some(Ok(mut mac)) = key.map(Hmac::<Sha1>::new_from_slice) {
        mac.update(&message);
        push(&mut message, INTEGRITY, &mac.finalize().into_bytes());
    }
    message
}

fn push(to: &mut Vec<u8>, kind: u16, value: &[u8]) {
    to.extend_from_slice(&kind.to_be_bytes());
    to.extend_from_slice(&(value.len() as u16).to_be_bytes());
    to.extend_from_slice(value);
    to.resize(to.len().next_multiple_of(4), 0);
}

/// Whether it answers the request with that transaction.
pub fn answers(message: &[u8], transaction: u64) -> bool {
    message.get(12..HEADER) == Some(&transaction.to_be_bytes())
}

/// The class is in two bits of the type (RFC 8489 §5).
pub fn is_success(message: &[u8]) -> bool {
    message.first().is_some_and(|byte| byte & 1 == 1) && message.get(1).is_some_and(|byte| byte & 0x10 == 0)
}

/// The first attribute of a type.
pub fn attribute(message: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(HEADER..)?;
    loop {
        let (head, tail) = rest.split_first_chunk::<4>()?;
        let [kind, length] = [[head[0], head[1]], [head[2], head[3]]].map(u16::from_be_bytes);
        let value = tail.get(..usize::from(length))?;
        if kind == wanted {
            return Some(value);
        }
        rest = tail.get(usize::from(length).next_multiple_of(4)..)?;
    }
}

/// The code of an error response (RFC 8489 §14.8).
pub fn error_code(message: &[u8]) -> Option<u16> {
    let value = attribute(message, 0x0009)?;
    Some(u16::from(*value.get(2)?) * 100 + u16::from(*value.get(3)?))
}

/// An IPv4 address as XOR-PEER-ADDRESS and its like hold it.
pub fn xor_address(ip: Ipv4Addr, port: u16) -> [u8; 8] {
    let [a, b] = (port ^ (COOKIE >> 16) as u16).to_be_bytes();
    let [c, d, e, f] = (ip.to_bits() ^ COOKIE).to_be_bytes();
    [0, 1, a, b, c, d, e, f]
}

#[cfg(test)]
mod tests;
