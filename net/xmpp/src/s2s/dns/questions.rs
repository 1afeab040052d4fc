//! Questions to all name servers: each is asked once, however many want to know, and kept for as long as it may be.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::RData;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use tokio::sync::oneshot;

use super::message::Reply;
use super::server::{Server, Silence};
use super::{CACHED_MAX, DnsOptions};
use crate::s2s::failure::Failure;

/// The data of the records.
pub(super) type Outcome = Result<Arc<[RData]>, Failure>;

/// A set of name servers, and what they have said.
pub(super) struct Questions {
    servers: Vec<Server>,
    /// The server that is asked first: another one when it was silent.
    first: AtomicUsize,
    options: DnsOptions,
    kept: Cache<Arc<Query>, (Instant, Outcome)>,
    /// Questions that wait for answers, and who else wants to know.
    running: Mutex<HashMap<Arc<Query>, Vec<oneshot::Sender<Outcome>>>>,
}

/// Whoever asks first tells the others; one who gives up leaves the question to them.
struct Teller<'a> {
    questions: &'a Questions,
    query: &'a Query,
    outcome: Option<Outcome>,
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        let others = self.questions.running.lock().remove(self.query);
        let Some(outcome) = &self.outcome else { return };
        for other in others.into_iter().flatten() {
            let _ = other.send(outcome.clone());
        }
    }
}

impl Questions {
    pub fn new(servers: &[SocketAddr], options: DnsOptions) -> Self {
        Self {
            servers: servers.iter().copied().map(Server::new).collect(),
            first: AtomicUsize::new(0),
            options,
            kept: Cache::new(CACHED_MAX),
            running: Mutex::default(),
        }
    }

    /// The answer to a question, from memory if it is known.
    pub async fn ask(&self, query: &Arc<Query>) -> Outcome {
        loop {
            if let Some((until, outcome)) = self.kept.get(query)
                && until > Instant::now()
            {
                return outcome;
            }
            match self.join(query) {
                Ok(mut teller) => {
                    let outcome = self.ask_servers(query).await;
                    teller.outcome = Some(outcome.clone());
                    return outcome;
                }
                Err(told) => {
                    if let Ok(outcome) = told.await {
                        return outcome;
                    }
                }
            }
        }
    }

    fn join<'a>(&'a self, query: &'a Arc<Query>) -> Result<Teller<'a>, oneshot::Receiver<Outcome>> {
        let mut running = self.running.lock();
        if let Some(others) = running.get_mut(query) {
            let (sender, receiver) = oneshot::channel();
            others.push(sender);
            return Err(receiver);
        }
        running.insert(Arc::clone(query), Vec::new());
        Ok(Teller { questions: self, query, outcome: None })
    }

    async fn ask_servers(&self, query: &Arc<Query>) -> Outcome {
        let mut why = "none are configured".to_owned();
        // The time of one try is shared by the servers.
        let share = u32::try_from(self.servers.len()).unwrap_or(1).max(1);
        let timeout = self.options.timeout / share;
        for _ in 0..=self.options.retries {
            let mut was_silent = false;
            let first = self.first.load(Ordering::Relaxed);
            for at in (0..self.servers.len()).map(|offset| first.wrapping_add(offset)) {
                let Some(server) = self.servers.get(at % self.servers.len()) else { break };
                match server.ask(query, timeout).await {
                    Ok(Reply::Found(data, time)) => return self.keep(query, Ok(data), time),
                    Ok(Reply::Absent(why, time)) => {
                        return self.keep(query, Err(Failure::NotFound(why.to_owned())), time);
                    }
                    Ok(Reply::Failed(code)) => why = format!("{} says {code}", server.address.ip()),
                    Ok(_) => why = format!("{} knows no answer that fits", server.address.ip()),
                    Err(silence) => {
                        why = format!("{}: {silence}", server.address.ip());
                        was_silent |= silence == Silence::Timeout;
                        self.first.store(at.wrapping_add(1), Ordering::Relaxed);
                    }
                }
            }
            // All have said that they can't say: they would say it again.
            if !was_silent {
                break;
            }
        }
        Err(Failure::NameServers(why))
    }

    fn keep(&self, query: &Arc<Query>, outcome: Outcome, time: Duration) -> Outcome {
        if !time.is_zero() {
            self.kept.insert(Arc::clone(query), (Instant::now() + time, outcome.clone()));
        }
        outcome
    }

    #[cfg(test)]
    pub fn counts(&self) -> Counts {
        Counts {
            waiting: self.running.lock().len(),
            kept: self.kept.len(),
            sockets: self.servers.iter().map(Server::sockets).sum(),
        }
    }
}

/// What is held for questions.
#[cfg(test)]
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub waiting: usize,
    pub kept: usize,
    pub sockets: usize,
}
