//! `$SYS`: what goes on at the host, in the topics that mosquitto has, so that what was made to watch one watches the
//! other. While nobody asks, nothing is made but the averages.

mod figures;
mod load;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use nightjar_mqtt::topic::{self, Shared};
use nightjar_mqtt::{Message, Properties, QoS, Text};
use parking_lot::Mutex;

use crate::broker::Broker;
use load::{Loads, Sample};

/// Whether a topic filter asks for the topics here; with or without `$share/` in front.
pub(crate) fn is_asked(filter: &[u8]) -> bool {
    let filter = Shared::parse(filter).map_or(filter, |shared| shared.filter);
    filter == b"$SYS" || filter.starts_with(b"$SYS/")
}

/// The figures of a host, as they were last told.
pub(crate) struct Sys {
    /// In milliseconds.
    started: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sampled_at: u64,
    last: Sample,
    loads: Loads,
    /// When `told` was made.
    told_at: Option<u64>,
    told: BTreeMap<String, (String, Arc<Message>)>,
}

impl Sys {
    pub(crate) fn new(now: u64) -> Self {
        Self { started: now, state: Mutex::new(State { sampled_at: now, ..State::default() }) }
    }

    /// Takes part in the averages when it is time, and tells subscribers what has changed.
    pub(crate) fn tick(&self, broker: &Broker, now: u64) {
        let interval = broker.options().sys_interval_ms;
        let changed = {
            let mut state = self.state.lock();
            if interval == 0 || now < state.sampled_at.saturating_add(interval) {
                return;
            }
            state.sample(Sample::of(&broker.counters), now);
            if !figures::topics().any(|topic| broker.topics.is_wanted(topic.as_bytes())) {
                return;
            }
            let figures = figures::all(broker, now.saturating_sub(self.started), &state.loads);
            state.tell(figures, now)
        };
        for message in changed {
            broker.hand_out(&message, None, None, now);
        }
    }

    /// What the filter matches, as it was told last, or is made now if that is too long ago.
    pub(crate) fn matching(&self, broker: &Broker, filter: &[u8], now: u64) -> Vec<Arc<Message>> {
        let interval = broker.options().sys_interval_ms;
        if interval == 0 || !is_asked(filter) {
            return Vec::new();
        }
        let mut state = self.state.lock();
        // While somebody has subscribed, each tick tells what has changed, and this never is too old.
        if state.told_at.is_none_or(|at| at.saturating_add(interval.saturating_mul(2)) <= now) {
            let figures = figures::all(broker, now.saturating_sub(self.started), &state.loads);
            state.tell(figures, now);
        }
        let found = state.told.iter().filter(|(name, _)| topic::matches(filter, name.as_bytes()));
        found.map(|(_, (_, message))| Arc::clone(message)).collect()
    }
}

impl State {
    fn sample(&mut self, sample: Sample, now: u64) {
        let elapsed = now.saturating_sub(self.sampled_at);
        self.loads.add(&self.last, &sample, elapsed);
        (self.last, self.sampled_at) = (sample, now);
    }

    /// Remembers figures; gives those that have changed.
    fn tell(&mut self, figures: Vec<(String, String)>, now: u64) -> Vec<Arc<Message>> {
        self.told_at = Some(now);
        let mut changed = Vec::new();
        for (name, value) in figures {
            if self.told.get(&name).is_some_and(|(known, _)| *known == value) {
                continue;
            }
            let Some(topic) = Text::new(&name) else { continue };
            let payload = Bytes::copy_from_slice(value.as_bytes());
            let message = Message::new(&topic, QoS::AtMostOnce, true, &Properties::default(), &payload, now);
            let message = Arc::new(message);
            changed.push(Arc::clone(&message));
            self.told.insert(name, (value, message));
        }
        changed
    }
}

#[cfg(test)]
mod tests;
