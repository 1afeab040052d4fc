//! From a request to its answer: who asks whom, which handler, and what is noted about it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, HeaderValue, UPGRADE};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use nightjar_base::Host;
use nightjar_base::attempts::Protocol;
use nightjar_base::catch::caught;
use nightjar_base::http::{self as base, Request, Response};
use nightjar_net_listen::Upgrade;
use tokio::time::Instant;

use crate::answer::{AnswerBody, InFlight, add_headers};
use crate::body::TimedBody;
use crate::channel::Expected;
use crate::io::Shared;
use crate::listener::Common;
use crate::origin::{Origin, origin};
use crate::path::segments;

const WRONG: &str = "Something went wrong here; the log says more.";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Answers the requests of one connection.
pub(crate) struct Service {
    common: Arc<Common>,
    channel: Shared,
    peer: Option<IpAddr>,
    is_http2: bool,
}

/// A request that has begun.
pub(crate) struct Asked {
    in_flight: InFlight,
    at: Instant,
    /// What follows its head.
    expected: Expected,
}

impl Service {
    pub(crate) fn new(common: &Arc<Common>, channel: &Shared, peer: Option<IpAddr>, is_http2: bool) -> Self {
        Self { common: Arc::clone(common), channel: channel.clone(), peer, is_http2 }
    }

    /// Says what follows the request's head.
    pub(crate) fn begin(&self, request: &http::Request<Incoming>) -> Asked {
        self.common.stats.requests.fetch_add(1, Ordering::Relaxed);
        let switches = request.headers().contains_key(UPGRADE);
        let expected = match request.body().size_hint().exact() {
            Some(_) if request.method() == Method::CONNECT => Expected::Anything,
            Some(0) if switches => Expected::Answer,
            Some(length) if !switches => Expected::Body(length),
            _ => Expected::Anything,
        };
        self.channel.lock().begin(expected);
        Asked { in_flight: InFlight(self.channel.clone()), at: Instant::now(), expected }
    }

    /// The whole answer.
    pub(crate) async fn answer(
        &self,
        request: http::Request<Incoming>,
        asked: Asked,
    ) -> http::Response<AnswerBody> {
        let (method, path) = (request.method().clone(), first_segment(request.uri().path()).to_owned());
        let (head, body) = request.into_parts();
        let mut host = String::new();
        let result = self.dispatch(head, body, &mut host).await;
        // Whoever sends nonsense once isn't listened to any longer.
        let is_nonsense = matches!(&result, Err(response) if response.status() == StatusCode::BAD_REQUEST);
        let (Ok(mut response) | Err(mut response)) = result;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            response = self.upgrade(response, &asked);
        }
        add_headers(response.headers_mut(), &self.common.settings.custom_headers, &host);
        let status = response.status();
        // Where the end of the request can't be told from what follows it, nothing may follow.
        let is_last = matches!(asked.expected, Expected::Anything | Expected::Answer) || is_nonsense;
        if is_last && !self.is_http2 && status != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.count(status);
        let milliseconds = asked.at.elapsed().as_millis();
        // Queries, header fields and paths below their first segment can hold secrets; none is logged.
        tracing::debug!(peer = ?self.peer, %method, path, status = status.as_u16(), milliseconds, "HTTP");
        response.map(|body| AnswerBody::new(body, asked.in_flight))
    }

    /// Another protocol takes over once the answer is written, if the client has asked for one and waits.
    fn upgrade(&self, mut response: Response, asked: &Asked) -> Response {
        let upgrade = response.extensions_mut().remove::<Upgrade>();
        let upgrade = upgrade.filter(|_| !self.is_http2 && asked.expected == Expected::Answer);
        if upgrade.is_none() {
            tracing::error!("a handler switches to another protocol where none can follow");
            return sentence(StatusCode::INTERNAL_SERVER_ERROR, WRONG);
        }
        self.channel.lock().upgrade = upgrade;
        response
    }

    fn count(&self, status: StatusCode) {
        let stats = &self.common.stats;
        if status.is_client_error() {
            stats.responses_4xx.fetch_add(1, Ordering::Relaxed);
        }
        if status.is_server_error() {
            stats.responses_5xx.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The handler's answer, or that of the listener where no handler is asked.
    async fn dispatch(
        &self,
        head: http::request::Parts,
        body: Incoming,
        host_name: &mut String,
    ) -> Result<Response, Response> {
        let kernel = &self.common.kernel;
        check_method(&head.method)?;
        let origin = origin(&head, self.peer, self.common.tls.is_some(), &kernel.config())
            .map_err(|why| sentence(StatusCode::BAD_REQUEST, why.0))?;
        let (host, is_named) = self.host(&origin);
        host_name.push_str(host.as_ref().map_or("", |host| host.name.as_str()));
        if head.method == Method::OPTIONS && head.uri.path() == "*" {
            return Err(allowed(StatusCode::NO_CONTENT, ""));
        }
        let path = segments(head.uri.path()).map_err(|why| sentence(StatusCode::BAD_REQUEST, why.0))?;
        let nothing = || sentence(StatusCode::NOT_FOUND, "Nothing is here.");
        let (route, rest) = self.common.settings.routes.find(&path).ok_or_else(nothing)?;
        if let Some(host) = &host {
            let may = host.may_connect(origin.peer, Protocol::Http).await;
            may.map_err(|why| sentence(StatusCode::FORBIDDEN, &why))?;
        }
        // A client that means no host of ours, as one that knows only an address, gets what any host has.
        let name = host.as_ref().map(|host| host.name.as_str());
        let own = kernel.http.find(&route.module, name);
        let handler = own.or_else(|| if is_named { None } else { kernel.http.find(&route.module, None) });
        let handler = handler.ok_or_else(nothing)?;
        let body = if body.is_end_stream() {
            base::body(Bytes::new())
        } else {
            TimedBody::new(body, self.common.settings.times.body).boxed_unsync()
        };
        let request = Request {
            head,
            body,
            path: rest.to_vec(),
            prefix: route.prefix.clone(),
            peer: origin.peer,
            is_tls: origin.is_tls,
            is_unix: self.common.settings.is_unix,
            host,
            tag: self.common.settings.tag.clone(),
        };
        caught(handler.handle(kernel, request))
            .await
            .map_err(|()| sentence(StatusCode::INTERNAL_SERVER_ERROR, WRONG))
    }

    /// The virtual host that is meant, and whether the client named it; else the first one.
    fn host(&self, origin: &Origin) -> (Option<Arc<Host>>, bool) {
        let kernel = &self.common.kernel;
        let config = kernel.config();
        let named = origin.host.as_deref().and_then(|name| kernel.host(config.resolve_host(name)));
        match named {
            Some(host) => (Some(host), true),
            None => (config.hosts().first().and_then(|name| kernel.host(name)), false),
        }
    }
}

fn check_method(method: &Method) -> Result<(), Response> {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => Ok(()),
        Method::CONNECT | Method::TRACE => {
            Err(allowed(StatusCode::METHOD_NOT_ALLOWED, "This method is not allowed.\n"))
        }
        _ => Err(sentence(StatusCode::NOT_IMPLEMENTED, "This method is not known.")),
    }
}

fn allowed(status: StatusCode, text: &'static str) -> Response {
    let mut response = base::text(status, text);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}

fn sentence(status: StatusCode, sentence: &str) -> Response {
    base::text(status, format!("{sentence}\n"))
}

/// `/api` of `/api/status`.
fn first_segment(path: &str) -> &str {
    let end = path.char_indices().skip(1).find(|(_, character)| *character == '/');
    end.and_then(|(at, _)| path.get(..at)).unwrap_or(path)
}
