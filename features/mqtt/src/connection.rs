//! The broker's side of one connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;

use nightjar_auth::AnonymousClaim;
use nightjar_base::mqtt::{MqttClient, MqttRefusal};
use nightjar_mqtt::packet::properties::id;
use nightjar_mqtt::{
    Accept, Connect, Connection, Delivery, Event, Finished, Identifiers, Kept, Publish, QoS, Reason, Refused,
    Session, Subscribe, Subscription, Text, Unsubscribe, Will, topic,
};
use nightjar_store::Ticket;

use crate::broker::{Broker, Claimed, Published};
use crate::client::{self, Client};
use crate::counters::{Wanted, add, discount};
use crate::journal::Writing;
use crate::reauthenticate::Again;
use crate::rules::{Asker, may_subscribe};
use crate::topics::{Wish, wants_retained};
use crate::unsettled::{Answer, Unsettled};

const NOT_STORED: MqttRefusal =
    MqttRefusal { reason: Reason::SERVER_UNAVAILABLE, words: "the session can't be stored now" };

/// What a connection leaves behind.
pub(crate) struct Left {
    pub(crate) session: Session,
    pub(crate) unsettled: Unsettled,
    pub(crate) will: Option<Box<Will>>,
    /// Seconds that the session is kept.
    pub(crate) expiry: u32,
}

/// One connection of a client.
pub(crate) struct Side {
    broker: Arc<Broker>,
    client: Arc<Client>,
    /// Until the client is accepted.
    opening: Option<Box<(Session, Accept)>>,
    /// Seconds that the session is kept, as the client asked for.
    expiry: u32,
    unsettled: Unsettled,
    /// Of a client that proved itself by enhanced authentication, which it may do again.
    again: Option<Box<Again>>,
    /// Of somebody without an account.
    _claim: Option<AnonymousClaim>,
    is_finished: bool,
}

impl Side {
    pub(crate) fn new(
        broker: Arc<Broker>,
        claimed: Claimed,
        connect: &Connect,
        client_id: Option<Text>,
        claim: Option<AnonymousClaim>,
    ) -> Self {
        let asked = match connect.properties.number(id::SESSION_EXPIRY_INTERVAL) {
            Some(seconds) => seconds,
            None if connect.version == nightjar_mqtt::Version::V5 || connect.clean_start => 0,
            None => u32::MAX,
        };
        let most = broker.options().session_expiry;
        let accept = Accept {
            session_present: claimed.is_present,
            durable: false,
            session_expiry: (asked > most).then_some(most),
            client_id,
            ..Accept::default()
        };
        let opening = Some(Box::new((claimed.session, accept)));
        Self {
            broker,
            client: claimed.client,
            opening,
            expiry: asked.min(most),
            unsettled: Unsettled::default(),
            again: None,
            _claim: claim,
            is_finished: false,
        }
    }

    /// Notes that the client proved itself by enhanced authentication; CONNACK brings the data.
    pub(crate) fn proved(&mut self, data: Option<Vec<u8>>, again: Again) {
        self.again = Some(Box::new(again));
        if let Some(opening) = &mut self.opening {
            opening.1.authentication_data = data;
        }
    }

    /// Stores a session that is to outlive the connection. What its last connection left behind is waited for, and so is
    /// the end of the one before (`cleared`).
    pub(crate) async fn store(
        &mut self,
        connect: &Connect,
        cleared: Option<Ticket>,
    ) -> Result<(), MqttRefusal> {
        let not_stored = |error| {
            tracing::warn!(%error, "an MQTT session could not be stored");
            NOT_STORED
        };
        let left = std::mem::take(&mut self.client.state.lock().unsettled);
        let Some((session, accept)) = self.opening.as_deref_mut() else { return Ok(()) };
        left.note_all(session).await;
        if let Some(cleared) = cleared {
            cleared.await.map_err(not_stored)?;
        }
        let known = self.client.stored();
        if known.is_none() && self.expiry == 0 {
            return Ok(());
        }
        accept.durable = true;
        self.client.set_stored(known.unwrap_or_else(|| self.broker.journal.number()));
        match self.open(connect) {
            Some(ticket) => ticket.await.map_err(not_stored),
            None => Ok(()),
        }
    }

    fn open(&self, connect: &Connect) -> Option<Ticket> {
        let (mut writing, session) = self.write(self.broker.now())?;
        let (user, client_id) = (&self.client.user, self.client.client_id.as_bytes());
        writing.open(session, user, client_id, self.expiry, connect.will.as_ref());
        writing.submit()
    }

    /// Begins to write what becomes of the session, if it is stored.
    fn write(&self, now: u64) -> Option<(Writing<'_>, u64)> {
        let session = self.client.stored()?;
        Some((self.broker.journal.begin(self.broker.clocks(now)), session))
    }

    /// Writes what nobody waits for.
    fn note(&self, now: u64, write: impl FnOnce(&mut Writing<'_>)) {
        if let Some((mut writing, _)) = self.write(now) {
            write(&mut writing);
            drop(writing.submit());
        }
    }

    fn publish(&mut self, now: u64, machine: &mut Connection, publish: &Publish) {
        let Published { reason, retained, stored } = self.broker.publish(&self.client, publish, now);
        if publish.qos == QoS::AtMostOnce {
            if reason == Reason::TOPIC_NAME_INVALID {
                machine.disconnect(reason, None);
            }
            return;
        }
        let answer = Answer::Publish { packet_id: publish.packet_id, reason };
        match (retained, stored) {
            (None, None) => answer.give(now, machine),
            (Some(ticket), None) | (None, Some(ticket)) => self.unsettled.push(answer, ticket),
            (Some(retained), Some(stored)) => {
                self.unsettled.push(Answer::Nothing, retained);
                self.unsettled.push(answer, stored);
            }
        }
    }

    fn subscribe(&mut self, now: u64, machine: &mut Connection, subscribe: &Subscribe) {
        let identifier = subscribe.subscription_identifier();
        let mut writing = self.write(now);
        let mut reasons = Vec::with_capacity(subscribe.filters.len());
        for subscription in &subscribe.filters {
            let reason = self.subscribe_one(now, subscription, identifier, &mut writing);
            if reason.is_error() {
                self.broker.counters.refuse(Wanted::Subscribe, reason);
            }
            reasons.push(reason);
        }
        let stored = writing.and_then(|(writing, _)| writing.submit());
        match stored {
            Some(ticket) => {
                self.unsettled.push(Answer::Subscribe { packet_id: subscribe.packet_id, reasons }, ticket);
            }
            None => machine.suback(subscribe.packet_id, &reasons),
        }
    }

    fn subscribe_one(
        &self,
        now: u64,
        subscription: &Subscription,
        identifier: Option<u32>,
        writing: &mut Option<(Writing<'_>, u64)>,
    ) -> Reason {
        let options = self.broker.options();
        let filter = subscription.filter.as_bytes();
        if let Err(error) = topic::check_filter(filter, &options.topic) {
            return error.reason;
        }
        if !may_subscribe(&self.broker.host, &options, &Asker::of(&self.client), filter) {
            return Reason::NOT_AUTHORIZED;
        }
        let wish = Wish::new(subscription, identifier);
        let is_new = self.broker.topics.insert(filter, &self.client, wish).is_none();
        if is_new {
            self.client.state.lock().filters.push(subscription.filter.detached());
        }
        if let Some((writing, session)) = writing {
            writing.subscribe(*session, filter, wish);
        }
        if !topic::is_shared(filter) && wants_retained(subscription.retain_handling, is_new) {
            self.broker.kept(filter, now, |message| {
                let identifiers = identifier.map_or(Identifiers::None, Identifiers::One);
                let qos = message.qos.min(wish.qos);
                let delivery =
                    Delivery { retain: true, identifiers, ..Delivery::new(Arc::clone(message), qos) };
                self.give_retained(delivery, writing);
            });
        }
        Reason(subscription.qos as u8)
    }

    /// Retained messages go the way of others, so that none that comes later arrives before them.
    fn give_retained(&self, mut delivery: Delivery, writing: &mut Option<(Writing<'_>, u64)>) {
        self.broker.counters.deliver(delivery.qos, delivery.message.payload().len());
        if let Some((writing, session)) = writing.as_mut().filter(|_| delivery.qos > QoS::AtMostOnce) {
            delivery.reference = self.broker.journal.number();
            writing.deliver(*session, &delivery, None);
        }
        self.client.give_own(delivery);
    }

    fn unsubscribe(&mut self, now: u64, machine: &mut Connection, unsubscribe: &Unsubscribe) {
        let mut writing = self.write(now);
        let mut reasons = Vec::with_capacity(unsubscribe.filters.len());
        for filter in &unsubscribe.filters {
            self.broker.topics.remove(filter.as_bytes(), &self.client);
            if !self.client.forget_filter(filter) {
                reasons.push(Reason::NO_SUBSCRIPTION_EXISTED);
                continue;
            }
            if let Some((writing, session)) = &mut writing {
                writing.unsubscribe(*session, filter.as_bytes());
            }
            reasons.push(Reason::SUCCESS);
        }
        let stored = writing.and_then(|(writing, _)| writing.submit());
        let packet_id = unsubscribe.packet_id;
        match stored {
            Some(ticket) => self.unsettled.push(Answer::Unsubscribe { packet_id, reasons }, ticket),
            None => machine.unsuback(packet_id, &reasons),
        }
    }

    fn deliver(&mut self, now: u64, machine: &mut Connection, deliveries: impl Iterator<Item = Delivery>) {
        let mut placed = Vec::new();
        for delivery in deliveries {
            let kept = delivery.kept();
            // A message with QoS 2 arrives once only if its packet identifier is stored before it is sent.
            let result = if delivery.qos == QoS::ExactlyOnce && kept.delivery != 0 {
                machine.hold(now, delivery).map(|sequence| placed.push((kept.delivery, sequence)))
            } else {
                machine.deliver(now, delivery).map(drop)
            };
            if let Err(why) = result {
                self.lose(now, machine, kept, why);
            }
        }
        if placed.is_empty() {
            return;
        }
        let Some((mut writing, _)) = self.write(now) else { return };
        placed.iter().for_each(|(delivery, sequence)| writing.place(*delivery, *sequence));
        if let Some(ticket) = writing.submit() {
            let sequences = placed.into_iter().map(|(_, sequence)| sequence).collect();
            self.unsettled.push(Answer::Placed { sequences }, ticket);
        }
    }

    fn lose(&self, now: u64, machine: &mut Connection, kept: Kept, why: Refused) {
        self.broker.counters.drop_one(why.into());
        if kept.delivery != 0 {
            self.note(now, |writing| writing.forget(kept));
        }
        if why == Refused::QueueFull {
            machine.disconnect(Reason::QUOTA_EXCEEDED, Some("too many messages wait"));
        }
    }

    /// Of an event that the store is to know before it is answered.
    fn answer_later(
        &mut self,
        now: u64,
        machine: &mut Connection,
        answer: Answer,
        write: impl FnOnce(&mut Writing<'_>, u64),
    ) {
        let stored = self.write(now).and_then(|(mut writing, session)| {
            write(&mut writing, session);
            writing.submit()
        });
        match stored {
            Some(ticket) => self.unsettled.push(answer, ticket),
            None => answer.give(now, machine),
        }
    }

    fn settle(&mut self, context: &mut Context<'_>, now: u64, machine: &mut Connection) {
        if let Err(error) = self.unsettled.settle(context, now, machine) {
            tracing::warn!(%error, client = self.name(), "what an MQTT client did could not be stored");
        }
    }
}

impl MqttClient for Side {
    fn name(&self) -> String {
        format!("{}@{}/{}", self.client.user, self.broker.host.name, self.client.client_id)
    }

    fn accept(&mut self, now: u64, machine: &mut Connection) {
        if machine.closed().is_none()
            && let Some((session, accept)) = self.opening.take().map(|opening| *opening)
        {
            machine.accept(now, session, &accept);
        }
    }

    fn handle_event(&mut self, now: u64, machine: &mut Connection, event: Event) {
        match event {
            Event::Publish(publish) => self.publish(now, machine, &publish),
            Event::Subscribe(subscribe) => self.subscribe(now, machine, &subscribe),
            Event::Unsubscribe(unsubscribe) => self.unsubscribe(now, machine, &unsubscribe),
            Event::Release { packet_id } => {
                let complete = Answer::Complete { packet_id };
                self.answer_later(now, machine, complete, |writing, session| {
                    writing.complete(session, packet_id);
                });
            }
            Event::Received { sequence, kept } => {
                let release = Answer::Release { sequence };
                self.answer_later(now, machine, release, |writing, _| writing.release(kept));
            }
            Event::Complete { kept, .. } => self.note(now, |writing| writing.forget(kept)),
            Event::Dropped { kept, why, .. } => self.lose(now, machine, kept, why),
            Event::Authenticate { again, data } => match &mut self.again {
                Some(state) => state.handle(machine, again, data),
                None => machine.disconnect(Reason::BAD_AUTHENTICATION_METHOD, None),
            },
            Event::Connect(_) => machine.disconnect(Reason::PROTOCOL_ERROR, None),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>, now: u64, machine: &mut Connection, is_writable: bool) {
        loop {
            self.settle(context, now, machine);
            // What a subscription brings comes behind the answer to it.
            let waits = self.unsettled.has_subscription();
            let (mut inbox, evicted) = self.client.take(context, is_writable && !waits);
            self.deliver(now, machine, inbox.drain(..));
            client::give_back(inbox);
            if let Some(reason) = evicted {
                machine.disconnect(reason, None);
            }
            self.settle(context, now, machine);
            if !waits || self.unsettled.has_subscription() {
                break;
            }
        }
        self.broker.counters.moved(machine.take_packet_counts());
        if let Some(reason) = self.again.as_mut().and_then(|again| again.poll(context, machine)) {
            self.broker.counters.refuse(Wanted::Connect, reason);
        }
        let waiting = machine.session().map_or(0, Session::outgoing_count);
        self.client.waiting.store(u32::try_from(waiting).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    fn moved(&self, received: usize, sent: usize) {
        if received > 0 {
            add(&self.broker.counters.bytes_received, received);
        }
        if sent > 0 {
            add(&self.broker.counters.bytes_sent, sent);
        }
    }

    fn finish(mut self: Box<Self>, now: u64, finished: Finished) {
        self.is_finished = true;
        let opening = self.opening.take();
        let session = finished.session.or_else(|| opening.map(|opening| opening.0));
        let session = session.unwrap_or_else(|| Session::new(self.broker.options().queue_max));
        let most = self.broker.options().session_expiry;
        discount(&self.broker.counters.connected);
        let unsettled = std::mem::take(&mut self.unsettled);
        let expiry = finished.session_expiry.min(most);
        self.broker.release(&self.client, Left { session, unsettled, will: finished.will, expiry }, now);
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        // The connection was lost before it was accepted: whatever session there was is kept as if nothing had been.
        discount(&self.broker.counters.connected);
        let now = self.broker.now();
        let kept = self.broker.options().session_expiry;
        // After a panic there is no session any more.
        let (session, expiry) = match self.opening.take().map(|opening| *opening) {
            Some((session, accept)) if accept.session_present => (session, kept),
            _ => (Session::new(0), 0),
        };
        let unsettled = std::mem::take(&mut self.unsettled);
        self.broker.release(&self.client, Left { session, unsettled, will: None, expiry }, now);
    }
}
