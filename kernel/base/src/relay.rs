//! What media relays ask of features.

use std::net::IpAddr;
use std::sync::Arc;

use nightjar_sasl::Secret;

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
