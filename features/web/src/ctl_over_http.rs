//! ejabberd_ctl: what `CTL_OVER_HTTP` has ejabberdctl call, on UNIX sockets only.
//!
//! The words stand in a JSON array; the answer is what is to be printed, and the exit code in the field `status-code`.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use nightjar_base::Kernel;
use nightjar_base::commands::Caller;
use nightjar_base::console::Console;
use nightjar_base::hooks::BoxFuture;
use nightjar_base::http::{HttpHandler, Request, Response, read, text};

/// A longer body is refused.
const BODY_MAX: usize = 1024 * 1024;

const STATUS: HeaderName = HeaderName::from_static("status-code");

pub(crate) struct CtlOverHttp {
    console: Arc<dyn Console>,
}

impl CtlOverHttp {
    pub(crate) fn new(console: Arc<dyn Console>) -> Self {
        Self { console }
    }

    async fn answer(&self, request: Request) -> Result<Response, Response> {
        // Who may open the socket is the operator; nobody else is asked for a password here.
        if !request.is_unix {
            return Err(text(StatusCode::FORBIDDEN, "This is answered on UNIX sockets only.\n"));
        }
        if request.head.method != Method::POST {
            return Err(text(StatusCode::METHOD_NOT_ALLOWED, "Only POST is answered.\n"));
        }
        let body = read(request.body, BODY_MAX).await?;
        let words: Vec<String> = serde_json::from_slice(&body)
            .map_err(|_| text(StatusCode::BAD_REQUEST, "The body must be a JSON array of words.\n"))?;
        let (mut printed, code) = self.console.process(words, Caller::LOCAL).await;
        if !printed.is_empty() {
            printed.push('\n');
        }
        let mut response = text(StatusCode::OK, printed);
        response.headers_mut().insert(STATUS, HeaderValue::from(u16::from(code)));
        Ok(response)
    }
}

impl HttpHandler for CtlOverHttp {
    fn handle<'a>(&'a self, _: &'a Arc<Kernel>, request: Request) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            match self.answer(request).await {
                Ok(response) | Err(response) => response,
            }
        })
    }
}

#[cfg(test)]
mod tests;
