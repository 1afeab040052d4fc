//! The path of data: one look-up for each packet, nothing allocated, nothing copied.

use core::net::SocketAddr;
use core::ops::Range;

use super::{AllocationId, Client, Protocol, Server};
use crate::address::{self, Family};
use crate::attribute::kind;
use crate::channel;
use crate::message::{Class, Message, Method, TransactionId, type_word};

/// What a client's packet asks for at once. Everything else is in [`Server::poll_output`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromClient {
    /// Nothing.
    Nothing,
    /// A part of the packet goes to a peer.
    Relay {
        /// From this allocation's socket of the peer's family.
        allocation: AllocationId,
        /// To whom.
        peer: SocketAddr,
        /// Which part.
        data: Range<usize>,
        /// Whether routers may not break it into pieces (RFC 8656 §15).
        dont_fragment: bool,
    },
}

/// What a client gets in front of a peer's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    bytes: [u8; Prefix::MAX],
    length: u8,
    /// Zero bytes to put behind the data.
    pub padding: u8,
}

impl Prefix {
    /// Bytes of the longest: a header, an IPv6 address, and the header of DATA.
    pub const MAX: usize = 20 + 24 + 4;

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// A peer's packet on its way to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToClient {
    /// To whom.
    pub client: Client,
    /// What stands in front of the data.
    pub prefix: Prefix,
}

impl Server {
    /// RFC 8656 §12.6
    pub(super) fn channel_data(&mut self, now: u64, client: &Client, packet: &[u8]) -> FromClient {
        let Some((number, data)) = channel::parse(packet) else { return self.noise() };
        let (length, rate) = (data.len(), self.settings.bytes_a_second);
        let Some(id) = self.by_client.get(client).copied() else { return self.noise() };
        let Some(own) = self.get_mut(id) else { return self.noise() };
        let peer = own.peer_of(now, number).filter(|peer| own.is_permitted(now, peer.ip()));
        let Some(peer) = peer else { return self.unpermitted() };
        if !own.carry(now, length, true, rate) {
            return self.too_much();
        }
        self.count_to_peer(length);
        let data = channel::HEADER..channel::HEADER + length;
        FromClient::Relay { allocation: id, peer, data, dont_fragment: false }
    }

    /// RFC 8656 §11.2
    pub(super) fn send_indication(
        &mut self,
        now: u64,
        client: &Client,
        message: &Message<'_>,
        packet: &[u8],
    ) -> FromClient {
        let Some(id) = self.by_client.get(client).copied() else { return self.noise() };
        let known = [kind::XOR_PEER_ADDRESS, kind::DATA, kind::DONT_FRAGMENT];
        let peer = message.get_xor_address(kind::XOR_PEER_ADDRESS);
        let (Some(peer), Some(data)) = (peer, message.get(kind::DATA)) else { return self.noise() };
        if !message.unknown(&known).is_empty() {
            return self.noise();
        }
        // The policy may have changed since the permission was given.
        if self.check_address(id, peer).is_err() {
            return FromClient::Nothing;
        }
        let rate = self.settings.bytes_a_second;
        let Some(own) = self.get_mut(id) else { return FromClient::Nothing };
        if own.protocol == Protocol::Tcp || !own.is_permitted(now, peer.ip()) {
            return self.unpermitted();
        }
        if !own.carry(now, data.len(), true, rate) {
            return self.too_much();
        }
        self.count_to_peer(data.len());
        let start = (data.as_ptr() as usize).saturating_sub(packet.as_ptr() as usize);
        let dont_fragment = message.get(kind::DONT_FRAGMENT).is_some();
        FromClient::Relay { allocation: id, peer, data: start..start + data.len(), dont_fragment }
    }

    fn count_to_peer(&mut self, bytes: usize) {
        self.counters.packets_to_peers += 1;
        self.counters.bytes_to_peers += bytes as u64;
    }

    fn too_much(&mut self) -> FromClient {
        self.counters.packets_over_rate += 1;
        FromClient::Nothing
    }

    fn unpermitted(&mut self) -> FromClient {
        self.counters.packets_without_permission += 1;
        FromClient::Nothing
    }

    /// What becomes of a peer's datagram of `length` bytes (RFC 8656 §11.3, §12.7).
    pub fn handle_peer(
        &mut self,
        now: u64,
        allocation: AllocationId,
        peer: SocketAddr,
        length: usize,
    ) -> Option<ToClient> {
        let random = (self.random(), self.random());
        let rate = self.settings.bytes_a_second;
        let own = self.get_mut(allocation)?;
        let counted = u16::try_from(length).ok()?;
        if !own.is_permitted(now, peer.ip()) {
            self.counters.packets_without_permission += 1;
            return None;
        }
        if !own.carry(now, length, false, rate) {
            self.counters.packets_over_rate += 1;
            return None;
        }
        let prefix = match own.channel_of(now, peer) {
            Some(number) => channel_prefix(number, counted, own.client.transport.is_stream()),
            None => indication_prefix(peer, counted, random)?,
        };
        let client = own.client;
        self.counters.packets_to_clients += 1;
        self.counters.bytes_to_clients += u64::from(counted);
        Some(ToClient { client, prefix })
    }
}

fn padding(length: u16) -> u8 {
    (4 - length % 4) as u8 % 4
}

fn channel_prefix(number: u16, length: u16, is_stream: bool) -> Prefix {
    let mut bytes = [0; Prefix::MAX];
    if let Some(head) = bytes.first_chunk_mut() {
        *head = channel::header(number, length);
    }
    // Only streams need it (RFC 8656 §12.5).
    Prefix { bytes, length: channel::HEADER as u8, padding: if is_stream { padding(length) } else { 0 } }
}

fn indication_prefix(peer: SocketAddr, length: u16, random: (u64, u64)) -> Option<Prefix> {
    let transaction = TransactionId::of_indication(random.0, random.1);
    let masked = address::mask(peer, &transaction);
    let address_bytes: u16 = if masked.is_ipv4() { 8 } else { 20 };
    let padding = padding(length);
    let total = (4 + address_bytes + 4).checked_add(length)?.checked_add(u16::from(padding))?;
    let mut prefix = Prefix { bytes: [0; Prefix::MAX], length: 0, padding };
    prefix.put(&type_word(Class::Indication, Method::DATA).to_be_bytes());
    prefix.put(&total.to_be_bytes());
    prefix.put(&transaction.0);
    prefix.put(&kind::XOR_PEER_ADDRESS.to_be_bytes());
    prefix.put(&address_bytes.to_be_bytes());
    prefix.put(&[0, Family::of(masked.ip()).number()]);
    prefix.put(&masked.port().to_be_bytes());
    match masked.ip() {
        core::net::IpAddr::V4(ip) => prefix.put(&ip.octets()),
        core::net::IpAddr::V6(ip) => prefix.put(&ip.octets()),
    }
    prefix.put(&kind::DATA.to_be_bytes());
    prefix.put(&length.to_be_bytes());
    Some(prefix)
}

impl Prefix {
    fn put(&mut self, bytes: &[u8]) {
        let at = usize::from(self.length);
        if let Some(place) = self.bytes.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
            self.length += bytes.len() as u8;
        }
    }
}
