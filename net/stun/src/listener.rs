//! Listeners of `ejabberd_stun`: workers for each, found again when the configuration is read anew.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_base::guard::Guard;
use nightjar_base::relay::{RelayOffer, RelayOffers};
use nightjar_config::{ListenerConfig, Transport};
use nightjar_net_listen::options::listen_options;
use nightjar_net_listen::tls::{self, TlsOptions};
use nightjar_net_listen::{Certificates, Endpoint, Listening, TlsPolicy, listen};
use nightjar_stun::server::Counters;
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};

use crate::command::Command;
use crate::dtls::Dtls;
use crate::ports::Ports;
use crate::quota::Allowance;
use crate::settings::Configured;
use crate::shared::Shared;
use crate::stream::Streams;
use crate::worker::{Handle, Worker};

/// How often a listener that was taken away looks whether its last relay is gone.
const LOOK: Duration = Duration::from_secs(1);

/// What was found at one address: its workers, which outlive a reload.
pub(crate) struct Group {
    pub(crate) shared: Arc<Shared>,
    pub(crate) workers: Vec<Handle>,
    pub(crate) is_listening: AtomicBool,
    /// Whether its clients come without TLS or DTLS.
    pub(crate) is_plain: bool,
}

/// Whether by UDP, and where.
pub(crate) type Place = (bool, SocketAddr);

/// All listeners of the server.
#[derive(Default)]
pub struct StunListeners {
    groups: Mutex<HashMap<Place, Arc<Group>>>,
    /// Whether the operator wants no new relays.
    is_draining: AtomicBool,
}

impl StunListeners {
    pub(crate) fn groups(&self) -> Vec<(Arc<Group>, Place)> {
        self.groups.lock().iter().map(|(place, group)| (Arc::clone(group), *place)).collect()
    }

    pub(crate) fn group(&self, place: &Place) -> Option<Arc<Group>> {
        self.groups.lock().get(place).cloned()
    }

    /// Whether no listener gives new relays, those to come included.
    pub(crate) fn drain(&self, is_draining: bool) {
        self.is_draining.store(is_draining, Ordering::Relaxed);
        for (group, _) in self.groups() {
            // One that was taken away drains whatever anybody wants.
            group.drain(is_draining || !group.is_listening.load(Ordering::Relaxed));
        }
    }

    /// Ends all listeners at once: clients that are connected, by whichever way, are told. It takes two seconds at most.
    pub async fn stop(&self) {
        let groups: Vec<_> = self.groups.lock().drain().map(|(_, group)| group).collect();
        for group in &groups {
            group.drain(true);
        }
        let told = groups.iter().map(|group| {
            let group = Arc::clone(group);
            tokio::spawn(async move {
                let has_told = group.shared.farewell.tell().await;
                for worker in &group.workers {
                    worker.send(Command::End);
                    // There is no answer from one that has ended: all that it had to send is sent.
                    worker.allocations().await;
                }
                has_told
            })
        });
        for told in told.collect::<Vec<_>>() {
            if !told.await.unwrap_or(false) {
                tracing::warn!("not all clients of STUN could be told the end in time");
            }
        }
    }

    /// What all workers have counted, and how many relay ports are used of how many.
    pub fn totals(&self) -> (Counters, (usize, usize)) {
        let (mut total, mut used, mut ports) = (Counters::default(), 0, 0);
        for (group, _) in self.groups() {
            let usage = group.shared.ports.usage();
            (used, ports) = (used + usage.0, ports + usage.1);
            for worker in &group.workers {
                total.add(&worker.counters());
            }
        }
        (total, (used, ports))
    }
}

/// A listener to be started.
pub struct StunListener {
    kernel: Arc<Kernel>,
    config: ListenerConfig,
    configured: Configured,
    offers: Vec<RelayOffer>,
    tls: Option<Arc<rustls::ServerConfig>>,
    /// For DTLS.
    datagram_certificates: Option<Arc<Certificates>>,
}

/// A listener that serves. Dropping it takes no new relays; those that are there go on.
pub struct StunListening {
    group: Arc<Group>,
    place: Place,
    listeners: Arc<StunListeners>,
    _accepting: Option<Listening>,
    _offers: Vec<Guard>,
}

impl StunListener {
    /// A listener as configured.
    ///
    /// # Errors
    /// A sentence about settings that can't be used.
    pub fn new(
        kernel: Arc<Kernel>,
        config: &ListenerConfig,
        certificates: Arc<Certificates>,
    ) -> Result<Self, String> {
        let mut secret = [0; 32];
        kernel.random.fill(&mut secret);
        let configured = Configured::read(&kernel, config, secret)?;
        let wanted = TlsOptions {
            alpn: vec![b"stun.turn".to_vec(), b"stun.nat-discovery".to_vec()],
            ..TlsOptions::default()
        };
        let tls = if configured.tls {
            let certificates = Arc::clone(&certificates);
            Some(
                tls::server_config(certificates, &wanted, &TlsPolicy::default())
                    .map_err(|error| error.to_string())?,
            )
        } else {
            None
        };
        let offers = configured.offers(config);
        let is_dtls = configured.tls && config.transport == Transport::Udp;
        let datagram_certificates = is_dtls.then_some(certificates);
        Ok(Self { kernel, config: config.clone(), configured, offers, tls, datagram_certificates })
    }

    /// Binds and serves.
    ///
    /// # Errors
    /// If the address can't be bound.
    pub fn listen(self) -> std::io::Result<StunListening> {
        let options = listen_options(&self.config);
        let Endpoint::Tcp(address) = options.endpoint else {
            return Err(std::io::Error::new(
                std::io::ErrorKind::Unsupported,
                "STUN needs addresses of clients",
            ));
        };
        let listeners: Arc<StunListeners> = self.kernel.shared();
        let is_udp = self.config.transport == Transport::Udp;
        let found = listeners.groups.lock().get(&(is_udp, address)).cloned();
        let group = match found {
            Some(group) => group.adopt(self.configured.settings),
            None => {
                start(&self.kernel, self.configured, address, is_udp, self.datagram_certificates.as_ref())?
            }
        };
        let mut place = (is_udp, address);
        let mut accepting = None;
        if !is_udp {
            let streams = Streams {
                shared: Arc::clone(&group.shared),
                handles: group.workers.clone(),
                local: address,
                tls: self.tls,
            };
            let listening = listen(&options, Arc::new(streams))?;
            if let Endpoint::Tcp(bound) = listening.endpoint() {
                place.1 = *bound;
            }
            accepting = Some(listening);
        }
        listeners.groups.lock().insert(place, Arc::clone(&group));
        group.drain(listeners.is_draining.load(Ordering::Relaxed));
        listeners.introduce();
        let offers: Arc<RelayOffers> = self.kernel.shared();
        let offers =
            self.offers.into_iter().map(|offer| offers.add(RelayOffer { port: place.1.port(), ..offer }));
        let offers = offers.collect();
        Ok(StunListening { group, place, listeners, _accepting: accepting, _offers: offers })
    }
}

fn start(
    kernel: &Arc<Kernel>,
    configured: Configured,
    address: SocketAddr,
    is_udp: bool,
    certificates: Option<&Arc<Certificates>>,
) -> std::io::Result<Arc<Group>> {
    let Configured { tls, settings, ports, v4, v6, allocations_each } = configured;
    let quota = Arc::new(Allowance::new(allocations_each, ports.clone().count()));
    let shared = Arc::new(Shared::new(Arc::clone(kernel), settings, quota, Ports::new(ports, v4, v6)));
    let count = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut workers = Vec::new();
    let mut bound = address;
    for number in 0..count {
        let socket = if is_udp { Some(bind(bound)?) } else { None };
        if let Some(socket) = &socket {
            bound = socket.local_addr()?;
        }
        let (mut worker, handle) = Worker::new(Arc::clone(&shared), socket, bound, number)?;
        if let Some(certificates) = certificates {
            worker.expect_dtls(dtls(kernel, certificates)?);
        }
        let own = handle.clone();
        std::thread::Builder::new().name(format!("stun-{number}")).spawn(move || worker.run(&own))?;
        workers.push(handle);
    }
    Ok(Arc::new(Group { shared, workers, is_listening: AtomicBool::new(true), is_plain: !tls }))
}

fn dtls(kernel: &Kernel, certificates: &Arc<Certificates>) -> std::io::Result<Dtls> {
    let mut secret = [0; 32];
    kernel.random.fill(&mut secret);
    let now = u64::try_from(kernel.clock.monotonic().as_millis()).unwrap_or_default();
    Dtls::new(secret, Arc::clone(certificates), now).map_err(std::io::Error::other)
}

/// A socket of its own for each worker: the kernel gives each client always the same one.
fn bind(address: SocketAddr) -> std::io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

impl Group {
    fn drain(&self, is_draining: bool) {
        self.workers.iter().for_each(|worker| worker.send(Command::Drain(is_draining)));
    }

    /// Goes on under new settings. Nonces stay good.
    fn adopt(self: Arc<Self>, mut settings: nightjar_stun::server::Settings) -> Arc<Self> {
        settings.nonces = self.shared.settings().nonces.clone();
        let settings = self.shared.set_settings(settings);
        self.is_listening.store(true, Ordering::Relaxed);
        self.workers.iter().for_each(|worker| worker.send(Command::Settings(Arc::clone(&settings))));
        self
    }
}

impl StunListening {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.place.1
    }
}

impl Drop for StunListening {
    fn drop(&mut self) {
        let (group, place, listeners) = (Arc::clone(&self.group), self.place, Arc::clone(&self.listeners));
        group.is_listening.store(false, Ordering::Relaxed);
        listeners.introduce();
        group.drain(true);
        self.group.shared.runtime.spawn(async move {
            while !group.is_listening.load(Ordering::Relaxed) {
                let mut relays = 0;
                for worker in &group.workers {
                    relays += worker.allocations().await.len();
                }
                if relays == 0 {
                    listeners.groups.lock().remove(&place);
                    return group.workers.iter().for_each(|worker| worker.send(Command::End));
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    }
}
