//! Permissions and channels (RFC 8656 §9 to §12).

use core::net::{IpAddr, SocketAddr};

use super::allocation::Clash;
use super::{AllocationId, Protocol, Server, Who};
use crate::address::{self, Family};
use crate::attribute::{ErrorCode, kind};
use crate::channel;
use crate::message::Message;

impl Server {
    /// All of the peers, or none.
    pub(super) fn create_permission(&mut self, now: u64, who: &Who, message: &Message<'_>, id: AllocationId) {
        match self.peers(message, id).and_then(|peers| self.permit(now, id, &peers)) {
            Ok(()) => self.answer(now, who, message, |builder| builder),
            Err(error) => self.refuse(now, who, message, error),
        }
    }

    fn peers(&mut self, message: &Message<'_>, id: AllocationId) -> Result<Vec<IpAddr>, ErrorCode> {
        let mut peers = Vec::new();
        for attribute in message.attributes().filter(|attribute| attribute.kind == kind::XOR_PEER_ADDRESS) {
            let peer =
                address::unmask(attribute.value, &message.transaction).ok_or(ErrorCode::BAD_REQUEST)?;
            self.check_peer(id, peer.ip())?;
            peers.push(peer.ip());
        }
        if peers.is_empty() { Err(ErrorCode::BAD_REQUEST) } else { Ok(peers) }
    }

    /// Whether the relay can and may reach an address.
    pub(super) fn check_peer(&mut self, id: AllocationId, peer: IpAddr) -> Result<(), ErrorCode> {
        if !self.get(id).is_some_and(|own| own.has(Family::of(peer))) {
            return Err(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH);
        }
        self.settings.policy.check_ip(peer).map_err(|refusal| {
            self.counters.refused(refusal);
            ErrorCode::FORBIDDEN
        })
    }

    /// As [`Server::check_peer`], and whether nothing of the server's own listens there.
    pub(super) fn check_address(&mut self, id: AllocationId, peer: SocketAddr) -> Result<(), ErrorCode> {
        self.check_peer(id, peer.ip())?;
        self.settings.policy.check(peer).map_err(|refusal| {
            self.counters.refused(refusal);
            ErrorCode::FORBIDDEN
        })
    }

    pub(super) fn permit(&mut self, now: u64, id: AllocationId, peers: &[IpAddr]) -> Result<(), ErrorCode> {
        let max = self.settings.permissions_max;
        let own = self.get_mut(id).ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        if !own.has_room_for(now, peers, max) {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY);
        }
        peers.iter().for_each(|peer| own.permit(now, *peer));
        Ok(())
    }

    pub(super) fn channel_bind(&mut self, now: u64, who: &Who, message: &Message<'_>, id: AllocationId) {
        match self.bind(now, message, id) {
            Ok(()) => self.answer(now, who, message, |builder| builder),
            Err(error) => self.refuse(now, who, message, error),
        }
    }

    fn bind(&mut self, now: u64, message: &Message<'_>, id: AllocationId) -> Result<(), ErrorCode> {
        let number = message.get_u32(kind::CHANNEL_NUMBER).map(|value| (value >> 16) as u16);
        let number =
            number.filter(|number| channel::NUMBERS.contains(number)).ok_or(ErrorCode::BAD_REQUEST)?;
        let peer = message.get_xor_address(kind::XOR_PEER_ADDRESS).ok_or(ErrorCode::BAD_REQUEST)?;
        if self.get(id).is_some_and(|own| own.protocol == Protocol::Tcp) {
            return Err(ErrorCode::BAD_REQUEST);
        }
        self.check_address(id, peer)?;
        self.permit(now, id, &[peer.ip()])?;
        let max = self.settings.permissions_max.saturating_mul(8);
        let own = self.get_mut(id).ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        own.bind(now, number, peer, max).map_err(|clash| match clash {
            Clash::Bound => ErrorCode::BAD_REQUEST,
            Clash::Full => ErrorCode::INSUFFICIENT_CAPACITY,
        })
    }
}
