//! Connections that begin as HTTP and go on as something else (RFC 9110 §7.8).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::budget::Permit;
use crate::transport::Transport;

/// A connection after the answer with status 101. Whoever has it serves it to its end.
pub struct Upgraded {
    /// The connection itself; the answer may still be among what is unsent.
    pub transport: Transport,
    /// What the client has sent after its request.
    pub early: Vec<u8>,
    /// Who is connected: the client, or a proxy that the request tells more about; none for UNIX sockets.
    pub peer: Option<SocketAddr>,
    /// Its place in the budget, among those that haven't proved who they are.
    pub permit: Option<Permit>,
    /// How long the client may take no byte, as the listener's options say.
    pub send_timeout: Option<Duration>,
}

type TakeOver = Box<dyn FnOnce(Upgraded) + Send>;

/// What takes a connection over: an extension of an answer with status 101. Answers can be copied, connections can't: the
/// first one has it.
#[derive(Clone)]
pub struct Upgrade(Arc<Mutex<Option<TakeOver>>>);

impl Upgrade {
    /// Calls `take_over` once the answer is written. It starts to serve the connection and returns at once.
    pub fn new(take_over: impl FnOnce(Upgraded) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(take_over)))))
    }

    /// Hands the connection over.
    pub fn hand_over(&self, upgraded: Upgraded) {
        let take_over = self.0.lock().take();
        if let Some(take_over) = take_over {
            take_over(upgraded);
        }
    }
}
