//! What others know of a connection: its inbox, and how it came about.

use std::net::SocketAddr;
use std::sync::Arc;

use nightjar_jid::Jid;
use parking_lot::Mutex;

use super::inbox::Inbox;

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// The other server.
    In,
    /// We.
    Out,
}

impl Direction {
    pub fn word(self) -> &'static str {
        match self {
            Direction::In => "in",
            Direction::Out => "out",
        }
    }
}

/// How a connection came about, for the administrator and for those who look for a way.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The domains whose stanzas may pass: ours, then the other's.
    pub pairs: Vec<(Jid, Jid)>,
    /// Version of TLS.
    pub tls: Option<&'static str>,
    /// How the other server was proved: `pkix`, `dane`, `dialback`, or nothing.
    pub proof: &'static str,
    /// Stanzas pass both ways (XEP-0288).
    pub is_bidi: bool,
    /// Further pairs may be asked for by dialback.
    pub takes_pairs: bool,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Handle {
    pub direction: Direction,
    pub address: Option<SocketAddr>,
    /// The other server's domain; as it claims before it has proved one.
    pub remote: Mutex<Option<Jid>>,
    pub inbox: Inbox,
    pub told: Mutex<Told>,
}

impl Handle {
    /// Whether it leads to this domain.
    pub fn is_to(&self, remote: &Jid) -> bool {
        self.remote.lock().as_ref() == Some(remote)
    }
}

/// All connections, in order of their beginning.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Vec<Arc<Handle>>>);

impl Connections {
    pub fn add(&self, handle: &Arc<Handle>) {
        self.0.lock().push(Arc::clone(handle));
    }

    pub fn remove(&self, handle: &Arc<Handle>) {
        self.0.lock().retain(|other| !Arc::ptr_eq(other, handle));
    }

    pub fn all(&self) -> Vec<Arc<Handle>> {
        self.0.lock().clone()
    }

    /// How many there are in this direction.
    pub fn count(&self, direction: Direction) -> usize {
        self.0.lock().iter().filter(|handle| handle.direction == direction).count()
    }

    /// Connections of ours to this domain.
    pub fn to(&self, remote: &Jid) -> Vec<Arc<Handle>> {
        let all = self.0.lock();
        let ours = all.iter().filter(|handle| handle.direction == Direction::Out && handle.is_to(remote));
        ours.cloned().collect()
    }
}
