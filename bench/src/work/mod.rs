//! The kinds of work a server can be given.

pub mod api;
pub mod chat;
pub mod idle;
pub mod login;
pub mod mqtt;
pub mod page;
pub mod register;
pub mod store;
pub mod turn;

use anyhow::{Context, Result};
use std::{cell::Cell, future::Future, rc::Rc};
use tokio::task::JoinSet;

/// Runs `work` for 0, 1, … `count - 1`, at most `concurrency` at a time; the results in the order of their numbers.
/// The first failure ends the rest.
async fn each<T, F>(count: usize, concurrency: usize, work: impl Fn(usize) -> F) -> Result<Vec<T>>
where
    T: 'static,
    F: Future<Output = Result<T>> + 'static,
{
    let mut results: Vec<Option<T>> = (0..count).map(|_| None).collect();
    let mut running = JoinSet::new();
    for number in 0..count {
        if running.len() >= concurrency.max(1) {
            collect(&mut running, &mut results).await?;
        }
        let job = work(number);
        running.spawn_local(async move { Ok((number, job.await?)) });
    }
    while !running.is_empty() {
        collect(&mut running, &mut results).await?;
    }
    Ok(results.into_iter().flatten().collect())
}

async fn collect<T: 'static>(
    running: &mut JoinSet<Result<(usize, T)>>,
    results: &mut [Option<T>],
) -> Result<()> {
    let (number, result) = running.join_next().await.context("no work is left")???;
    if let Some(slot) = results.get_mut(number) {
        *slot = Some(result);
    }
    Ok(())
}

/// A flag that many tasks look at.
#[derive(Debug, Clone, Default)]
struct Flag(Rc<Cell<bool>>);

impl Flag {
    fn set(&self) {
        self.0.set(true);
    }

    fn is_set(&self) -> bool {
        self.0.get()
    }
}
