//! Memory of idle sessions.

use super::each;
use crate::{
    client::{Client, Credentials},
    process::{Memory, Process, kernel_memory},
    report::{Report, SessionMemory, Window},
    target::Target,
};
use anyhow::{Context, Result};
use clap::Args;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Sessions, each of an account of its own
    #[arg(long, default_value_t = 2000)]
    pub sessions: usize,
    /// Logins at the same time
    #[arg(long, default_value_t = 8)]
    pub concurrency: usize,
    /// Seconds the sessions stay idle; the least memory seen meanwhile counts
    #[arg(long, default_value_t = 15.0)]
    pub settle: f64,
}

/// Each session has fetched its roster and is available.
pub async fn run(target: &Target, options: &Options) -> Result<Report> {
    let shared = Rc::new((target.clone(), Credentials::default()));
    let (report, clients) = hold(target, options.settle, || {
        each(options.sessions, options.concurrency, |number| {
            let shared = shared.clone();
            async move {
                let mut client = Client::login(&shared.0, number, "idle", &shared.1).await?;
                client.appear().await?;
                Ok(client)
            }
        })
    })
    .await?;
    each_close(clients, options.concurrency).await?;
    Ok(report)
}

/// Opens sessions and measures them while they are idle. The server should be fresh: memory that earlier work left behind
/// would be used again and not be seen here.
pub(super) async fn hold<T, F>(
    target: &Target,
    settle: f64,
    open: impl FnOnce() -> F,
) -> Result<(Report, Vec<T>)>
where
    F: Future<Output = Result<Vec<T>>>,
{
    let server = Process::new(target.pid.context("memory needs the server's --pid")?);
    // A server that has just started still tidies up.
    let (before, kernel_before) = least_memory(&server, settle / 3.0).await?;
    let window = Window::open(target.pid)?;
    let clients = open().await?;
    let mut report = window.close("idle sessions".into(), "session", clients.len() as u64)?;
    let (started, cpu_before) = (Instant::now(), server.cpu()?);
    let (least, kernel_least) = least_memory(&server, settle).await?;
    let sessions = clients.len().max(1) as f64;
    let idle_cpu = server.cpu()?.saturating_sub(cpu_before).as_secs_f64() * 1e6;
    let growth = |after: u64, before: u64| after.saturating_sub(before) as f64 / sessions;
    report.memory = Some(SessionMemory {
        server: before,
        user_per_session: growth(least.resident, before.resident),
        anonymous_per_session: growth(least.anonymous, before.anonymous),
        kernel_per_session: growth(kernel_least, kernel_before),
        idle_cpu_us: idle_cpu / sessions / started.elapsed().as_secs_f64(),
    });
    Ok((report, clients))
}

/// The least memory of the server and of the kernel in so many seconds.
async fn least_memory(server: &Process, seconds: f64) -> Result<(Memory, u64)> {
    let started = Instant::now();
    let (mut least, mut kernel) = (server.memory()?, kernel_memory()?);
    while started.elapsed().as_secs_f64() < seconds {
        sleep(Duration::from_millis(500)).await;
        let now = server.memory()?;
        least = Memory {
            resident: least.resident.min(now.resident),
            anonymous: least.anonymous.min(now.anonymous),
        };
        kernel = kernel.min(kernel_memory()?);
    }
    Ok((least, kernel))
}

async fn each_close(clients: Vec<Client>, concurrency: usize) -> Result<()> {
    let slots: Vec<_> = clients.into_iter().map(|client| std::cell::RefCell::new(Some(client))).collect();
    each(slots.len(), concurrency, |number| {
        let client = slots.get(number).and_then(|slot| slot.borrow_mut().take());
        async move {
            match client {
                Some(client) => client.close().await,
                None => Ok(()),
            }
        }
    })
    .await?;
    Ok(())
}
