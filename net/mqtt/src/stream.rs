//! What carries MQTT's bytes: a transport as it is, or WebSocket on one.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use nightjar_mqtt::Reason;
use nightjar_mqtt::connection::Closed;
use nightjar_net_listen::WebSocket;
use nightjar_net_listen::tls::Tls;
use nightjar_net_listen::transport::{Transport, borrow_plain, return_plain};
use nightjar_text::Text;
use nightjar_websocket::{self as websocket, Code};

use crate::listener::Shared;

/// Carries a connection. Where nothing is said, it is as a transport has it.
pub(crate) trait Stream: Send {
    /// Reads once; `Ok(false)` at the end.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        now: u64,
        into: &mut BytesMut,
    ) -> Poll<io::Result<bool>>;

    /// Sends bytes that stand in pieces: at once as far as the kernel takes them.
    fn send(&mut self, pieces: &[IoSlice<'_>]);

    /// What is below.
    fn transport(&self) -> &Transport;

    /// Writes what is unsent; ready when all of it is written.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The host that the client has asked for.
    fn server_name(&self) -> Option<&str> {
        self.tls()?.server_name()
    }

    /// How long the client may take no byte.
    fn send_timeout(&self, shared: &Shared) -> Option<Duration> {
        shared.send_timeout
    }

    /// When [`Stream::handle_timeout`] is to be called.
    fn poll_timeout(&self) -> Option<u64> {
        None
    }

    /// Does what is due; says whether the connection is lost.
    fn handle_timeout(&mut self, _now: u64) -> bool {
        false
    }

    /// Why what is above the transport is over; a connection that is lost to MQTT has that to say.
    fn closed(&self) -> Option<websocket::Closed> {
        None
    }

    /// Ends what is above the transport.
    fn into_transport(self, closed: Option<Closed>) -> Transport;

    /// The TLS state.
    fn tls(&self) -> Option<&Tls> {
        self.transport().tls()
    }

    /// Bytes that the kernel hasn't taken yet.
    fn unsent(&self) -> usize {
        self.transport().unsent()
    }
}

impl Stream for Transport {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        _now: u64,
        into: &mut BytesMut,
    ) -> Poll<io::Result<bool>> {
        let mut plain = borrow_plain();
        let read = self.poll_read(context, &mut plain);
        into.extend_from_slice(&plain);
        return_plain(plain);
        read
    }

    fn send(&mut self, pieces: &[IoSlice<'_>]) {
        match pieces {
            [one] => self.send(one),
            many => {
                let mut joined = borrow_plain();
                many.iter().for_each(|piece| joined.extend_from_slice(piece));
                self.send(&joined);
                return_plain(joined);
            }
        }
    }

    fn transport(&self) -> &Transport {
        self
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }

    fn into_transport(self, _closed: Option<Closed>) -> Transport {
        self
    }
}

/// WebSocket, which HTTP has gone over to. Packets and messages needn't begin or end together ([MQTT-6.0.0-2]).
pub(crate) struct Tunnel {
    pub(crate) socket: WebSocket,
    /// Of a client: the host that the request named, or the first one.
    pub(crate) host: Option<Text>,
    pub(crate) send_timeout: Option<Duration>,
}

impl Stream for Tunnel {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        now: u64,
        into: &mut BytesMut,
    ) -> Poll<io::Result<bool>> {
        self.socket.poll_read(context, now, &mut |piece| into.extend_from_slice(piece.bytes))
    }

    fn send(&mut self, pieces: &[IoSlice<'_>]) {
        self.socket.send(pieces);
    }

    fn transport(&self) -> &Transport {
        self.socket.transport()
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush(context)
    }

    fn server_name(&self) -> Option<&str> {
        self.host.as_deref()
    }

    fn send_timeout(&self, _shared: &Shared) -> Option<Duration> {
        self.send_timeout
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.socket.poll_timeout()
    }

    fn handle_timeout(&mut self, now: u64) -> bool {
        self.socket.handle_timeout(now);
        self.socket.closed().is_some()
    }

    fn closed(&self) -> Option<websocket::Closed> {
        self.socket.closed()
    }

    fn into_transport(self, closed: Option<Closed>) -> Transport {
        let (code, reason) = close_code(closed);
        self.socket.close(code, reason)
    }
}

/// What the last frame says of the end of MQTT. Clients of MQTT 5 have read more of it in DISCONNECT.
fn close_code(closed: Option<Closed>) -> (Code, &'static str) {
    match closed {
        Some(Closed::ByFault(error)) if error.reason == Reason::PACKET_TOO_LARGE => {
            (Code::TOO_LARGE, error.detail)
        }
        Some(Closed::ByFault(error)) => (Code::POLICY_VIOLATION, error.detail),
        Some(Closed::ByBroker(Reason::SERVER_SHUTTING_DOWN)) => (Code::GOING_AWAY, ""),
        _ => (Code::NORMAL, ""),
    }
}

#[cfg(test)]
mod tests;
