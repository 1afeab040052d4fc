//! Errors of the way to a peer, told to the client (RFC 8656 §11.5).

use core::net::SocketAddr;

use super::{AllocationId, Output, Protocol, Server};
use crate::attribute::kind;
use crate::builder::Builder;
use crate::message::{Class, Method, TransactionId};

/// What an ICMP or ICMPv6 packet said of a datagram that a relay had sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The next hop's MTU where the type is about it, 0 otherwise.
    pub data: u32,
}

impl IcmpError {
    /// Destination unreachable and time exceeded, and packet too big for IPv6; nothing else is told.
    fn is_told(self, is_ipv4: bool) -> bool {
        if is_ipv4 { matches!(self.kind, 3 | 11) } else { matches!(self.kind, 1..=3) }
    }

    /// RFC 8656 §18.13
    fn value(self) -> [u8; 8] {
        let [high, low] = (u16::from(self.kind) << 9 | u16::from(self.code)).to_be_bytes();
        let [first, second, third, fourth] = self.data.to_be_bytes();
        [0, 0, high, low, first, second, third, fourth]
    }
}

impl Server {
    /// A datagram to a peer came to nothing. The client is told if it may send there.
    pub fn peer_unreachable(
        &mut self,
        now: u64,
        allocation: AllocationId,
        peer: SocketAddr,
        error: IcmpError,
    ) {
        let Some(own) = self.get(allocation) else { return };
        let is_permitted = own.protocol == Protocol::Udp && own.is_permitted(now, peer.ip());
        let client = own.client;
        if !is_permitted || !error.is_told(peer.is_ipv4()) {
            return;
        }
        let transaction = TransactionId::of_indication(self.random(), self.random());
        let mut bytes = Vec::with_capacity(64);
        Builder::new(&mut bytes, Class::Indication, Method::DATA, transaction)
            .xor_address(kind::XOR_PEER_ADDRESS, peer)
            .bytes(kind::ICMP, &error.value())
            .finish();
        self.counters.icmp_errors += 1;
        self.outputs.push_back(Output::Send { client, bytes });
    }
}
