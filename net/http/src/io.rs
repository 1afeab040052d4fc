//! A channel as hyper sees it, and as those who watch it share it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use parking_lot::{Mutex, MutexGuard};

use crate::channel::Channel;

/// A share of a connection. Its socket is closed when the last one is gone.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Channel>>);

impl Shared {
    pub(crate) fn new(channel: Channel) -> Self {
        Self(Arc::new(Mutex::new(channel)))
    }

    /// The channel, from the last share of it.
    pub(crate) fn into_channel(self) -> Option<Channel> {
        Arc::into_inner(self.0).map(Mutex::into_inner)
    }

    /// The channel. Nobody holds it while waiting.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Channel> {
        self.0.lock()
    }
}

impl Read for Shared {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let max = into.remaining();
        self.lock().poll_read(context, max, &mut |bytes| into.put_slice(bytes))
    }
}

impl Write for Shared {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_shutdown(context)
    }
}
