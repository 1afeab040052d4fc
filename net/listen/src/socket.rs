//! A stream socket of either kind, read and written without waiting.

use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

/// A connected TCP or UNIX socket.
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// UNIX.
    Unix(UnixStream),
}

impl Socket {
    /// Reads what is there; pending if nothing is. 0 bytes mean the peer has closed.
    pub fn poll_read(&self, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let ready = match self {
                Socket::Tcp(socket) => socket.poll_read_ready(context),
                Socket::Unix(socket) => socket.poll_read_ready(context),
            };
            match ready {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
            let read = match self {
                Socket::Tcp(socket) => {
                    read_all(into, SockRef::from(socket), |read| socket.try_io(Interest::READABLE, read))
                }
                Socket::Unix(socket) => {
                    read_all(into, SockRef::from(socket), |read| socket.try_io(Interest::READABLE, read))
                }
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return Poll::Ready(other),
            }
        }
    }

    /// Writes what the kernel takes; pending if it takes nothing now.
    pub fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            // The first try is made without asking: a socket is writable far more often than not.
            match self.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => return Poll::Ready(other),
            }
            let ready = match self {
                Socket::Tcp(socket) => socket.poll_write_ready(context),
                Socket::Unix(socket) => socket.poll_write_ready(context),
            };
            match ready {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
        }
    }

    /// Writes what the kernel takes now.
    ///
    /// # Errors
    /// `WouldBlock` if it takes nothing; otherwise the socket is broken.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => socket.try_write(bytes),
            Socket::Unix(socket) => socket.try_write(bytes),
        }
    }

    /// Says that nothing more will be written; the peer may still send.
    pub fn finish_writing(&self) {
        let how = std::net::Shutdown::Write;
        // A socket that is broken already needs no farewell.
        let _ = match self {
            Socket::Tcp(socket) => SockRef::from(socket).shutdown(how),
            Socket::Unix(socket) => SockRef::from(socket).shutdown(how),
        };
    }

    /// The peer's address; none for UNIX sockets.
    pub fn peer(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(socket) => socket.peer_addr().ok(),
            Socket::Unix(_) => None,
        }
    }
}

/// Reads once. A read that doesn't fill the buffer has emptied the socket (epoll(7)): saying so inside `guarded`, the runtime's
/// guard against losing what comes meanwhile, saves the next read, which would find nothing.
fn read_all(
    into: &mut [u8],
    socket: SockRef<'_>,
    guarded: impl FnOnce(&mut dyn FnMut() -> io::Result<usize>) -> io::Result<usize>,
) -> io::Result<usize> {
    let (mut socket, mut short) = (&*socket, None);
    let result = guarded(&mut || {
        let count = socket.read(into)?;
        if count == 0 || count == into.len() {
            return Ok(count);
        }
        short = Some(count);
        Err(io::ErrorKind::WouldBlock.into())
    });
    short.map_or(result, Ok)
}

#[cfg(test)]
mod tests;
