//! Paired chat: two users send each other messages, a fixed number of which is always on the way.

mod session;

use super::{Flag, each};
use crate::{
    client::{Client, Credentials},
    histogram::Histogram,
    report::{Report, Window},
    socket,
    target::{PATIENCE, Target, Tls},
};
use anyhow::{Result, ensure};
use clap::Args;
use session::Session;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

const RESOURCE: &str = "chat";

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Pairs of users; twice as many accounts are needed
    #[arg(long, default_value_t = 25)]
    pub pairs: usize,
    /// Messages in flight per pair: each one that arrives is answered with the next
    #[arg(long, default_value_t = 1)]
    pub window: usize,
    /// Bytes of a message's body, at least 16
    #[arg(long, default_value_t = 100)]
    pub bytes: usize,
    /// Seconds of warm-up
    #[arg(long, default_value_t = 2.0)]
    pub warm_up: f64,
    /// Seconds measured, at most
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Messages measured, at most
    #[arg(long, default_value_t = 20_000_000)]
    pub count: u64,
    /// No XMPP stream at all, only the same bytes: for `relay`
    #[arg(long)]
    pub bare: bool,
}

/// What the sessions of a run share.
pub(super) struct Shared {
    started: Instant,
    bytes: usize,
    stop: Flag,
    sent: Cell<u64>,
    received: Cell<u64>,
    latency: RefCell<Histogram>,
}

/// A chat that is going on.
pub(super) struct Chat {
    pub(super) shared: Rc<Shared>,
    sessions: JoinSet<Result<()>>,
}

pub async fn run(target: &Target, options: &Options) -> Result<Report> {
    let (report, _) = measure(target, options).await?;
    Ok(report)
}

/// The report, and how many messages were sent in all, warm-up included.
pub(super) async fn measure(target: &Target, options: &Options) -> Result<(Report, u64)> {
    let mut chat = Chat::start(target, options, u64::MAX).await?;
    chat.wait(Duration::from_secs_f64(options.warm_up), u64::MAX).await?;
    chat.shared.latency.borrow_mut().clear();
    let before = chat.shared.received.get();
    let window = Window::open(target.pid)?;
    chat.wait(Duration::from_secs_f64(options.seconds), before.saturating_add(options.count)).await?;
    let mut report = window.close(title(target, options), "message", chat.shared.received.get() - before)?;
    report.latency_us = chat.shared.latency.borrow().latency();
    let sent = chat.finish(&mut report.notes).await?;
    Ok((report, sent))
}

fn title(target: &Target, options: &Options) -> String {
    let transport = if target.tls == Tls::None { "plain TCP" } else { "TLS" };
    let Options { pairs, window, bytes, .. } = options;
    format!("chat, {pairs} pairs, {window} in flight each, {bytes}-byte bodies, {transport}")
}

impl Chat {
    /// Logs all users in, then sends the first messages. `quota`: how many each session may send.
    pub(super) async fn start(target: &Target, options: &Options, quota: u64) -> Result<Self> {
        ensure!(options.bytes >= session::STAMP, "a body has at least {} bytes", session::STAMP);
        let shared = Rc::new(Shared {
            started: Instant::now(),
            bytes: options.bytes,
            stop: Flag::default(),
            sent: Cell::new(0),
            received: Cell::new(0),
            latency: RefCell::default(),
        });
        let common = Rc::new((target.clone(), Credentials::default()));
        // A relay pairs connections in the order in which they come.
        let concurrency = if options.bare { 1 } else { 8 };
        let bare = options.bare;
        let clients = each(options.pairs * 2, concurrency, |number| {
            let common = common.clone();
            async move {
                let (target, credentials) = &*common;
                if bare {
                    return Ok(Client::over(Box::new(socket::connect(target).await?)));
                }
                let mut client = Client::login(target, number, RESOURCE, credentials).await?;
                client.appear().await?;
                Ok(client)
            }
        })
        .await?;
        let mut sessions = JoinSet::new();
        for (number, client) in clients.into_iter().enumerate() {
            let first = if number % 2 == 0 { options.window } else { 0 };
            let partner = target.full_jid(number ^ 1, RESOURCE);
            sessions.spawn_local(Session::new(client, &partner, quota, shared.clone()).run(first));
        }
        Ok(Self { shared, sessions })
    }

    /// Waits for a time, or until so many messages have arrived; fails as soon as a session does.
    pub(super) async fn wait(&mut self, time: Duration, received: u64) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < time && self.shared.received.get() < received {
            sleep(Duration::from_millis(10)).await;
            while let Some(ended) = self.sessions.try_join_next() {
                ended??;
            }
        }
        Ok(())
    }

    /// Sends nothing more and waits for what is still on the way. Returns how many messages were sent.
    pub(super) async fn finish(mut self, notes: &mut Vec<String>) -> Result<u64> {
        self.shared.stop.set();
        let sent = self.shared.sent.get();
        self.wait(PATIENCE, sent).await?;
        let received = self.shared.received.get();
        if received < sent {
            notes.push(format!("{} of {sent} messages were lost", sent - received));
        }
        Ok(sent)
    }
}
