//! Connections with or without TLS, and the handshake over them.

use std::io;
use std::time::{Duration, Instant};

use nightjar_erldist::handshake::{Handshake, Local, Output, Peer, Randomness, Refusal};
use nightjar_erldist::{Cookie, NodeName, flags};
use nightjar_sasl::Secret;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::random;

/// How long a handshake may take, TLS included: Erlang's `net_setuptime`.
pub const SETUP_TIME: Duration = Duration::from_secs(7);
/// Bytes read at once before a peer has shown the cookie.
const STRANGER_BYTES: usize = 512;

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection of either kind.
pub type BoxStream = Box<dyn Stream>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ShakeError {
    /// The socket, or TLS.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// One side refused the other.
    #[error(transparent)]
    Refused(Refusal),
}

/// A connection whose peer knows the cookie.
pub struct Shaken {
    /// The connection.
    pub stream: BoxStream,
    /// Who is there.
    pub peer: Peer,
    /// Our own name and creation, as the peer knows them.
    pub own: (NodeName, u32),
    /// What has come already.
    pub rest: Vec<u8>,
}

/// What we say of ourselves. Nodes of this kind are hidden: others don't draw them into their mesh.
pub fn local(name: NodeName, creation: u32, cookie: &Secret) -> Local {
    let cookie = Cookie::new(cookie.expose().to_vec());
    Local { name, flags: flags::OFFERED, creation, cookie, timeout: SETUP_TIME }
}

/// Numbers for one handshake.
pub fn randomness() -> Randomness {
    let number = random::number();
    let [_, _, _, _, a, b, c, d] = number.to_be_bytes();
    Randomness {
        challenge: u32::from_be_bytes([a, b, c, d]),
        name: random::number(),
        creation: random::creation(),
    }
}

/// Shakes hands. `started` is the moment that the handshake's time counts from.
///
/// # Errors
/// [`ShakeError`]
pub async fn shake(
    mut stream: BoxStream,
    mut handshake: Handshake,
    started: Instant,
) -> Result<Shaken, ShakeError> {
    let mut buffer = [0; STRANGER_BYTES];
    loop {
        while let Some(output) = handshake.poll_output() {
            match output {
                Output::Send(bytes) => stream.write_all(&bytes).await?,
                Output::Established(peer) => {
                    stream.flush().await?;
                    let own = (handshake.local_name().clone(), handshake.local_creation());
                    return Ok(Shaken { stream, peer, own, rest: handshake.into_rest() });
                }
                Output::Refused(refusal) => return Err(ShakeError::Refused(refusal)),
            }
        }
        stream.flush().await?;
        let left =
            handshake.poll_timeout().map(|at| at.saturating_sub(started.elapsed())).unwrap_or(SETUP_TIME);
        match tokio::time::timeout(left, stream.read(&mut buffer)).await {
            Ok(Ok(0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(Ok(count)) => handshake.handle_input(buffer.get(..count).unwrap_or_default()),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => handshake.handle_timeout(started.elapsed()),
        }
    }
}
