//! One component's connection: the loop that moves its bytes, deliveries and timers.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_base::mailbox::{Drained, Mailbox};
use nightjar_config::access::{ShaperValue, Who};
use nightjar_jid::Jid;
use nightjar_net_listen::Permit;
use nightjar_net_listen::listener::Accepted;
use nightjar_net_listen::tls::Tls;
use nightjar_net_listen::transport::{Transport, borrow_plain, return_plain};
use nightjar_xmpp::component::{ComponentStream, End, Event, Output};
use nightjar_xmpp::{Stanza, StanzaError, StreamError, StreamErrorCondition};
use tokio::time::Sleep;

use super::Shared;
use super::domains::{Delivery, Instance};
use crate::c2s::connection::finish;
use crate::c2s::shaper::Shaper;

/// Serves a component until its connection is over.
pub(super) async fn serve(shared: Arc<Shared>, accepted: Accepted) {
    let mut connection = Connection::new(shared, accepted);
    if connection.shared.options.direct_tls && !connection.handshake().await {
        return;
    }
    while connection.work().await {
        connection.wait().await;
    }
    connection.leave().await;
}

struct Connection {
    shared: Arc<Shared>,
    kernel: Arc<Kernel>,
    transport: Transport,
    stream: ComponentStream,
    instance: Arc<Instance>,
    /// The domain it has asked for.
    asked: Option<Jid>,
    /// The domains that are led to it.
    routes: Vec<Jid>,
    peer: String,
    permit: Option<Permit>,
    input: Vec<u8>,
    batch: Vec<Delivery>,
    overflowed: bool,
    lost: bool,
    shaper: Option<Shaper>,
    /// Nothing is read until then.
    read_after: Option<Duration>,
    /// Since when the component has taken nothing of what was sent.
    stalled_since: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    fn new(shared: Arc<Shared>, accepted: Accepted) -> Self {
        let kernel = Arc::clone(&shared.kernel);
        let options = &shared.options;
        let (id, now) = (kernel.random.identifier(), kernel.clock.monotonic());
        let stream = ComponentStream::new(Arc::clone(&options.settings), id, now);
        let instance =
            Instance { mailbox: Mailbox::new(options.mailbox_capacity), access: options.access.clone() };
        let who = accepted.peer.map_or(Who::anyone(), |peer| Who::ip(peer.ip()));
        let shaper = match kernel.config().access.shaper_value(&options.shaper, &who) {
            ShaperValue::Rate(rate) => Some(Shaper::new(rate, now)),
            ShaperValue::None | ShaperValue::Infinity => None,
        };
        Self {
            transport: Transport::new(accepted.socket),
            stream,
            instance: Arc::new(instance),
            asked: None,
            routes: Vec::new(),
            peer: accepted.peer.map_or_else(|| "unix".to_owned(), |peer| peer.to_string()),
            permit: accepted.permit,
            input: Vec::new(),
            batch: Vec::new(),
            overflowed: false,
            lost: false,
            shaper,
            read_after: None,
            stalled_since: None,
            timer: None,
            kernel,
            shared,
        }
    }

    /// Does the TLS handshake; false if it failed or took too long.
    async fn handshake(&mut self) -> bool {
        if self.transport.start_tls(Arc::clone(&self.shared.tls)).is_err() {
            return false;
        }
        let left = self.stream.poll_timeout().unwrap_or_default().saturating_sub(self.now());
        let shaken = tokio::time::timeout(left, poll_fn(|context| self.poll_handshake(context))).await;
        let done = shaken.unwrap_or(false);
        if !done {
            tracing::info!(peer = self.peer, "the TLS handshake of a component failed");
        }
        done
    }

    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        loop {
            if let Poll::Ready(Err(_)) = self.transport.poll_flush(context) {
                return Poll::Ready(false);
            }
            if !self.transport.tls().is_some_and(Tls::is_handshaking) {
                return Poll::Ready(true);
            }
            match self.transport.poll_read(context, &mut self.input) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(_) => return Poll::Ready(false),
            }
        }
    }

    fn now(&self) -> Duration {
        self.kernel.clock.monotonic()
    }

    async fn wait(&mut self) {
        let stalled = self.stalled_since.zip(self.shared.options.send_timeout);
        let stalled = stalled.map(|(since, timeout)| since.saturating_add(timeout));
        let deadline = [self.stream.poll_timeout(), self.read_after, stalled].into_iter().flatten().min();
        let left = deadline.map(|deadline| deadline.saturating_sub(self.now()));
        self.timer = left.map(|left| Box::pin(tokio::time::sleep(left)));
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut ready = false;
        if self.transport.unsent() > 0 {
            match self.transport.poll_flush(context) {
                Poll::Ready(Ok(())) => self.stalled_since = None,
                Poll::Ready(Err(_)) => self.lost = true,
                Poll::Pending => {}
            }
        }
        // A component that takes nothing is sent nothing, nor is it read: its mailbox fills, and then it is cut.
        if self.transport.unsent() == 0 {
            match self.instance.mailbox.poll_drain(context, &mut self.batch) {
                Poll::Ready(Drained::Some) => ready = true,
                Poll::Ready(Drained::Overflowed) => self.overflowed = true,
                Poll::Pending => {}
            }
            if self.read_after.is_none() {
                ready |= self.poll_read(context);
            }
        }
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(context).is_ready()
        {
            self.timer = None;
            ready = true;
        }
        if ready || self.lost || self.overflowed { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        let mut plain = if self.input.is_empty() { borrow_plain() } else { std::mem::take(&mut self.input) };
        let before = plain.len();
        let read = self.transport.poll_read(context, &mut plain);
        let count = plain.len() - before;
        if let Poll::Ready(Ok(false) | Err(_)) = read {
            self.lost = true;
        }
        if plain.is_empty() {
            return_plain(plain)
        } else {
            self.input = plain
        }
        if count > 0
            && let Some(shaper) = &mut self.shaper
        {
            self.read_after = shaper.take(count, self.kernel.clock.monotonic());
        }
        read.is_ready()
    }

    /// Does all that is due; false once the connection is over.
    async fn work(&mut self) -> bool {
        let now = self.now();
        if self.read_after.is_some_and(|until| until <= now) {
            self.read_after = None;
        }
        if let (Some(since), Some(timeout)) = (self.stalled_since, self.shared.options.send_timeout)
            && now >= since.saturating_add(timeout)
        {
            tracing::info!(peer = self.peer, "the component takes nothing that is sent");
            return false;
        }
        self.stream.handle_timeout(now);
        if self.overflowed {
            let text = "Too many stanzas wait for this component";
            self.stream.close(StreamError::with_text(StreamErrorCondition::ResourceConstraint, text));
        }
        self.deliver();
        Box::pin(self.read()).await && !self.lost
    }

    /// Gives the machine all bytes, and does what it says in between.
    async fn read(&mut self) -> bool {
        let input = std::mem::take(&mut self.input);
        let mut rest = input.as_slice();
        loop {
            while let Some(output) = self.stream.poll_output() {
                match output {
                    Output::Send(bytes) => self.send(&bytes),
                    Output::StartTls => {}
                    Output::Event(event) => self.on_event(event).await,
                    Output::Close(end) => {
                        self.log_end(&end);
                        return false;
                    }
                }
            }
            if rest.is_empty() {
                break;
            }
            let taken = self.stream.handle_input(self.kernel.clock.monotonic(), rest);
            rest = rest.get(taken..).unwrap_or_default();
        }
        return_plain(input);
        true
    }

    async fn on_event(&mut self, event: Event) {
        match event {
            Event::Opened { to } => self.open(to),
            Event::Authenticated => self.admit().await,
            Event::Stanza(stanza) => self.route(stanza).await,
            Event::Refused(mut reply) => {
                reply.to.clone_from(&self.asked);
                let mut out = borrow_plain();
                self.stream.send(&reply, &mut out);
                self.send(&out);
                return_plain(out);
            }
        }
    }

    fn open(&mut self, to: Jid) {
        let is_host = self.kernel.host(to.domain()).is_some();
        match self.shared.options.secret(to.domain()) {
            _ if is_host => {
                let text = "Unable to register route on existing local domain";
                self.stream.close(StreamError::with_text(StreamErrorCondition::Conflict, text));
            }
            Some(secret) => {
                self.stream.provide(secret.clone());
                self.asked = Some(to);
            }
            None => self.stream.close(StreamErrorCondition::HostUnknown),
        }
    }

    async fn admit(&mut self) {
        let Some(asked) = &self.asked else {
            return self.stream.close(StreamErrorCondition::InternalServerError);
        };
        let routes = self.shared.options.routes(asked.domain());
        let routes: Vec<Jid> = routes.iter().filter_map(|route| Jid::from_text(route).ok()).collect();
        for route in routes {
            if let Err(why) = self.shared.domains.join(&self.kernel, &route, &self.instance) {
                tracing::warn!(peer = self.peer, component = %route, why, "a component was refused");
                return self.stream.close(StreamError::with_text(StreamErrorCondition::Conflict, why));
            }
            self.routes.push(route);
        }
        if let Some(permit) = &mut self.permit {
            permit.authenticated();
        }
        self.stream.admit();
        for route in &self.routes {
            tracing::info!(peer = self.peer, component = %route, "a component has connected");
            self.kernel.component_connected(route).await;
        }
    }

    async fn route(&mut self, stanza: Stanza) {
        let (Some(asked), Some(from)) = (&self.asked, &stanza.from) else { return };
        if !self.shared.options.may_send_from(asked.domain(), from.domain()) {
            let text = "Improper domain part of 'from' attribute";
            return self.stream.close(StreamError::with_text(StreamErrorCondition::InvalidFrom, text));
        }
        let asked = asked.clone();
        if nightjar_base::catch::caught(self.kernel.component_send(&asked, stanza)).await.is_err() {
            tracing::error!(component = %asked, "handling a stanza panicked");
        }
    }

    /// Writes all stanzas that wait in one go.
    fn deliver(&mut self) {
        if self.batch.is_empty() || !self.stream.is_established() {
            return;
        }
        let mut out = borrow_plain();
        let mut stops = false;
        for delivery in self.batch.drain(..) {
            match delivery {
                Delivery::Stanza(stanza) => self.stream.send(&stanza, &mut out),
                Delivery::Stop => stops = true,
            }
        }
        self.send(&out);
        return_plain(out);
        if stops {
            self.stream.close(StreamErrorCondition::SystemShutdown);
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.transport.send(bytes);
        if self.transport.unsent() > 0 && self.stalled_since.is_none() {
            self.stalled_since = Some(self.now());
        }
    }

    fn log_end(&self, end: &End) {
        let (peer, component) = (&self.peer, self.asked.as_ref().map_or("", Jid::as_str));
        match end {
            End::Error(error) => {
                let condition = error.condition.as_str();
                tracing::info!(peer, component, condition, "a component's stream was ended");
            }
            End::PeerError(error) => {
                let condition = error.condition.as_str();
                tracing::info!(peer, component, condition, "a component reported an error");
            }
            End::Closed | End::Finished => {
                tracing::debug!(peer, component, "a component's stream was closed")
            }
        }
    }

    /// Its domains lead nowhere any more, or to others; what it was still to get goes back.
    async fn leave(self) {
        let Self { shared, kernel, transport, instance, routes, batch, .. } = self;
        for route in &routes {
            shared.domains.leave(route, &instance);
        }
        for route in &routes {
            tracing::info!(component = %route, "a component has disconnected");
            kernel.component_disconnected(route).await;
        }
        for delivery in batch.into_iter().chain(instance.mailbox.close()) {
            if let Delivery::Stanza(stanza) = delivery {
                kernel.bounce(&stanza, &StanzaError::remote_server_not_found()).await;
            }
        }
        finish(transport).await;
    }
}
