//! Whether the process is alive, and whether the server can do its work: for load balancers and supervisors.

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use nightjar_base::Kernel;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::http::{HttpHandler, Request, Response, json, text};
use serde_json::json;

/// The handler of `/healthz`.
pub(crate) const LIVE: &str = "nightjar_health";
/// The handler of `/readyz`.
pub(crate) const READY: &str = "nightjar_ready";

/// Answers whenever the process does.
pub(crate) struct Live;

impl HttpHandler for Live {
    fn handle<'a>(&'a self, _: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response> {
        Box::pin(async move { guarded(&request).unwrap_or_else(|| text(StatusCode::OK, "ok\n")) })
    }
}

/// Answers 200 if every host's database works, otherwise 503 and why.
pub(crate) struct Ready;

impl HttpHandler for Ready {
    fn handle<'a>(&'a self, kernel: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response> {
        Box::pin(async move { guarded(&request).unwrap_or_else(|| readiness(&unready(kernel))) })
    }
}

/// The answer to what is no plain request for the state.
pub(crate) fn guarded(request: &Request) -> Option<Response> {
    if request.path.iter().any(|segment| !segment.is_empty()) {
        return Some(text(StatusCode::NOT_FOUND, "Not found\n"));
    }
    if matches!(request.head.method, Method::GET | Method::HEAD) {
        return None;
    }
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET is answered.\n");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    Some(response)
}

/// Hosts whose databases don't work. What the database said is for the log.
fn unready(kernel: &Kernel) -> Vec<String> {
    let hosts = kernel.hosts();
    if hosts.is_empty() {
        return vec!["no host is served".to_owned()];
    }
    let ill = hosts.iter().filter(|host| !host.store.health().is_ready());
    ill.map(|host| format!("{}: the database is out of order", host.name)).collect()
}

fn readiness(reasons: &[String]) -> Response {
    let (status, word) = match reasons {
        [] => (StatusCode::OK, "ready"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unready"),
    };
    let mut response = json(status, &json!({"status": word, "reasons": reasons}));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
