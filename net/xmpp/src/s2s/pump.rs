//! What both kinds of connection have in common: bytes, time and waiting.

use std::cell::Cell;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_net_listen::tls::Tls;
use nightjar_net_listen::transport::{Transport, borrow_plain, return_plain};
use nightjar_xmpp::Stanza;
use nightjar_xmpp::s2s::{IncomingStream, OutgoingStream};
use tokio::time::Sleep;

use super::handle::Handle;
use super::inbox::Waiting;
use crate::c2s::shaper::Shaper;

/// The verbs of both machines.
pub(super) trait Machine {
    fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize;
    fn handle_timeout(&mut self, now: Duration);
    fn poll_timeout(&self) -> Option<Duration>;
    fn is_waiting(&self) -> bool;
    fn send(&mut self, now: Duration, stanza: Stanza, out: &mut Vec<u8>) -> Option<Stanza>;
    fn request_ack(&mut self, now: Duration, out: &mut Vec<u8>) -> bool;
}

macro_rules! machine {
    ($stream:ty) => {
        impl Machine for $stream {
            fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
                <$stream>::handle_input(self, now, input)
            }

            fn handle_timeout(&mut self, now: Duration) {
                <$stream>::handle_timeout(self, now);
            }

            fn poll_timeout(&self) -> Option<Duration> {
                <$stream>::poll_timeout(self)
            }

            fn is_waiting(&self) -> bool {
                <$stream>::is_waiting(self)
            }

            fn send(&mut self, now: Duration, stanza: Stanza, out: &mut Vec<u8>) -> Option<Stanza> {
                <$stream>::send(self, now, stanza, out)
            }

            fn request_ack(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
                <$stream>::request_ack(self, now, out)
            }
        }
    };
}

machine!(IncomingStream);
machine!(OutgoingStream);

thread_local! {
    static WAITING: Cell<Waiting> = const { Cell::new(Waiting { stanzas: Vec::new(), orders: Vec::new() }) };
}

/// Stanzas for which a thread's batch is kept.
const KEPT_STANZAS: usize = 256;

/// So many stanzas are worth a write of their own.
const GATHERED_BELOW: usize = 8;

/// What woke a connection.
#[derive(Default)]
pub(super) struct Woken {
    pub waiting: Waiting,
    /// The other end closed, or the socket broke.
    pub lost: bool,
    pub timeout: bool,
}

impl Woken {
    fn begin() -> Self {
        Self { waiting: WAITING.take(), ..Self::default() }
    }

    /// Gives the buffers back to the thread.
    pub fn recycle(mut self) {
        if self.waiting.stanzas.capacity() <= KEPT_STANZAS {
            self.waiting.stanzas.clear();
            self.waiting.orders.clear();
            WAITING.set(self.waiting);
        }
    }
}

/// A machine with its socket.
pub(super) struct Pump<M> {
    pub kernel: Arc<Kernel>,
    pub handle: Arc<Handle>,
    pub machine: Box<M>,
    pub transport: Transport,
    /// What was read and not taken yet, from `at` on.
    input: Vec<u8>,
    at: usize,
    pub shaper: Option<Box<Shaper>>,
    /// Nothing is read until then.
    read_after: Option<Duration>,
    /// Since when the other end has taken nothing of what was sent.
    stalled_since: Option<Duration>,
    pub send_timeout: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
    timer_at: Duration,
}

impl<M: Machine> Pump<M> {
    pub fn new(kernel: Arc<Kernel>, handle: Arc<Handle>, machine: M, transport: Transport) -> Self {
        Self {
            kernel,
            handle,
            machine: Box::new(machine),
            transport,
            input: Vec::new(),
            at: 0,
            shaper: None,
            read_after: None,
            stalled_since: None,
            send_timeout: None,
            timer: None,
            timer_at: Duration::ZERO,
        }
    }

    /// The monotonic clock.
    pub fn now(&self) -> Duration {
        self.kernel.clock.monotonic()
    }

    /// The other end's address for the log.
    pub fn peer_name(&self) -> String {
        self.handle.address.map_or_else(|| "unix".to_owned(), |address| address.to_string())
    }

    /// Waits for bytes, orders, or a deadline: the machine's, or `until`.
    pub async fn wait(&mut self, until: Option<Duration>) -> Woken {
        self.arm_timer(until);
        let mut woken = Woken::begin();
        poll_fn(|context| self.poll(context, &mut woken)).await;
        if (1..GATHERED_BELOW).contains(&woken.waiting.stanzas.len()) {
            self.handle.inbox.gather(&mut woken.waiting.stanzas).await;
        }
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
        // Who takes nothing is sent nothing, nor is it read: its inbox fills, and then it is cut.
        if self.transport.unsent() == 0 {
            ready |= self.handle.inbox.poll_take(context, &mut woken.waiting).is_ready();
            if self.read_after.is_none() && !self.machine.is_waiting() {
                ready |= self.poll_read(context, woken);
            }
        }
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(context).is_ready()
        {
            self.timer = None;
            woken.timeout = true;
        }
        if ready || woken.lost || woken.timeout { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, woken: &mut Woken) -> bool {
        let mut plain = if self.input.is_empty() { borrow_plain() } else { std::mem::take(&mut self.input) };
        let before = plain.len();
        let read = self.transport.poll_read(context, &mut plain);
        let count = plain.len() - before;
        match read {
            Poll::Ready(Ok(true)) => {}
            Poll::Ready(Ok(false) | Err(_)) => woken.lost = true,
            Poll::Pending => {}
        }
        if plain.is_empty() {
            return_plain(plain);
        } else {
            self.input = plain;
        }
        if count > 0
            && let Some(shaper) = &mut self.shaper
        {
            self.read_after = shaper.take(count, self.kernel.clock.monotonic());
        }
        read.is_ready()
    }

    /// Sets the timer to the earliest deadline. One that is set to an earlier time is left: waking once too often is
    /// cheaper than moving it with every stanza.
    fn arm_timer(&mut self, until: Option<Duration>) {
        let stalled = self.stalled_since.zip(self.send_timeout);
        let stalled = stalled.map(|(since, timeout)| since.saturating_add(timeout));
        let deadlines = [self.machine.poll_timeout(), self.read_after, stalled, until];
        let Some(deadline) = deadlines.into_iter().flatten().min() else { return self.timer = None };
        if self.timer.is_some() && self.timer_at <= deadline {
            return;
        }
        let left = deadline.saturating_sub(self.now());
        self.timer = Some(Box::pin(tokio::time::sleep(left)));
        self.timer_at = deadline;
    }

    /// Does what is due; `false` if the other end takes nothing for too long.
    pub fn on_timeout(&mut self) -> bool {
        let now = self.now();
        if self.read_after.is_some_and(|until| until <= now) {
            self.read_after = None;
        }
        if let (Some(since), Some(timeout)) = (self.stalled_since, self.send_timeout)
            && now >= since.saturating_add(timeout)
        {
            return false;
        }
        if self.machine.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.machine.handle_timeout(now);
        }
        true
    }

    /// Gives the machine what was read, up to its next output; says whether it took anything.
    pub fn feed(&mut self) -> bool {
        if self.input.is_empty() || self.machine.is_waiting() {
            return false;
        }
        let now = self.kernel.clock.monotonic();
        let taken = self.machine.handle_input(now, self.input.get(self.at..).unwrap_or_default());
        self.at += taken;
        if self.at >= self.input.len() {
            self.drop_input();
        }
        taken > 0
    }

    fn drop_input(&mut self) {
        self.at = 0;
        let mut input = std::mem::take(&mut self.input);
        input.clear();
        return_plain(input);
    }

    /// Whether everything that was read is taken.
    pub fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Writes bytes, as far as the kernel takes them at once.
    pub fn send(&mut self, bytes: &[u8]) {
        self.transport.send(bytes);
        if self.transport.unsent() > 0 && self.stalled_since.is_none() {
            self.stalled_since = Some(self.now());
        }
    }

    /// Writes all stanzas in one go; returns those that the machine doesn't take.
    pub fn send_stanzas(&mut self, stanzas: &mut Vec<Stanza>) -> Vec<Stanza> {
        let now = self.now();
        let mut out = borrow_plain();
        let mut refused = Vec::new();
        for stanza in stanzas.drain(..) {
            refused.extend(self.machine.send(now, stanza, &mut out));
        }
        if !out.is_empty() {
            self.machine.request_ack(now, &mut out);
            self.send(&out);
        }
        return_plain(out);
        refused
    }

    /// Goes on until the TLS handshake, begun before, is done, or `until` has come.
    ///
    /// # Errors
    /// Why it wasn't.
    pub async fn handshake(&mut self, until: Duration) -> Result<(), String> {
        let left = until.saturating_sub(self.now());
        let done = tokio::time::timeout(left, poll_fn(|context| self.poll_handshake(context))).await;
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => {
                // The alert that says why.
                let flush = poll_fn(|context| self.transport.poll_flush(context).map(|_| ()));
                let _ = tokio::time::timeout(Duration::from_secs(1), flush).await;
                Err(why)
            }
            Err(_) => Err("the handshake took too long".to_owned()),
        }
    }

    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        loop {
            if let Poll::Ready(Err(error)) = self.transport.poll_flush(context) {
                return Poll::Ready(Err(error.to_string()));
            }
            if !self.transport.tls().is_some_and(Tls::is_handshaking) {
                return Poll::Ready(Ok(()));
            }
            let mut plain = std::mem::take(&mut self.input);
            let read = self.transport.poll_read(context, &mut plain);
            self.input = plain;
            match read {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(Err("the other end closed".to_owned())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.to_string())),
            }
        }
    }
}
