//! Pairs of domains (XEP-0220 §1.3), seen from here: our domain and the peer's.

use std::cmp::Ordering;

use nightjar_jid::Jid;

/// Pairs that are authorised, sorted.
#[derive(Debug, Default)]
pub(super) struct Pairs(Vec<(Jid, Jid)>);

impl Pairs {
    pub(super) fn contains(&self, local: &str, remote: &str) -> bool {
        self.find(local, remote).is_ok()
    }

    /// Adds a pair; `false` if there are `max` already.
    pub(super) fn insert(&mut self, local: &Jid, remote: &Jid, max: usize) -> bool {
        let Err(at) = self.find(local.domain(), remote.domain()) else { return true };
        if self.0.len() >= max {
            return false;
        }
        self.0.insert(at, (detached(local), detached(remote)));
        true
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Our domain of the first pair with this domain of the peer.
    pub(super) fn local_of(&self, remote: &str) -> Option<&Jid> {
        self.0.iter().find(|pair| pair.1.as_str() == remote).map(|pair| &pair.0)
    }

    /// Our domain, then the peer's.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Jid, &Jid)> {
        self.0.iter().map(|(local, remote)| (local, remote))
    }

    fn find(&self, local: &str, remote: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|pair| match pair.1.as_str().cmp(remote) {
            Ordering::Equal => pair.0.as_str().cmp(local),
            unequal => unequal,
        })
    }
}

/// The domain in a buffer of its own: it outlives the element it came in.
pub(super) fn detached(jid: &Jid) -> Jid {
    jid.to_domain().detach()
}
