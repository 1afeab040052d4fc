//! The broker's side of one connection.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use nightjar_auth::AnonymousClaim;
use nightjar_base::mqtt::MqttClient;
use nightjar_mqtt::packet::properties::id;
use nightjar_mqtt::{
    Accept, Connect, Connection, Delivery, Event, Finished, Identifiers, Publish, QoS, Reason, Refused,
    Session, Subscribe, Text, Unsubscribe, topic,
};
use nightjar_store::Ticket;

use crate::broker::{Broker, Claimed};
use crate::client::{self, Client};
use crate::counters::{Wanted, add, discount};
use crate::reauthenticate::Again;
use crate::rules::{Asker, may_subscribe};
use crate::topics::{Wish, wants_retained};

/// One connection of a client.
pub(crate) struct Side {
    broker: Arc<Broker>,
    client: Arc<Client>,
    /// Until the client is accepted.
    opening: Option<Box<(Session, Accept)>>,
    /// Messages of the client that aren't safe yet, in their order.
    unsafe_yet: VecDeque<(u16, Reason, Ticket)>,
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
            unsafe_yet: VecDeque::new(),
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

    fn publish(&mut self, now: u64, machine: &mut Connection, publish: &Publish) {
        let published = self.broker.publish(&self.client, publish, now);
        let reason = published.reason;
        if publish.qos == QoS::AtMostOnce {
            if reason == Reason::TOPIC_NAME_INVALID {
                machine.disconnect(reason, None);
            }
            return;
        }
        match published.ticket {
            Some(ticket) => self.unsafe_yet.push_back((publish.packet_id, reason, ticket)),
            None => machine.acknowledge(publish.packet_id, reason),
        }
    }

    fn subscribe(&mut self, now: u64, machine: &mut Connection, subscribe: &Subscribe) {
        let identifier = subscribe.subscription_identifier();
        let options = self.broker.options();
        let mut reasons = Vec::with_capacity(subscribe.filters.len());
        let mut retained = Vec::new();
        for subscription in &subscribe.filters {
            let filter = subscription.filter.as_bytes();
            if let Err(error) = topic::check_filter(filter, &options.topic) {
                self.broker.counters.refuse(Wanted::Subscribe, error.reason);
                reasons.push(error.reason);
                continue;
            }
            if !may_subscribe(&self.broker.host, &options, &Asker::of(&self.client), filter) {
                self.broker.counters.refuse(Wanted::Subscribe, Reason::NOT_AUTHORIZED);
                reasons.push(Reason::NOT_AUTHORIZED);
                continue;
            }
            let wish = Wish::new(subscription, identifier);
            let is_new = self.broker.topics.insert(filter, &self.client, wish).is_none();
            if is_new {
                self.client.state.lock().filters.push(subscription.filter.detached());
            }
            reasons.push(Reason(subscription.qos as u8));
            if !topic::is_shared(filter) && wants_retained(subscription.retain_handling, is_new) {
                for message in self.broker.kept(filter, now) {
                    let qos = message.qos.min(wish.qos);
                    self.broker.counters.deliver(qos, message.payload().len());
                    let identifiers = identifier.map_or(Identifiers::None, Identifiers::One);
                    retained.push(Delivery { message, qos, retain: true, identifiers });
                }
            }
        }
        machine.suback(subscribe.packet_id, &reasons);
        self.deliver(now, machine, retained);
    }

    fn unsubscribe(&self, machine: &mut Connection, unsubscribe: &Unsubscribe) {
        let mut reasons = Vec::with_capacity(unsubscribe.filters.len());
        for filter in &unsubscribe.filters {
            let existed = self.client.forget_filter(filter);
            self.broker.topics.remove(filter.as_bytes(), &self.client);
            reasons.push(if existed { Reason::SUCCESS } else { Reason::NO_SUBSCRIPTION_EXISTED });
        }
        machine.unsuback(unsubscribe.packet_id, &reasons);
    }

    fn deliver(&self, now: u64, machine: &mut Connection, deliveries: impl IntoIterator<Item = Delivery>) {
        for delivery in deliveries {
            if let Err(why) = machine.deliver(now, delivery) {
                self.broker.counters.drop_one(why.into());
                if why == Refused::QueueFull {
                    machine.disconnect(Reason::QUOTA_EXCEEDED, Some("too many messages wait"));
                }
            }
        }
    }

    /// Answers messages that are safe now.
    fn answer_safe(&mut self, context: &mut Context<'_>, machine: &mut Connection) {
        while let Some((packet_id, reason, ticket)) = self.unsafe_yet.front_mut() {
            let Poll::Ready(result) = Pin::new(ticket).poll(context) else { return };
            match result {
                Ok(()) => machine.acknowledge(*packet_id, *reason),
                Err(error) => {
                    tracing::warn!(%error, "a retained message could not be stored");
                    machine.disconnect(Reason::SERVER_BUSY, Some("the message could not be stored"));
                }
            }
            self.unsafe_yet.pop_front();
        }
        if self.unsafe_yet.capacity() > 16 {
            self.unsafe_yet = VecDeque::new();
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
            Event::Unsubscribe(unsubscribe) => self.unsubscribe(machine, &unsubscribe),
            Event::Release { packet_id } => machine.complete(packet_id),
            Event::Received { sequence } => machine.release(sequence),
            Event::Complete { .. } => {}
            Event::Dropped { why, .. } => self.broker.counters.drop_one(why.into()),
            Event::Authenticate { again, data } => match &mut self.again {
                Some(state) => state.handle(machine, again, data),
                None => machine.disconnect(Reason::BAD_AUTHENTICATION_METHOD, None),
            },
            Event::Connect(_) => machine.disconnect(Reason::PROTOCOL_ERROR, None),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>, now: u64, machine: &mut Connection, is_writable: bool) {
        let (mut inbox, evicted) = self.client.take(context, is_writable);
        self.deliver(now, machine, inbox.drain(..));
        client::give_back(inbox);
        if let Some(reason) = evicted {
            machine.disconnect(reason, None);
        }
        self.answer_safe(context, machine);
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
        self.broker.release(&self.client, session, finished.will, finished.session_expiry.min(most), now);
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
        self.broker.release(&self.client, session, None, expiry, now);
    }
}
