//! Refresh requests (RFC 8656 §8).

use std::cmp::Reverse;

use super::{AllocationId, Output, Server, Who};
use crate::address::Family;
use crate::attribute::{ErrorCode, kind};
use crate::message::Message;

impl Server {
    pub(super) fn refresh(&mut self, now: u64, who: &Who, message: &Message<'_>, id: AllocationId) {
        let family = match message.get(kind::REQUESTED_ADDRESS_FAMILY).map(<[u8]>::first) {
            None => None,
            Some(number) => match number.and_then(|number| Family::from_number(*number)) {
                Some(family) if self.get(id).is_some_and(|own| own.has(family)) => Some(family),
                _ => return self.refuse(now, who, message, ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH),
            },
        };
        if message.get_u32(kind::LIFETIME) == Some(0) {
            self.give_up(id, family);
            return self.answer(now, who, message, |builder| builder.u32(kind::LIFETIME, 0));
        }
        let lifetime = self.lifetime(message);
        let expires = now + u64::from(lifetime) * 1000;
        if let Some(own) = self.get_mut(id) {
            let sooner = expires < own.expires;
            own.expires = expires;
            // Later deadlines are set when the earlier one comes.
            if sooner {
                self.deadlines.push(Reverse((expires, id.index, id.generation)));
            }
        }
        self.answer(now, who, message, |builder| builder.u32(kind::LIFETIME, lifetime));
    }

    /// One family of two, or all of it.
    fn give_up(&mut self, id: AllocationId, family: Option<Family>) {
        let Some(own) = self.get_mut(id) else { return };
        match family {
            Some(Family::V4) if own.relayed.v6.is_some() => own.relayed.v4 = None,
            Some(Family::V6) if own.relayed.v4.is_some() => own.relayed.v6 = None,
            _ => return self.remove(id),
        }
        self.outputs.push_back(Output::Free { allocation: id, family });
    }
}
