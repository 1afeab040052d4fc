//! Messages with QoS 2 that came: each is taken once (§4.3.3).

/// Packet identifiers, sorted, and how far the message of each has come.
#[derive(Debug, Default)]
pub(crate) struct Receiver(Vec<(u16, State)>);

/// Each step that a store takes part in is asked for once, so that a late answer can't be taken for that of another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The broker hasn't said yet that it is safe.
    Pending,
    /// PUBREC was sent, or is to be sent when the message comes again.
    Safe,
    /// PUBREL came, and the identifier is being forgotten.
    Releasing,
    /// The same, but PUBREL came on an earlier connection: PUBCOMP isn't due on this one.
    ReleasedBefore,
}

impl Receiver {
    pub(crate) fn restore(mut ids: Vec<u16>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self(ids.into_iter().map(|id| (id, State::Safe)).collect())
    }

    /// A new connection.
    pub(crate) fn restart(&mut self) {
        for (_, state) in &mut self.0 {
            if *state == State::Releasing {
                *state = State::ReleasedBefore;
            }
        }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().map(|(id, _)| *id)
    }

    /// A PUBLISH came. `None` if it is new.
    pub(crate) fn receive(&mut self, packet_id: u16) -> Option<State> {
        match self.find(packet_id) {
            Ok(index) => self.0.get(index).map(|(_, state)| *state),
            Err(index) => {
                self.0.insert(index, (packet_id, State::Pending));
                None
            }
        }
    }

    /// What isn't safe is as good as never received.
    pub(crate) fn settle(&mut self, packet_id: u16, safe: bool) {
        let Ok(index) = self.find(packet_id) else { return };
        match self.0.get_mut(index) {
            Some((_, state)) if *state != State::Pending => {}
            Some((_, state)) if safe => *state = State::Safe,
            _ => self.remove_at(index),
        }
    }

    /// A PUBREL came. Gives the state in which it found the message; `None` if there is none.
    pub(crate) fn release(&mut self, packet_id: u16) -> Option<State> {
        let index = self.find(packet_id).ok()?;
        let (_, state) = self.0.get_mut(index)?;
        let before = *state;
        if before != State::Pending {
            *state = State::Releasing;
        }
        Some(before)
    }

    /// Forgets a message that was released. Says whether PUBCOMP is due.
    pub(crate) fn complete(&mut self, packet_id: u16) -> bool {
        let Ok(index) = self.find(packet_id) else { return false };
        match self.0.get(index) {
            Some((_, state @ (State::Releasing | State::ReleasedBefore))) => {
                let due = *state == State::Releasing;
                self.remove_at(index);
                due
            }
            _ => false,
        }
    }

    fn find(&self, packet_id: u16) -> Result<usize, usize> {
        self.0.binary_search_by_key(&packet_id, |(id, _)| *id)
    }

    fn remove_at(&mut self, index: usize) {
        self.0.remove(index);
        if self.0.is_empty() && self.0.capacity() > 16 {
            self.0 = Vec::new();
        }
    }
}
