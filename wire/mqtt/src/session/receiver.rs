//! Messages with QoS 2 that came: each is taken once (§4.3.3).

/// Packet identifiers, sorted, and whether the message of each is safe.
#[derive(Debug, Default)]
pub(crate) struct Receiver(Vec<(u16, bool)>);

/// What a PUBLISH with QoS 2 is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not seen before.
    New,
    /// Seen, and not safe yet: the answer follows when it is.
    Pending,
    /// Seen, and safe.
    Safe,
}

impl Receiver {
    pub(crate) fn restore(mut ids: Vec<u16>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self(ids.into_iter().map(|id| (id, true)).collect())
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().map(|(id, _)| *id)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn receive(&mut self, packet_id: u16) -> Seen {
        match self.find(packet_id) {
            Ok(index) if self.0.get(index).is_some_and(|(_, safe)| *safe) => Seen::Safe,
            Ok(_) => Seen::Pending,
            Err(index) => {
                self.0.insert(index, (packet_id, false));
                Seen::New
            }
        }
    }

    /// What isn't safe is as good as never received.
    pub(crate) fn settle(&mut self, packet_id: u16, safe: bool) {
        let Ok(index) = self.find(packet_id) else { return };
        match self.0.get_mut(index) {
            Some(entry) if safe => entry.1 = true,
            _ => {
                self.0.remove(index);
                self.shrink();
            }
        }
    }

    /// `None` for a message that never came, or is released.
    pub(crate) fn is_safe(&self, packet_id: u16) -> Option<bool> {
        self.find(packet_id).ok().and_then(|index| self.0.get(index)).map(|(_, safe)| *safe)
    }

    pub(crate) fn remove(&mut self, packet_id: u16) {
        if let Ok(index) = self.find(packet_id) {
            self.0.remove(index);
            self.shrink();
        }
    }

    fn find(&self, packet_id: u16) -> Result<usize, usize> {
        self.0.binary_search_by_key(&packet_id, |(id, _)| *id)
    }

    fn shrink(&mut self) {
        if self.0.is_empty() && self.0.capacity() > 16 {
            self.0 = Vec::new();
        }
    }
}
