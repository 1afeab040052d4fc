//! Allocate requests (RFC 8656 §7, RFC 6062 §5.1).

use std::cmp::Reverse;

use super::allocation::{Allocation, Origin};
use super::{
    AllocationId, Client, Output, Port, Protocol, Refused, Relayed, Server, Slot, Ticket, Transport, Who,
};
use crate::address::Family;
use crate::attribute::{ErrorCode, kind};
use crate::builder::Builder;
use crate::credential::Algorithm;
use crate::message::{Message, Method};

/// An allocation whose sockets are being opened.
pub(super) struct Opening {
    who: Who,
    packet: Vec<u8>,
    id: AllocationId,
    lifetime: u32,
    protocol: Protocol,
    families: (Family, Option<Family>),
}

const KNOWN: &[u16] = &[
    kind::USERNAME,
    kind::USERHASH,
    kind::REALM,
    kind::NONCE,
    kind::PASSWORD_ALGORITHM,
    kind::REQUESTED_TRANSPORT,
    kind::REQUESTED_ADDRESS_FAMILY,
    kind::EVEN_PORT,
    kind::DONT_FRAGMENT,
    kind::RESERVATION_TOKEN,
    kind::LIFETIME,
    kind::CHANNEL_NUMBER,
    kind::XOR_PEER_ADDRESS,
    kind::CONNECTION_ID,
];

/// IANA's protocol numbers in REQUESTED-TRANSPORT.
const UDP: u8 = 17;
const TCP: u8 = 6;

struct Wish {
    protocol: Protocol,
    families: (Family, Option<Family>),
    port: Port,
    lifetime: u32,
}

impl Server {
    /// A request whose sender is known.
    pub(super) fn known(&mut self, now: u64, who: Who, message: &Message<'_>) {
        let unknown = message.unknown(KNOWN);
        if !unknown.is_empty() {
            return self.refuse_unknown(now, &who, message, &unknown);
        }
        if message.method == Method::CONNECTION_BIND {
            return self.connection_bind(now, &who, message);
        }
        let own = self.by_client.get(&who.client).copied();
        let Some(id) = own else {
            return match message.method {
                Method::ALLOCATE => self.allocate(now, who, message),
                _ => self.refuse(now, &who, message, ErrorCode::ALLOCATION_MISMATCH),
            };
        };
        let user = who.proof.as_ref().map_or("", |proof| proof.user.as_str());
        if self.get(id).is_some_and(|own| own.user != user) {
            return self.refuse(now, &who, message, ErrorCode::WRONG_CREDENTIALS);
        }
        match message.method {
            Method::ALLOCATE => self.allocate_again(now, &who, message, id),
            Method::REFRESH => self.refresh(now, &who, message, id),
            Method::CREATE_PERMISSION => self.create_permission(now, &who, message, id),
            Method::CHANNEL_BIND => self.channel_bind(now, &who, message, id),
            Method::CONNECT => self.connect(now, &who, message, id),
            _ => self.refuse(now, &who, message, ErrorCode::BAD_REQUEST),
        }
    }

    fn allocate(&mut self, now: u64, who: Who, message: &Message<'_>) {
        let is_opening = |opening: &Opening| opening.who.client == who.client;
        if self.opening.values().any(is_opening) {
            // The answer is on its way.
            return;
        }
        let wish = match self.wish(&who, message) {
            Ok(wish) => wish,
            Err(error) => return self.refuse(now, &who, message, error),
        };
        if self.draining {
            self.counters.draining += 1;
            return self.refuse_or_redirect(now, &who, message, ErrorCode::INSUFFICIENT_CAPACITY);
        }
        let user = who.proof.as_ref().map_or("", |proof| proof.user.as_str());
        if let Err(refused) = self.quota.take(who.client.remote.ip(), user) {
            self.counters.over_quota(refused);
            let error = ErrorCode::ALLOCATION_QUOTA_REACHED;
            return match refused {
                Refused::Server => self.refuse_or_redirect(now, &who, message, error),
                // Another server would only help to get around what one client or account may have.
                Refused::Address | Refused::Account => self.refuse(now, &who, message, error),
            };
        }
        let id = self.reserve();
        let ticket = self.ticket();
        let Wish { protocol, families, port, lifetime } = wish;
        let packet = message.bytes().to_vec();
        self.opening.insert(ticket, Opening { who, packet, id, lifetime, protocol, families });
        let ticket = Ticket(ticket);
        self.outputs.push_back(Output::Allocate { ticket, allocation: id, protocol, families, port });
    }

    /// A slot for an allocation to come.
    fn reserve(&mut self) -> AllocationId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.allocations.push(Slot { generation: 0, allocation: None });
            (self.allocations.len() - 1) as u32
        });
        let generation = self.allocations.get(index as usize).map_or(0, |slot| slot.generation);
        AllocationId { index, generation }
    }

    fn wish(&self, who: &Who, message: &Message<'_>) -> Result<Wish, ErrorCode> {
        let transport = message.get(kind::REQUESTED_TRANSPORT).ok_or(ErrorCode::BAD_REQUEST)?;
        let protocol = match transport.first() {
            Some(&UDP) => Protocol::Udp,
            Some(&TCP) if matches!(who.client.transport, Transport::Tcp | Transport::Tls) => Protocol::Tcp,
            _ => return Err(ErrorCode::UNSUPPORTED_TRANSPORT),
        };
        let even = message.get(kind::EVEN_PORT);
        let token = message.get(kind::RESERVATION_TOKEN);
        let family = message.get(kind::REQUESTED_ADDRESS_FAMILY);
        let additional = message.get(kind::ADDITIONAL_ADDRESS_FAMILY);
        // RFC 8656 §7.2, RFC 6062 §5.1
        let clash = token.is_some() && (even.is_some() || family.is_some() || additional.is_some())
            || family.is_some() && additional.is_some()
            || additional.is_some()
                && even.is_some_and(|value| value.first().is_some_and(|flag| flag & 0x80 != 0))
            || protocol == Protocol::Tcp
                && (even.is_some() || token.is_some() || message.get(kind::DONT_FRAGMENT).is_some());
        if clash {
            return Err(ErrorCode::BAD_REQUEST);
        }
        let port = match (even.map(<[u8]>::first), token) {
            (Some(Some(flags)), _) if flags & 0x80 != 0 => Port::EvenAndNext,
            (Some(_), _) => Port::Even,
            (None, Some(token)) => Port::Reserved(token.try_into().map_err(|_| ErrorCode::BAD_REQUEST)?),
            (None, None) => Port::Any,
        };
        Ok(Wish {
            protocol,
            families: self.families(family, additional)?,
            port,
            lifetime: self.lifetime(message),
        })
    }

    fn families(
        &self,
        family: Option<&[u8]>,
        additional: Option<&[u8]>,
    ) -> Result<(Family, Option<Family>), ErrorCode> {
        let read = |value: &[u8]| {
            let number = value.first().copied().unwrap_or_default();
            Family::from_number(number).ok_or(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED)
        };
        let first = family.map_or(Ok(Family::V4), read)?;
        let second = match additional {
            // Only IPv6 can be the second one (RFC 8656 §7.2).
            Some(value) if read(value)? == Family::V6 => Some(Family::V6),
            Some(_) => return Err(ErrorCode::BAD_REQUEST),
            None => None,
        };
        let can = |family| match family {
            Family::V4 => self.settings.has_ipv4,
            Family::V6 => self.settings.has_ipv6,
        };
        if !can(first) {
            return Err(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
        }
        Ok((first, second.filter(|_| additional.is_some())))
    }

    /// Seconds that are granted (RFC 8656 §7.2).
    pub(super) fn lifetime(&self, message: &Message<'_>) -> u32 {
        let asked = message.get_u32(kind::LIFETIME).unwrap_or(self.settings.lifetime_default);
        asked.max(self.settings.lifetime_default).min(self.settings.lifetime_max)
    }

    /// The answer to [`Output::Allocate`].
    pub fn allocated(&mut self, now: u64, ticket: Ticket, opened: Result<Relayed, ErrorCode>) {
        let Some(opening) = self.opening.remove(&ticket.0) else { return };
        let Ok(message) = Message::parse(&opening.packet) else { return };
        let Opening { who, id, lifetime, protocol, families, packet: _ } = &opening;
        let user = who.proof.as_ref().map(|proof| proof.user.clone()).unwrap_or_default();
        let relayed = match opened {
            Ok(relayed) => relayed,
            Err(error) => {
                self.counters.no_relay_port += 1;
                self.free.push(id.index);
                self.quota.give_back(who.client.remote.ip(), &user);
                return match error {
                    ErrorCode::INSUFFICIENT_CAPACITY => self.refuse_or_redirect(now, who, &message, error),
                    _ => self.refuse(now, who, &message, error),
                };
            }
        };
        let algorithm =
            if message.get(kind::PASSWORD_ALGORITHM).is_some_and(|value| value.starts_with(&[0, 2])) {
                Algorithm::Sha256
            } else {
                Algorithm::Md5
            };
        let key = who.proof.as_ref().and_then(|proof| proof.key.clone()).map(|key| (algorithm, key));
        let realm = self.settings.realm.clone();
        let origin = Origin {
            client: who.client,
            user,
            realm,
            key,
            protocol: *protocol,
            transaction: message.transaction,
        };
        let expires = now + u64::from(*lifetime) * 1000;
        if let Some(slot) = self.allocations.get_mut(id.index as usize) {
            slot.allocation = Some(Box::new(Allocation::new(origin, relayed, expires)));
        }
        self.by_client.insert(who.client, *id);
        self.deadlines.push(Reverse((expires, id.index, id.generation)));
        self.counters.allocations += 1;
        let missing = families.1.filter(|_| relayed.v6.is_none());
        self.tell(now, who, &message, relayed, *lifetime, missing);
    }

    /// Nobody waits for the sockets that are being opened any more.
    pub(super) fn abandon(&mut self, client: &Client) {
        let found = self.opening.iter().find(|(_, opening)| opening.who.client == *client);
        let Some(opening) = found.map(|(ticket, _)| *ticket).and_then(|ticket| self.opening.remove(&ticket))
        else {
            return;
        };
        let user = opening.who.proof.map(|proof| proof.user).unwrap_or_default();
        self.quota.give_back(client.remote.ip(), &user);
        if let Some(slot) = self.allocations.get_mut(opening.id.index as usize) {
            slot.generation = slot.generation.wrapping_add(1);
        }
        self.free.push(opening.id.index);
        self.outputs.push_back(Output::Free { allocation: opening.id, family: None });
    }

    /// The same request again is answered again; another one is a mistake (RFC 8656 §7.2).
    fn allocate_again(&mut self, now: u64, who: &Who, message: &Message<'_>, id: AllocationId) {
        let Some(own) = self.get(id) else { return };
        if own.transaction != message.transaction {
            return self.refuse(now, who, message, ErrorCode::ALLOCATION_MISMATCH);
        }
        let lifetime = u32::try_from(own.expires.saturating_sub(now) / 1000).unwrap_or_default();
        let relayed = own.relayed;
        self.tell(now, who, message, relayed, lifetime, None);
    }

    fn tell(
        &mut self,
        now: u64,
        who: &Who,
        message: &Message<'_>,
        relayed: Relayed,
        lifetime: u32,
        missing: Option<Family>,
    ) {
        let remote = who.client.remote;
        self.answer(now, who, message, |builder| {
            let addresses = relayed.v4.into_iter().chain(relayed.v6);
            let builder = addresses
                .fold(builder, |builder, address| builder.xor_address(kind::XOR_RELAYED_ADDRESS, address));
            let builder = builder.u32(kind::LIFETIME, lifetime).xor_address(kind::XOR_MAPPED_ADDRESS, remote);
            let builder = missing.into_iter().fold(builder, address_error);
            relayed
                .reservation
                .iter()
                .fold(builder, |builder, token| builder.bytes(kind::RESERVATION_TOKEN, token))
        });
    }
}

/// ADDRESS-ERROR-CODE (RFC 8656 §18.12).
fn address_error(builder: Builder<'_>, family: Family) -> Builder<'_> {
    let error = ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED;
    let mut value = vec![family.number(), 0, (error.code / 100) as u8, (error.code % 100) as u8];
    value.extend_from_slice(error.reason.as_bytes());
    builder.bytes(kind::ADDRESS_ERROR_CODE, &value)
}
