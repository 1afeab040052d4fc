//! What answers HTTP requests: handlers by ejabberd's names, put under paths by `request_handlers` of a listener.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use nightjar_text::Text;
use parking_lot::RwLock;

use crate::guard::Guard;
use crate::hooks::BoxFuture;
use crate::host::Host;
use crate::kernel::Kernel;

/// What is sent and received after the headers.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;
/// An answer.
pub type Response = http::Response<Body>;

/// A request.
pub struct Request {
    /// Method, address, version, headers.
    pub head: http::request::Parts,
    /// The body; the listener limits the time it may take.
    pub body: Body,
    /// The path below the handler's prefix: its segments, decoded. A last empty one stands for a `/` at the end.
    pub path: Vec<String>,
    /// The handler's prefix, as configured.
    pub prefix: Text,
    /// The client's address, as trusted proxies say; none on UNIX sockets.
    pub peer: Option<IpAddr>,
    /// Whether the client is connected by TLS, as trusted proxies say.
    pub is_tls: bool,
    /// Whether it came through a UNIX socket.
    pub is_unix: bool,
    /// The virtual host that is meant: the first one if the request names none that is here; none if there is none.
    pub host: Option<Arc<Host>>,
    /// The listener's `tag`.
    pub tag: Text,
}

/// Paths that every listener serves unless its `request_handlers` puts something else there, and their handlers.
pub const DEFAULT_PATHS: &[(&str, &str)] =
    &[("/healthz", "nightjar_health"), ("/readyz", "nightjar_ready"), ("/metrics", "nightjar_metrics")];

/// Answers requests below a path.
pub trait HttpHandler: Send + Sync {
    /// The answer. One with status 101 has among its extensions what takes the connection over.
    fn handle<'a>(&'a self, kernel: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response>;
}

/// What all HTTP listeners count since the start: [`Kernel::shared`] has it.
#[derive(Debug, Default)]
pub struct HttpStats {
    /// Connections that were accepted.
    pub connections: AtomicU64,
    /// Connections that are open now.
    pub connections_open: AtomicU64,
    /// Requests whose headers were understood.
    pub requests: AtomicU64,
    /// Answers that blame the client, those to what wasn't understood included.
    pub responses_4xx: AtomicU64,
    /// Answers that blame the server.
    pub responses_5xx: AtomicU64,
}

struct Entry {
    name: &'static str,
    host: Option<Text>,
    handler: Arc<dyn HttpHandler>,
}

/// All handlers.
#[derive(Default)]
pub struct HttpHandlers {
    entries: RwLock<Vec<Arc<Entry>>>,
}

impl HttpHandlers {
    /// Adds a handler, for one host or for the server, until the guard is dropped.
    pub fn add(
        self: &Arc<Self>,
        name: &'static str,
        host: Option<Text>,
        handler: Arc<dyn HttpHandler>,
    ) -> Guard {
        let entry = Arc::new(Entry { name, host, handler });
        self.entries.write().push(Arc::clone(&entry));
        let handlers = Arc::clone(self);
        Guard::new(move || handlers.entries.write().retain(|other| !Arc::ptr_eq(other, &entry)))
    }

    /// The handler of this name for a host. Where no host is meant, any host's will do: it is told that there is none.
    pub fn find(&self, name: &str, host: Option<&str>) -> Option<Arc<dyn HttpHandler>> {
        let entries = self.entries.read();
        let found = entries.iter().find(|entry| {
            entry.name == name
                && match (&entry.host, host) {
                    (Some(own), Some(host)) => *own == *host,
                    _ => true,
                }
        });
        found.map(|entry| Arc::clone(&entry.handler))
    }
}

/// A body of these bytes.
pub fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer of these bytes.
pub fn answer(status: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer in words.
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Response {
    answer(status, "text/plain; charset=utf-8", text)
}

/// An answer in JSON.
pub fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    answer(status, "application/json", value.to_string())
}

/// The whole body, if it has at most `max` bytes.
///
/// # Errors
/// The answer to send: 413 for a longer body, 408 for one that takes too long, 400 for one that breaks off.
pub async fn read(body: Body, max: usize) -> Result<Bytes, Response> {
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(text(StatusCode::PAYLOAD_TOO_LARGE, format!("The body may have {max} bytes at most.\n")))
        }
        Err(error) if is_timeout(&*error) => {
            Err(text(StatusCode::REQUEST_TIMEOUT, "The body takes too long.\n"))
        }
        Err(_) => Err(text(StatusCode::BAD_REQUEST, "The body breaks off.\n")),
    }
}

fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}
