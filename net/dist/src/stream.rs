//! Connections with or without TLS, and the handshake over them.

use std::io;
use std::time::{Duration, Instant};

use nightjar_erldist::handshake::{FRAME_BYTES, Handshake, Local, Output, Peer, Randomness, Refusal};
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

/// How long the messages of a handshake say they are. Erlang's `inet_tls` has four bytes from the beginning, plain
/// connections have two until the handshake is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// Two bytes.
    Two,
    /// Four bytes.
    Four,
}

/// Shakes hands. `started` is the moment that the handshake's time counts from.
///
/// # Errors
/// [`ShakeError`]
pub async fn shake(
    mut stream: BoxStream,
    lengths: Lengths,
    mut handshake: Handshake,
    started: Instant,
) -> Result<Shaken, ShakeError> {
    let mut buffer = [0; STRANGER_BYTES];
    let mut received = Vec::new();
    loop {
        while let Some(output) = handshake.poll_output() {
            match output {
                Output::Send(bytes) => {
                    if lengths == Lengths::Four {
                        stream.write_all(&[0, 0]).await?;
                    }
                    stream.write_all(&bytes).await?;
                }
                Output::Established(peer) => {
                    stream.flush().await?;
                    let own = (handshake.local_name().clone(), handshake.local_creation());
                    let mut rest = handshake.into_rest();
                    rest.append(&mut received);
                    return Ok(Shaken { stream, peer, own, rest });
                }
                Output::Refused(refusal) => return Err(ShakeError::Refused(refusal)),
            }
        }
        stream.flush().await?;
        if let Some(frame) = take_frame(&mut received)? {
            handshake.handle_input(&frame);
            continue;
        }
        let left =
            handshake.poll_timeout().map(|at| at.saturating_sub(started.elapsed())).unwrap_or(SETUP_TIME);
        match tokio::time::timeout(left, stream.read(&mut buffer)).await {
            Ok(Ok(0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(Ok(count)) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                match lengths {
                    Lengths::Two => handshake.handle_input(bytes),
                    Lengths::Four => received.extend_from_slice(bytes),
                }
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => handshake.handle_timeout(started.elapsed()),
        }
    }
}

/// Takes one message with a length of four bytes, and gives it one of two.
fn take_frame(received: &mut Vec<u8>) -> Result<Option<Vec<u8>>, ShakeError> {
    let Some((length, rest)) = received.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > FRAME_BYTES {
        return Err(ShakeError::Refused(Refusal::Protocol("a message is too long")));
    }
    if rest.len() < length {
        return Ok(None);
    }
    // The high half is zero, as just seen.
    let frame = received.drain(..length + 4).skip(2).collect();
    Ok(Some(frame))
}
