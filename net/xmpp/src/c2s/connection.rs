//! A connection under negotiation: transport, stream machine, and what is known of the client.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nightjar_auth::{AnonymousClaim, StoredToken};
use nightjar_base::{Connection as Described, Host, Session};
use nightjar_sasl::Mechanism;
use nightjar_text::Text;
use nightjar_xmpp::c2s::ClientStream;
use nightjar_xmpp::{StreamError, StreamErrorCondition};
use tokio::time::Sleep;

use super::Shared;
use nightjar_net_listen::Permit;
use nightjar_net_listen::transport::Transport;

/// What a wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Bytes were read.
    Read,
    /// The peer closed, or the socket broke.
    Lost,
    /// The time that was waited for has come.
    Timeout,
}

/// A client that has no session yet.
pub(crate) struct Connection {
    pub shared: Arc<Shared>,
    pub transport: Transport,
    pub stream: ClientStream,
    /// Bytes that were read and that the machine hasn't taken.
    pub input: Vec<u8>,
    pub peer: Option<SocketAddr>,
    pub host: Option<Arc<Host>>,
    pub account: Option<nightjar_jid::Jid>,
    pub mechanism: Option<Mechanism>,
    /// The tokens the last lookup found, and whose they are (XEP-0484).
    pub tokens: Vec<StoredToken>,
    /// Whose token is used for the how-manieth time (XEP-0484 §3.4).
    pub token_use: Option<(Text, u32)>,
    pub claim: Option<AnonymousClaim>,
    /// Its place among the connections.
    pub permit: Option<Permit>,
    /// Whether the client has proved who it is in the attempt that goes on.
    pub is_proved: bool,
    /// Whether the attempt that goes on is counted as a guess already.
    pub is_counted: bool,
    /// The session, once there is one.
    pub session: Option<Arc<Session>>,
}

impl Connection {
    /// The monotonic clock.
    pub fn now(&self) -> Duration {
        self.shared.kernel.clock.monotonic()
    }

    /// The peer's address; none for UNIX sockets.
    pub fn ip(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip())
    }

    /// Ends a stream that the server's policy doesn't want.
    pub fn refuse(&mut self, why: Text) {
        self.stream.close(StreamError::with_text(StreamErrorCondition::PolicyViolation, why));
    }

    /// Gives the place among those that have not logged in to somebody else.
    pub fn free_place(&mut self) {
        if let Some(permit) = &mut self.permit {
            permit.authenticated();
        }
    }

    /// The peer for the log.
    pub fn peer_name(&self) -> String {
        self.peer.map_or_else(|| "unix".to_owned(), |peer| peer.to_string())
    }

    /// How the client is connected, for the administrator.
    pub fn describe(&self) -> Described {
        let tls = self.transport.tls().is_some();
        Described {
            kind: if tls { "c2s_tls" } else { "c2s" },
            ip: self.peer.map(|peer| peer.ip()),
            port: self.peer.map_or(0, |peer| peer.port()),
            tls,
            mechanism: self.mechanism.map(|mechanism| Text::new(mechanism.name())).unwrap_or_default(),
        }
    }

    /// Waits for bytes or for the machine's timer, flushing meanwhile.
    pub async fn wait(&mut self) -> Wake {
        let deadline = self.stream.poll_timeout();
        let left = deadline.map(|deadline| deadline.saturating_sub(self.now()));
        let mut timer = left.map(|left| Box::pin(tokio::time::sleep(left)));
        poll_fn(|context| self.poll(context, &mut timer)).await
    }

    fn poll(&mut self, context: &mut Context<'_>, timer: &mut Option<Pin<Box<Sleep>>>) -> Poll<Wake> {
        if let Poll::Ready(Err(_)) = self.transport.poll_flush(context) {
            return Poll::Ready(Wake::Lost);
        }
        match self.transport.poll_read(context, &mut self.input) {
            Poll::Ready(Ok(true)) => return Poll::Ready(Wake::Read),
            Poll::Ready(Ok(false)) => return Poll::Ready(Wake::Lost),
            Poll::Ready(Err(error)) => {
                tracing::debug!(peer = self.peer_name(), %error, "reading failed");
                return Poll::Ready(Wake::Lost);
            }
            Poll::Pending => {}
        }
        match timer {
            Some(timer) => timer.as_mut().poll(context).map(|()| Wake::Timeout),
            None => Poll::Pending,
        }
    }

    /// Gives the machine what was read; says whether it took anything.
    pub fn feed(&mut self) -> bool {
        if self.input.is_empty() || self.stream.is_waiting() {
            return false;
        }
        let now = self.now();
        let taken = self.stream.handle_input(now, &self.input);
        self.input.drain(..taken);
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        taken > 0
    }
}

use std::future::Future as _;

/// Time to write the last words to a client that doesn't read, and to wait for its own end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Flushes and closes a transport, as far as the client lets us. What the client still sends is read and dropped:
/// closing with unread bytes would reset the connection, and the client might never see the error it was sent.
pub(crate) async fn finish(mut transport: Transport) {
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
        tracing::debug!("a client didn't close its end in time");
    }
}
