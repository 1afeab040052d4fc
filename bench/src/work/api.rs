//! Administration commands over HTTP, by connections that are kept open.

use super::Flag;
use crate::{
    histogram::Histogram,
    report::{Report, Window},
    target::Target,
};
use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Port of the HTTP listener with mod_http_api under /api
    #[arg(long)]
    pub http_port: u16,
    /// Log in with the password of the first account, and call registered_vhosts; otherwise status, without logging in
    #[arg(long)]
    pub login: bool,
    /// Connections
    #[arg(long, default_value_t = 8)]
    pub concurrency: usize,
    /// Seconds of warm-up
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Seconds measured
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
}

#[derive(Default)]
struct Shared {
    done: Cell<u64>,
    latency: RefCell<Histogram>,
}

/// One request after the other on each connection.
pub async fn run(target: &Target, options: &Options) -> Result<Report> {
    let shared = Rc::new(Shared::default());
    let request: Rc<str> = request(target, options.login).into();
    let stop = Flag::default();
    let mut workers = JoinSet::new();
    for _ in 0..options.concurrency.max(1) {
        let stream = TcpStream::connect((target.host, options.http_port)).await?;
        stream.set_nodelay(true)?;
        workers.spawn_local(work(stream, request.clone(), shared.clone(), stop.clone()));
    }
    sleep(Duration::from_secs_f64(options.warm_up)).await;
    shared.latency.borrow_mut().clear();
    let before = shared.done.get();
    let window = Window::open(target.pid)?;
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < options.seconds {
        sleep(Duration::from_millis(20)).await;
        while let Some(failed) = workers.try_join_next() {
            failed??;
        }
    }
    let how = if options.login { "POST with a password" } else { "GET without login" };
    let mut report = window.close(format!("API, {how}"), "request", shared.done.get() - before)?;
    report.latency_us = shared.latency.borrow().latency();
    stop.set();
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(report)
}

fn request(target: &Target, login: bool) -> String {
    if !login {
        return "GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n".into();
    }
    let account = format!("{}{}@{}", target.user_prefix, target.first_user, target.domain);
    let credentials = STANDARD.encode(format!("{account}:{}", target.password));
    format!(
        "POST /api/registered_vhosts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
}

async fn work(mut stream: TcpStream, request: Rc<str>, shared: Rc<Shared>, stop: Flag) -> Result<()> {
    let mut input = Vec::new();
    while !stop.is_set() {
        let started = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        answer(&mut stream, &mut input).await?;
        shared.latency.borrow_mut().record(started.elapsed().as_nanos() as u64);
        shared.done.set(shared.done.get() + 1);
    }
    Ok(())
}

/// Fails unless the answer is 200: a server that refuses is fast too.
async fn answer(stream: &mut TcpStream, input: &mut Vec<u8>) -> Result<()> {
    input.clear();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = memchr::memmem::find(input, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(input.get(..end).unwrap_or_default()).to_ascii_lowercase();
            let mut lines = head.lines();
            let status = lines.next().unwrap_or_default();
            ensure!(status.contains(" 200 "), "the answer is {status}");
            let length = lines.find_map(|line| line.strip_prefix("content-length:")).context("no length")?;
            if input.len() >= end + 4 + length.trim().parse::<usize>()? {
                return Ok(());
            }
        }
        let count = stream.read(&mut chunk).await?;
        ensure!(count > 0, "the connection was closed");
        input.extend_from_slice(chunk.get(..count).unwrap_or_default());
    }
}
