//! Binding requests (RFC 8489 §12), those of RFC 3489 clients, and discovery of what a NAT does (RFC 5780) where this
//! server has two addresses with two ports each.

use core::net::SocketAddr;

use super::{Client, Output, Server, Transport, Who};
use crate::attribute::{ErrorCode, kind};
use crate::builder::Builder;
use crate::message::Message;

const KNOWN: &[u16] = &[kind::USERNAME, kind::REALM, kind::NONCE];
const KNOWN_TO_DISCOVERY: &[u16] =
    &[kind::USERNAME, kind::REALM, kind::NONCE, kind::CHANGE_REQUEST, kind::PADDING, kind::RESPONSE_PORT];

/// Flags of CHANGE-REQUEST (RFC 5780 §7.2).
const CHANGE_IP: u32 = 4;
const CHANGE_PORT: u32 = 2;
/// Bytes of FINGERPRINT and of an attribute's header.
const FINGERPRINT: usize = 8;
const HEADER: usize = 4;

/// How a request of discovery is to be answered.
struct Discovery {
    /// Our end.
    origin: SocketAddr,
    /// Where both the address and the port are other ones.
    other: SocketAddr,
    /// The client's end.
    remote: SocketAddr,
    /// Bytes of padding that are asked for.
    padding: usize,
}

impl Server {
    pub(super) fn binding(&mut self, now: u64, client: &Client, message: &Message<'_>, length: usize) {
        self.counters.bindings += 1;
        let who = self.stranger(client, message, length);
        let other = self.other_end(client);
        let mut unknown = message.unknown(if other.is_some() { KNOWN_TO_DISCOVERY } else { KNOWN });
        // RFC 3489 clients send it although they ask for no change.
        if message.get_u32(kind::CHANGE_REQUEST) == Some(0) {
            unknown.retain(|kind| *kind != kind::CHANGE_REQUEST);
        }
        if !unknown.is_empty() {
            return self.refuse_unknown(now, &who, message, &unknown);
        }
        let found = other.map(|other| discovery(client, other, message)).transpose();
        let mapped = client.remote;
        match found {
            Err(error) => self.refuse(now, &who, message, error),
            Ok(None) => self.answer(now, &who, message, |builder| map(builder, message, mapped)),
            Ok(Some(discovery)) => self.reveal(now, &who, message, &discovery),
        }
    }

    /// Where both the address and the port are others than those a client came to, if there is such a place.
    fn other_end(&self, client: &Client) -> Option<SocketAddr> {
        let is_other = |other: &SocketAddr| {
            other.is_ipv4() == client.local.is_ipv4()
                && other.ip() != client.local.ip()
                && other.port() != client.local.port()
        };
        self.settings.other_address.filter(|other| client.transport == Transport::Udp && is_other(other))
    }

    /// Answers from where it was asked to (RFC 5780 §6.1).
    fn reveal(&mut self, now: u64, who: &Who, message: &Message<'_>, discovery: &Discovery) {
        let Discovery { origin, other, remote, padding } = *discovery;
        let mut bytes = Vec::with_capacity(128);
        let builder = map(Builder::success(&mut bytes, message), message, who.client.remote)
            .address(kind::RESPONSE_ORIGIN, origin)
            .address(kind::OTHER_ADDRESS, other);
        // Padding makes no answer longer than its request: it would reach whomever the request names as its sender.
        let end = builder.len() + if who.has_fingerprint { FINGERPRINT } else { 0 } + HEADER;
        let room = who.request_bytes.saturating_sub(end) / 4 * 4;
        let builder = match padding.min(room) {
            0 => builder,
            length => builder.bytes(kind::PADDING, &vec![0; length]),
        };
        if who.has_fingerprint {
            builder.finish_with_fingerprint()
        } else {
            builder.finish()
        }
        if self.may_send(now, who, bytes.len()) {
            let client = Client { local: origin, remote, ..who.client };
            self.outputs.push_back(if origin == who.client.local {
                Output::Send { client, bytes }
            } else {
                Output::SendFrom { client, bytes }
            });
        }
    }
}

fn map<'b>(builder: Builder<'b>, message: &Message<'_>, remote: SocketAddr) -> Builder<'b> {
    if message.transaction.is_classic() {
        builder.address(kind::MAPPED_ADDRESS, remote)
    } else {
        builder.xor_address(kind::XOR_MAPPED_ADDRESS, remote)
    }
}

/// What a request of discovery asks for.
fn discovery(client: &Client, other: SocketAddr, message: &Message<'_>) -> Result<Discovery, ErrorCode> {
    let change = match message.get(kind::CHANGE_REQUEST) {
        Some(_) => message.get_u32(kind::CHANGE_REQUEST).ok_or(ErrorCode::BAD_REQUEST)?,
        None => 0,
    };
    let port = match message.get(kind::RESPONSE_PORT) {
        // Two bytes of padding may be counted or not (RFC 5780 §7.5).
        Some([high, low] | [high, low, _, _]) => Some(u16::from_be_bytes([*high, *low])),
        Some(_) => return Err(ErrorCode::BAD_REQUEST),
        None => None,
    };
    let padding = message.get(kind::PADDING).map(<[u8]>::len);
    // Nothing that was padded goes where it didn't come from (RFC 5780 §6.1 for the port; the rest is our own caution).
    if port == Some(0) || padding.is_some() && (port.is_some() || change & (CHANGE_IP | CHANGE_PORT) != 0) {
        return Err(ErrorCode::BAD_REQUEST);
    }
    let ip = if change & CHANGE_IP != 0 { other.ip() } else { client.local.ip() };
    let from = if change & CHANGE_PORT != 0 { other.port() } else { client.local.port() };
    Ok(Discovery {
        origin: SocketAddr::new(ip, from),
        other,
        remote: SocketAddr::new(client.remote.ip(), port.unwrap_or(client.remote.port())),
        padding: padding.unwrap_or(0),
    })
}
