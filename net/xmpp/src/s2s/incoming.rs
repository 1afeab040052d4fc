//! Streams that other servers open: `ejabberd_s2s_in`.

mod answers;

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_config::ListenerConfig;
use nightjar_jid::Jid;
use nightjar_net_listen::socket::Socket;
use nightjar_net_listen::tls::TlsOptions;
use nightjar_net_listen::transport::Transport;
use nightjar_net_listen::{
    Accept, Accepted, Budget, Certificates, ListenerTls, Listening, Over, Permit, listen,
};
use nightjar_xmpp::s2s::{End, IncomingStream, Output};
use nightjar_xmpp::{Stanza, StreamErrorCondition};
use parking_lot::Mutex;

use super::counters::Counters;
use super::failure::Failure;
use super::federation::{Federation, Found};
use super::handle::{Direction, Handle, Told};
use super::inbox::Order;
use super::options::ListenerOptions;
use super::pump::{Pump, Woken};
use crate::c2s::connection::finish;

/// What another server is told for which there is no place (RFC 6120 §4.9.3.17).
const FULL: &str = "<?xml version='1.0'?>\
    <stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\
    <stream:error><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
    <text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>Too many connections</text>\
    </stream:error></stream:stream>";
/// How long a stream is kept on which nothing is proved.
const UNPROVED_IDLE: Duration = Duration::from_secs(120);

/// What all connections of one listener share.
struct Shared {
    kernel: Arc<Kernel>,
    federation: Arc<Federation>,
    options: ListenerOptions,
    tls: ListenerTls,
    budget: Arc<Budget>,
}

/// Takes connections of other servers.
pub struct ServerListener {
    shared: Arc<Shared>,
}

impl ServerListener {
    /// A listener as configured.
    ///
    /// # Errors
    /// A sentence, if its TLS settings can't be used or nothing leads to other servers.
    pub fn new(
        kernel: Arc<Kernel>,
        config: &ListenerConfig,
        certificates: Arc<Certificates>,
    ) -> Result<Self, String> {
        let options = ListenerOptions::read(config, &kernel);
        let wanted = TlsOptions { ask_certificate: true, alpn: vec![b"xmpp-server".to_vec()] };
        let tls = ListenerTls::new(config, Some("s2s"), certificates, wanted);
        tls.settings(&kernel.config(), None)?;
        let found: Arc<Found> = kernel.shared();
        let federation = found.0.get().map(Arc::clone).ok_or("federation has not begun")?;
        let budget = kernel.shared();
        Ok(Self { shared: Arc::new(Shared { kernel, federation, options, tls, budget }) })
    }

    /// Binds the listening socket and starts to accept.
    ///
    /// # Errors
    /// If the address can't be bound.
    pub fn listen(self) -> std::io::Result<Listening> {
        let options = self.shared.options.listen.clone();
        listen(&options, Arc::new(self))
    }
}

impl Accept for ServerListener {
    fn accept(&self, accepted: Accepted) {
        let incoming = Incoming::new(&self.shared, accepted);
        self.shared.federation.connections.add(&incoming.pump.handle);
        tokio::spawn(incoming.run());
    }

    fn budget(&self) -> Option<Arc<Budget>> {
        Some(Arc::clone(&self.shared.budget))
    }

    fn refuse(&self, socket: &Socket, _over: Over) {
        // Where TLS comes first nothing can be said that the other end would read.
        if !self.shared.options.direct_tls {
            let _ = socket.try_write(FULL.as_bytes());
        }
    }
}

/// A connection of another server.
struct Incoming {
    shared: Arc<Shared>,
    pump: Pump<IncomingStream>,
    /// Held until the connection is closed.
    permit: Option<Permit>,
    /// TLS begins as soon as all that was read before is taken.
    starttls: bool,
    used: Duration,
    /// The domain of ours that the stream was opened to.
    to: Option<Jid>,
    /// The other server's domain that the certificate was looked at for, and whether it proves it.
    proof: Option<Box<(Jid, Result<super::verify::Proof, super::verify::CertificateFault>)>>,
    refused: Vec<Stanza>,
}

impl Incoming {
    fn new(shared: &Arc<Shared>, accepted: Accepted) -> Self {
        let handle = Arc::new(Handle {
            direction: Direction::In,
            address: accepted.peer,
            remote: Mutex::default(),
            inbox: shared.federation.inbox(shared.options.mailbox_capacity),
            told: Mutex::new(Told { proof: "none", ..Told::default() }),
        });
        let kernel = Arc::clone(&shared.kernel);
        let now = kernel.clock.monotonic();
        let settings = Arc::clone(&shared.options.settings);
        let stream_id = kernel.random.identifier();
        let machine = IncomingStream::new(settings, stream_id, shared.options.direct_tls, now);
        let mut pump = Pump::new(kernel, handle, machine, Transport::new(accepted.socket));
        pump.send_timeout = shared.options.send_timeout;
        Self {
            shared: Arc::clone(shared),
            pump,
            permit: accepted.permit,
            starttls: false,
            used: now,
            to: None,
            proof: None,
            refused: Vec::new(),
        }
    }

    async fn run(mut self) {
        let mut over = match self.shared.options.direct_tls {
            true => Box::pin(self.handshake()).await.err(),
            false => None,
        };
        while over.is_none() {
            let woken = self.pump.wait(self.idle_until()).await;
            // The work's state is large and short-lived: an idle stream doesn't keep it.
            over = Box::pin(self.work(woken)).await;
        }
        if let Some(end) = over {
            Box::pin(self.leave(end)).await;
        }
    }

    fn idle_until(&self) -> Option<Duration> {
        let local = self.pump.handle.told.lock().pairs.first().map(|(local, _)| local.clone());
        let timeout =
            match local.and_then(|local| super::federation::owner(&self.pump.kernel, local.as_str())) {
                Some(host) => host.config().options.duration("s2s_timeout"),
                None => Some(UNPROVED_IDLE),
            };
        timeout.map(|timeout| self.used.saturating_add(timeout))
    }

    async fn work(&mut self, mut woken: Woken) -> Option<Failure> {
        if woken.timeout {
            if !self.pump.on_timeout() {
                return Some(Failure::Stream("it takes nothing that is sent".to_owned()));
            }
            if self.idle_until().is_some_and(|until| until <= self.pump.now()) {
                self.pump.machine.finish();
            }
        }
        if let Some(end) = self.outputs().await {
            return Some(end);
        }
        for order in woken.waiting.orders.drain(..) {
            self.on_order(order);
        }
        if !woken.waiting.stanzas.is_empty() {
            self.used = self.pump.now();
            Counters::add(&self.shared.federation.counters.sent, woken.waiting.stanzas.len());
            let refused = self.pump.send_stanzas(&mut woken.waiting.stanzas);
            self.refused.extend(refused);
        }
        let lost = woken.lost;
        woken.recycle();
        if let Some(end) = self.outputs().await {
            return Some(end);
        }
        let refused = std::mem::take(&mut self.refused);
        let failure = Failure::Refused("it doesn't take stanzas of this domain here".to_owned());
        self.shared.federation.bounce(&self.pump.kernel, refused, &failure).await;
        lost.then(|| Failure::Stream("the connection was lost".to_owned()))
    }

    /// Gives the machine all bytes, and does what it says in between.
    async fn outputs(&mut self) -> Option<Failure> {
        loop {
            while let Some(output) = self.pump.machine.poll_output() {
                match output {
                    Output::Send(bytes) => self.pump.send(&bytes),
                    Output::StartTls => self.starttls = true,
                    Output::Event(event) => self.on_event(event).await,
                    Output::Close(End::Finished) => return Some(Failure::Stream("it was idle".to_owned())),
                    Output::Close(end) => return Some(Failure::of_end(&end)),
                }
            }
            if self.pump.feed() {
                continue;
            }
            if self.starttls && !self.pump.has_input() {
                self.starttls = false;
                if let Err(failure) = self.handshake().await {
                    return Some(failure);
                }
                self.pump.machine.tls_established();
                continue;
            }
            return None;
        }
    }

    /// Does the TLS handshake.
    async fn handshake(&mut self) -> Result<(), Failure> {
        let host = self.to.as_ref().map(Jid::as_str);
        let config = self.shared.tls.settings(&self.pump.kernel.config(), host).map_err(Failure::Tls)?;
        self.pump.transport.start_tls(config).map_err(|error| Failure::Tls(error.to_string()))?;
        let until = self.pump.machine.poll_timeout();
        let until = until.unwrap_or_else(|| self.pump.now().saturating_add(Duration::from_secs(60)));
        self.pump.handshake(until).await.map_err(Failure::Tls)?;
        self.pump.handle.told.lock().tls = self.pump.transport.tls().and_then(|tls| tls.version());
        Ok(())
    }

    fn on_order(&mut self, order: Order) {
        match order {
            Order::Verified { from, to, verdict } => self.on_verified(&from, &to, verdict),
            Order::Close(Some(condition)) => self.pump.machine.close(condition),
            Order::Close(None) => self.pump.machine.finish(),
            // What is asked for on streams of ours only: whoever asked goes on without an answer.
            Order::Authorize { .. } | Order::Verify { .. } => {}
        }
    }

    async fn leave(self, failure: Failure) {
        let Self { shared, mut pump, refused, .. } = self;
        let unacknowledged = pump.machine.take_unacked().into_iter().map(|unacked| unacked.stanza);
        let stanzas: Vec<Stanza> = unacknowledged.chain(refused).chain(pump.handle.inbox.close()).collect();
        let remote = pump.handle.remote.lock().clone();
        let (remote, address) = (remote.as_ref().map(tracing::field::display), pump.peer_name());
        let undelivered = stanzas.len();
        tracing::info!(remote, address, reason = %failure, undelivered, "a connection from another server ended");
        let kernel = Arc::clone(&pump.kernel);
        shared.federation.lost(&kernel, &Arc::clone(&pump.handle), stanzas, failure).await;
        finish(pump.transport).await;
    }

    /// Ends the stream with an error that has a text.
    fn refuse(&mut self, condition: StreamErrorCondition, why: &str) {
        self.pump.machine.close(nightjar_xmpp::StreamError::with_text(condition, why));
    }
}
