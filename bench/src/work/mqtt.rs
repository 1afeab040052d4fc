//! Load of MQTT: messages from one client to another, messages to many, connections, idle sessions.

mod talk;

use super::{Flag, each, idle};
use crate::{
    histogram::Histogram,
    mqtt::{Client, PUBLISH, publish},
    report::{Report, Window},
    target::{Target, Tls},
};
use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};
use talk::Talker;
use tokio::{sync::Notify, task::JoinSet, time::sleep};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// Pairs of clients: each message that arrives is answered with the next
    Messages,
    /// One client publishes, all others are subscribed to its topic
    FanOut,
    /// Connect, CONNECT, CONNACK, DISCONNECT
    Connects,
    /// Sessions that do nothing
    Idle,
}

#[derive(Debug, Clone, Args)]
pub struct Options {
    #[arg(value_enum)]
    pub work: Work,
    /// Pairs, subscribers, connections at a time, or idle sessions
    #[arg(long, default_value_t = 25)]
    pub clients: usize,
    #[arg(long, default_value_t = 0)]
    pub qos: u8,
    /// Messages in flight, of each pair or of the publisher
    #[arg(long, default_value_t = 1)]
    pub window: usize,
    /// Bytes of a payload, at least 8
    #[arg(long, default_value_t = 100)]
    pub bytes: usize,
    /// Subscriptions of each idle session
    #[arg(long, default_value_t = 0)]
    pub filters: usize,
    /// Seconds of warm-up, or those that sessions stay idle
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Seconds measured, at most
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Connects measured, at most: each leaves a port behind for a while
    #[arg(long, default_value_t = 10_000)]
    pub count: u64,
}

/// What the clients of a run share.
struct Shared {
    started: Instant,
    stop: Flag,
    done: Cell<u64>,
    latency: RefCell<Histogram>,
    arrived: Notify,
}

impl Shared {
    fn new() -> Rc<Self> {
        Rc::new(Self {
            started: Instant::now(),
            stop: Flag::default(),
            done: Cell::new(0),
            latency: RefCell::default(),
            arrived: Notify::new(),
        })
    }

    fn nanos(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    /// Counts a message that carries the time of its sending.
    fn count(&self, payload: &[u8], now: u64) {
        self.done.set(self.done.get() + 1);
        let sent = payload.first_chunk().map_or(now, |stamp| u64::from_be_bytes(*stamp));
        self.latency.borrow_mut().record(now.saturating_sub(sent));
    }
}

/// All clients log in as the target's first account.
pub async fn run(target: &Target, options: &Options) -> Result<Report> {
    ensure!(options.bytes >= 8 && options.qos <= 2 && options.clients > 0, "no such load");
    let shared = Shared::new();
    let mut tasks = JoinSet::new();
    let (title, unit) = match options.work {
        Work::Messages => talk_all(target, options, &shared, &mut tasks).await?,
        Work::FanOut => fan_out(target, options, &shared, &mut tasks).await?,
        Work::Connects => connect_all(target, options, &shared, &mut tasks),
        Work::Idle => return idle(target, options).await,
    };
    wait(&mut tasks, options.warm_up, || false).await?;
    shared.latency.borrow_mut().clear();
    let before = shared.done.get();
    let most = if options.work == Work::Connects { options.count } else { u64::MAX };
    let window = Window::open(target.pid)?;
    wait(&mut tasks, options.seconds, || shared.done.get() - before >= most).await?;
    let mut report = window.close(title, unit, shared.done.get() - before)?;
    report.latency_us = shared.latency.borrow().latency();
    shared.stop.set();
    if options.work == Work::Connects {
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
    }
    Ok(report)
}

/// Waits for a time, or until it is enough; fails as soon as a client does.
async fn wait(tasks: &mut JoinSet<Result<()>>, seconds: f64, enough: impl Fn() -> bool) -> Result<()> {
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds && !enough() {
        sleep(Duration::from_millis(10)).await;
        while let Some(ended) = tasks.try_join_next() {
            ended??;
        }
    }
    Ok(())
}

async fn logins(
    target: &Target,
    count: usize,
    filters: impl Fn(usize) -> Vec<(String, u8)>,
) -> Result<Vec<Client>> {
    let target = Rc::new(target.clone());
    each(count, 8, |number| {
        let (target, filters) = (target.clone(), filters(number));
        async move {
            let mut client = Client::login(&target, &format!("client{number}")).await?;
            for (filter, qos) in filters {
                client.subscribe(&filter, qos).await?;
            }
            Ok(client)
        }
    })
    .await
}

type Title = (String, &'static str);

async fn talk_all(
    target: &Target,
    options: &Options,
    shared: &Rc<Shared>,
    tasks: &mut JoinSet<Result<()>>,
) -> Result<Title> {
    let Options { clients: pairs, qos, window, bytes, .. } = *options;
    let topic = |number: usize| format!("bench/pair/{number}");
    let clients = logins(target, pairs * 2, |number| vec![(topic(number), qos)]).await?;
    for (number, client) in clients.into_iter().enumerate() {
        let talker = Talker::new(client, &topic(number ^ 1), qos, bytes, shared.clone());
        tasks.spawn_local(talker.run(if number % 2 == 0 { window } else { 0 }));
    }
    Ok((format!("{pairs} pairs, QoS {qos}, {window} in flight each, {bytes} bytes"), "message"))
}

async fn fan_out(
    target: &Target,
    options: &Options,
    shared: &Rc<Shared>,
    tasks: &mut JoinSet<Result<()>>,
) -> Result<Title> {
    let Options { clients: count, window, bytes, .. } = *options;
    const TOPIC: &str = "bench/all";
    for client in logins(target, count, |_| vec![(TOPIC.to_owned(), 0)]).await? {
        tasks.spawn_local(listen(client, shared.clone()));
    }
    let publisher = Client::login(target, "publisher").await?;
    tasks.spawn_local(proclaim(
        publisher,
        TOPIC,
        (window * count) as u64,
        count as u64,
        bytes,
        shared.clone(),
    ));
    Ok((format!("{count} subscribers, {window} in flight, {bytes} bytes"), "delivery"))
}

async fn listen(mut client: Client, shared: Rc<Shared>) -> Result<()> {
    loop {
        client.receive().await?;
        let now = shared.nanos();
        client.frames(|frame| {
            if frame.kind() == PUBLISH {
                shared.count(frame.identified().1, now);
            }
        });
        // Nothing is kept for the many that wait.
        client.input.shrink_to_fit();
        shared.arrived.notify_one();
    }
}

/// Publishes while fewer than `most` deliveries are on the way.
async fn proclaim(
    mut client: Client,
    topic: &str,
    most: u64,
    each: u64,
    bytes: usize,
    shared: Rc<Shared>,
) -> Result<()> {
    let (mut sent, mut payload, mut out) = (0, vec![b'.'; bytes], Vec::new());
    while !shared.stop.is_set() {
        while sent + each <= shared.done.get() + most {
            if let Some(stamp) = payload.first_chunk_mut() {
                *stamp = shared.nanos().to_be_bytes();
            }
            publish(topic, 0, 0, &payload, &mut out);
            sent += each;
        }
        client.send(&out).await?;
        out.clear();
        shared.arrived.notified().await;
    }
    Ok(())
}

fn connect_all(
    target: &Target,
    options: &Options,
    shared: &Rc<Shared>,
    tasks: &mut JoinSet<Result<()>>,
) -> Title {
    for worker in 0..options.clients {
        let (target, shared) = (target.clone(), shared.clone());
        tasks.spawn_local(async move {
            let mut turn = 0;
            while !shared.stop.is_set() {
                let sent = shared.nanos();
                let client = Client::login(&target, &format!("c{worker}-{turn}")).await?;
                shared.count(&sent.to_be_bytes(), shared.nanos());
                client.close().await?;
                turn += 1;
            }
            Ok(())
        });
    }
    let over = if target.tls == Tls::None { "plain TCP" } else { "TLS" };
    (format!("connects over {over}, {} at a time", options.clients), "connect")
}

async fn idle(target: &Target, options: &Options) -> Result<Report> {
    let filters = options.filters;
    idle::hold(target, options.warm_up, || async {
        let wanted = |number| (0..filters).map(|at| (format!("bench/idle/{number}/{at}"), 0)).collect();
        logins(target, options.clients, wanted).await
    })
    .await
    .map(|(report, _clients)| report)
}
