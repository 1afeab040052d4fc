//! A server with one host and a broker, and clients of it: whole machines on both ends, without sockets.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use nightjar_auth::{Accounts, AuthOptions, Environment, HostAccounts, PasswordType};
use nightjar_base::commands::{Call, Caller, CommandResult, Shape, Value};
use nightjar_base::guard::Guard;
use nightjar_base::mqtt::{
    MqttClient, MqttOpened, MqttOpening, MqttRefusal, MqttService, claimed_name, now_ms,
};
use nightjar_base::{Clock, FeatureContext, Host, Kernel, Random};
use nightjar_config::{Config, Declarations, Environment as Surroundings, load_with};
use nightjar_jid::Jid;
use nightjar_mqtt::client::{Client, Event};
use nightjar_mqtt::{
    Connect, Connection, Delivery, Message, Outgoing, Properties, QoS, Reason, Session, Settings,
    Subscription, Text, Version,
};
use nightjar_sasl::Secret;
use nightjar_store::Store;

use crate::FEATURE;
use crate::broker::Broker;

/// 2026-11-23T00:00:00Z
const NOW: i64 = 1_795_392_000;

/// Time that stands until a test moves it: milliseconds since [`NOW`].
struct Movable(AtomicU64);

impl Clock for Movable {
    fn unix_micros(&self) -> i64 {
        NOW * 1_000_000 + i64::try_from(self.0.load(Ordering::Relaxed)).unwrap() * 1000
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// 1, 2, 3, …: different every time and the same in every run.
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        bytes.iter_mut().rev().zip(number.iter().rev()).for_each(|(byte, digit)| *byte = *digit);
    }
}

/// The server.
pub(crate) struct World {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) host: Arc<Host>,
    pub(crate) accounts: Arc<HostAccounts>,
    clock: Arc<Movable>,
    _options: Guard,
}

fn config(rest: &str, options: &str) -> Config {
    let yaml = format!("hosts: [localhost]\n{rest}\nmodules:\n  mod_mqtt: {options}\n");
    let files = BTreeMap::from([(PathBuf::from("a.yml"), yaml.into_bytes())]);
    let declarations = Declarations { modules: &[FEATURE.spec], ..Declarations::default() };
    load_with(Path::new("a.yml"), &declarations, &Surroundings::default(), &files).unwrap().0
}

impl World {
    /// A host `localhost` with these rules (YAML), these options of mod_mqtt (YAML in braces) and these accounts; the
    /// password of each is its name.
    pub(crate) async fn new(rules: &str, options: &str, users: &[&str]) -> Self {
        let store = nightjar_sqlite::temporary("localhost");
        let world = Self::with(rules, options, store, 0).await;
        for user in users {
            world.kernel.register_account(&world.host, user, &Secret::from(*user)).await.unwrap();
        }
        world
    }

    /// The server was killed, and is started again after so many milliseconds, with these options of mod_mqtt. Its
    /// clients have yet to find out: see [`Peer::cut`].
    pub(crate) async fn killed(self, options: &str, milliseconds: u64) -> Self {
        let now = self.clock.0.load(Ordering::Relaxed) + milliseconds;
        Self::with("", options, self.host.store.clone(), now).await
    }

    async fn with(rules: &str, options: &str, store: Store, now: u64) -> Self {
        let config = config(rules, options);
        let of_host = Arc::new(config.host("localhost").clone());
        let clock = Arc::new(Movable(AtomicU64::new(now)));
        let random = Arc::new(Counting(AtomicU64::new(1)));
        let kernel = Kernel::new(Arc::clone(&clock) as Arc<dyn Clock>, random, Arc::new(config));
        let secret = Secret::from("a secret of sixteen bytes");
        let environment = Environment::new(|bytes| bytes.fill(7), || NOW * 1_000_000, secret);
        let options =
            AuthOptions { stored_password_types: vec![PasswordType::Plain], ..AuthOptions::default() };
        let (accounts, _) = HostAccounts::new(&options, &store, &environment, &[]);
        let accounts = Arc::new(accounts);
        let jid = Jid::parse("localhost").unwrap();
        let host = Arc::new(Host::new(jid, of_host, store, Arc::clone(&accounts) as Arc<dyn Accounts>));
        let options = host.provide(Arc::new(options));
        kernel.add_host(Arc::clone(&host));
        let world = Self { kernel, host, accounts, clock, _options: options };
        world.start().await;
        world
    }

    pub(crate) fn context(&self) -> FeatureContext {
        let options = self.host.config().module("mod_mqtt").unwrap().clone();
        FeatureContext { kernel: Arc::clone(&self.kernel), host: Arc::clone(&self.host), options }
    }

    async fn start(&self) {
        let registration = (FEATURE.start)(self.context()).await.unwrap();
        self.host.keep_feature("mod_mqtt", registration);
    }

    /// Follows another configuration as the server does it: the rules first, then the module if its options changed.
    pub(crate) async fn reload(&self, rules: &str, options: &str) {
        let config = config(rules, options);
        let of_host = Arc::new(config.host("localhost").clone());
        let has_changed = of_host.module("mod_mqtt") != self.host.config().module("mod_mqtt");
        self.kernel.set_config(Arc::new(config));
        self.host.set_config(of_host);
        if has_changed {
            self.host.stop_feature("mod_mqtt");
            self.start().await;
        }
    }

    pub(crate) fn broker(&self) -> Arc<Broker> {
        self.host.get().unwrap()
    }

    pub(crate) fn now(&self) -> u64 {
        now_ms(&self.kernel)
    }

    /// Lets time pass, and the broker see to what is due.
    pub(crate) fn pass(&self, milliseconds: u64) {
        self.clock.0.fetch_add(milliseconds, Ordering::Relaxed);
        self.broker().tick(self.now());
    }

    /// Runs a command.
    pub(crate) async fn run(&self, name: &str, words: &[&str]) -> CommandResult {
        let spec = self.kernel.commands.find(name, None).unwrap();
        assert_eq!(spec.arguments.len(), words.len(), "{name} {words:?}");
        let value = |(field, word): (&nightjar_base::commands::Field, &&str)| match field.shape {
            Shape::Integer => Value::Integer(word.parse().unwrap()),
            _ => Value::text(word),
        };
        let arguments = spec.arguments.iter().zip(words).map(value).collect();
        let call = Call { kernel: Arc::clone(&self.kernel), caller: Caller::LOCAL, arguments };
        self.kernel.commands.call(spec, call).await
    }

    /// The value of a figure, of all its labels together.
    pub(crate) fn figure(&self, name: &str, label: &str) -> u64 {
        let families = self.kernel.metrics.collect();
        let samples = families.iter().filter(|family| family.name == name).flat_map(|family| &family.samples);
        let named = samples
            .filter(|sample| label.is_empty() || sample.labels.iter().any(|(_, value)| value == label));
        named.fold(0, |sum, sample| match sample.value {
            nightjar_base::metrics::Value::Count(count) => sum + count,
            nightjar_base::metrics::Value::Real(_) => sum,
        })
    }

    /// A client of MQTT 5 with a password, whose session ends with the connection.
    pub(crate) async fn connect(&self, user: &str, client_id: &str) -> Peer {
        self.try_connect(user, client_id, |_| {}).await.unwrap()
    }

    /// A client whose CONNECT is changed as it is wanted.
    pub(crate) async fn try_connect(
        &self,
        user: &str,
        client_id: &str,
        change: impl FnOnce(&mut Connect),
    ) -> Result<Peer, MqttRefusal> {
        self.try_resume(user, client_id, Session::new(1000), change).await
    }

    /// A client that has its end of a session.
    pub(crate) async fn try_resume(
        &self,
        user: &str,
        client_id: &str,
        session: Session,
        change: impl FnOnce(&mut Connect),
    ) -> Result<Peer, MqttRefusal> {
        let mut connect = Connect {
            version: Version::V5,
            clean_start: false,
            keep_alive: 0,
            client_id: text(client_id),
            will: None,
            user_name: Some(text(user)),
            password: Some(Bytes::copy_from_slice(user.as_bytes())),
            properties: Properties::default(),
        };
        change(&mut connect);
        let now = self.now();
        let mut peer = Peer {
            client: Client::new(now, &connect, session),
            machine: Connection::new(now, Arc::new(Settings::default())),
            side: None,
            events: VecDeque::new(),
            input: [BytesMut::new(), BytesMut::new()],
            kernel: Arc::clone(&self.kernel),
        };
        peer.open(&self.host).await?;
        peer.next(|event| matches!(event, Event::Connack(_)).then_some(())).await;
        Ok(peer)
    }
}

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

/// A client that comes from nowhere and has no certificate.
pub(crate) fn opening(connect: Box<Connect>) -> MqttOpening {
    let user = claimed_name(&connect);
    MqttOpening { connect, user, ip: None, certified: Vec::new(), bindings: Vec::new(), inbox_max: 100 }
}

/// A client and the server's side of its connection.
pub(crate) struct Peer {
    pub(crate) client: Client,
    machine: Connection,
    side: Option<Box<dyn MqttClient>>,
    events: VecDeque<Event>,
    /// What the server has yet to read, and the client.
    input: [BytesMut; 2],
    kernel: Arc<Kernel>,
}

/// Says whether there was anything.
fn pour(mut from: Outgoing, to: &mut BytesMut) -> bool {
    let bytes = from.to_vec();
    to.extend_from_slice(&bytes);
    from.clear();
    !bytes.is_empty()
}

impl Peer {
    async fn open(&mut self, host: &Arc<Host>) -> Result<(), MqttRefusal> {
        let now = now_ms(&self.kernel);
        pour(self.client.poll_output(now), &mut self.input[0]);
        let event = self.machine.handle_input(now, &mut self.input[0]);
        let Some(nightjar_mqtt::Event::Connect(connect)) = event else { panic!("{event:?}") };
        let service = host.get::<MqttService>().unwrap();
        let MqttOpened::In(mut side) = service.0.open(opening(connect)).await? else {
            panic!("asked further")
        };
        side.accept(now, &mut self.machine);
        self.side = Some(side);
        Ok(())
    }

    /// Moves bytes both ways until there are none.
    fn pump(&mut self, context: &mut Context<'_>) {
        while self.pump_once(context) {}
    }

    fn pump_once(&mut self, context: &mut Context<'_>) -> bool {
        let now = now_ms(&self.kernel);
        let is_sent = self.half_pump();
        let Some(side) = &mut self.side else { return false };
        side.poll(context, now, &mut self.machine, true);
        let is_answered = pour(self.machine.poll_output(), &mut self.input[1]);
        while let Some(event) = self.client.handle_input(now, &mut self.input[1]) {
            if let Event::Publish(publish) = &event {
                self.client.acknowledge(publish.qos, publish.packet_id, Reason::SUCCESS);
            }
            self.events.push_back(event);
        }
        is_sent || is_answered
    }

    /// The server reads what the client has sent, and the client reads nothing. Says whether there was anything.
    pub(crate) fn half_pump(&mut self) -> bool {
        let now = now_ms(&self.kernel);
        let is_sent = pour(self.client.poll_output(now), &mut self.input[0]);
        let Some(side) = &mut self.side else { return is_sent };
        while let Some(event) = self.machine.handle_input(now, &mut self.input[0]) {
            side.handle_event(now, &mut self.machine, event);
        }
        is_sent
    }

    /// The next event of a kind; waits for the store if it must. Others stay for [`Peer::told`].
    pub(crate) async fn next<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let next = poll_fn(|context| {
            self.pump(context);
            let found = self.events.iter().enumerate().find_map(|(at, event)| Some((at, wanted(event)?)));
            let Some((at, value)) = found else { return Poll::Pending };
            self.events.remove(at);
            Poll::Ready(value)
        });
        tokio::time::timeout(Duration::from_secs(10), next).await.unwrap()
    }

    /// All that has come without waiting, in words.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let waker = std::task::Waker::noop();
        self.pump(&mut Context::from_waker(waker));
        self.events.drain(..).map(|event| shown(&event)).collect()
    }

    pub(crate) async fn subscribe(&mut self, filter: &str, qos: QoS) -> Reason {
        self.client.subscribe(vec![Subscription::new(text(filter), qos)], Properties::default());
        self.next(|event| match event {
            Event::Suback(suback) => Some(suback.reasons[0]),
            _ => None,
        })
        .await
    }

    pub(crate) async fn unsubscribe(&mut self, filter: &str) -> Reason {
        self.client.unsubscribe(vec![text(filter)]);
        self.next(|event| match event {
            Event::Unsuback(unsuback) => unsuback.reasons.first().copied(),
            _ => None,
        })
        .await
    }

    /// Publishes with QoS 1; gives the answer.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &str, retain: bool) -> Reason {
        self.send(topic, payload, QoS::AtLeastOnce, retain);
        self.next(|event| match event {
            Event::Complete { reason, .. } => Some(*reason),
            _ => None,
        })
        .await
    }

    /// Publishes, and waits for nothing.
    pub(crate) fn send(&mut self, topic: &str, payload: &str, qos: QoS, retain: bool) {
        let now = now_ms(&self.kernel);
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        let message = Message::new(&text(topic), qos, retain, &Properties::default(), &payload, now);
        let delivery = Delivery { retain, ..Delivery::new(Arc::new(message), qos) };
        self.client.publish(now, delivery).unwrap();
    }

    /// The connection is over; gives the client's end of the session.
    pub(crate) fn end(mut self) -> Session {
        let now = now_ms(&self.kernel);
        if let Some(side) = self.side.take() {
            side.finish(now, self.machine.finish());
        }
        self.client.finish()
    }

    /// The server was killed: it doesn't even notice.
    pub(crate) fn cut(mut self) -> Session {
        std::mem::forget(self.side.take());
        self.client.finish()
    }
}

fn shown(event: &Event) -> String {
    match event {
        Event::Publish(publish) => {
            let payload = String::from_utf8_lossy(&publish.payload);
            let retained = if publish.retain { " (retained)" } else { "" };
            format!("{}: {payload}{retained}", publish.topic)
        }
        Event::Disconnect(disconnect) => format!("disconnected: {}", disconnect.reason),
        other => format!("{other:?}"),
    }
}
