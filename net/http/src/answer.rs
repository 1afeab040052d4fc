//! What is added to every answer, and answers to what was never a request.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue};
use hyper::body::{Frame, SizeHint};
use nightjar_base::http::Body;
use nightjar_text::Text;

use crate::head::Refusal;
use crate::io::Shared;

/// The whole answer to what was refused before it was a request.
pub(crate) fn refusal(refusal: Refusal) -> String {
    let Refusal { status, sentence } = refusal;
    format!(
        "HTTP/1.1 {} {}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{sentence}\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        sentence.len() + 1,
    )
}

/// Adds what browsers need to be told, where the handler didn't say otherwise, and `custom_headers`, which win over
/// the handler's.
pub(crate) fn add_headers(headers: &mut HeaderMap, custom: &[(HeaderName, Text)], host: &str) {
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    for (name, value) in custom {
        let value = value.replace("@HOST@", host);
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// A request that is being answered, until the last byte of the answer is handed over.
pub(crate) struct InFlight(pub Shared);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().end();
    }
}

/// An answer's body.
pub(crate) struct AnswerBody {
    body: Body,
    _in_flight: InFlight,
}

impl AnswerBody {
    pub(crate) fn new(body: Body, in_flight: InFlight) -> Self {
        Self { body, _in_flight: in_flight }
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
