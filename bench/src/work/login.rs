//! Logins per second.

use super::{Flag, each};
use crate::{
    client::{Client, Credentials},
    histogram::Histogram,
    report::{Report, Window},
    target::{Target, Tls},
};
use anyhow::{Result, ensure};
use clap::Args;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Accounts to log in with
    #[arg(long, default_value_t = 50)]
    pub accounts: usize,
    /// Logins at the same time
    #[arg(long, default_value_t = 8)]
    pub concurrency: usize,
    /// Seconds of warm-up
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Seconds measured, at most
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Logins measured, at most
    #[arg(long, default_value_t = 20_000)]
    pub count: u64,
}

#[derive(Default)]
struct Shared {
    credentials: Credentials,
    next: Cell<usize>,
    done: Cell<u64>,
    latency: RefCell<Histogram>,
    closing: RefCell<JoinSet<Result<()>>>,
}

/// Streams that may be closing while others log in already: some servers take their time for it.
const CLOSING: usize = 256;

/// A login is: connect, encrypt, authenticate, bind, close. Latency is counted up to the bound resource.
pub async fn run(target: &Target, options: &Options) -> Result<Report> {
    ensure!(options.accounts > 0, "no accounts to log in with");
    let shared = Rc::new(Shared::default());
    let target = Rc::new(target.clone());
    // Once with every account, so that no measured login salts a password on the client's side.
    each(options.accounts, options.concurrency, |_| {
        let (target, shared) = (target.clone(), shared.clone());
        let accounts = options.accounts;
        async move { login(&target, &shared, accounts).await }
    })
    .await?;
    let stop = Flag::default();
    let mut workers = JoinSet::new();
    for _ in 0..options.concurrency.max(1) {
        workers.spawn_local(work(target.clone(), shared.clone(), options.accounts, stop.clone()));
    }
    sleep(Duration::from_secs_f64(options.warm_up)).await;
    shared.latency.borrow_mut().clear();
    let (before, started) = (shared.done.get(), Instant::now());
    let window = Window::open(target.pid)?;
    let limit = Duration::from_secs_f64(options.seconds);
    while started.elapsed() < limit && shared.done.get() - before < options.count && !workers.is_empty() {
        sleep(Duration::from_millis(20)).await;
        while let Some(failed) = workers.try_join_next() {
            failed??;
        }
    }
    let mut report = window.close(title(&target), "login", shared.done.get() - before)?;
    report.latency_us = shared.latency.borrow().latency();
    stop.set();
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(report)
}

fn title(target: &Target) -> String {
    let mechanism = target.mechanism.map_or("any mechanism", |mechanism| mechanism.name());
    let transport = match target.tls {
        Tls::None => "plain TCP",
        Tls::Starttls => "STARTTLS",
        Tls::Direct => "direct TLS",
    };
    format!("login, {mechanism}, {transport}")
}

async fn work(target: Rc<Target>, shared: Rc<Shared>, accounts: usize, stop: Flag) -> Result<()> {
    while !stop.is_set() {
        login(&target, &shared, accounts).await?;
    }
    Ok(())
}

async fn login(target: &Target, shared: &Shared, accounts: usize) -> Result<()> {
    let turn = shared.next.replace(shared.next.get() + 1);
    let started = Instant::now();
    let client = Client::login(target, turn % accounts, &format!("r{turn}"), &shared.credentials).await?;
    shared.latency.borrow_mut().record(started.elapsed().as_nanos() as u64);
    shared.done.set(shared.done.get() + 1);
    shared.closing.borrow_mut().spawn_local(client.close());
    while shared.closing.borrow().len() >= CLOSING {
        sleep(Duration::from_millis(1)).await;
        reap(shared)?;
    }
    reap(shared)
}

fn reap(shared: &Shared) -> Result<()> {
    while let Some(closed) = shared.closing.borrow_mut().try_join_next() {
        closed??;
    }
    Ok(())
}
