//! A socket with or without TLS on it. Idle, it keeps no buffer of its own.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};

use crate::socket::Socket;
use crate::tls::Tls;

/// Bytes read at once: a TLS record at most (RFC 8446 §5.2), a batch of many stanzas.
const READ_BYTES: usize = 16_640;
/// A buffer that grew beyond this is given back after use.
const KEPT_BYTES: usize = 65_536;

thread_local! {
    /// Where a thread's sockets are read into: lent while bytes move, so idle connections own none.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Where decrypted bytes are put.
    static PLAIN: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// Where bytes for a socket are gathered.
    static OUTGOING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

fn lend(cell: &'static std::thread::LocalKey<Cell<Vec<u8>>>) -> Vec<u8> {
    cell.try_with(Cell::take).unwrap_or_default()
}

fn give_back(cell: &'static std::thread::LocalKey<Cell<Vec<u8>>>, mut buffer: Vec<u8>) {
    if buffer.capacity() <= KEPT_BYTES {
        buffer.clear();
        let _ = cell.try_with(|cell| cell.set(buffer));
    }
}

/// A buffer for plain bytes, to be given back with [`return_plain`].
pub fn borrow_plain() -> Vec<u8> {
    lend(&PLAIN)
}

/// Gives a buffer of [`borrow_plain`] back.
pub fn return_plain(buffer: Vec<u8>) {
    give_back(&PLAIN, buffer);
}

/// A connection.
pub struct Transport {
    socket: Socket,
    tls: Option<Box<Tls>>,
    /// Bytes the kernel didn't take yet; empty on a healthy connection.
    unsent: Vec<u8>,
}

impl Transport {
    /// A connection without TLS.
    pub fn new(socket: Socket) -> Self {
        Self { socket, tls: None, unsent: Vec::new() }
    }

    /// Expects the client's TLS hello next. Bytes of the client that were sent before it are not TLS and must have
    /// been dropped by the caller.
    ///
    /// # Errors
    /// If the settings can't be used.
    pub fn start_tls(&mut self, config: Arc<ServerConfig>) -> Result<(), rustls::Error> {
        self.tls = Some(Box::new(Tls::new(config)?));
        Ok(())
    }

    /// Begins TLS as the end that has opened the connection: the hello is sent.
    ///
    /// # Errors
    /// If the settings can't be used.
    pub fn start_tls_client(
        &mut self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<(), rustls::Error> {
        let mut tls = Box::new(Tls::client(config, name)?);
        let mut out = lend(&OUTGOING);
        tls.begin(&mut out);
        self.write_or_keep(&out);
        give_back(&OUTGOING, out);
        self.tls = Some(tls);
        Ok(())
    }

    /// The TLS state.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// The socket.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Reads and decrypts what is there; appends plain bytes, perhaps none, to `plain`. `Ok(false)`: the peer closed.
    pub fn poll_read(&mut self, context: &mut Context<'_>, plain: &mut Vec<u8>) -> Poll<io::Result<bool>> {
        let mut scratch = lend(&SCRATCH);
        if scratch.len() < READ_BYTES {
            scratch.resize(READ_BYTES, 0);
        }
        let read = self.socket.poll_read(context, &mut scratch);
        let result = match read {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(false)),
            Poll::Ready(Ok(count)) => {
                let bytes = scratch.get(..count).unwrap_or_default();
                Poll::Ready(self.take(bytes, plain).map(|()| true))
            }
        };
        // With its length: filling it with zeros for each read would cost more than small reads do.
        let _ = SCRATCH.try_with(|cell| cell.set(scratch));
        result
    }

    fn take(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            plain.extend_from_slice(bytes);
            return Ok(());
        };
        let mut out = lend(&OUTGOING);
        let result = tls.receive(bytes, plain, &mut out);
        self.write_or_keep(&out);
        give_back(&OUTGOING, out);
        result.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Sends plain bytes: encrypted if there is TLS, at once as far as the kernel takes them.
    pub fn send(&mut self, plain: &[u8]) {
        if plain.is_empty() {
            return;
        }
        match &mut self.tls {
            None => self.write_or_keep(plain),
            Some(tls) => {
                let mut out = lend(&OUTGOING);
                tls.send(plain, &mut out);
                self.write_or_keep(&out);
                give_back(&OUTGOING, out);
            }
        }
    }

    /// Sends the alert that ends TLS properly.
    pub fn close_tls(&mut self) {
        if let Some(tls) = &mut self.tls {
            let mut out = Vec::new();
            tls.close(&mut out);
            self.write_or_keep(&out);
        }
    }

    fn write_or_keep(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if self.unsent.is_empty() {
            while !rest.is_empty() {
                match self.socket.try_write(rest) {
                    Ok(count) if count > 0 => rest = rest.get(count..).unwrap_or_default(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // A broken socket shows itself at the next read or flush.
                    _ => break,
                }
            }
        }
        self.unsent.extend_from_slice(rest);
    }

    /// Bytes that the kernel hasn't taken yet.
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Writes what is unsent; ready when all of it is written.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut written = 0;
        let result = loop {
            let rest = self.unsent.get(written..).unwrap_or_default();
            if rest.is_empty() {
                break Poll::Ready(Ok(()));
            }
            match self.socket.poll_write(context, rest) {
                Poll::Pending => break Poll::Pending,
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => written += count,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
            }
        };
        self.unsent.drain(..written);
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
        }
        result
    }
}
