//! The PROXY protocol, versions 1 and 2: who is really behind a connection from a load balancer.

use std::io;
use std::net::SocketAddr;

use proxy_header::{ParseConfig, ProxyHeader};

use crate::socket::Socket;

/// A header is never longer than this (the specification's bound for version 1 is 107; version 2 with extensions
/// from known proxies stays well below).
const HEADER_MAX: usize = 2048;

/// Reads the header that precedes everything else and returns the client's address; none if the proxy speaks for
/// itself (`UNKNOWN`, `LOCAL`).
///
/// # Errors
/// If there is no header, or a broken one.
pub async fn read_header(socket: &Socket) -> io::Result<Option<SocketAddr>> {
    // Read byte by byte at the end, so that nothing behind the header is taken from the stream.
    let mut header = Vec::with_capacity(128);
    loop {
        let mut byte = [0];
        let count = std::future::poll_fn(|context| socket.poll_read(context, &mut byte)).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        header.extend_from_slice(&byte);
        if let Some(source) = parse(&header)? {
            return Ok(source);
        }
        if header.len() >= HEADER_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the PROXY header is too long"));
        }
    }
}

/// `None` while the header is incomplete.
fn parse(header: &[u8]) -> io::Result<Option<Option<SocketAddr>>> {
    match ProxyHeader::parse(header, ParseConfig { allow_v1: true, allow_v2: true, ..ParseConfig::default() })
    {
        Ok((parsed, _)) => Ok(Some(parsed.proxied_address().map(|address| address.source))),
        Err(proxy_header::Error::BufferTooShort) => Ok(None),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn both_versions_tell_the_source() {
        let first = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 5222\r\n";
        assert_eq!(parse(first).unwrap().unwrap(), Some("192.0.2.1:56324".parse().unwrap()));
        let mut second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        second.extend([192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 0x14, 0x66]);
        assert_eq!(parse(&second).unwrap().unwrap(), Some("192.0.2.1:56324".parse().unwrap()));
        assert_eq!(parse(b"PROXY UNKNOWN\r\n").unwrap().unwrap(), None);
    }

    #[test]
    fn an_incomplete_header_waits_and_a_wrong_one_fails() {
        assert!(parse(b"PROXY TCP4 192.0").unwrap().is_none());
        assert!(parse(b"<?xml version='1.0'?>").is_err());
        assert!(parse(b"PROXY TCP4 nobody 192.0.2.2 1 2\r\n").is_err());
    }
}
