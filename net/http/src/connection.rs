//! One connection from its first byte to its last. It moves bytes and time; what a request means is the service's.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use nightjar_base::http::HttpStats;
use nightjar_net_listen::transport::Transport;
use nightjar_net_listen::{Accepted, Permit};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::answer::AnswerBody;
use crate::channel::{Channel, Expiry, Ready};
use crate::head::Refusal;
use crate::io::Shared;
use crate::limits::{
    CONNECTION_WINDOW_BYTES, HEADERS_MAX, STREAM_WINDOW_BYTES, STREAMS_MAX, Times, UNSENT_BYTES_MAX,
};
use crate::listener::Common;
use crate::service::Service;

const SLOW_HEAD: Refusal =
    Refusal { status: StatusCode::REQUEST_TIMEOUT, sentence: "The header takes too long." };

/// How one stage of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The client is idle; what serving it needed was given back.
    Parked,
    /// The connection is over.
    Over,
    /// Another protocol has it now.
    Upgraded,
}

/// Serves a connection to its end.
pub(crate) async fn serve(common: Arc<Common>, accepted: Accepted) {
    let mut transport = Transport::new(accepted.socket);
    if let Some(config) = &common.tls
        && let Err(error) = transport.start_tls(Arc::clone(config))
    {
        tracing::error!(%error, "TLS can't be used");
        return;
    }
    let open = Open::new(&common.stats, accepted.permit);
    let channel = Channel::new(transport, common.settings.times.clone(), Instant::now(), open);
    let shared = Shared::new(channel);
    let peer = accepted.peer.map(|peer| peer.ip());
    let stage = loop {
        let stage = match ready(&common, &shared).await {
            Ready::Http1 => Box::pin(http1(&common, &shared, peer)).await,
            Ready::Http2 => Box::pin(http2(&common, &shared, peer)).await,
            Ready::End => Stage::Over,
        };
        if stage != Stage::Parked {
            break stage;
        }
    };
    match stage {
        Stage::Upgraded => hand_over(shared, accepted.peer),
        _ => Box::pin(farewell(&common, &shared)).await,
    }
}

/// Another protocol goes on, in a task of its own: this one has the size of what HTTP needs.
fn hand_over(shared: Shared, peer: Option<SocketAddr>) {
    match shared.into_channel().and_then(|channel| channel.into_upgraded(peer)) {
        Some((upgrade, upgraded)) => upgrade.hand_over(upgraded),
        None => tracing::error!("a connection can't be handed over: HTTP still has it"),
    }
}

/// A connection that is counted.
pub(crate) struct Open {
    stats: Arc<HttpStats>,
    permit: Option<Permit>,
}

impl Open {
    pub(crate) fn new(stats: &Arc<HttpStats>, permit: Option<Permit>) -> Self {
        stats.connections.fetch_add(1, Ordering::Relaxed);
        stats.connections_open.fetch_add(1, Ordering::Relaxed);
        Self { stats: Arc::clone(stats), permit }
    }

    /// It is HTTP no longer, and keeps its place in the budget.
    pub(crate) fn into_permit(mut self) -> Option<Permit> {
        self.permit.take()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stats.connections_open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Fires when the channel's deadline has come, wherever it moves to meanwhile.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn poll(&mut self, context: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // One that fires early is cheaper than one that is moved all the time.
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// Waits until there is something to serve.
async fn ready(common: &Common, shared: &Shared) -> Ready {
    let mut alarm = Alarm::default();
    let mut over = pin!(common.over.notified());
    over.as_mut().enable();
    poll_fn(|context| {
        let mut channel = shared.lock();
        if let Poll::Ready(ready) = channel.poll_ready(context) {
            return Poll::Ready(ready);
        }
        let is_over = over.as_mut().poll(context).is_ready() || common.is_over.load(Ordering::Acquire);
        if is_over && channel.is_idle() {
            return Poll::Ready(Ready::End);
        }
        if alarm.poll(context, channel.expiry()).is_ready() {
            if channel.has_partial_head() {
                common.stats.responses_4xx.fetch_add(1, Ordering::Relaxed);
                channel.refuse(SLOW_HEAD);
            }
            return Poll::Ready(Ready::End);
        }
        Poll::Pending
    })
    .await
}

/// What hyper's two kinds of connections have in common.
trait Protocol: Future {
    fn close_soon(self: Pin<&mut Self>);
}

async fn http1(common: &Arc<Common>, shared: &Shared, peer: Option<std::net::IpAddr>) -> Stage {
    if shared.lock().is_refused() {
        common.stats.responses_4xx.fetch_add(1, Ordering::Relaxed);
        return Stage::Over;
    }
    let service = Arc::new(Service::new(common, shared, peer, false));
    let connection = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(UNSENT_BYTES_MAX)
        .header_read_timeout(None)
        .serve_connection(shared.clone(), service_fn(move |request| answer(&service, request)));
    drive(common, shared, connection).await
}

async fn http2(common: &Arc<Common>, shared: &Shared, peer: Option<std::net::IpAddr>) -> Stage {
    let service = Arc::new(Service::new(common, shared, peer, true));
    let Times { keep_alive, head, .. } = common.settings.times;
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100)
        .max_header_list_size(16 * 1024)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(UNSENT_BYTES_MAX)
        .keep_alive_interval(keep_alive / 2)
        .keep_alive_timeout(head)
        .serve_connection(shared.clone(), service_fn(move |request| answer(&service, request)));
    drive(common, shared, connection).await
}

fn answer(
    service: &Arc<Service>,
    request: http::Request<Incoming>,
) -> impl Future<Output = Result<http::Response<AnswerBody>, Infallible>> + use<> {
    let asked = service.begin(&request);
    let service = Arc::clone(service);
    async move { Ok(service.answer(request, asked).await) }
}

type Answering<S, E> = http2::Connection<Shared, S, E>;

impl<S> Protocol for http1::Connection<Shared, S>
where
    Self: Future,
    S: hyper::service::HttpService<Incoming, ResBody = AnswerBody>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn close_soon(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S, E> Protocol for Answering<S, E>
where
    Self: Future,
    S: hyper::service::HttpService<Incoming, ResBody = AnswerBody>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, AnswerBody>,
{
    fn close_soon(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Lets hyper serve until the client is idle, has gone, or took too long.
async fn drive(common: &Common, shared: &Shared, connection: impl Protocol) -> Stage {
    let mut alarm = Alarm::default();
    let mut over = pin!(common.over.notified());
    over.as_mut().enable();
    let mut connection = pin!(connection);
    let mut is_closing = false;
    poll_fn(|context| {
        let is_over = over.as_mut().poll(context).is_ready() || common.is_over.load(Ordering::Acquire);
        if is_over && !is_closing {
            is_closing = true;
            shared.lock().close_soon();
            connection.as_mut().close_soon();
        }
        if connection.as_mut().poll(context).is_ready() {
            let is_upgraded = shared.lock().upgrade.is_some();
            return Poll::Ready(if is_upgraded { Stage::Upgraded } else { Stage::Over });
        }
        let mut channel = shared.lock();
        loop {
            if alarm.poll(context, channel.deadline(true)).is_pending() {
                return Poll::Pending;
            }
            match channel.expire(Instant::now()) {
                Expiry::Park => return Poll::Ready(Stage::Parked),
                Expiry::SlowHead => {
                    common.stats.responses_4xx.fetch_add(1, Ordering::Relaxed);
                    channel.refuse(SLOW_HEAD);
                    return Poll::Ready(Stage::Over);
                }
                Expiry::Finish if !is_closing => {
                    is_closing = true;
                    channel.close_soon();
                    connection.as_mut().close_soon();
                    // Its goodbye is written when it is polled.
                    context.waker().wake_by_ref();
                }
                _ => return Poll::Ready(Stage::Over),
            }
        }
    })
    .await
}

/// Says that nothing follows, and lets the client read why: a socket that is closed while bytes come in takes back
/// what was sent.
async fn farewell(common: &Common, shared: &Shared) {
    let times = &common.settings.times;
    let said = timeout(times.linger, poll_fn(|context| shared.lock().poll_shutdown(context)));
    if matches!(said.await, Ok(Ok(()))) {
        let _ = timeout(times.linger, poll_fn(|context| shared.lock().poll_forget(context))).await;
    }
}
