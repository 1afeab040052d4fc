//! One allocation: its relayed addresses, permissions and channels.

use core::net::{IpAddr, SocketAddr};

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{AllocationId, Client, Protocol, Relayed, Username};
use crate::address::Family;
use crate::credential::{Algorithm, Key, userhash};
use crate::message::TransactionId;
use crate::policy::Policy;

/// Milliseconds a permission lives (RFC 8656 §9).
pub(super) const PERMISSION: u64 = 300_000;
/// Milliseconds a channel lives (RFC 8656 §12).
pub(super) const CHANNEL: u64 = 600_000;

pub(super) struct Allocation {
    pub(super) client: Client,
    pub(super) user: String,
    /// What the name was hashed with, if a client hides it.
    realm: String,
    keys: Vec<(Algorithm, Key)>,
    pub(super) protocol: Protocol,
    pub(super) relayed: Relayed,
    pub(super) transaction: TransactionId,
    pub(super) expires: u64,
    permissions: HashMap<IpAddr, u64, RandomState>,
    /// In order of numbers.
    channels: Vec<Channel>,
    by_peer: HashMap<SocketAddr, u16, RandomState>,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    to_peer: Bucket,
    to_client: Bucket,
}

/// What may be carried one way: bytes that were carried and are not forgotten yet.
#[derive(Clone, Copy, Default)]
struct Bucket {
    carried: u64,
    at: u64,
}

impl Bucket {
    /// A second's worth at once, and the rate from then on.
    fn take(&mut self, now: u64, bytes: usize, rate: Option<u64>) -> bool {
        let Some(rate) = rate else { return true };
        let since = now.saturating_sub(self.at);
        self.carried = self.carried.saturating_sub(since.saturating_mul(rate) / 1000);
        self.at = now;
        let carried = self.carried.saturating_add(bytes as u64);
        // A single packet larger than a second's worth gets through an empty bucket.
        if carried > rate && self.carried > 0 {
            return false;
        }
        self.carried = carried;
        true
    }
}

#[derive(Clone, Copy)]
struct Channel {
    number: u16,
    peer: SocketAddr,
    expires: u64,
}

/// What an allocation is made from.
pub(super) struct Origin {
    pub(super) client: Client,
    pub(super) user: String,
    pub(super) realm: String,
    pub(super) key: Option<(Algorithm, Key)>,
    pub(super) protocol: Protocol,
    pub(super) transaction: TransactionId,
}

/// An allocation, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationInfo {
    /// Its name.
    pub id: AllocationId,
    /// Whose.
    pub client: Client,
    /// The account; empty for anonymous clients.
    pub user: String,
    /// What peers see.
    pub relayed: Relayed,
    /// When it ends, in milliseconds.
    pub expires: u64,
    /// Permissions in force or not yet swept away.
    pub permissions: usize,
    /// Channels, likewise.
    pub channels: usize,
    /// Packets relayed both ways.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Allocation {
    pub(super) fn new(origin: Origin, relayed: Relayed, expires: u64) -> Self {
        Self {
            realm: origin.realm,
            client: origin.client,
            user: origin.user,
            keys: origin.key.into_iter().collect(),
            protocol: origin.protocol,
            relayed,
            transaction: origin.transaction,
            expires,
            permissions: HashMap::default(),
            channels: Vec::new(),
            by_peer: HashMap::default(),
            packets: 0,
            bytes: 0,
            to_peer: Bucket::default(),
            to_client: Bucket::default(),
        }
    }

    /// Counts a packet; false if it is more than `rate` bytes a second allow.
    pub(super) fn carry(&mut self, now: u64, bytes: usize, is_to_peer: bool, rate: Option<u64>) -> bool {
        let bucket = if is_to_peer { &mut self.to_peer } else { &mut self.to_client };
        let fits = bucket.take(now, bytes, rate);
        if fits {
            self.packets += 1;
            self.bytes += bytes as u64;
        }
        fits
    }

    pub(super) fn info(&self, id: AllocationId) -> AllocationInfo {
        AllocationInfo {
            id,
            client: self.client,
            user: self.user.clone(),
            relayed: self.relayed,
            expires: self.expires,
            permissions: self.permissions.len(),
            channels: self.channels.len(),
            packets: self.packets,
            bytes: self.bytes,
        }
    }

    pub(super) fn key_for(&self, algorithm: Algorithm) -> Option<&Key> {
        self.keys.iter().find(|(known, _)| *known == algorithm).map(|(_, key)| key)
    }

    pub(super) fn is_of(&self, username: &Username) -> bool {
        match username {
            Username::Plain(name) => *name == self.user,
            Username::Hash(hash) => *hash == userhash(&self.user, &self.realm),
        }
    }

    pub(super) fn has(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.relayed.v4.is_some(),
            Family::V6 => self.relayed.v6.is_some(),
        }
    }

    pub(super) fn is_permitted(&self, now: u64, peer: IpAddr) -> bool {
        self.permissions.get(&peer).is_some_and(|expires| *expires > now)
    }

    /// Whether permissions for these peers would be more than `max`.
    pub(super) fn has_room_for(&mut self, now: u64, peers: &[IpAddr], max: usize) -> bool {
        if self.permissions.len() + peers.len() > max {
            self.permissions.retain(|_, expires| *expires > now);
        }
        let mut new: Vec<_> = peers.iter().filter(|peer| !self.permissions.contains_key(*peer)).collect();
        new.sort();
        new.dedup();
        self.permissions.len() + new.len() <= max
    }

    pub(super) fn permit(&mut self, now: u64, peer: IpAddr) {
        self.permissions.insert(peer, now + PERMISSION);
    }

    /// The peer of a channel.
    pub(super) fn peer_of(&self, now: u64, number: u16) -> Option<SocketAddr> {
        let at = self.channels.binary_search_by_key(&number, |channel| channel.number).ok()?;
        self.channels.get(at).filter(|channel| channel.expires > now).map(|channel| channel.peer)
    }

    /// The channel of a peer.
    pub(super) fn channel_of(&self, now: u64, peer: SocketAddr) -> Option<u16> {
        let number = *self.by_peer.get(&peer)?;
        self.peer_of(now, number).map(|_| number)
    }

    /// Binds or refreshes a channel; false if the number or the peer is bound otherwise (RFC 8656 §12.2).
    pub(super) fn bind(&mut self, now: u64, number: u16, peer: SocketAddr, max: usize) -> Result<(), Clash> {
        if self.channels.len() >= max {
            self.sweep_channels(now);
        }
        if self.peer_of(now, number).is_some_and(|bound| bound != peer)
            || self.channel_of(now, peer).is_some_and(|bound| bound != number)
        {
            return Err(Clash::Bound);
        }
        let channel = Channel { number, peer, expires: now + CHANNEL };
        match self.channels.binary_search_by_key(&number, |channel| channel.number) {
            Ok(at) => {
                let Some(old) = self.channels.get_mut(at) else { return Err(Clash::Bound) };
                self.by_peer.remove(&old.peer);
                *old = channel;
            }
            Err(_) if self.channels.len() >= max => return Err(Clash::Full),
            Err(at) => {
                // The peer's expired channel under another number goes away.
                self.channels.insert(at, channel);
                let old = self.by_peer.get(&peer).copied();
                self.channels.retain(|channel| Some(channel.number) != old);
            }
        }
        self.by_peer.insert(peer, number);
        Ok(())
    }

    /// Forgets permissions and channels of peers that are refused.
    pub(super) fn enforce(&mut self, policy: &Policy) {
        self.permissions.retain(|peer, _| policy.check_ip(*peer).is_ok());
        self.retain_channels(|channel| policy.check(channel.peer).is_ok());
    }

    fn sweep_channels(&mut self, now: u64) {
        self.retain_channels(|channel| channel.expires > now);
    }

    fn retain_channels(&mut self, wanted: impl FnMut(&Channel) -> bool) {
        self.channels.retain(wanted);
        let channels = &self.channels;
        self.by_peer.retain(|_, number| channels.iter().any(|channel| channel.number == *number));
    }
}

/// Why a channel can't be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// The number or the peer is bound otherwise.
    Bound,
    /// There are too many.
    Full,
}
