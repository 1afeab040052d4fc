//! Reading archives backwards, page by page, as a client does that scrolls up.

use super::{
    Flag,
    chat::{self, Chat},
};
use crate::{
    client::{Client, Credentials},
    framing::text_of,
    histogram::Histogram,
    report::{Report, Window},
    target::{PATIENCE, Target},
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Archives, each read by one session, all at the same time
    #[arg(long, default_value_t = 8)]
    pub readers: usize,
    /// Entries that each archive is filled with first; 0 if that was done before
    #[arg(long, default_value_t = 500)]
    pub fill: u64,
    /// Entries of a page
    #[arg(long, default_value_t = 50)]
    pub page: usize,
    /// Seconds of warm-up
    #[arg(long, default_value_t = 1.0)]
    pub warm_up: f64,
    /// Seconds measured, at most
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Pages measured, at most
    #[arg(long, default_value_t = 1_000_000)]
    pub count: u64,
}

#[derive(Default)]
struct Shared {
    pages: Cell<u64>,
    latency: RefCell<Histogram>,
    credentials: Credentials,
    stop: Flag,
}

/// Only full pages are counted.
pub async fn run(target: &Target, options: &Options) -> Result<Report> {
    fill(target, options).await?;
    let shared = Rc::new(Shared::default());
    let mut readers = JoinSet::new();
    for number in 0..options.readers {
        readers.spawn_local(read(target.clone(), number, options.page, shared.clone()));
    }
    wait(&mut readers, Duration::from_secs_f64(options.warm_up), &shared, u64::MAX).await?;
    shared.latency.borrow_mut().clear();
    let before = shared.pages.get();
    let window = Window::open(target.pid)?;
    let limit = before.saturating_add(options.count);
    wait(&mut readers, Duration::from_secs_f64(options.seconds), &shared, limit).await?;
    let title = format!("archive, pages of {}, {} readers", options.page, options.readers);
    let mut report = window.close(title, "page", shared.pages.get() - before)?;
    report.latency_us = shared.latency.borrow().latency();
    shared.stop.set();
    while let Some(ended) = readers.join_next().await {
        ended??;
    }
    Ok(report)
}

/// Pairs of readers chat until each has had `fill` messages, sent or received.
async fn fill(target: &Target, options: &Options) -> Result<()> {
    if options.fill == 0 {
        return Ok(());
    }
    let pairs = options.readers.div_ceil(2);
    let chat =
        chat::Options { pairs, window: 4, bytes: 100, warm_up: 0.0, seconds: 0.0, count: 0, bare: false };
    let mut chat = Chat::start(target, &chat, options.fill.div_ceil(2)).await?;
    let wanted = options.fill.div_ceil(2) * 2 * pairs as u64;
    chat.wait(PATIENCE * 5, wanted).await?;
    let mut notes = Vec::new();
    let sent = chat.finish(&mut notes).await?;
    ensure!(
        sent == wanted && notes.is_empty(),
        "the archives were not filled: {sent} of {wanted} sent {notes:?}"
    );
    Ok(())
}

async fn wait(readers: &mut JoinSet<Result<()>>, time: Duration, shared: &Shared, pages: u64) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < time && shared.pages.get() < pages {
        sleep(Duration::from_millis(10)).await;
        while let Some(ended) = readers.try_join_next() {
            ended??;
        }
    }
    Ok(())
}

async fn read(target: Target, number: usize, page: usize, shared: Rc<Shared>) -> Result<()> {
    let mut client = Client::login(&target, number, "reader", &shared.credentials).await?;
    let mut before = String::new();
    let mut full_pages = 0u64;
    while !shared.stop.is_set() {
        let started = Instant::now();
        let (entries, answer) =
            timeout(PATIENCE, fetch(&mut client, page, &before)).await.context("a page took too long")??;
        if entries == page {
            shared.latency.borrow_mut().record(started.elapsed().as_nanos() as u64);
            shared.pages.set(shared.pages.get() + 1);
            full_pages += 1;
        }
        ensure!(full_pages > 0, "the archive has no page of {page}: {answer}");
        let complete = answer.contains("complete='true'") || answer.contains("complete=\"true\"");
        before = if complete || entries < page {
            String::new()
        } else {
            text_of(&answer, "first").with_context(|| format!("no first entry in {answer}"))?.to_owned()
        };
    }
    client.close().await
}

/// How many entries came, and the answer that ended the page.
async fn fetch(client: &mut Client, page: usize, before: &str) -> Result<(usize, String)> {
    client
        .send(&format!(
            "<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>\
             <max>{page}</max><before>{before}</before></set></query></iq>"
        ))
        .await?;
    let mut entries = 0;
    loop {
        let element = client.receive().await?;
        if element.starts_with("<message") && element.contains("<result") {
            entries += 1;
        } else if element.starts_with("<iq") && element.contains("page") {
            ensure!(element.contains("<fin"), "no page: {element}");
            return Ok((entries, element));
        }
    }
}
