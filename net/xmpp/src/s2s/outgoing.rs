//! Opening a stream to another server: from its name to the first authorised pair of domains.

mod established;

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::{Host, Kernel};
use nightjar_jid::Jid;
use nightjar_net_listen::socket::Socket;
use nightjar_net_listen::tls;
use nightjar_net_listen::transport::Transport;
use nightjar_xmpp::s2s::{
    Features, OutgoingEvent, OutgoingStream, Output, Plan, Settings, StartTls, Verdict,
};
use parking_lot::Mutex;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::task::JoinHandle;

use super::connect;
use super::dns::{Dane, Resolver, Target};
use super::failure::Failure;
use super::federation::{Federation, unix_time};
use super::handle::{Direction, Handle, Told};
use super::options::{self, Policy};
use super::pump::Pump;
use super::steps::Trace;
use super::verify::{self, CertificateFault, Proof, Reference};
use crate::c2s::connection::finish;
use established::Established;

/// What a connection is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Stanzas.
    Send,
    /// Questions about keys of dialback.
    Verify,
    /// To see whether it can be done; it is closed again.
    Probe,
}

/// A connection that somebody wants.
pub(super) struct Wanted {
    /// Whose options hold.
    pub host: Arc<Host>,
    pub local: Jid,
    pub remote: Jid,
    pub purpose: Purpose,
}

/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(20);

/// Connects to the first server of the domain with which a stream can be had.
///
/// # Errors
/// The step that failed at the last of them.
pub(super) async fn connect(
    federation: &Arc<Federation>,
    kernel: &Arc<Kernel>,
    wanted: &Wanted,
    trace: &mut Trace,
) -> Result<Arc<Handle>, Failure> {
    let policy = Policy::of(kernel, &wanted.host);
    let resolver = federation.resolver(&wanted.host);
    let targets =
        Box::pin(resolver.targets(wanted.remote.as_str(), policy.port, &*kernel.random, trace)).await?;
    let mut last =
        Failure::NotFound("it offers nothing but direct TLS, which s2s_use_starttls forbids".to_owned());
    for target in targets {
        if target.direct_tls && policy.starttls == StartTls::Never {
            continue;
        }
        let opening =
            Opening { federation, kernel, wanted, policy: &policy, resolver: &resolver, target: &target };
        match Box::pin(opening.open(trace)).await {
            Ok(handle) => return Ok(handle),
            // Another of its servers would say the same.
            Err(
                failure @ (Failure::Certificate(_)
                | Failure::NoWay(_)
                | Failure::Refused(_)
                | Failure::Stopped),
            ) => {
                return Err(failure);
            }
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

/// A question about TLSA records that is asked while other things are done. How long it takes is bounded by whoever asks
/// the name servers. It is waited for even where a certificate proves the domain without it: whoever can delay the DNS
/// could choose otherwise which of the two proofs counts.
struct DaneLookup(Option<JoinHandle<Dane>>);

impl DaneLookup {
    fn begin(resolver: &Arc<Resolver>, domain: &Jid, target: &Target) -> Self {
        let (resolver, domain, target) = (Arc::clone(resolver), domain.clone(), target.clone());
        Self(Some(tokio::spawn(async move { resolver.dane(domain.as_str(), &target).await })))
    }

    /// The answer, once.
    async fn get(&mut self) -> Dane {
        match self.0.take() {
            Some(lookup) => lookup.await.unwrap_or_default(),
            None => Dane::Unsaid,
        }
    }
}

/// One attempt with one target.
struct Opening<'a> {
    federation: &'a Arc<Federation>,
    kernel: &'a Arc<Kernel>,
    wanted: &'a Wanted,
    policy: &'a Policy,
    resolver: &'a Arc<Resolver>,
    target: &'a Target,
}

/// What is known when the stream can be used.
struct Ready {
    features: Features,
    plan: Plan,
}

impl Opening<'_> {
    async fn open(&self, trace: &mut Trace) -> Result<Arc<Handle>, Failure> {
        let addresses = self.resolver.addresses(self.target, &self.policy.families, trace).await?;
        let mut dane = DaneLookup::begin(self.resolver, &self.wanted.remote, self.target);
        let (socket, address) = connect::connect(&addresses, self.policy, trace).await?;
        let handle = Arc::new(Handle {
            direction: Direction::Out,
            address: Some(address),
            remote: Mutex::new(Some(self.wanted.remote.clone())),
            inbox: self.federation.inbox(self.policy.queue_max),
            told: Mutex::default(),
        });
        let settings: Arc<Settings> = Arc::new(self.settings());
        let is_direct = self.target.direct_tls;
        let now = self.kernel.clock.monotonic();
        let (local, remote) = (&self.wanted.local, &self.wanted.remote);
        let machine = OutgoingStream::new(settings, local, remote, is_direct, now);
        let transport = Transport::new(Socket::Tcp(socket));
        let mut pump = Pump::new(Arc::clone(self.kernel), Arc::clone(&handle), machine, transport);
        let negotiated = Box::pin(self.negotiate(&mut pump, &mut dane, trace)).await;
        match negotiated {
            Ok(ready) => Ok(self.establish(pump, &ready, trace)),
            Err(failure) => {
                tokio::spawn(end(pump));
                Err(failure)
            }
        }
    }

    fn settings(&self) -> Settings {
        let dials_back = options::may_dial_back(&self.wanted.host, &self.wanted.remote);
        Settings {
            dialback_secret: dials_back.then(|| self.federation.secret.clone()),
            ..self.policy.settings()
        }
    }

    async fn negotiate(
        &self,
        pump: &mut Pump<OutgoingStream>,
        dane: &mut DaneLookup,
        trace: &mut Trace,
    ) -> Result<Ready, Failure> {
        let mut proof = None;
        let mut starttls = false;
        let mut chosen: Option<Ready> = None;
        if self.target.direct_tls {
            proof = Some(self.handshake(pump, dane, trace).await?);
        }
        loop {
            while let Some(output) = pump.machine.poll_output() {
                match output {
                    Output::Send(bytes) => pump.send(&bytes),
                    Output::StartTls => starttls = true,
                    Output::Close(end) => {
                        trace.failed("stream", || format!("{end:?}"));
                        return Err(Failure::of_end(&end));
                    }
                    Output::Event(OutgoingEvent::Features(features)) => {
                        let plan = self.plan(&features, proof.as_ref(), trace)?;
                        pump.machine.authenticate(plan);
                        chosen = Some(Ready { features, plan });
                    }
                    Output::Event(OutgoingEvent::PairResult { verdict, .. }) => {
                        return self.authorized(chosen, verdict, trace);
                    }
                    Output::Event(_) => {}
                }
            }
            if let Some(ready) = chosen.take_if(|ready| ready.plan == Plan::VerifyOnly) {
                return Ok(ready);
            }
            if pump.feed() {
                continue;
            }
            if starttls && !pump.has_input() {
                starttls = false;
                trace.ok("stream", || "STARTTLS is offered".to_owned());
                proof = Some(self.handshake(pump, dane, trace).await?);
                pump.machine.tls_established();
                continue;
            }
            let woken = pump.wait(None).await;
            if woken.timeout && !pump.on_timeout() {
                return Err(Failure::Stream("it takes nothing".to_owned()));
            }
            if woken.lost && !pump.has_input() {
                trace.failed("stream", || "the connection was lost".to_owned());
                return Err(Failure::Stream("the connection was lost".to_owned()));
            }
        }
    }

    /// Does the TLS handshake and looks at the certificate.
    async fn handshake(
        &self,
        pump: &mut Pump<OutgoingStream>,
        dane: &mut DaneLookup,
        trace: &mut Trace,
    ) -> Result<Result<Proof, CertificateFault>, Failure> {
        let failed = |why: String| Failure::Tls(why);
        let alpn: &[&[u8]] = if self.target.direct_tls { &[b"xmpp-server"] } else { &[] };
        let config = tls::client_config(
            &self.federation.certificates,
            self.wanted.local.as_str(),
            alpn,
            &self.policy.tls,
        )
        .map_err(|error| failed(error.to_string()))?;
        let name = idna::domain_to_ascii(self.wanted.remote.as_str()).ok();
        let name = name.and_then(|name| ServerName::try_from(name).ok());
        let name = name.ok_or_else(|| failed("the domain can't be asked for".to_owned()))?;
        let begun = pump.transport.start_tls_client(config, name).map_err(|error| failed(error.to_string()));
        let shaken = match begun {
            Ok(()) => pump.handshake(pump.now().saturating_add(HANDSHAKE_TIME)).await.map_err(failed),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = shaken {
            trace.failed("TLS", || failure.to_string());
            return Err(failure);
        }
        let tls = pump.transport.tls();
        trace.ok("TLS", || {
            let version = tls.and_then(|tls| tls.version()).unwrap_or("TLS");
            format!("{version}, {}", tls.and_then(|tls| tls.cipher()).unwrap_or("unknown cipher"))
        });
        let chain = tls.and_then(|tls| tls.peer_certificates()).unwrap_or_default();
        let proof = self.check(&chain, dane).await;
        match &proof {
            Ok(proof) => trace.ok("certificate", || format!("it proves the domain ({})", word(*proof))),
            Err(fault) => trace.failed("certificate", || fault.to_string()),
        }
        if let Err(fault) = &proof
            && (fault.is_final() || !options::may_dial_back(&self.wanted.host, &self.wanted.remote))
        {
            return Err(Failure::Certificate(fault.to_string()));
        }
        Ok(proof)
    }

    /// Whether the certificate proves the domain.
    async fn check(
        &self,
        chain: &[CertificateDer<'static>],
        dane: &mut DaneLookup,
    ) -> Result<Proof, CertificateFault> {
        let roots = self.federation.roots(&self.wanted.host, None);
        let now = unix_time(self.kernel);
        let domain = self.wanted.remote.as_str();
        let alone = verify::verify(chain, &Reference { domain, delegated: None, tlsa: &[] }, &roots, now);
        let records = match dane.get().await {
            Dane::Unsaid => return alone,
            Dane::Silent => return Err(CertificateFault::Silent),
            Dane::Bogus => return Err(CertificateFault::Bogus),
            Dane::Records(records) => records,
        };
        let delegated = (!self.target.is_domain).then_some(&*self.target.name);
        verify::verify(chain, &Reference { domain, delegated, tlsa: &records }, &roots, now)
    }

    /// How to show who we are. Without a certificate that proves the other server, dialback must be permitted: the DNS
    /// is believed then.
    fn plan(
        &self,
        features: &Features,
        proof: Option<&Result<Proof, CertificateFault>>,
        trace: &mut Trace,
    ) -> Result<Plan, Failure> {
        let dials_back = options::may_dial_back(&self.wanted.host, &self.wanted.remote);
        let mut offered: Vec<&str> = Vec::new();
        offered.extend(features.external.then_some("EXTERNAL"));
        offered.extend(features.dialback.then_some("dialback"));
        offered.extend(features.bidi.then_some("bidi"));
        offered.extend(features.sm.then_some("stream management"));
        trace.ok("features", || if offered.is_empty() { "none".to_owned() } else { offered.join(", ") });
        if !matches!(proof, Some(Ok(_))) && !dials_back {
            return Err(Failure::Certificate("there is no TLS, and no dialback".to_owned()));
        }
        let covers = self.federation.certificates.covers(self.wanted.local.as_str());
        match self.wanted.purpose {
            Purpose::Verify => Ok(Plan::VerifyOnly),
            Purpose::Send | Purpose::Probe if features.external && covers => Ok(Plan::External),
            Purpose::Send | Purpose::Probe if features.dialback => Ok(Plan::Dialback),
            Purpose::Send | Purpose::Probe => {
                if let Some(condition) = &features.refused {
                    let why = format!("SASL EXTERNAL: {condition}");
                    trace.failed("SASL", || why.clone());
                    return Err(Failure::Refused(why));
                }
                let why = if dials_back {
                    "neither EXTERNAL nor dialback is offered"
                } else {
                    "EXTERNAL is not offered, and dialback may not be used"
                };
                trace.failed("SASL", || why.to_owned());
                Err(Failure::NoWay(why))
            }
        }
    }

    fn authorized(
        &self,
        chosen: Option<Ready>,
        verdict: Verdict,
        trace: &mut Trace,
    ) -> Result<Ready, Failure> {
        let what = match chosen.as_ref().map(|ready| ready.plan) {
            Some(Plan::External) => "SASL",
            _ => "dialback",
        };
        match (chosen, verdict) {
            (Some(ready), Verdict::Valid) => {
                trace.ok(what, || {
                    format!("{} believes that we are {}", self.wanted.remote, self.wanted.local)
                });
                Ok(ready)
            }
            (_, verdict) => {
                let failure = Failure::of_verdict(&verdict);
                trace.failed(what, || failure.to_string());
                Err(failure)
            }
        }
    }

    /// Leaves the stream to a task of its own.
    fn establish(&self, pump: Pump<OutgoingStream>, ready: &Ready, trace: &mut Trace) -> Arc<Handle> {
        let handle = Arc::clone(&pump.handle);
        let Wanted { local, remote, purpose, .. } = self.wanted;
        let is_for_stanzas = ready.plan != Plan::VerifyOnly;
        *handle.told.lock() = Told {
            pairs: if is_for_stanzas { vec![(local.clone(), remote.clone())] } else { Vec::new() },
            tls: pump.transport.tls().and_then(|tls| tls.version()),
            proof: match ready.plan {
                Plan::External => "external",
                Plan::Dialback => "dialback",
                Plan::VerifyOnly => "none",
            },
            is_bidi: pump.machine.is_bidi(),
            // Prosody answers requests to itself on the stream's first pair, whichever they came from; it doesn't know
            // the errors either. What passes back on a stream in both directions belongs to its own pair.
            takes_pairs: ready.features.dialback && ready.features.dialback_errors && !pump.machine.is_bidi(),
        };
        trace.ok("stream", || "stanzas can be sent".to_owned());
        if *purpose == Purpose::Probe {
            tokio::spawn(end(pump));
            return handle;
        }
        let told = handle.told.lock().clone();
        tracing::info!(
            %local, %remote, address = pump.peer_name(), tls = told.tls.unwrap_or("none"), proof = told.proof,
            bidi = told.is_bidi, stanzas = is_for_stanzas, "connected to another server"
        );
        self.federation.connections.add(&handle);
        let host = Arc::clone(&self.wanted.host);
        tokio::spawn(Established::new(Arc::clone(self.federation), host, pump).run());
        handle
    }
}

/// A word for people.
pub(super) fn word(proof: Proof) -> &'static str {
    match proof {
        Proof::Pkix => "PKIX",
        Proof::Dane => "DANE",
    }
}

/// Says goodbye, as far as there is still somebody.
async fn end(mut pump: Pump<OutgoingStream>) {
    pump.handle.inbox.close();
    pump.machine.finish();
    while let Some(output) = pump.machine.poll_output() {
        if let Output::Send(bytes) = output {
            pump.transport.send(&bytes);
        }
    }
    finish(pump.transport).await;
}
