//! Connecting to the first of several addresses that answers (RFC 8305).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::failure::Failure;
use super::options::Policy;
use super::steps::Trace;

/// How long the next address waits for the one before (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// "infinity" for connecting: what any TCP gives up in.
const LONGEST: Duration = Duration::from_secs(120);

/// Connects to whichever address answers first; each begins a little after the one before, or as soon as that fails.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    policy: &Policy,
    trace: &mut Trace,
) -> Result<(TcpStream, SocketAddr), Failure> {
    let within = policy.connect_timeout.unwrap_or(LONGEST);
    match tokio::time::timeout(within, race(addresses, policy, trace)).await {
        Ok(raced) => raced,
        Err(_) => {
            trace.failed("address", || format!("no answer in {} s", within.as_secs()));
            Err(Failure::Connect(format!("no answer in {} s", within.as_secs())))
        }
    }
}

async fn race(
    addresses: &[SocketAddr],
    policy: &Policy,
    trace: &mut Trace,
) -> Result<(TcpStream, SocketAddr), Failure> {
    let (source_v4, source_v6) = (policy.source_v4, policy.source_v6);
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut last = Failure::Connect("it has no address".to_owned());
    loop {
        let begun = waiting.next();
        if let Some(address) = begun {
            attempts.spawn(async move { (address, attempt(address, source_v4, source_v6).await) });
        }
        if attempts.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(Ok((address, outcome))) = attempts.join_next() => match outcome {
                Ok(socket) => {
                    trace.ok("address", || format!("connected to {address}"));
                    return Ok((socket, address));
                }
                Err(error) => {
                    trace.failed("address", || format!("{address}: {error}"));
                    last = Failure::Connect(format!("{address}: {error}"));
                }
            },
            // Dropping the set ends the attempts that lost.
            () = tokio::time::sleep(ATTEMPT_DELAY), if begun.is_some() => {}
        }
    }
}

async fn attempt(
    address: SocketAddr,
    source_v4: Option<Ipv4Addr>,
    source_v6: Option<Ipv6Addr>,
) -> io::Result<TcpStream> {
    let source: Option<SocketAddr> = match address {
        SocketAddr::V4(_) => source_v4.map(|ip| (ip, 0).into()),
        SocketAddr::V6(_) => source_v6.map(|ip| (ip, 0).into()),
    };
    let raw = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    raw.set_nonblocking(true)?;
    let socket = TcpSocket::from_std_stream(raw.into());
    if let Some(source) = source {
        socket.bind(source)?;
    }
    let stream = socket.connect(address).await?;
    // Stanzas are written whole; waiting for more only delays them.
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests;
