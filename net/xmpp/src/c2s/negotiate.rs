//! From a new connection to a bound client.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nightjar_xmpp::c2s::{ClientStream, End, Output};

use super::Shared;
use super::connection::{Connection, Wake, finish};
use super::established::Established;
use nightjar_net_listen::listener::Accepted;
use nightjar_net_listen::transport::Transport;

/// How negotiation ended.
enum Negotiated {
    /// The client is bound.
    Established,
    /// The connection is over.
    Over,
}

/// Serves a connection until its client is bound, then hands it to a task of its own: what negotiation needed is
/// given back, and an idle session costs only what it keeps.
pub(super) async fn serve(shared: Arc<Shared>, accepted: Accepted) {
    let Some(mut connection) = Box::pin(begin(shared, accepted)).await else { return };
    let negotiated = Box::pin(negotiate(&mut connection)).await;
    match negotiated {
        Negotiated::Over => {
            if let Some(session) = connection.session.take() {
                // A resumption that fails at its last step has stanzas left.
                let state = connection.stream.take_sm();
                super::detached::close(&connection.shared.kernel, &session, state).await;
            }
            Box::pin(finish(connection.transport)).await;
        }
        Negotiated::Established => {
            if let Some(established) = Established::new(connection) {
                tokio::spawn(established.run());
            }
        }
    }
}

async fn begin(shared: Arc<Shared>, accepted: Accepted) -> Option<Connection> {
    let now = shared.kernel.clock.monotonic();
    let secured = shared.options.direct_tls || shared.options.is_unix;
    let stream_id = shared.kernel.random.identifier();
    let stream = ClientStream::new(Arc::clone(&shared.options.settings), stream_id, secured, now);
    let mut connection = Connection {
        transport: Transport::new(accepted.socket),
        stream,
        input: Vec::new(),
        peer: accepted.peer,
        host: None,
        account: None,
        mechanism: None,
        tokens: Vec::new(),
        token_use: None,
        claim: None,
        permit: accepted.permit,
        is_proved: false,
        is_counted: false,
        session: None,
        shared,
    };
    if connection.shared.options.direct_tls && !handshake(&mut connection).await {
        return None;
    }
    Some(connection)
}

/// Does the TLS handshake; false if it failed or took too long.
async fn handshake(connection: &mut Connection) -> bool {
    let shared = &connection.shared;
    let host = connection.host.as_ref().map(|host| host.name.as_str());
    let settings = shared.tls.settings(&shared.kernel.config(), host);
    if !settings.is_ok_and(|settings| connection.transport.start_tls(settings).is_ok()) {
        return false;
    }
    let until = connection.stream.poll_timeout().unwrap_or(Duration::from_secs(60));
    let left = until.saturating_sub(connection.now());
    let shaken = tokio::time::timeout(left, async {
        while connection.transport.tls().is_some_and(nightjar_net_listen::tls::Tls::is_handshaking) {
            if connection.wait().await != Wake::Read {
                return false;
            }
        }
        true
    });
    let done = shaken.await.unwrap_or(false);
    if !done {
        tracing::info!(peer = connection.peer_name(), "the TLS handshake failed");
        // The alert that says why.
        let _ = tokio::time::timeout(
            Duration::from_secs(1),
            poll_fn(|context| connection.transport.poll_flush(context).map(|_| ())),
        )
        .await;
    }
    done
}

async fn negotiate(connection: &mut Connection) -> Negotiated {
    let mut starttls = false;
    loop {
        while let Some(output) = connection.stream.poll_output() {
            match output {
                Output::Send(bytes) => connection.transport.send(&bytes),
                Output::StartTls => starttls = true,
                Output::Event(event) => super::answers::answer(connection, event).await,
                Output::Close(end) => {
                    log_end(connection, &end);
                    return Negotiated::Over;
                }
            }
        }
        if connection.stream.is_established() {
            return Negotiated::Established;
        }
        if connection.feed() {
            continue;
        }
        if starttls && connection.input.is_empty() {
            starttls = false;
            flush(connection).await;
            if !handshake(connection).await {
                return Negotiated::Over;
            }
            connection.stream.tls_established();
            continue;
        }
        match connection.wait().await {
            Wake::Read => {}
            Wake::Lost => return Negotiated::Over,
            Wake::Timeout => {
                let now = connection.now();
                connection.stream.handle_timeout(now);
            }
        }
    }
}

async fn flush(connection: &mut Connection) {
    let until = connection.stream.poll_timeout().unwrap_or(Duration::from_secs(60));
    let left = until.saturating_sub(connection.now());
    let flushed = poll_fn(|context| match connection.transport.poll_flush(context) {
        Poll::Ready(_) => Poll::Ready(()),
        Poll::Pending => Poll::Pending,
    });
    // A client that doesn't take the answer fails in the handshake.
    let _ = tokio::time::timeout(left, flushed).await;
}

/// A line for the administrator about a stream that ended before its client was bound.
fn log_end(connection: &Connection, end: &End) {
    let peer = connection.peer_name();
    match end {
        End::Closed => tracing::debug!(peer, "the client left before it logged in"),
        End::PeerError(error) => {
            tracing::info!(peer, condition = error.condition.as_str(), "the client reported an error")
        }
        End::Error(error) => {
            tracing::info!(peer, condition = error.condition.as_str(), "the stream was ended")
        }
        other => tracing::info!(peer, reason = ?other, "the stream was ended"),
    }
}
