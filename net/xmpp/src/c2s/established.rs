//! A bound client: the loop that moves its bytes, deliveries and timers.

use std::cell::Cell;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nightjar_auth::AnonymousClaim;
use nightjar_base::mailbox::Drained;
use nightjar_base::{Control, Delivery, Kernel, Session};
use nightjar_config::access::{ShaperValue, Who};
use nightjar_text::Text;
use nightjar_xmpp::c2s::{ClientStream, End, Event, Output};
use nightjar_xmpp::{Condition, Stanza, StreamError, StreamErrorCondition, sm};
use tokio::time::Sleep;

use super::Shared;
use super::answers::grant;
use super::connection::{Connection, finish};
use super::detached::{self, Detached};
use super::resume::{Handed, Handover};
use super::shaper::Shaper;
use nightjar_net_listen::Permit;
use nightjar_net_listen::transport::{Transport, borrow_plain, return_plain};

/// Writes that may be outstanding before the client has to wait for them.
const PROMISES_MAX: usize = 256;

thread_local! {
    static BATCH: Cell<Vec<Delivery>> = const { Cell::new(Vec::new()) };
}

/// A client with a session.
pub(super) struct Established {
    shared: Arc<Shared>,
    kernel: Arc<Kernel>,
    session: Arc<Session>,
    transport: Transport,
    stream: ClientStream,
    /// Bytes of an incomplete element are kept by the machine; these are complete ones it hasn't taken yet.
    input: Vec<u8>,
    claim: Option<AnonymousClaim>,
    /// Held until the connection is closed.
    _permit: Option<Permit>,
    shaper: Option<Box<Shaper>>,
    /// Nothing is read until then.
    read_after: Option<Duration>,
    /// Since when the client has taken nothing of what was sent.
    stalled_since: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
    timer_at: Duration,
}

/// What woke the loop.
#[derive(Default)]
struct Woken {
    plain: Vec<u8>,
    batch: Vec<Delivery>,
    lost: bool,
    overflowed: bool,
    timeout: bool,
}

/// How a session leaves its connection.
enum Exit {
    /// The session is over.
    Closed,
    /// The connection is lost; the session may be resumed.
    Lost,
    /// Another connection takes it over.
    TakenOver(Handover),
}

impl Established {
    /// The client of a connection whose negotiation is done.
    pub fn new(connection: Connection) -> Option<Self> {
        let Connection { shared, transport, stream, input, session, claim, peer, permit, .. } = connection;
        let session = session?;
        let kernel = Arc::clone(&shared.kernel);
        let who = Who::jid(&session.jid);
        let who = peer.map_or(who, |peer| who.with_ip(peer.ip()));
        let rate = session.host.config().access.shaper_value(&shared.options.shaper, &who);
        let shaper = match rate {
            ShaperValue::Rate(rate) => Some(Box::new(Shaper::new(rate, kernel.clock.monotonic()))),
            ShaperValue::None | ShaperValue::Infinity => None,
        };
        Some(Self {
            shared,
            kernel,
            session,
            transport,
            stream,
            input,
            claim,
            _permit: permit,
            shaper,
            read_after: None,
            stalled_since: None,
            timer: None,
            timer_at: Duration::ZERO,
        })
    }

    /// Serves the client until its session is over or somebody else's.
    pub async fn run(mut self) {
        // What came with the last bytes of negotiation.
        let mut exit = Box::pin(self.work(Woken::default())).await;
        while exit.is_none() {
            let woken = self.wait().await;
            // The work's state is large and short-lived: it isn't kept by an idle session.
            exit = Box::pin(self.work(woken)).await;
        }
        if let Some(exit) = exit {
            Box::pin(self.leave(exit)).await;
        }
    }

    fn now(&self) -> Duration {
        self.kernel.clock.monotonic()
    }

    async fn wait(&mut self) -> Woken {
        self.arm_timer();
        let mut woken = Woken { plain: borrow_plain(), batch: BATCH.take(), ..Woken::default() };
        poll_fn(|context| self.poll(context, &mut woken)).await;
        woken
    }

    fn poll(&mut self, context: &mut Context<'_>, woken: &mut Woken) -> Poll<()> {
        let mut ready = false;
        if self.transport.unsent() > 0 {
            match self.transport.poll_flush(context) {
                Poll::Ready(Ok(())) => self.stalled_since = None,
                Poll::Ready(Err(_)) => woken.lost = true,
                Poll::Pending => {}
            }
        }
        // A client that takes nothing is sent nothing, nor is it read: its mailbox fills, and then it is cut.
        if self.transport.unsent() == 0 {
            match self.session.mailbox.poll_drain(context, &mut woken.batch) {
                Poll::Ready(Drained::Some) => ready = true,
                Poll::Ready(Drained::Overflowed) => woken.overflowed = true,
                Poll::Pending => {}
            }
            if self.read_after.is_none() && !self.stream.is_waiting() {
                match self.transport.poll_read(context, &mut woken.plain) {
                    Poll::Ready(Ok(true)) => ready = true,
                    Poll::Ready(Ok(false) | Err(_)) => woken.lost = true,
                    Poll::Pending => {}
                }
            }
        }
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(context).is_ready()
        {
            self.timer = None;
            woken.timeout = true;
        }
        if ready || woken.lost || woken.overflowed || woken.timeout { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Sets the timer to the earliest deadline. One that is set to an earlier time is left: waking once too often is
    /// cheaper than moving it with every stanza.
    fn arm_timer(&mut self) {
        let stalled = self.stalled_since.zip(self.shared.options.send_timeout);
        let stalled = stalled.map(|(since, timeout)| since.saturating_add(timeout));
        let deadline = [self.stream.poll_timeout(), self.read_after, stalled].into_iter().flatten().min();
        let Some(deadline) = deadline else { return self.timer = None };
        if self.timer.is_some() && self.timer_at <= deadline {
            return;
        }
        let left = deadline.saturating_sub(self.now());
        self.timer = Some(Box::pin(tokio::time::sleep(left)));
        self.timer_at = deadline;
    }

    async fn work(&mut self, mut woken: Woken) -> Option<Exit> {
        let exit = self.work_on(&mut woken).await;
        return_plain(std::mem::take(&mut woken.plain));
        if woken.batch.capacity() <= 256 {
            woken.batch.clear();
            BATCH.set(std::mem::take(&mut woken.batch));
        }
        exit
    }

    async fn work_on(&mut self, woken: &mut Woken) -> Option<Exit> {
        if woken.overflowed {
            self.stream.close(StreamError::with_text(
                StreamErrorCondition::ResourceConstraint,
                "Too many stanzas wait for this client",
            ));
        }
        let now = self.now();
        if woken.timeout
            && let Some(exit) = self.on_timeout(now)
        {
            return Some(exit);
        }
        if !woken.plain.is_empty()
            && let Some(shaper) = &mut self.shaper
        {
            self.read_after = shaper.take(woken.plain.len(), now);
        }
        // Unread input exists only while an answer is due or after negotiation.
        if !self.input.is_empty() {
            self.input.extend_from_slice(&woken.plain);
            woken.plain.clear();
            woken.plain.append(&mut self.input);
            self.input = Vec::new();
        }
        if let Some(exit) = self.read(&woken.plain).await {
            return Some(exit);
        }
        if let Some(exit) = self.deliver(&mut woken.batch).await {
            return Some(exit);
        }
        if woken.lost { Some(Exit::Lost) } else { None }
    }

    fn on_timeout(&mut self, now: Duration) -> Option<Exit> {
        if self.read_after.is_some_and(|until| until <= now) {
            self.read_after = None;
        }
        if let (Some(since), Some(timeout)) = (self.stalled_since, self.shared.options.send_timeout)
            && now >= since.saturating_add(timeout)
        {
            tracing::info!(session = %self.session.jid, "the client takes nothing that is sent");
            return Some(Exit::Lost);
        }
        if self.stream.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.stream.handle_timeout(now);
        }
        None
    }

    /// Gives the machine all bytes, and does what it says in between.
    async fn read(&mut self, plain: &[u8]) -> Option<Exit> {
        let mut rest = plain;
        loop {
            if let Some(exit) = self.outputs().await {
                return Some(exit);
            }
            if rest.is_empty() {
                return None;
            }
            let taken = self.stream.handle_input(self.kernel.clock.monotonic(), rest);
            rest = rest.get(taken..).unwrap_or_default();
            if taken == 0 && self.stream.is_waiting() {
                self.input = rest.to_vec();
                return None;
            }
        }
    }

    async fn outputs(&mut self) -> Option<Exit> {
        while let Some(output) = self.stream.poll_output() {
            match output {
                Output::Event(Event::Stanza(stanza)) => self.on_stanza(stanza).await,
                Output::Event(Event::ClientState { active }) => {
                    let held = Box::pin(self.kernel.client_state(&self.session, active)).await;
                    self.write(held);
                }
                Output::Event(Event::EnableSm(enable)) => self.enable(&enable),
                Output::Event(_) => self.stream.close(StreamErrorCondition::InternalServerError),
                Output::Send(bytes) => {
                    // What an acknowledgement promises must be true.
                    self.keep_promises(1).await;
                    self.send(&bytes);
                }
                Output::StartTls => self.stream.close(StreamErrorCondition::InternalServerError),
                Output::Close(end) => return Some(self.on_end(&end)),
            }
        }
        None
    }

    async fn on_stanza(&mut self, stanza: Stanza) {
        let sent = nightjar_base::catch::caught(self.kernel.user_send(&self.session, stanza)).await;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(condition)) => self.stream.close(condition),
            Err(()) => {
                tracing::error!(session = %self.session.jid, "handling a stanza panicked");
                self.stream.close(StreamErrorCondition::InternalServerError);
            }
        }
        self.keep_promises(PROMISES_MAX).await;
    }

    /// Waits until the writes that this client's stanzas caused are durable, if there are `least` of them.
    async fn keep_promises(&self, least: usize) {
        for promise in self.session.take_promises(least) {
            if let Err(error) = promise.await {
                tracing::warn!(session = %self.session.jid, %error, "a write that a stanza caused failed");
            }
        }
    }

    fn enable(&mut self, enable: &sm::Enable) {
        match grant(&self.kernel, &self.session.host, enable) {
            Some(grant) => {
                self.shared.resumable.add(grant.id.as_ref(), &self.session, grant.max_seconds);
                self.stream.sm_enabled(&grant);
            }
            None => self.stream.sm_refused(Condition::FeatureNotImplemented),
        }
    }

    /// Passes deliveries through the listeners and writes them, as many as there are, in one go.
    async fn deliver(&mut self, batch: &mut Vec<Delivery>) -> Option<Exit> {
        if batch.is_empty() {
            return None;
        }
        let mut written = Vec::with_capacity(batch.len());
        let mut handover = None;
        for delivery in batch.drain(..) {
            match delivery {
                Delivery::Stanza(stanza) => {
                    self.kernel.user_receive(&self.session, stanza, &mut written).await
                }
                Delivery::Control(Control::End { condition, text }) => {
                    let error = match text {
                        Some(text) => StreamError::with_text(condition, text),
                        None => condition.into(),
                    };
                    self.write(std::mem::take(&mut written));
                    self.stream.close(error);
                }
                Delivery::Control(Control::Driver(order)) => handover = order.downcast::<Handover>().ok(),
            }
        }
        self.write(written);
        if let Some(handover) = handover {
            return Some(Exit::TakenOver(*handover));
        }
        self.outputs().await
    }

    fn write(&mut self, stanzas: Vec<Stanza>) {
        if stanzas.is_empty() {
            return;
        }
        let now = self.now();
        let mut out = borrow_plain();
        for stanza in stanzas {
            // A stream that is over keeps nothing: what it didn't take is in the queue of its session, if any.
            let _ = self.stream.send(now, stanza, &mut out);
        }
        self.stream.request_ack(now, &mut out);
        self.send(&out);
        return_plain(out);
    }

    fn send(&mut self, bytes: &[u8]) {
        self.transport.send(bytes);
        if self.transport.unsent() > 0 && self.stalled_since.is_none() {
            self.stalled_since = Some(self.now());
        }
    }

    fn on_end(&self, end: &End) -> Exit {
        match end {
            End::Closed => tracing::debug!(session = %self.session.jid, "the client closed its stream"),
            end if end.is_resumable() => {
                tracing::info!(session = %self.session.jid, "the client doesn't acknowledge");
                return Exit::Lost;
            }
            End::Error(error) => {
                tracing::info!(session = %self.session.jid, condition = error.condition.as_str(), "the stream was ended");
            }
            // What a client writes into its error is its own business.
            End::PeerError(error) => {
                let condition = error.condition.as_str();
                tracing::info!(session = %self.session.jid, condition, "the client reported an error");
            }
            end => tracing::info!(session = %self.session.jid, reason = ?end, "the stream was ended"),
        }
        Exit::Closed
    }

    async fn leave(self, exit: Exit) {
        let Self { shared, kernel, session, mut transport, mut stream, claim, .. } = self;
        let state = stream.take_sm();
        match (exit, state) {
            (Exit::TakenOver(handover), Some(state)) => {
                if handover.to.send(Handed { state, claim }).is_err() {
                    kernel.close_session(&session, Vec::new()).await;
                }
                // XEP-0198 §5: the former stream, if it still lives, is ended with an error.
                stream.close(StreamError::with_text(
                    StreamErrorCondition::Conflict,
                    "The session was resumed by another connection",
                ));
                while let Some(output) = stream.poll_output() {
                    if let Output::Send(bytes) = output {
                        transport.send(&bytes);
                    }
                }
                tokio::spawn(finish(transport));
            }
            (Exit::Lost, Some(state)) if state.id().is_some() => {
                drop(transport);
                drop(stream);
                let detached = Detached { shared, kernel, session, state, claim };
                tokio::spawn(detached.run());
            }
            (_, state) => {
                tracing::info!(session = %session.jid, "a session was closed");
                let account = Text::new(session.jid.bare_str());
                if let Some(state) = &state {
                    shared.resumable.remove(state, &account);
                }
                detached::close(&kernel, &session, state).await;
                finish(transport).await;
            }
        }
    }
}
