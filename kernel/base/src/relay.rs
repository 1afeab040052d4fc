//! What media relays ask of features.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use nightjar_sasl::Secret;
use parking_lot::Mutex;

use crate::guard::Guard;
use crate::registry::Registry;

type Find = dyn Fn(&str) -> Option<Secret> + Send + Sync;

/// Passwords of credentials that were given to accounts over XMPP, found by their user names. A host provides it with
/// [`crate::Registration::provide`].
pub struct TurnPasswords(Box<Find>);

impl TurnPasswords {
    /// With the function that knows them; it gives none for names that aren't its own or have expired.
    pub fn new(find: impl Fn(&str) -> Option<Secret> + Send + Sync + 'static) -> Self {
        Self(Box::new(find))
    }

    /// The password of a name.
    pub fn find(&self, user: &str) -> Option<Secret> {
        (self.0)(user)
    }
}

/// Names that are remembered: the latest.
const GIVEN_MAX: usize = 16_384;

/// User names of credentials that were given lately, for those who look one up by its hash.
#[derive(Default)]
pub struct GivenNames(Mutex<Given>);

#[derive(Default)]
struct Given {
    names: VecDeque<Arc<str>>,
    /// The number of the first of them, counted from the start.
    first: u64,
}

impl GivenNames {
    /// Remembers a name.
    pub fn add(&self, name: &str) {
        let mut given = self.0.lock();
        // One answer tells of many services with one name.
        if given.names.back().is_some_and(|last| **last == *name) {
            return;
        }
        if given.names.len() == GIVEN_MAX {
            given.names.pop_front();
            given.first += 1;
        }
        given.names.push_back(name.into());
    }

    /// The names from this number on that are still remembered, and the number of the next to come.
    pub fn since(&self, number: u64) -> (Vec<Arc<str>>, u64) {
        let given = self.0.lock();
        let skipped = usize::try_from(number.saturating_sub(given.first)).unwrap_or(usize::MAX);
        (given.names.iter().skip(skipped).cloned().collect(), given.first + given.names.len() as u64)
    }
}

/// A STUN server of ours, as clients are told of it (XEP-0215).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayOffer {
    /// Where clients reach it.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
    /// Whether by UDP; by TCP otherwise.
    pub is_udp: bool,
    /// Whether it gives relays (TURN).
    pub has_relays: bool,
    /// Whether relays are for accounts only.
    pub is_restricted: bool,
}

/// What the listeners of this server offer, in order of their start.
#[derive(Default)]
pub struct RelayOffers(Arc<Registry<RelayOffer>>);

impl RelayOffers {
    /// Offers something until the guard is dropped.
    pub fn add(&self, offer: RelayOffer) -> Guard {
        self.0.add(offer)
    }

    /// All offers.
    pub fn all(&self) -> Vec<RelayOffer> {
        self.0.all().iter().map(|offer| RelayOffer::clone(offer)).collect()
    }
}

#[cfg(test)]
mod tests;
