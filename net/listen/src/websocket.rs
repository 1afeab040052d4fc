//! WebSocket on a transport, and whose pages may use it: what the protocols over WebSocket share.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{
    CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use nightjar_config::{Config, OptionSpec, Value, option};
use nightjar_websocket::handshake::{self, Refusal};
use nightjar_websocket::{Closed, Code, Connection, Kind, Masks, Piece, Settings};
use parking_lot::Mutex;

use crate::transport::{Transport, borrow_plain, return_plain};

/// The top-level options.
pub const TOPLEVEL: &[OptionSpec] = &[
    option(
        "websocket_origin",
        "ignore|[url or space-separated urls]",
        "[]",
        "Sites whose pages may connect by WebSocket, as https://chat.example.org; ignore takes any. If empty, those of the \
         host that is asked, of the virtual hosts and of names below these. ejabberd's default is any.",
    ),
    option(
        "websocket_ping_interval",
        "duration(s)",
        "1 min",
        "How long a WebSocket client may be silent before it is asked whether it is there; it is gone after two questions \
         without an answer.",
    ),
    option(
        "websocket_timeout",
        "duration(s)",
        "5 min",
        "How long a WebSocket client may be silent, answers to such questions included, before it is gone.",
    ),
];

/// Answers a request for a connection that speaks one of `protocols`: with status 101, or with what is wrong in a sentence.
pub fn answer(
    head: &Parts,
    config: &Config,
    protocols: &[&'static str],
) -> Result<Response<()>, Response<String>> {
    let accepted = handshake::check(&head.method, head.version, &head.headers, protocols).map_err(refused)?;
    if !is_welcome(head, config) {
        return Err(sentence(
            StatusCode::FORBIDDEN,
            "websocket_origin doesn't let pages of this site connect.",
        ));
    }
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&accepted.accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = accepted.protocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    Ok(response)
}

fn refused(refusal: Refusal) -> Response<String> {
    let status = match refusal {
        Refusal::NotAsked | Refusal::Version => StatusCode::UPGRADE_REQUIRED,
        Refusal::Bad(_) => StatusCode::BAD_REQUEST,
    };
    let mut response = sentence(status, &format!("{refusal}."));
    if status == StatusCode::UPGRADE_REQUIRED {
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(handshake::VERSION));
    }
    response
}

fn sentence(status: StatusCode, sentence: &str) -> Response<String> {
    let mut response = Response::new(format!("{sentence}\n"));
    *response.status_mut() = status;
    response
}

/// Whether the page that asks may (RFC 6455 §10.2). What is no browser tells of no page.
fn is_welcome(head: &Parts, config: &Config) -> bool {
    let Some(origin) = head.headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let listed = match config.global.typed("websocket_origin") {
        Value::List(listed) => listed,
        ignore => return ignore.as_str() == Some("ignore"),
    };
    if !listed.is_empty() {
        let mut listed = listed.iter().filter_map(Value::as_str).flat_map(str::split_whitespace);
        return listed.any(|listed| listed.trim_end_matches('/').eq_ignore_ascii_case(origin));
    }
    let Some(site) = origin.split_once("://").map(|(_, rest)| name(rest)).filter(|site| !site.is_empty())
    else {
        return false;
    };
    let asked = head.headers.get(HOST).and_then(|host| host.to_str().ok()).map(name);
    asked.is_some_and(|asked| asked.eq_ignore_ascii_case(site))
        || config.hosts().iter().any(|host| is_below(site, host))
}

/// A host without its port.
fn name(host: &str) -> &str {
    let port = host.rfind(':').filter(|at| !host.get(*at..).unwrap_or_default().contains(']'));
    port.and_then(|at| host.get(..at)).unwrap_or(host)
}

/// Whether a name is a host, or below it.
fn is_below(name: &str, host: &str) -> bool {
    let rest = name.len().checked_sub(host.len()).and_then(|at| name.split_at_checked(at));
    rest.is_some_and(|(rest, end)| end.eq_ignore_ascii_case(host) && (rest.is_empty() || rest.ends_with('.')))
}

/// Settings that all connections of a kind share, as the configuration says now.
#[derive(Default)]
pub struct SharedSettings(Mutex<Option<Arc<Settings>>>);

impl SharedSettings {
    /// Settings for messages of this kind and size.
    pub fn get(&self, config: &Config, kind: Kind, message_size_max: u64) -> Arc<Settings> {
        let milliseconds = |name: &str| {
            let duration = config.global.duration(name).unwrap_or(Duration::ZERO);
            u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
        };
        let settings = Settings {
            kind,
            message_size_max,
            ping_interval_ms: milliseconds("websocket_ping_interval"),
            timeout_ms: milliseconds("websocket_timeout"),
        };
        let mut shared = self.0.lock();
        match &*shared {
            Some(shared) if **shared == settings => Arc::clone(shared),
            _ => Arc::clone(shared.insert(Arc::new(settings))),
        }
    }
}

/// A connection after its handshake. Idle, it keeps no buffer.
pub struct WebSocket {
    transport: Transport,
    machine: Connection,
    /// What came before anybody read.
    early: Vec<u8>,
}

impl WebSocket {
    /// The server's end of a connection whose handshake was made at `now`, in milliseconds of a clock that never goes back;
    /// `early` is what came after it.
    pub fn server(now: u64, transport: Transport, early: Vec<u8>, settings: Arc<Settings>) -> Self {
        Self { transport, machine: Connection::server(now, settings), early }
    }

    /// The client's end of such a connection.
    pub fn client(
        now: u64,
        transport: Transport,
        early: Vec<u8>,
        settings: Arc<Settings>,
        masks: Masks,
    ) -> Self {
        Self { transport, machine: Connection::client(now, settings, masks), early }
    }

    /// Reads what is there and hands on pieces of messages. `Ok(false)`: the peer or its transport has ended.
    pub fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        now: u64,
        take: &mut dyn FnMut(&Piece<'_>),
    ) -> Poll<io::Result<bool>> {
        let (mut plain, read) = if self.early.is_empty() {
            let mut plain = borrow_plain();
            let read = self.transport.poll_read(context, &mut plain);
            (plain, read)
        } else {
            (std::mem::take(&mut self.early), Poll::Ready(Ok(true)))
        };
        let mut input = plain.as_mut_slice();
        while let Some(piece) = self.machine.handle_input(now, &mut input) {
            take(&piece);
        }
        return_plain(plain);
        self.write_control();
        if self.machine.closed().is_some() { Poll::Ready(Ok(false)) } else { read }
    }

    /// Sends a message that stands in pieces; nothing once it is over.
    pub fn send(&mut self, message: &[IoSlice<'_>]) {
        if self.machine.closed().is_some() {
            return;
        }
        let mut framed = borrow_plain();
        self.machine.write_message(message, &mut framed);
        self.transport.send(&framed);
        return_plain(framed);
    }

    fn write_control(&mut self) {
        let output = self.machine.poll_output();
        self.transport.send(&output);
    }

    /// When [`WebSocket::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.machine.poll_timeout()
    }

    /// Asks a peer that is silent whether it is there, or gives it up.
    pub fn handle_timeout(&mut self, now: u64) {
        self.machine.handle_timeout(now);
        self.write_control();
    }

    /// Why it is over; the peer was told.
    pub fn closed(&self) -> Option<Closed> {
        self.machine.closed()
    }

    /// Ends the connection, unless it is over. The transport is left to be closed once all is sent.
    pub fn close(mut self, code: Code, reason: &str) -> Transport {
        self.machine.close(code, reason);
        self.write_control();
        self.transport
    }

    /// Bytes that the kernel hasn't taken yet.
    pub fn unsent(&self) -> usize {
        self.transport.unsent()
    }

    /// Writes what is unsent; ready when all of it is written.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport.poll_flush(context)
    }

    /// What carries it.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }
}

#[cfg(test)]
mod tests;
