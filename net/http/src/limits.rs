//! How much and how long. None of it can be configured: a client that needs more is no HTTP client.

use std::time::Duration;

/// Bytes of a request line and its header fields.
pub(crate) const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Header fields of a request.
pub(crate) const HEADERS_MAX: usize = 100;
/// Streams of an HTTP/2 connection at once.
pub(crate) const STREAMS_MAX: u32 = 100;
/// Bytes of a body that an HTTP/2 client may send before they are read.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// The same for all streams of a connection together.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes waiting for a client that doesn't take them, before no more are made.
pub(crate) const UNSENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes a second that a body must have on average, once it took longer than [`Times::body`].
pub(crate) const BODY_BYTES_PER_SECOND: u64 = 512;

/// Times of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// From the connection to the end of the TLS handshake and the first byte of a request, and from there to the end
    /// of its header fields.
    pub head: Duration,
    /// Without a request, after one.
    pub keep_alive: Duration,
    /// Until an idle connection gives its buffers back.
    pub park: Duration,
    /// Without a byte of a body.
    pub body: Duration,
    /// Without the client taking a byte of what is sent (`send_timeout`).
    pub send: Option<Duration>,
    /// For the requests that are answered while the listener ends.
    pub closing: Duration,
    /// For bytes that a client still sends while it is told that the connection ends.
    pub linger: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            park: Duration::from_secs(1),
            body: Duration::from_secs(30),
            send: Some(Duration::from_secs(15)),
            closing: Duration::from_secs(10),
            linger: Duration::from_secs(2),
        }
    }
}
