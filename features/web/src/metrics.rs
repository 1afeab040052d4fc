//! `/metrics`: what the server does, in the text format of OpenMetrics, for Prometheus.

mod collect;
mod process;

use std::sync::Arc;

use http::{HeaderMap, StatusCode, header};
use nightjar_base::Kernel;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::http::{HttpHandler, Request, Response, answer, text};

use crate::cross_site::is_cross_site;
use crate::health::guarded;
use crate::http_api::answers::unauthorized;
use crate::http_api::authorization::{self, Asker};

/// The handler of `/metrics`.
pub(crate) const NAME: &str = "nightjar_metrics";

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Whoever may run this command may read the figures, from anywhere.
const COMMAND: &str = "stats";

/// The handler.
pub(crate) struct Metrics;

impl HttpHandler for Metrics {
    fn handle<'a>(&'a self, kernel: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            if let Some(response) = guarded(&request) {
                return response;
            }
            if !is_local(&request)
                && let Err(response) = admit(kernel, Asker::of(&request)).await
            {
                return response;
            }
            match collect::figures(kernel) {
                Ok(figures) => answer(StatusCode::OK, CONTENT_TYPE, figures),
                Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "The figures can't be written.\n"),
            }
        })
    }
}

async fn admit(kernel: &Arc<Kernel>, request: Asker<'_>) -> Result<(), Response> {
    let caller = authorization::caller(kernel, request).await.map_err(|refusal| unauthorized(&refusal))?;
    // Without the module that has the command, nobody may run it.
    let allowed =
        kernel.commands.find(COMMAND, None).is_some_and(|spec| kernel.permit(spec, &caller, &[]).is_ok());
    if allowed {
        Ok(())
    } else {
        Err(text(StatusCode::FORBIDDEN, "Only this machine may read the figures.\n"))
    }
}

/// Whether the request comes from this machine: a UNIX socket, or a loopback address that no proxy stands for.
fn is_local(request: &Request) -> bool {
    let headers = &request.head.headers;
    let direct = !is_forwarded(headers) && !is_cross_site(headers);
    direct && (request.is_unix || request.peer.is_some_and(|ip| ip.to_canonical().is_loopback()))
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for")
}

#[cfg(test)]
mod tests;
