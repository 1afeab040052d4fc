//! What is counted for monitoring.

use std::sync::atomic::{AtomicU64, Ordering};

use nightjar_mqtt::{QoS, Reason, Refused};

/// Why a subscriber didn't get a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// As many wait for it as may.
    NoRoom,
    /// It isn't connected, and the message is none that waits.
    Away,
    /// It takes no packets of that size.
    TooLarge,
    /// Its time was over.
    Expired,
}

impl Loss {
    pub(crate) const ALL: [Loss; 4] = [Loss::NoRoom, Loss::Away, Loss::TooLarge, Loss::Expired];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Loss::NoRoom => "no_room",
            Loss::Away => "away",
            Loss::TooLarge => "too_large",
            Loss::Expired => "expired",
        }
    }
}

impl From<Refused> for Loss {
    fn from(why: Refused) -> Self {
        match why {
            Refused::QueueFull => Loss::NoRoom,
            Refused::NotConnected => Loss::Away,
            Refused::TooLarge => Loss::TooLarge,
            Refused::Expired => Loss::Expired,
        }
    }
}

/// What clients are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Connect,
    Publish,
    Subscribe,
}

/// What is refused and why: its labels, and the reason that the client hears. Others count as the last of their kind.
const REFUSALS: [(Wanted, &str, &str, Reason); 8] = [
    (Wanted::Connect, "connect", "password", Reason::NOT_AUTHORIZED),
    (Wanted::Connect, "connect", "banned", Reason::BANNED),
    (Wanted::Connect, "connect", "method", Reason::BAD_AUTHENTICATION_METHOD),
    (Wanted::Connect, "connect", "other", Reason::SERVER_UNAVAILABLE),
    (Wanted::Publish, "publish", "topic", Reason::TOPIC_NAME_INVALID),
    (Wanted::Publish, "publish", "access", Reason::NOT_AUTHORIZED),
    (Wanted::Subscribe, "subscribe", "topic", Reason::TOPIC_FILTER_INVALID),
    (Wanted::Subscribe, "subscribe", "access", Reason::NOT_AUTHORIZED),
];

/// Figures of a broker that only grow, and of what it has now.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) connected: AtomicU64,
    /// The most there were at once.
    pub(crate) connected_max: AtomicU64,
    /// Clients that were let in.
    pub(crate) opened: AtomicU64,
    /// Sessions that ended because their client stayed away.
    pub(crate) expired: AtomicU64,
    /// From clients, by QoS.
    pub(crate) received: [AtomicU64; 3],
    pub(crate) received_payload: AtomicU64,
    /// To subscribers, by QoS.
    pub(crate) delivered: [AtomicU64; 3],
    pub(crate) delivered_payload: AtomicU64,
    dropped: [AtomicU64; Loss::ALL.len()],
    refused: [AtomicU64; REFUSALS.len()],
    pub(crate) bytes_received: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
    pub(crate) packets_received: AtomicU64,
    pub(crate) packets_sent: AtomicU64,
}

/// What became of one message: counted aside, then added at once.
#[derive(Default)]
pub(crate) struct Tally {
    delivered: [u64; 3],
    dropped: [u64; Loss::ALL.len()],
}

impl Tally {
    pub(crate) fn delivered(&mut self, qos: QoS) {
        if let Some(count) = self.delivered.get_mut(qos as usize) {
            *count += 1;
        }
    }

    pub(crate) fn dropped(&mut self, loss: Loss) {
        if let Some(count) = self.dropped.get_mut(loss as usize) {
            *count += 1;
        }
    }
}

impl Counters {
    /// A client was let in.
    pub(crate) fn open(&self) {
        count(&self.opened);
        let connected = self.connected.fetch_add(1, Ordering::Relaxed) + 1;
        self.connected_max.fetch_max(connected, Ordering::Relaxed);
    }

    /// Packets have come from a client and gone to it.
    pub(crate) fn moved(&self, (received, sent): (u32, u32)) {
        if received > 0 {
            self.packets_received.fetch_add(received.into(), Ordering::Relaxed);
        }
        if sent > 0 {
            self.packets_sent.fetch_add(sent.into(), Ordering::Relaxed);
        }
    }

    /// A client has published.
    pub(crate) fn receive(&self, qos: QoS, payload: usize) {
        if let Some(counter) = self.received.get(qos as usize) {
            count(counter);
        }
        add(&self.received_payload, payload);
    }

    /// A subscriber was given a message.
    pub(crate) fn deliver(&self, qos: QoS, payload: usize) {
        let mut tally = Tally::default();
        tally.delivered(qos);
        self.add(&tally, payload);
    }

    /// Adds what became of a message with a payload of this length.
    pub(crate) fn add(&self, tally: &Tally, payload: usize) {
        let mut copies = 0;
        for (counter, count) in self.delivered.iter().zip(tally.delivered).filter(|(_, count)| *count > 0) {
            counter.fetch_add(count, Ordering::Relaxed);
            copies += count;
        }
        if copies > 0 {
            let payload = u64::try_from(payload).unwrap_or(u64::MAX);
            self.delivered_payload.fetch_add(copies.saturating_mul(payload), Ordering::Relaxed);
        }
        for (counter, count) in self.dropped.iter().zip(tally.dropped).filter(|(_, count)| *count > 0) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// A message was dropped after it was counted as delivered.
    pub(crate) fn drop_one(&self, loss: Loss) {
        if let Some(counter) = self.dropped.get(loss as usize) {
            count(counter);
        }
    }

    pub(crate) fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Loss::ALL.iter().zip(&self.dropped).map(|(loss, counter)| (loss.name(), read(counter)))
    }

    /// Something was refused.
    pub(crate) fn refuse(&self, wanted: Wanted, reason: Reason) {
        let exact = REFUSALS.iter().position(|(kind, _, _, why)| *kind == wanted && *why == reason);
        let at = exact.or_else(|| REFUSALS.iter().rposition(|(kind, ..)| *kind == wanted));
        if let Some(counter) = at.and_then(|at| self.refused.get(at)) {
            count(counter);
        }
    }

    /// What was refused, why, and how often.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        REFUSALS.iter().zip(&self.refused).map(|((_, what, why, _), counter)| (*what, *why, read(counter)))
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// One less.
pub(crate) fn discount(counter: &AtomicU64) {
    counter.fetch_sub(1, Ordering::Relaxed);
}

/// Some more.
pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(u64::try_from(amount).unwrap_or(u64::MAX), Ordering::Relaxed);
}

pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// The sum of counters.
pub(crate) fn sum(counters: &[AtomicU64]) -> u64 {
    counters.iter().map(read).sum()
}

#[cfg(test)]
mod tests;
