//! The broker of a host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::mqtt::{
    MqttAttachment, MqttBroker, MqttLocal, MqttOpened, MqttOpening, MqttRefusal, MqttWhose, now_ms,
};
use nightjar_base::{Clock, FeatureContext, Host, Random};
use nightjar_mqtt::{Message, Publish, QoS, Reason, Session, Text, Will, topic};
use nightjar_store::Ticket;
use parking_lot::Mutex;

use crate::client::{Client, Given, Key, Link, State, address};
use crate::connection::Left;
use crate::counters::{Counters, Tally, Wanted, count};
use crate::journal::{Journal, Writing};
use crate::local::Local;
use crate::opening;
use crate::options::BrokerOptions;
use crate::retained::Retained;
use crate::rights::Rights;
use crate::rules::{Asker, may_publish};
use crate::stored::{self, Clocks};
use crate::sys::Sys;
use crate::timers::{Timers, kept_ms, will_delay_ms};
use crate::topics::{Target, Topics};

/// A host's broker.
pub(crate) struct Broker {
    pub(crate) host: Arc<Host>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    options: ArcSwap<BrokerOptions>,
    /// Taken before the state of a client, never after it.
    pub(crate) clients: Mutex<BTreeMap<Key, Arc<Client>>>,
    next: AtomicU64,
    starts: AtomicU64,
    pub(crate) topics: Topics,
    pub(crate) retained: Retained,
    pub(crate) timers: Timers,
    pub(crate) counters: Counters,
    pub(crate) journal: Journal,
    pub(crate) rights: Rights,
    pub(crate) sys: Sys,
}

/// What became of a message. It isn't safe before its tickets are done.
pub(crate) struct Published {
    pub(crate) reason: Reason,
    /// As what is retained.
    pub(crate) retained: Option<Ticket>,
    /// On its way to sessions, and as one that came.
    pub(crate) stored: Option<Ticket>,
}

impl Published {
    fn refused(reason: Reason) -> Self {
        Self { reason, retained: None, stored: None }
    }
}

/// A session taken for a connection.
pub(crate) struct Claimed {
    pub(crate) client: Arc<Client>,
    pub(crate) session: Session,
    pub(crate) is_present: bool,
    /// The one before isn't gone before this is done.
    pub(crate) cleared: Option<Ticket>,
}

/// What is left to do for a session that has ended.
pub(crate) struct Rest {
    pub(crate) filters: Vec<Text>,
    pub(crate) will: Option<Box<Will>>,
    pub(crate) session: Option<Session>,
}

impl Broker {
    pub(crate) fn new(context: &FeatureContext, options: BrokerOptions) -> Self {
        Self {
            host: Arc::clone(&context.host),
            clock: Arc::clone(&context.kernel.clock),
            random: Arc::clone(&context.kernel.random),
            options: ArcSwap::from_pointee(options),
            clients: Mutex::default(),
            next: AtomicU64::new(1),
            starts: AtomicU64::new(0),
            topics: Topics::new(context.kernel.random.number()),
            retained: Retained::default(),
            timers: Timers::default(),
            counters: Counters::default(),
            // Time goes on, and faster than numbers are given.
            journal: Journal::new(
                context.host.store.clone(),
                context.kernel.clock.unix_micros().max(1).cast_unsigned(),
            ),
            rights: Rights::default(),
            sys: Sys::new(now_ms(&context.kernel)),
        }
    }

    pub(crate) fn options(&self) -> arc_swap::Guard<Arc<BrokerOptions>> {
        self.options.load()
    }

    pub(crate) fn set_options(&self, options: BrokerOptions) {
        self.options.store(Arc::new(options));
    }

    /// Counts a start of the feature.
    pub(crate) fn started(&self) -> u64 {
        self.starts.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether the feature wasn't started again since.
    pub(crate) fn is_last_start(&self, start: u64) -> bool {
        self.starts.load(Ordering::Relaxed) == start
    }

    /// Ends all connections.
    pub(crate) fn evict_all(&self, reason: Reason) {
        for client in self.clients.lock().values() {
            client.evict(reason);
        }
    }

    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn clocks(&self, now: u64) -> Clocks {
        Clocks { now, unix: self.clock.unix_seconds() }
    }

    /// A client's message, if it may publish it.
    pub(crate) fn publish(&self, client: &Client, publish: &Publish, now: u64) -> Published {
        let options = self.options();
        let refused = |reason| {
            self.counters.refuse(Wanted::Publish, reason);
            Published::refused(reason)
        };
        if topic::check_name(publish.topic.as_bytes(), &options.topic).is_err() {
            return refused(Reason::TOPIC_NAME_INVALID);
        }
        if !may_publish(&self.host, &options.publish, &Asker::of(client), publish.topic.as_bytes()) {
            return refused(Reason::NOT_AUTHORIZED);
        }
        self.counters.receive(publish.qos, publish.payload.len());
        let received = (publish.qos == QoS::ExactlyOnce).then_some(publish.packet_id);
        self.spread(client, Message::from_publish(publish, now), received, now)
    }

    fn publish_will(&self, client: &Client, will: &Will, now: u64) {
        let options = self.options();
        let topic = will.topic.as_bytes();
        let is_fine = topic::check_name(topic, &options.topic).is_ok();
        if is_fine && may_publish(&self.host, &options.publish, &Asker::of(client), topic) {
            // Nobody waits for a will to be safe.
            drop(self.spread(client, Message::from_will(will, now), None, now));
        }
    }

    /// Retains a message and gives it to all that subscribed to it. `received`: its packet identifier, with QoS 2.
    pub(crate) fn spread(
        &self,
        client: &Client,
        mut message: Message,
        received: Option<u16>,
        now: u64,
    ) -> Published {
        if message.qos > QoS::AtMostOnce {
            message.reference = self.journal.number();
        }
        let message = Arc::new(message);
        let mut retained = None;
        if message.retain {
            retained = self.retained.change(&message, client, || {
                let call = if message.payload().is_empty() {
                    stored::forget(&message)
                } else {
                    stored::keep(&message, &client.user, client.client_id.as_str(), self.clocks(now))
                };
                self.host.store.submit(vec![call])
            });
        }
        let received = client.stored().zip(received);
        let (is_wanted, stored) = self.hand_out(&message, Some(client.number), received, now);
        let reason = if is_wanted { Reason::SUCCESS } else { Reason::NO_MATCHING_SUBSCRIBERS };
        Published { reason, retained, stored }
    }

    /// Gives a message to each that subscribed to it; says whether there was anybody, and what is written of it.
    /// `received`: the session it came from, and its packet identifier there.
    pub(crate) fn hand_out(
        &self,
        message: &Arc<Message>,
        from: Option<u64>,
        received: Option<(u64, u16)>,
        now: u64,
    ) -> (bool, Option<Ticket>) {
        let (mut is_wanted, mut stored) = (false, None);
        self.topics.route(message, from, |targets| {
            is_wanted = !targets.is_empty();
            let mut tally = Tally::default();
            if received.is_some() || targets.iter().any(Target::is_stored) {
                let mut writing = self.journal.begin(self.clocks(now));
                if let Some((session, packet_id)) = received {
                    writing.receive(session, packet_id);
                }
                for target in targets.drain(..) {
                    self.give(target, message, Some(&mut writing), &mut tally);
                }
                stored = writing.submit();
            } else {
                for target in targets.drain(..) {
                    self.give(target, message, None, &mut tally);
                }
            }
            self.counters.add(&tally, message.payload().len());
        });
        (is_wanted, stored)
    }

    fn give(
        &self,
        target: Target,
        message: &Arc<Message>,
        writing: Option<&mut Writing<'_>>,
        tally: &mut Tally,
    ) {
        let (client, mut delivery) = target.delivery(message);
        let qos = delivery.qos;
        let in_journal =
            writing.filter(|_| qos > QoS::AtMostOnce).and_then(|writing| Some((writing, client.stored()?)));
        let given = match in_journal {
            None => client.give(delivery),
            Some((writing, session)) => {
                delivery.reference = self.journal.number();
                let given = client.give(delivery.clone());
                if let Given::Taken(place) = given {
                    writing.deliver(session, &delivery, place);
                }
                given
            }
        };
        match given {
            Given::Taken(_) => tally.delivered(qos),
            Given::Dropped(loss) => tally.dropped(loss),
        }
    }

    /// What a new subscription gets at once.
    pub(crate) fn kept(&self, filter: &[u8], now: u64, mut take: impl FnMut(&Arc<Message>)) {
        self.retained.matching(filter, self.options().retained_max, now, &mut take);
        self.sys.matching(self, filter, now).iter().for_each(take);
    }

    /// Takes a client's session from whoever has it; makes one if there is none or it isn't wanted.
    pub(crate) async fn claim(&self, key: Key, clean: bool, inbox_max: usize, link: Link) -> Claimed {
        let mut cleared = None;
        loop {
            let now = self.now();
            let client = {
                let mut clients = self.clients.lock();
                let client = clients.get(&key).map(Arc::clone);
                let client = client.unwrap_or_else(|| self.add(&mut clients, &key));
                let mut state = client.state.lock();
                if !state.is_online {
                    let old = state.session.take();
                    if clean && old.is_some() {
                        let rest = Rest { session: old, ..state.end(now) };
                        drop(state);
                        clients.remove(&key);
                        drop(clients);
                        cleared = self.bury(&client, rest, now).or(cleared);
                        continue;
                    }
                    state.is_online = true;
                    state.inbox_max = inbox_max;
                    state.link = Some(link);
                    // The client is back in time (§3.1.3.2.2).
                    state.will = None;
                    drop(state);
                    let is_present = old.is_some();
                    let session = old.unwrap_or_else(|| Session::new(self.options().queue_max));
                    return Claimed { client, session, is_present, cleared };
                }
                drop(state);
                client.evict(Reason::SESSION_TAKEN_OVER);
                client
            };
            let mut freed = std::pin::pin!(client.freed.notified());
            freed.as_mut().enable();
            // It may have been given back before this waited.
            if client.is_online() {
                freed.await;
            }
        }
    }

    /// A number that no client had.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn add(&self, clients: &mut BTreeMap<Key, Arc<Client>>, key: &Key) -> Arc<Client> {
        let (user, client_id) = key.clone();
        let number = self.number();
        let jid = address(&self.host, &user, &client_id);
        let client = Arc::new(Client::new(number, user, client_id, jid));
        clients.insert(key.clone(), Arc::clone(&client));
        client
    }

    /// A connection gives the session back.
    pub(crate) fn release(&self, client: &Arc<Client>, left: Left, now: u64) {
        let Left { session, unsettled, will, expiry } = left;
        let is_condemned = client.state.lock().is_condemned;
        let (will, expiry) = if is_condemned { (None, 0) } else { (will, expiry) };
        let kept_ms = kept_ms(expiry);
        let expires_at = now.saturating_add(kept_ms);
        let (due, later) = match will.map(|will| (will_delay_ms(&will, kept_ms), will)) {
            Some((delay, will)) if delay > 0 => (None, Some((now.saturating_add(delay), will))),
            due => (due.map(|(_, will)| will), None),
        };
        let over = {
            let mut writing = client.stored().map(|_| self.journal.begin(self.clocks(now)));
            let mut clients = self.clients.lock();
            client.go_offline(session, unsettled, writing.as_mut());
            if let (Some(mut writing), Some(number)) = (writing, client.stored()) {
                writing.leave(number, expires_at, later.as_ref().map(|(at, _)| *at));
                drop(writing.submit());
            }
            let mut state = client.state.lock();
            state.expires_at = expires_at;
            if let Some((at, will)) = later {
                self.timers.set(at, client.key());
                state.will = Some((will, at));
            }
            if kept_ms == 0 {
                let rest = state.end(now);
                drop(state);
                clients.remove(&client.key());
                Some(rest)
            } else {
                self.timers.set(expires_at, client.key());
                None
            }
        };
        client.freed.notify_waiters();
        if let Some(will) = due {
            self.publish_will(client, &will, now);
        }
        if let Some(rest) = over {
            drop(self.bury(client, rest, now));
        }
    }

    /// Does what is left to do for a session that has ended; gives what it waits for, if it was stored.
    pub(crate) fn bury(&self, client: &Arc<Client>, rest: Rest, now: u64) -> Option<Ticket> {
        for filter in rest.filters {
            self.topics.remove(filter.as_bytes(), client);
        }
        if let Some(will) = rest.will {
            self.publish_will(client, &will, now);
        }
        let number = client.stored()?;
        let mut writing = self.journal.begin(self.clocks(now));
        writing.over(number, rest.session.as_ref());
        writing.submit()
    }

    /// Looks after wills and sessions whose time has come, and after retained messages.
    pub(crate) fn tick(&self, now: u64) {
        for key in self.timers.due(now) {
            let mut clients = self.clients.lock();
            let Some(client) = clients.get(&key).map(Arc::clone) else { continue };
            let mut state = client.state.lock();
            if state.is_online {
                continue;
            }
            if state.expires_at <= now {
                count(&self.counters.expired);
                let rest = state.end(now);
                drop(state);
                clients.remove(&key);
                drop(clients);
                drop(self.bury(&client, rest, now));
                continue;
            }
            let (will, expires_at) = (state.will.take_if(|(_, at)| *at <= now), state.expires_at);
            drop(state);
            drop(clients);
            if let Some((will, _)) = will {
                self.publish_will(&client, &will, now);
                if let Some(number) = client.stored() {
                    let mut writing = self.journal.begin(self.clocks(now));
                    writing.leave(number, expires_at, None);
                    drop(writing.submit());
                }
            }
        }
        for message in self.retained.take_expired(now) {
            drop(self.host.store.submit(vec![stored::forget(&message)]));
        }
        self.review_late();
        self.sys.tick(self, now);
    }
}

impl State {
    /// Ends the session; gives what is left to do.
    pub(crate) fn end(&mut self, now: u64) -> Rest {
        self.is_over = true;
        self.expires_at = now;
        self.resting.clear();
        Rest {
            filters: std::mem::take(&mut self.filters),
            will: self.will.take().map(|(will, _)| will),
            session: self.session.take(),
        }
    }
}

/// The broker as the driver of connections sees it.
pub(crate) struct Service(pub(crate) Arc<Broker>);

impl MqttBroker for Service {
    fn topic_alias_maximum(&self) -> u16 {
        self.0.options().aliases_max
    }

    fn open(&self, opening: MqttOpening) -> BoxFuture<'_, Result<MqttOpened, MqttRefusal>> {
        Box::pin(opening::open(Arc::clone(&self.0), opening))
    }

    fn attach(&self, attachment: MqttAttachment) -> Box<dyn MqttLocal> {
        Box::new(Local::new(Arc::clone(&self.0), attachment))
    }

    fn end_connections(&self, of: MqttWhose<'_>, reason: Reason) -> usize {
        self.0.end_connections(of, reason)
    }

    fn reconsider<'a>(&'a self, user: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(self.0.reconsider(user))
    }
}
