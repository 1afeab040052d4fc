//! What all connections with other servers have in common.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nightjar_base::guard::Guard;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::router::Remote;
use nightjar_base::{Host, Kernel};
use nightjar_jid::Jid;
use nightjar_net_listen::Certificates;
use nightjar_sasl::Secret;
use nightjar_xmpp::{Stanza, StreamErrorCondition};
use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls_pki_types::UnixTime;

use super::counters::{self, Counters};
use super::dns::{DnsOptions, Resolver};
use super::failure::Failure;
use super::handle::{Connections, Handle};
use super::inbox::{Inbox, Order};
use super::link::{Delay, Link, Sent};
use super::links::Links;
use super::options::{self, QUEUE_BYTES_MAX};
use super::queue::Bounds;
use super::roots::Roots;
use super::{commands, seek};

/// Bytes of stanzas that wait for all other servers together.
const STOCK_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long streams get to end.
const FAREWELL: Duration = Duration::from_secs(3);
/// "infinity" for one question to the DNS.
const DNS_LONGEST: Duration = Duration::from_secs(120);

/// Everything about other servers; there is one.
pub struct Federation {
    pub(super) certificates: Arc<Certificates>,
    /// Keys of dialback are made of it (XEP-0185). It lasts as long as the process: so do the streams.
    pub(super) secret: Secret,
    pub(super) links: Links,
    pub(super) connections: Connections,
    pub(super) counters: Counters,
    resolvers: Mutex<HashMap<DnsOptions, Arc<Resolver>>>,
    roots: Roots,
    is_stopping: AtomicBool,
}

/// Where listeners find it.
#[derive(Default)]
pub(super) struct Found(pub OnceLock<Arc<Federation>>);

/// The way to other servers, as the router knows it.
struct Way(Arc<Federation>);

impl Remote for Way {
    fn route<'a>(&'a self, kernel: &'a Arc<Kernel>, stanza: Stanza) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Some(stanza) = kernel.remote_send(stanza).await {
                self.0.send(kernel, stanza).await;
            }
        })
    }
}

impl Federation {
    /// Leads stanzas for other domains to their servers, and offers the commands about that until the guards are
    /// dropped.
    pub fn begin(kernel: &Arc<Kernel>, certificates: &Arc<Certificates>) -> (Arc<Self>, Vec<Guard>) {
        let mut secret = vec![0; 32];
        kernel.random.fill(&mut secret);
        let federation = Arc::new(Self {
            certificates: Arc::clone(certificates),
            secret: Secret::new(secret),
            links: Links::new(STOCK_BYTES_MAX),
            connections: Connections::default(),
            counters: Counters::default(),
            resolvers: Mutex::default(),
            roots: Roots::default(),
            is_stopping: AtomicBool::new(false),
        });
        let found: Arc<Found> = kernel.shared();
        let federation = Arc::clone(found.0.get_or_init(|| federation));
        kernel.set_remote(Arc::new(Way(Arc::clone(&federation))));
        let mut guards = commands::offer(kernel, &federation);
        guards.push(counters::register(kernel, &federation));
        (federation, guards)
    }

    /// Ends all streams properly. Nothing is connected to any more.
    pub async fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.close_all(StreamErrorCondition::SystemShutdown);
        let gone = async {
            while !self.connections.all().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(FAREWELL, gone).await.is_err() {
            tracing::warn!(
                count = self.connections.all().len(),
                "streams with other servers did not end in time"
            );
        }
    }

    /// Ends the connections that a new configuration leaves no right to: those with a pair of domains of which ours is
    /// gone, or that `s2s_access` denies. Returns how many there were. Other pairs of theirs find another way.
    pub fn follow(&self, kernel: &Kernel) -> usize {
        let ends = |handle: &Arc<Handle>| {
            let pairs = handle.told.lock().pairs.clone();
            let condition = pairs.iter().find_map(|(local, remote)| fault(kernel, local, remote));
            condition.is_some_and(|condition| handle.inbox.order(Order::Close(Some(condition))))
        };
        self.connections.all().iter().filter(|handle| ends(handle)).count()
    }

    /// Ends all connections with an error; returns how many there were.
    pub(super) fn close_all(&self, condition: StreamErrorCondition) -> usize {
        let all = self.connections.all();
        all.iter().filter(|handle| handle.inbox.order(Order::Close(Some(condition)))).count()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Sends a stanza that has both addresses to another server, or back with an error.
    pub(super) async fn send(self: &Arc<Self>, kernel: &Arc<Kernel>, stanza: Stanza) {
        let (Some(from), Some(to)) = (&stanza.from, &stanza.to) else { return };
        let found = self.links.find(from.domain(), to.domain());
        let Some(link) = found.or_else(|| self.link(kernel, from, to)) else {
            tracing::info!(%from, %to, "a stanza of a domain that isn't ours was dropped");
            return;
        };
        match link.send(stanza, kernel.clock.monotonic()) {
            Sent::Taken => {}
            Sent::Seek => seek::begin(self, kernel, link),
            Sent::Refused(stanza, failure) => self.bounce(kernel, vec![stanza], &failure).await,
        }
    }

    /// The link between the domains of two addresses; none if the first is not ours.
    pub(super) fn link(&self, kernel: &Kernel, from: &Jid, to: &Jid) -> Option<Arc<Link>> {
        kernel.find_route(from.domain())?;
        let host = owner(kernel, from.domain())?;
        let stanzas = options::queue_max(&host);
        let bounds = Bounds { stanzas, bytes: QUEUE_BYTES_MAX };
        let (now, max) = (kernel.clock.monotonic(), max_retry_delay(kernel));
        Some(self.links.get(&from.to_domain(), &to.to_domain(), bounds, now, max))
    }

    /// The inbox of a connection that serves links of this host.
    pub(super) fn inbox(&self, stanzas: usize) -> Inbox {
        Inbox::new(Bounds { stanzas, bytes: QUEUE_BYTES_MAX }, Arc::clone(self.links.stock()))
    }

    /// Tells the senders.
    pub(super) async fn bounce(&self, kernel: &Arc<Kernel>, stanzas: Vec<Stanza>, failure: &Failure) {
        if stanzas.is_empty() {
            return;
        }
        Counters::add(&self.counters.bounced, stanzas.len());
        let error = failure.error();
        for stanza in stanzas {
            kernel.bounce(&stanza, &error).await;
        }
    }

    /// No way was found for a link: whoever waits is told, and it is left alone for a while.
    pub(super) async fn failed(&self, kernel: &Arc<Kernel>, link: &Link, failure: Failure) {
        self.counters.failed(failure.word());
        let delay = Delay {
            now: kernel.clock.monotonic(),
            max: max_retry_delay(kernel),
            chance: kernel.random.number(),
        };
        // What the administrator forbids or stops can be permitted at any time.
        let delay = (!matches!(failure, Failure::Denied | Failure::Stopped)).then_some(delay);
        let failure = Arc::new(failure);
        let (waited, left) = link.fail(Arc::clone(&failure), delay);
        tracing::warn!(
            local = %link.local,
            remote = %link.remote,
            reason = %failure,
            bounced = waited.len(),
            retry_after_ms = left.as_millis(),
            "stanzas can't be sent to another server"
        );
        self.bounce(kernel, waited, &failure).await;
    }

    /// A connection is over; the stanzas that it may not have delivered go out by another, or back.
    pub(super) async fn lost(
        self: &Arc<Self>,
        kernel: &Arc<Kernel>,
        handle: &Arc<Handle>,
        stanzas: Vec<Stanza>,
        failure: Failure,
    ) {
        self.connections.remove(handle);
        let mut groups: Vec<(Jid, Jid, Vec<Stanza>)> = Vec::new();
        for (local, remote) in std::mem::take(&mut handle.told.lock().pairs) {
            groups.push((local, remote, Vec::new()));
        }
        for stanza in stanzas {
            let (Some(from), Some(to)) = (&stanza.from, &stanza.to) else { continue };
            let is_of = |(local, remote, _): &&mut (Jid, Jid, Vec<Stanza>)| {
                local.as_str() == from.domain() && remote.as_str() == to.domain()
            };
            match groups.iter_mut().find(is_of) {
                Some((.., group)) => group.push(stanza),
                None => groups.push((from.to_domain(), to.to_domain(), vec![stanza])),
            }
        }
        let now = kernel.clock.monotonic();
        for (local, remote, group) in groups {
            let Some(link) = self.links.find(local.as_str(), remote.as_str()) else {
                self.bounce(kernel, group, &failure).await;
                continue;
            };
            let (left, must_seek) = link.take_back(group, handle, now);
            if must_seek {
                seek::begin(self, kernel, link);
            }
            self.bounce(kernel, left, &failure).await;
        }
    }

    /// Who answers about names, as a host wants it asked.
    pub(super) fn resolver(&self, host: &Host) -> Arc<Resolver> {
        let config = host.config();
        let wanted = DnsOptions {
            timeout: config.options.duration("s2s_dns_timeout").unwrap_or(DNS_LONGEST),
            retries: usize::try_from(config.options.int("s2s_dns_retries")).unwrap_or(2),
            anchors: config.options.opt_text("dnssec_trust_anchors"),
        };
        let mut resolvers = self.resolvers.lock();
        let made = || Arc::new(Resolver::system(wanted.clone()));
        Arc::clone(resolvers.entry(wanted.clone()).or_insert_with(made))
    }

    /// The authorities that a host, or a listener of its own, trusts.
    pub(super) fn roots(&self, host: &Host, cafile: Option<&str>) -> Arc<RootCertStore> {
        let config = host.config();
        let set = |name: &str| config.options.opt_text(name).filter(|_| config.options.is_set(name));
        let file = cafile.map(Into::into).or_else(|| set("s2s_cafile")).or_else(|| set("ca_file"));
        self.roots.of(file.as_deref())
    }
}

/// Why stanzas may not pass between these domains any more.
fn fault(kernel: &Kernel, local: &Jid, remote: &Jid) -> Option<StreamErrorCondition> {
    let is_served = kernel.find_route(local.domain()).is_some();
    match owner(kernel, local.domain()).filter(|_| is_served) {
        None => Some(StreamErrorCondition::HostGone),
        Some(host) if !options::may_federate(&host, remote) => Some(StreamErrorCondition::PolicyViolation),
        Some(_) => None,
    }
}

/// The host whose options hold for a domain of ours: itself, the one it is a subdomain of, or the first.
pub(super) fn owner(kernel: &Kernel, domain: &str) -> Option<Arc<Host>> {
    let mut name = domain;
    loop {
        if let Some(host) = kernel.host(name) {
            return Some(host);
        }
        match name.split_once('.') {
            Some((_, parent)) => name = parent,
            None => return kernel.config().hosts().first().and_then(|first| kernel.host(first)),
        }
    }
}

/// `s2s_max_retry_delay`
fn max_retry_delay(kernel: &Kernel) -> Duration {
    kernel.config().global.duration("s2s_max_retry_delay").unwrap_or(Duration::from_secs(300))
}

/// The wall clock, for certificates.
pub(super) fn unix_time(kernel: &Kernel) -> UnixTime {
    let micros = u64::try_from(kernel.clock.unix_micros()).unwrap_or_default();
    UnixTime::since_unix_epoch(Duration::from_micros(micros))
}
