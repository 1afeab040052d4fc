//! A client's connection: what may come next on it, since when it is waited for, and what wasn't taken yet.
//!
//! HTTP/1 is handed to hyper a whole head at a time, so a connection without a whole request has no hyper behind it
//! and costs little more than the bytes that came.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use nightjar_net_listen::transport::Transport;
use nightjar_net_listen::{Upgrade, Upgraded};
use tokio::time::Instant;

use crate::connection::Open;
use crate::flood::FrameMeter;
use crate::head::{self, Head, Refusal};
use crate::limits::{Times, UNSENT_BYTES_MAX};

/// What the next bytes of the client are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A request line and header fields.
    Head,
    /// The rest of a head that is being handed over: so many bytes.
    Rest(usize),
    /// Unknown: the head is handed over and its request not begun.
    Unknown,
    /// A body: so many bytes.
    Body(u64),
    /// Anything: HTTP/2, a chunked body.
    Anything,
    /// Unknown until the request is answered: another protocol may take over.
    Answer,
    /// Nothing: the client was refused.
    Nothing,
}

/// What a connection that served nothing yet is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// A request of HTTP/1.
    Http1,
    /// HTTP/2.
    Http2,
    /// The end.
    End,
}

/// What has to happen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Giving back what serving the client needed.
    Park,
    /// Refusing a client that doesn't finish its header.
    SlowHead,
    /// Telling the client that no more requests are taken.
    Finish,
    /// Closing.
    Close,
}

/// The state of one connection.
pub(crate) struct Channel {
    transport: Transport,
    times: Times,
    input: Vec<u8>,
    scanned: usize,
    expected: Expected,
    /// Counts frames, where it is HTTP/2.
    meter: Option<Box<FrameMeter>>,
    in_flight: u32,
    has_served: bool,
    is_refused: bool,
    /// What takes over.
    pub upgrade: Option<Upgrade>,
    begun: Instant,
    /// Since when what is expected is waited for.
    since: Instant,
    /// Since when the client takes nothing, and how much there was then.
    stuck: Option<(Instant, usize)>,
    is_flushed: bool,
    is_closed: bool,
    is_shut: bool,
    closing: Option<Instant>,
    reader: Option<Waker>,
    open: Open,
}

impl Channel {
    pub(crate) fn new(transport: Transport, times: Times, now: Instant, open: Open) -> Self {
        Self {
            transport,
            times,
            input: Vec::new(),
            scanned: 0,
            expected: Expected::Head,
            meter: None,
            in_flight: 0,
            has_served: false,
            is_refused: false,
            upgrade: None,
            begun: now,
            since: now,
            stuck: None,
            is_flushed: true,
            is_closed: false,
            is_shut: false,
            closing: None,
            reader: None,
            open,
        }
    }

    /// Waits for the first request; nothing is behind the connection until then.
    pub(crate) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Ready> {
        loop {
            // Answers to a TLS handshake, or a refusal.
            let _ = self.poll_flush(context);
            if self.expected == Expected::Nothing {
                return Poll::Ready(Ready::End);
            }
            let is_http2 = self.transport.tls().is_some_and(|tls| tls.alpn() == Some(b"h2"));
            if is_http2 && !self.input.is_empty() {
                self.expected = Expected::Anything;
                let mut meter = Box::new(FrameMeter::new());
                let is_flood = !meter.take(&self.input, self.begun.elapsed());
                self.meter = Some(meter);
                return Poll::Ready(if is_flood { Ready::End } else { Ready::Http2 });
            }
            if !is_http2 && self.look() {
                return Poll::Ready(Ready::Http1);
            }
            match self.poll_input(context) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(_) => return Poll::Ready(Ready::End),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Reads what there is; false at the end.
    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.is_closed {
            return Poll::Ready(Ok(false));
        }
        let before = self.input.len();
        let result = self.transport.poll_read(context, &mut self.input);
        let fresh = self.input.get(before..).unwrap_or_default();
        if !fresh.is_empty() {
            let now = Instant::now();
            if before == 0 && self.expected == Expected::Head {
                self.since = now;
            }
            let age = now.saturating_duration_since(self.begun);
            if self.meter.as_mut().is_some_and(|meter| !meter.take(fresh, age)) {
                tracing::info!("an HTTP/2 client sends too many frames that move nothing");
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        }
        if matches!(result, Poll::Ready(Ok(false))) {
            self.is_closed = true;
        }
        result
    }

    /// Whether a whole head is there. One that can't be taken is refused.
    fn look(&mut self) -> bool {
        let empty = head::leading_lines(&self.input);
        self.input.drain(..empty);
        self.scanned = self.scanned.saturating_sub(empty);
        if self.input.is_empty() {
            return false;
        }
        match head::inspect(&self.input, &mut self.scanned) {
            Head::Partial => false,
            Head::Complete(length) => {
                self.expect(Expected::Rest(length));
                true
            }
            Head::Refused(refusal) => {
                self.refuse(refusal);
                true
            }
        }
    }

    /// Answers what is no request, and ends.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.transport.send(crate::answer::refusal(refusal).as_bytes());
        self.input = Vec::new();
        self.is_refused = true;
        self.expect(Expected::Nothing);
    }

    fn expect(&mut self, expected: Expected) {
        self.expected = expected;
        self.scanned = 0;
        self.since = Instant::now();
    }

    /// A request begins; its body is as expected.
    pub(crate) fn begin(&mut self, body: Expected) {
        self.in_flight += 1;
        self.has_served = true;
        if self.meter.is_none() {
            self.expect(if body == Expected::Body(0) { Expected::Head } else { body });
        }
        self.wake();
    }

    /// A request is answered.
    pub(crate) fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.since = Instant::now();
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Bytes for hyper, `max` at most; none at the end.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        max: usize,
        give: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<()>> {
        loop {
            if self.expected == Expected::Head && self.in_flight == 0 && self.look() {
                continue;
            }
            let wanted = match self.expected {
                Expected::Nothing => return Poll::Ready(Ok(())),
                Expected::Unknown | Expected::Answer => return self.wait(context),
                Expected::Head if self.in_flight > 0 && !self.input.is_empty() => return self.wait(context),
                Expected::Head => 0,
                Expected::Rest(left) => left,
                Expected::Body(left) => usize::try_from(left).unwrap_or(usize::MAX),
                Expected::Anything => usize::MAX,
            };
            let count = wanted.min(max).min(self.input.len());
            if count > 0 {
                give(self.input.get(..count).unwrap_or_default());
                self.given(count);
                return Poll::Ready(Ok(()));
            }
            match self.poll_input(context) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.wait(context),
            }
        }
    }

    /// Pending, until the socket or [`Channel::begin`] or [`Channel::end`] has news.
    fn wait(&mut self, context: &Context<'_>) -> Poll<io::Result<()>> {
        self.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// `count` bytes were handed over.
    fn given(&mut self, count: usize) {
        self.input.drain(..count);
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        match self.expected {
            Expected::Rest(left) if left == count => self.expect(Expected::Unknown),
            Expected::Rest(left) => self.expected = Expected::Rest(left.saturating_sub(count)),
            Expected::Body(left) => match left.saturating_sub(count as u64) {
                0 => self.expect(Expected::Head),
                left => self.expect(Expected::Body(left)),
            },
            _ => {}
        }
    }

    /// Takes bytes from hyper; says how many.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.transport.unsent() >= UNSENT_BYTES_MAX {
            match self.poll_flush(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        let taken = bytes.get(..UNSENT_BYTES_MAX).unwrap_or(bytes);
        self.is_flushed = false;
        self.transport.send(taken);
        Poll::Ready(Ok(taken.len()))
    }

    /// Writes what is unsent.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = self.transport.poll_flush(context);
        let unsent = self.transport.unsent();
        match &result {
            Poll::Ready(_) => {
                self.is_flushed = true;
                self.stuck = None;
            }
            Poll::Pending if self.stuck.is_none_or(|(_, before)| unsent < before) => {
                self.stuck = Some((Instant::now(), unsent));
            }
            Poll::Pending => {}
        }
        result
    }

    /// The connection without HTTP, for what takes it over.
    pub(crate) fn into_upgraded(self, peer: Option<SocketAddr>) -> Option<(Upgrade, Upgraded)> {
        let Self { transport, times, input, upgrade, open, .. } = self;
        let permit = open.into_permit();
        Some((upgrade?, Upgraded { transport, early: input, peer, permit, send_timeout: times.send }))
    }

    /// Writes what is unsent, and that nothing will follow.
    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            self.is_shut = true;
            self.transport.close_tls();
        }
        let flushed = self.poll_flush(context);
        if flushed.is_ready() {
            self.transport.socket().finish_writing();
        }
        flushed
    }

    /// Reads and forgets; ready at the end.
    pub(crate) fn poll_forget(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let read = self.poll_input(context);
            self.input = Vec::new();
            match read {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The listener ends: so does this, once what is in flight is answered.
    pub(crate) fn close_soon(&mut self) {
        self.closing.get_or_insert_with(Instant::now);
    }

    /// Whether no request is in flight and nothing of one has come.
    pub(crate) fn is_idle(&self) -> bool {
        let is_between = matches!(self.expected, Expected::Head) || self.meter.is_some();
        self.in_flight == 0 && is_between && self.input.is_empty() && self.is_flushed
    }

    /// Whether the client was refused.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Whether part of a request line or header has come.
    pub(crate) fn has_partial_head(&self) -> bool {
        self.expected == Expected::Head && self.in_flight == 0 && !self.input.is_empty()
    }

    /// What to do when a deadline has come.
    pub(crate) fn expire(&self, now: Instant) -> Expiry {
        if self.expiry().is_none_or(|expiry| now < expiry) {
            return Expiry::Park;
        }
        match self.meter {
            None if self.has_partial_head() && self.stuck.is_none() => Expiry::SlowHead,
            Some(_) if self.is_idle() => Expiry::Finish,
            _ => Expiry::Close,
        }
    }

    /// When something has to happen if nothing else does. `has_hyper` says that there are buffers to give back.
    pub(crate) fn deadline(&self, has_hyper: bool) -> Option<Instant> {
        if self.meter.is_none() && has_hyper && self.closing.is_none() && self.is_idle() {
            return Some(self.since + self.times.park);
        }
        self.expiry()
    }

    /// When the connection has to end.
    pub(crate) fn expiry(&self) -> Option<Instant> {
        let stuck = self.stuck.zip(self.times.send).map(|((since, _), limit)| since + limit);
        let closing = self.closing.map(|since| since + self.times.closing);
        let is_quiet = self.has_served && self.is_idle();
        let limit = if is_quiet { self.times.keep_alive } else { self.times.head };
        let idle = (self.in_flight == 0 && closing.is_none()).then(|| self.since + limit);
        [stuck, closing, idle].into_iter().flatten().min()
    }
}
