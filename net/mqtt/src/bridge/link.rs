//! The connection with one broker: made again whenever it is lost.

use std::future::{Future as _, poll_fn};
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use nightjar_base::Kernel;
use nightjar_base::mqtt::{MqttLocal, now_ms};
use nightjar_mqtt::client::{Client, Event};
use nightjar_mqtt::packet::properties::{Place, id};
use nightjar_mqtt::{
    Connect, Delivery, Message, Properties, Publish, QoS, Reason, RetainHandling, Session, Subscription, Text,
};
use nightjar_net_listen::transport::Transport;
use tokio::time::{Instant, Sleep};

use super::backoff::Backoff;
use super::connect::connect;
use super::counters::{Counters, count};
use super::echoes::Echoes;
use super::options::{Authentication, Server};
use super::websocket;
use crate::stream::{Stream, Tunnel};

/// Bytes that the kernel hasn't taken: local messages wait in the inbox until then.
const UNSENT_MAX: usize = 64 * 1024;
/// Bytes of a packet that the other broker may send.
const PACKET_MAX: u32 = 4 * 1024 * 1024;
/// Seconds.
const KEEP_ALIVE: u16 = 60;
/// Time to be let in, in milliseconds.
const OPENING_MAX: u64 = 30_000;
/// Time in which a broker takes something of what waits for it, in milliseconds.
const STUCK_MAX: u64 = 60_000;

/// A broker, and the part in the local one.
pub(super) struct Link {
    pub kernel: Arc<Kernel>,
    pub server: Server,
    pub local: Box<dyn MqttLocal>,
    pub counters: Arc<Counters>,
    /// The file of `ca_file`.
    pub authorities: Option<String>,
}

impl Link {
    /// Connects again and again; ends when it is dropped.
    pub async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut echoes = Echoes::default();
        loop {
            let (why, held) = self.connection(&mut echoes).await;
            let pause = backoff.pause(Duration::from_millis(held), self.kernel.random.number());
            self.counters.is_connected.store(false, Ordering::Relaxed);
            self.counters.lost.store(self.local.dropped(), Ordering::Relaxed);
            let server = &self.server.address.url;
            tracing::warn!(%server, %why, seconds = pause.as_secs_f32(), "an MQTT bridge isn't connected");
            tokio::time::sleep(pause).await;
        }
    }

    /// One connection to its end: why it ended, and how many milliseconds it had held.
    async fn connection(&mut self, echoes: &mut Echoes) -> (String, u64) {
        echoes.clear();
        let opening = tokio::time::timeout(Duration::from_millis(OPENING_MAX), self.open()).await;
        match opening.unwrap_or_else(|_| Err("it doesn't answer".to_owned())) {
            Ok(Opened::Plain(transport)) => self.serve(transport, echoes).await,
            Ok(Opened::Web(tunnel)) => self.serve(*tunnel, echoes).await,
            Err(error) => (error, 0),
        }
    }

    async fn open(&self) -> Result<Opened, String> {
        let Server { address, authentication, .. } = &self.server;
        let transport = connect(address, authentication, self.authorities.as_deref()).await?;
        match &address.web {
            None => Ok(Opened::Plain(transport)),
            Some(web) => Ok(Opened::Web(Box::new(websocket::upgrade(&self.kernel, web, transport).await?))),
        }
    }

    async fn serve<S: Stream>(&self, transport: S, echoes: &mut Echoes) -> (String, u64) {
        let now = now_ms(&self.kernel);
        let machine = Client::new(now, &self.greeting(), Session::new(1));
        let input = BytesMut::new();
        let mut driver = Driver {
            link: self,
            echoes,
            transport,
            machine,
            input,
            timer: None,
            stuck: None,
            begun: now,
            connected_at: None,
            fault: None,
        };
        poll_fn(|context| driver.poll(context)).await;
        driver.result()
    }

    fn greeting(&self) -> Connect {
        let client_id = Text::new(&self.kernel.random.identifier()).unwrap_or_default();
        let mut connect = Connect::new(self.server.address.version, client_id);
        connect.keep_alive = KEEP_ALIVE;
        // Before MQTT 5 it isn't sent, but the machine holds to it.
        connect.properties = Properties::builder().four(id::MAXIMUM_PACKET_SIZE, PACKET_MAX).finish();
        if let Authentication::Password { user, password } = &self.server.authentication {
            connect.user_name = Some(user.clone());
            connect.password = Some(Bytes::copy_from_slice(password));
        }
        connect
    }

    /// The subscriptions at the other broker; it keeps back what came from here (MQTT 5).
    fn wishes(&self) -> Vec<Subscription> {
        let is_5 = self.server.address.version.is_5();
        let wish = |(remote, _): &(Text, Text)| Subscription {
            no_local: is_5,
            retain_handling: RetainHandling::Send,
            ..Subscription::new(remote.clone(), QoS::AtMostOnce)
        };
        self.server.subscribe.iter().map(wish).collect()
    }

    /// Whether what is sent there comes back.
    fn comes_back(&self, remote: &[u8]) -> bool {
        !self.server.address.version.is_5() && self.server.local_topic(remote).is_some()
    }

    /// A message as the other broker gets it: under its own topic, with QoS 0.
    fn outgoing(&self, delivery: &Delivery) -> Option<Delivery> {
        let message = &delivery.message;
        let topic = self.server.remote_topic(message.topic())?;
        let properties = Properties::from_bytes(message.properties(), Place::Publish).ok()?;
        let qos = QoS::AtMostOnce;
        let mut renamed = Message::new(topic, qos, delivery.retain, &properties, message.payload(), 0);
        renamed.expires_at = message.expires_at;
        let mut outgoing = Delivery::new(Arc::new(renamed), qos);
        outgoing.retain = delivery.retain;
        Some(outgoing)
    }

    /// Publishes here what came from there; it is retained, as the local copy of the remote topic.
    fn incoming(&self, now: u64, publish: &Publish) -> Option<Reason> {
        let topic = self.server.local_topic(publish.topic.as_bytes())?.clone();
        let (properties, payload) = (publish.properties.clone(), publish.payload.clone());
        let qos = QoS::AtMostOnce;
        let local = Publish { dup: false, qos, retain: true, topic, packet_id: 0, properties, payload };
        Some(self.local.publish(now, &local))
    }
}

/// A way to the broker.
enum Opened {
    Plain(Transport),
    Web(Box<Tunnel>),
}

struct Driver<'a, S> {
    link: &'a Link,
    echoes: &'a mut Echoes,
    transport: S,
    machine: Client,
    input: BytesMut,
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when the broker has taken nothing of so many bytes.
    stuck: Option<(u64, usize)>,
    begun: u64,
    connected_at: Option<u64>,
    /// What happened to the transport.
    fault: Option<String>,
}

impl<S: Stream> Driver<'_, S> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = now_ms(&self.link.kernel);
            self.machine.handle_timeout(now);
            self.take_events(now);
            let mut is_busy = self.poll_flush(context);
            let is_writable = self.transport.unsent() < UNSENT_MAX;
            self.send_local(context, now, is_writable);
            self.write(now);
            if self.machine.closed().is_some() || self.fault.is_some() {
                return Poll::Ready(());
            }
            if is_writable {
                is_busy |= self.poll_read(context);
            }
            if !is_busy && !self.poll_timer(context, now) {
                return if self.fault.is_some() { Poll::Ready(()) } else { Poll::Pending };
            }
        }
    }

    fn take_events(&mut self, now: u64) {
        while let Some(event) = self.machine.handle_input(now, &mut self.input) {
            match event {
                Event::Connack(connack) if !connack.reason.is_error() => self.connected(now),
                Event::Publish(publish) => self.received(now, &publish),
                Event::Suback(suback) => {
                    for reason in suback.reasons.iter().filter(|reason| reason.is_error()) {
                        let server = &self.link.server.address.url;
                        tracing::warn!(%server, reason = reason.name(), "an MQTT bridge may not subscribe to a topic");
                    }
                }
                _ => {}
            }
        }
        if self.input.is_empty() && self.input.capacity() > 0 {
            self.input = BytesMut::new();
        }
    }

    fn connected(&mut self, now: u64) {
        self.connected_at = Some(now);
        self.link.counters.is_connected.store(true, Ordering::Relaxed);
        tracing::info!(server = %self.link.server.address.url, "an MQTT bridge is connected");
        let wishes = self.link.wishes();
        if !wishes.is_empty() {
            self.machine.subscribe(wishes, Properties::default());
        }
    }

    fn received(&mut self, now: u64, publish: &Publish) {
        let topic = publish.topic.as_bytes();
        let is_echo = self.link.comes_back(topic) && self.echoes.take(topic, &publish.payload, now);
        if !is_echo && let Some(reason) = self.link.incoming(now, publish) {
            let counters = &self.link.counters;
            count(if reason.is_error() { &counters.refused } else { &counters.received });
        }
        self.machine.acknowledge(publish.qos, publish.packet_id, Reason::SUCCESS);
    }

    /// Hands on what was published here.
    fn send_local(&mut self, context: &Context<'_>, now: u64, is_writable: bool) {
        let is_ready = is_writable && self.machine.is_connected();
        let counters = &self.link.counters;
        for delivery in self.link.local.poll(context, is_ready) {
            if delivery.message.expired(now) {
                count(&counters.refused);
                continue;
            }
            let Some(outgoing) = self.link.outgoing(&delivery) else { continue };
            let message = Arc::clone(&outgoing.message);
            match self.machine.publish(now, outgoing) {
                Ok(_) => count(&counters.sent),
                Err(_) => {
                    count(&counters.refused);
                    continue;
                }
            }
            if self.link.comes_back(message.topic()) {
                self.echoes.expect(message.topic(), message.payload(), now);
            }
        }
        counters.lost.store(self.link.local.dropped(), Ordering::Relaxed);
    }

    /// Reads once; says whether there may be more.
    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        let now = now_ms(&self.link.kernel);
        match self.transport.poll_read(context, now, &mut self.input) {
            Poll::Pending => return false,
            Poll::Ready(Ok(true)) => return true,
            Poll::Ready(Ok(false)) => {
                let why = self.transport.closed().map(websocket::why);
                self.fault = Some(why.unwrap_or_else(|| "it closed the connection".to_owned()));
            }
            Poll::Ready(Err(error)) => self.fault = Some(error.to_string()),
        }
        // What came with the end may say why.
        self.take_events(now);
        false
    }

    fn write(&mut self, now: u64) {
        let outgoing = self.machine.poll_output(now);
        if outgoing.is_empty() {
            return;
        }
        let mut slices: Vec<IoSlice<'_>> = Vec::new();
        outgoing.slices(&mut slices);
        self.transport.send(&slices);
    }

    /// Says whether bytes that had to wait were written.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> bool {
        if self.transport.unsent() == 0 {
            self.stuck = None;
            return false;
        }
        if let Poll::Ready(Err(error)) = self.transport.poll_flush(context) {
            self.fault = Some(error.to_string());
        }
        self.transport.unsent() == 0
    }

    /// Waits for what is due next; says whether it is due already.
    fn poll_timer(&mut self, context: &mut Context<'_>, now: u64) -> bool {
        let opening = self.connected_at.is_none().then(|| self.begun.saturating_add(OPENING_MAX));
        let unsent = self.transport.unsent();
        let stuck = (unsent > 0).then(|| {
            let (since, length) = self.stuck.unwrap_or((now, unsent));
            let since = if unsent < length { now } else { since };
            self.stuck = Some((since, unsent));
            since.saturating_add(STUCK_MAX)
        });
        if opening.into_iter().chain(stuck).any(|end| end <= now) {
            self.fault = Some("it doesn't answer".to_owned());
            return false;
        }
        let Some(due) = self.machine.poll_timeout().into_iter().chain(opening).chain(stuck).min() else {
            self.timer = None;
            return false;
        };
        if due <= now {
            return true;
        }
        let at = Instant::now() + Duration::from_millis(due - now);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.is_elapsed() || timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(context).is_ready()
    }

    fn result(self) -> (String, u64) {
        self.transport.into_transport(None).close_tls();
        let now = now_ms(&self.link.kernel);
        let held = self.connected_at.map_or(0, |at| now.saturating_sub(at));
        let closed = self.machine.closed().map(|error| format!("{} ({})", error.detail, error.reason.name()));
        (closed.or(self.fault).unwrap_or_default(), held)
    }
}
