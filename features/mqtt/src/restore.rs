//! The state of a broker as it was stored, read when the host starts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use nightjar_mqtt::{Message, QoS, Session, Stage, Stored, Text, Will, packet_id};
use nightjar_store::{Row, StoreError, Ticket, params};

use crate::broker::Broker;
use crate::journal::{
    ALL_DELIVERIES, ALL_MESSAGES, ALL_RECEIVED, ALL_SESSIONS, ALL_SUBSCRIPTIONS, CONNECTED, DeliveryRow,
    SessionRow, Writing, message_of, subscription_of,
};
use crate::stored::{self, Clocks};
use crate::timers::{kept_ms, will_delay_ms};
use crate::topics::Wish;

/// All rows, by session.
struct Rows {
    sessions: Vec<SessionRow>,
    subscriptions: HashMap<u64, Vec<(Text, Wish)>>,
    messages: HashMap<u64, Arc<Message>>,
    deliveries: HashMap<u64, Vec<DeliveryRow>>,
    received: HashMap<u64, Vec<u16>>,
}

impl Rows {
    /// The greatest number that anything has.
    fn last(&self) -> u64 {
        let deliveries = self.deliveries.values().flatten().map(|delivery| delivery.id);
        let sessions = self.sessions.iter().map(|session| session.id);
        deliveries.chain(sessions).chain(self.messages.keys().copied()).max().unwrap_or(0)
    }
}

/// What can't be read is left out: one bad row doesn't keep a server from starting.
fn readable<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, StoreError>) -> impl Iterator<Item = T> {
    rows.iter().filter_map(move |row| {
        let read = read(row);
        read.inspect_err(|error| tracing::error!(%error, "a row of an MQTT session is left out")).ok()
    })
}

fn by_session<T>(rows: impl Iterator<Item = (u64, T)>) -> HashMap<u64, Vec<T>> {
    let mut sorted = HashMap::<u64, Vec<T>>::new();
    for (session, value) in rows {
        sorted.entry(session).or_default().push(value);
    }
    sorted
}

impl Broker {
    /// Reads what is retained, and all sessions.
    pub(crate) async fn restore(&self, now: u64) -> Result<(), StoreError> {
        let clocks = self.clocks(now);
        let rows = self.read_rows(clocks).await?;
        self.journal.skip(rows.last());
        for row in self.host.store.query(&stored::SELECT, params![]).await? {
            if let Some((mut message, publisher)) = stored::read(&row, clocks)? {
                message.reference = self.journal.number();
                self.retained.put(Arc::new(message), publisher);
            }
        }
        match self.restore_sessions(rows, clocks) {
            Some(ticket) => ticket.await,
            None => Ok(()),
        }
    }

    async fn read_rows(&self, clocks: Clocks) -> Result<Rows, StoreError> {
        let store = &self.host.store;
        let received = |row: &Row| {
            let id = u16::try_from(row.int(1)?).map_err(|_| StoreError::Corrupt)?;
            Ok((row.int(0)?.cast_unsigned(), id))
        };
        let sessions = store.query(&ALL_SESSIONS, params![]).await?;
        let subscriptions = store.query(&ALL_SUBSCRIPTIONS, params![]).await?;
        let messages = store.query(&ALL_MESSAGES, params![]).await?;
        let deliveries = store.query(&ALL_DELIVERIES, params![]).await?;
        let came = store.query(&ALL_RECEIVED, params![]).await?;
        let subscriptions = readable(&subscriptions, subscription_of)
            .map(|(session, filter, wish)| (session, (filter, wish)));
        let messages = readable(&messages, |row| message_of(row, clocks))
            .map(|message| (message.reference, Arc::new(message)));
        let deliveries =
            readable(&deliveries, DeliveryRow::read).map(|delivery| (delivery.session, delivery));
        Ok(Rows {
            sessions: readable(&sessions, SessionRow::read).collect(),
            subscriptions: by_session(subscriptions),
            messages: messages.collect(),
            deliveries: by_session(deliveries),
            received: by_session(readable(&came, received)),
        })
    }

    /// Nobody can connect yet.
    fn restore_sessions(&self, mut rows: Rows, clocks: Clocks) -> Option<Ticket> {
        let mut writing = self.journal.begin(clocks);
        let mut held = HashSet::new();
        for row in rows.sessions {
            let deliveries = rows.deliveries.remove(&row.id).unwrap_or_default();
            let stored = place(deliveries, &rows.messages, clocks.now, &mut writing);
            for message in stored.iter().filter_map(|entry| entry.kept().message) {
                writing.hold(message);
                held.insert(message);
            }
            let received = rows.received.remove(&row.id).unwrap_or_default();
            let session = Session::restore(self.options().queue_max, stored, received, 0);
            let filters = rows.subscriptions.remove(&row.id).unwrap_or_default();
            self.restore_session(row, session, filters, clocks, &mut writing);
        }
        for message in rows.messages.keys().filter(|message| !held.contains(message)) {
            writing.forget_message(*message);
        }
        // What is left belongs to no session.
        let strays = rows.deliveries.into_keys().chain(rows.subscriptions.into_keys());
        for stray in strays.chain(rows.received.into_keys()) {
            writing.over(stray, None);
        }
        writing.submit()
    }

    fn restore_session(
        &self,
        row: SessionRow,
        session: Session,
        filters: Vec<(Text, Wish)>,
        clocks: Clocks,
        writing: &mut Writing<'_>,
    ) {
        let kept_ms = kept_ms(row.expiry);
        let was_connected = row.expires_at == CONNECTED;
        // The connection ended when the server did, which is now as far as anybody can tell.
        let expires_at =
            if was_connected { clocks.now.saturating_add(kept_ms) } else { clocks.of_unix(row.expires_at) };
        let due = |(will, at): (Box<Will>, i64)| match at {
            CONNECTED => {
                let delay = will_delay_ms(&will, kept_ms);
                (will, clocks.now.saturating_add(delay))
            }
            at => (will, clocks.of_unix(at)),
        };
        let will = row.will.map(due);
        if was_connected {
            writing.leave(row.id, expires_at, will.as_ref().map(|(_, at)| *at));
        }
        let key = (row.user, row.client_id);
        let client = self.add(&mut self.clients.lock(), &key);
        client.set_stored(row.id);
        for (filter, wish) in &filters {
            self.topics.insert(filter.as_bytes(), &client, *wish);
        }
        self.timers.set(expires_at, key.clone());
        if let Some((_, at)) = &will {
            self.timers.set(*at, key);
        }
        let mut state = client.state.lock();
        state.session = Some(session);
        state.filters = filters.into_iter().map(|(filter, _)| filter).collect();
        (state.will, state.expires_at) = (will, expires_at);
    }
}

/// Gives each delivery of a session, in the order in which they were made, its place. Those that have one keep it, since
/// the client may know its packet identifier. Messages with QoS 1 have none unless they came while there was no
/// connection: they get one between those before and behind them if there is one left, and else behind all.
fn place(
    rows: Vec<DeliveryRow>,
    messages: &HashMap<u64, Arc<Message>>,
    now: u64,
    writing: &mut Writing<'_>,
) -> Vec<Stored> {
    let known: Vec<_> = rows.iter().map(|row| row.sequence).collect();
    let mut stored = Vec::with_capacity(rows.len());
    for (row, sequence) in rows.into_iter().zip(places(&known)) {
        let found = row.message.and_then(|message| messages.get(&message));
        let delivery = found.map(|message| row.delivery(Arc::clone(message)));
        let is_new = row.sequence.is_none();
        let stage = match &delivery {
            // The client has it, and its identifier is in use until it says otherwise.
            None if row.message.is_none() => Stage::Released,
            Some(delivery)
                if delivery.message.expired(now) && (is_new || delivery.qos == QoS::AtLeastOnce) =>
            {
                writing.forget(nightjar_mqtt::Kept { delivery: row.id, message: None });
                continue;
            }
            // It can't have been sent: its place is stored before.
            Some(delivery) if is_new && delivery.qos == QoS::ExactlyOnce => {
                writing.place(row.id, sequence);
                Stage::Queued
            }
            Some(_) => Stage::Sent,
            None => {
                tracing::error!(delivery = row.id, "a stored MQTT message is gone");
                writing.forget(nightjar_mqtt::Kept { delivery: row.id, message: None });
                continue;
            }
        };
        stored.push(Stored { sequence, stage, reference: row.id, delivery });
    }
    stored
}

/// A sequence for each: the known one, or one whose packet identifier no other has.
fn places(known: &[Option<u64>]) -> Vec<u64> {
    let mut used: HashSet<u16> = known.iter().flatten().map(|sequence| packet_id(*sequence)).collect();
    // What stands behind each without a place.
    let mut limits = Vec::with_capacity(known.len());
    let (mut limit, mut gap) = (u64::MAX, 0);
    for sequence in known.iter().rev() {
        (limit, gap) = sequence.map_or((limit, gap + 1), |sequence| (limit.min(sequence), 0));
        limits.push((limit, gap));
    }
    limits.reverse();
    let last = known.iter().flatten().max().map_or(0, |last| last + 1);
    let (mut next, mut behind) = (None, last);
    let mut places = Vec::with_capacity(known.len());
    for (sequence, (limit, gap)) in known.iter().zip(limits) {
        let found = sequence.or_else(|| {
            let first = next.unwrap_or_else(|| if limit == u64::MAX { 0 } else { limit.saturating_sub(gap) });
            (first..limit).take(usize::from(u16::MAX)).find(|place| used.insert(packet_id(*place)))
        });
        let found = found.unwrap_or_else(|| {
            while !used.insert(packet_id(behind)) && used.len() < usize::from(u16::MAX) {
                behind += 1;
            }
            behind
        });
        behind = behind.max(found + 1);
        next = Some(next.unwrap_or(0).max(found + 1));
        places.push(found);
    }
    places
}

#[cfg(test)]
mod tests;
