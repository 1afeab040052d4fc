//! One connection.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use nightjar_base::mqtt::{
    MqttAuthentication, MqttClient, MqttOpened, MqttOpening, MqttRefusal, MqttService, claimed_name,
    find_host, now_ms,
};
use nightjar_jid::Jid;
use nightjar_mqtt::{Connect, Connection, Event, Reason};
use nightjar_net_listen::transport::Transport;
use nightjar_net_listen::{Accepted, Permit, binding, certificates, tls};
use rustls_pki_types::UnixTime;
use tokio::time::{Instant, Sleep};

use crate::listener::Shared;
use crate::stream::Stream;

/// Bytes that the kernel hasn't taken: a client that has more waiting gets no further messages until then.
const UNSENT_MAX: usize = 64 * 1024;
/// Time for the last words, and for the client to close its end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves a connection to its end. `None`: TLS can't be started on it.
pub(crate) fn serve(shared: Arc<Shared>, accepted: Accepted) -> Option<impl Future<Output = ()> + Send> {
    let Accepted { socket, peer, permit } = accepted;
    let mut transport = Transport::new(socket);
    if let Some(tls) = &shared.tls
        && let Err(error) = transport.start_tls(Arc::clone(tls))
    {
        tracing::warn!(%error, "TLS can't be started");
        return None;
    }
    Some(serve_stream(shared, transport, peer, permit))
}

/// Serves what carries a connection to its end.
pub(crate) fn serve_stream<S: Stream>(
    shared: Arc<Shared>,
    stream: S,
    peer: Option<SocketAddr>,
    permit: Option<Permit>,
) -> impl Future<Output = ()> + Send {
    let mut driver = Driver::new(shared, stream, peer, permit);
    // What is needed for a moment only is boxed: a task has the size of its largest state for as long as it lives.
    async move {
        while let Some(question) = driver.run().await {
            Box::pin(driver.answer(question)).await;
        }
        if let Some(transport) = driver.end() {
            Box::pin(say_farewell(transport)).await;
        }
    }
}

/// What only the broker of the client's host can answer, and not at once.
enum Question {
    Connect(Box<Connect>),
    /// The client's next step of enhanced authentication.
    Step(Option<Bytes>),
}

struct Driver<S> {
    shared: Arc<Shared>,
    transport: S,
    machine: Connection,
    /// Bytes that the machine hasn't taken.
    input: BytesMut,
    peer: Option<SocketAddr>,
    permit: Option<Permit>,
    client: Option<Box<dyn MqttClient>>,
    /// Until the client is in, if it proves itself in steps.
    authentication: Option<Box<dyn MqttAuthentication>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when the client has taken nothing.
    stuck_since: Option<(u64, usize)>,
    is_lost: bool,
}

impl<S: Stream> Driver<S> {
    fn new(shared: Arc<Shared>, transport: S, peer: Option<SocketAddr>, permit: Option<Permit>) -> Self {
        let now = now_ms(&shared.kernel);
        let machine = Connection::new(now, shared.settings());
        Self {
            shared,
            transport,
            machine,
            input: BytesMut::new(),
            peer,
            permit,
            client: None,
            authentication: None,
            timer: None,
            stuck_since: None,
            is_lost: false,
        }
    }

    /// Moves what there is to move until the connection is over, or somebody wants in.
    async fn run(&mut self) -> Option<Question> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Question>> {
        loop {
            let now = now_ms(&self.shared.kernel);
            self.machine.handle_timeout(now);
            self.is_lost |= self.transport.handle_timeout(now);
            if let Some(question) = self.take_events(now) {
                return Poll::Ready(Some(question));
            }
            let mut is_busy = self.poll_flush(context);
            let is_writable = self.transport.unsent() < UNSENT_MAX;
            if let Some(client) = &mut self.client {
                client.poll(context, now, &mut self.machine, is_writable);
            }
            self.write();
            if self.machine.closed().is_some() || self.is_lost {
                return Poll::Ready(None);
            }
            // A client that doesn't read what it is sent isn't read from either.
            if self.machine.wants_input() && is_writable {
                is_busy |= self.poll_read(context, now);
            }
            if !is_busy && !self.poll_timer(context, now) {
                return if self.is_lost { Poll::Ready(None) } else { Poll::Pending };
            }
        }
    }

    fn take_events(&mut self, now: u64) -> Option<Question> {
        while let Some(event) = self.machine.handle_input(now, &mut self.input) {
            match (event, &mut self.client) {
                (Event::Connect(connect), _) => return Some(Question::Connect(connect)),
                (event, Some(client)) => client.handle_event(now, &mut self.machine, event),
                (Event::Authenticate { data, .. }, None) => return Some(Question::Step(data)),
                (_, None) => self.machine.refuse(Reason::BAD_AUTHENTICATION_METHOD, None),
            }
        }
        if self.input.is_empty() && self.input.capacity() > 0 {
            self.input = BytesMut::new();
        }
        None
    }

    /// Reads once; says whether there may be more.
    fn poll_read(&mut self, context: &mut Context<'_>, now: u64) -> bool {
        let before = self.input.len();
        let read = self.transport.poll_read(context, now, &mut self.input);
        self.count(self.input.len() - before, 0);
        match read {
            Poll::Pending => false,
            Poll::Ready(Ok(true)) => true,
            Poll::Ready(_) => {
                self.is_lost = true;
                false
            }
        }
    }

    /// Hands the machine's bytes to the kernel, as many at once as there are.
    fn write(&mut self) {
        let mut outgoing = self.machine.poll_output();
        if outgoing.is_empty() {
            return;
        }
        let length = outgoing.len();
        let mut slices: Vec<IoSlice<'_>> = Vec::new();
        outgoing.slices(&mut slices);
        self.transport.send(&slices);
        outgoing.advance(length);
        self.count(0, length);
    }

    /// Tells the broker what has moved; what does before it has the client isn't counted.
    fn count(&self, received: usize, sent: usize) {
        if received + sent > 0
            && let Some(client) = &self.client
        {
            client.moved(received, sent);
        }
    }

    /// Says whether bytes that had to wait were written.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> bool {
        let before = self.transport.unsent();
        if before == 0 {
            self.stuck_since = None;
            return false;
        }
        if let Poll::Ready(Err(_)) = self.transport.poll_flush(context) {
            self.is_lost = true;
        }
        self.transport.unsent() == 0
    }

    /// Waits for what is due next; says whether it is due already.
    fn poll_timer(&mut self, context: &mut Context<'_>, now: u64) -> bool {
        let unsent = self.transport.unsent();
        let send_end = match (self.transport.send_timeout(&self.shared), unsent) {
            (None, _) | (_, 0) => None,
            (Some(limit), _) => {
                let (since, length) = self.stuck_since.unwrap_or((now, unsent));
                let since = if unsent < length { now } else { since };
                self.stuck_since = Some((since, unsent));
                Some(since.saturating_add(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)))
            }
        };
        if send_end.is_some_and(|end| end <= now) {
            self.is_lost = true;
            return false;
        }
        let dues = [self.machine.poll_timeout(), self.transport.poll_timeout(), send_end];
        let Some(due) = dues.into_iter().flatten().min() else {
            self.timer = None;
            return false;
        };
        if due <= now {
            return true;
        }
        let at = Instant::now() + Duration::from_millis(due - now);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        // A timer that fires early costs less than one that is moved with every packet.
        if timer.is_elapsed() || timer.deadline() > at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(context).is_ready()
    }

    async fn answer(&mut self, question: Question) {
        let opened = match question {
            Question::Connect(connect) => self.open(connect).await,
            Question::Step(data) => match self.authentication.take() {
                Some(authentication) => authentication.answer(data).await,
                None => Err(MqttRefusal { reason: Reason::PROTOCOL_ERROR, words: "nothing was asked" }),
            },
        };
        match opened {
            Ok(MqttOpened::In(client)) => self.let_in(client),
            Ok(MqttOpened::Asked(data, authentication)) => {
                self.machine.authenticate(Some(&data));
                self.authentication = Some(authentication);
            }
            Err(refusal) => {
                let peer = self.peer.map(tracing::field::display);
                tracing::info!(peer, reason = refusal.words, "an MQTT client was refused");
                self.machine.refuse(refusal.reason, Some(refusal.words));
            }
        }
    }

    /// Asks the broker of the host that the client means.
    async fn open(&mut self, connect: Box<Connect>) -> Result<MqttOpened, MqttRefusal> {
        let kernel = Arc::clone(&self.shared.kernel);
        let name = claimed_name(&connect);
        let found = find_host(&kernel, name.as_deref(), self.transport.server_name());
        let found = found.and_then(|(host, user)| Some((host.get::<MqttService>()?, host, user)));
        let Some((service, host, user)) = found else {
            let words = "no such host, or no MQTT there";
            return Err(MqttRefusal { reason: Reason::NOT_AUTHORIZED, words });
        };
        let bindings = self.transport.tls().map_or_else(Vec::new, |tls| {
            binding::channel_bindings(tls, &self.shared.certificates, &host.name)
        });
        let ip = self.peer.map(|peer| peer.ip());
        let (certified, inbox_max) = (self.certified(&host.name), self.shared.inbox_max);
        let opening = MqttOpening { connect, user, ip, certified, bindings, inbox_max };
        service.0.open(opening).await
    }

    fn let_in(&mut self, mut client: Box<dyn MqttClient>) {
        if let Some(permit) = &mut self.permit {
            permit.authenticated();
        }
        let peer = self.peer.map(tracing::field::display);
        tracing::debug!(client = client.name(), peer, "MQTT client");
        client.accept(now_ms(&self.shared.kernel), &mut self.machine);
        self.client = Some(client);
    }

    /// The accounts that the client's trusted certificate names: as XMPP has them or, if it has none of those, by its
    /// common name, which may go without the host.
    fn certified(&self, host: &str) -> Vec<Jid> {
        let Some(leaf) = self.trusted_certificate() else { return Vec::new() };
        let mut named = certificates::xmpp_addresses(&leaf);
        if named.is_empty() {
            let address = |name: String| if name.contains('@') { name } else { format!("{name}@{host}") };
            named.extend(certificates::common_name(&leaf).map(address));
        }
        named.into_iter().filter_map(|address| Jid::parse(&address).ok()).collect()
    }

    fn trusted_certificate(&self) -> Option<Vec<u8>> {
        let roots = self.shared.roots.clone()?;
        let chain = self.transport.tls()?.peer_certificates()?;
        let seconds = u64::try_from(self.shared.kernel.clock.unix_seconds()).ok()?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let leaf = chain.first().filter(|_| tls::is_trusted(&chain, roots, now));
        leaf.map(|leaf| leaf.to_vec())
    }

    /// Gives the session back; gives the transport if there is somebody to say goodbye to.
    fn end(mut self) -> Option<Transport> {
        self.write();
        let finished = self.machine.finish();
        let closed = finished.closed;
        if let Some(client) = self.client.take() {
            tracing::debug!(client = client.name(), closed = ?finished.closed, "an MQTT connection ended");
            client.finish(now_ms(&self.shared.kernel), finished);
        }
        (!self.is_lost || self.transport.closed().is_some()).then(|| self.transport.into_transport(closed))
    }
}

/// Says goodbye: closing at once would make the client lose the last words.
async fn say_farewell(mut transport: Transport) {
    transport.close_tls();
    let farewell = async {
        let flushed: io::Result<()> = poll_fn(|context| transport.poll_flush(context)).await;
        if flushed.is_err() {
            return;
        }
        transport.socket().finish_writing();
        let mut dropped = [0; 4096];
        let mut read = async || poll_fn(|context| transport.socket().poll_read(context, &mut dropped)).await;
        while read().await.is_ok_and(|count| count > 0) {}
    };
    if tokio::time::timeout(LAST_WORDS, farewell).await.is_err() {
        tracing::debug!("an MQTT client didn't close its end in time");
    }
}
