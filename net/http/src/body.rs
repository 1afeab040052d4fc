//! A request's body, which may stall or drip for so long and no longer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::BODY_BYTES_PER_SECOND;

/// A body that fails with [`io::ErrorKind::TimedOut`] when it takes too long.
pub(crate) struct TimedBody {
    body: Incoming,
    /// The longest pause.
    pause: Duration,
    started: Option<Instant>,
    received: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    pub(crate) fn new(body: Incoming, pause: Duration) -> Self {
        Self { body, pause, started: None, received: 0, timer: None }
    }

    /// When the body is given up if nothing more comes: after a pause, or when it is too slow in all. Time counts
    /// from the first wait on: a handler that doesn't read isn't the client's fault.
    fn deadline(&mut self) -> Instant {
        let now = Instant::now();
        let started = *self.started.get_or_insert(now);
        let earned = Duration::from_secs(self.received / BODY_BYTES_PER_SECOND);
        (now + self.pause).min(started + self.pause * 2 + earned)
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                this.timer = None;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(io::Error::other(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                if this.timer.is_none() {
                    this.timer = Some(Box::pin(sleep_until(this.deadline())));
                }
                let Some(timer) = &mut this.timer else { return Poll::Pending };
                timer.as_mut().poll(context).map(|()| Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
