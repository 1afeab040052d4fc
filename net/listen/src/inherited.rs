//! Listening sockets this process was given: by systemd, by itself before a restart, or bound ahead while it was
//! root. Each is used where its address is configured, in place of a new one.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use parking_lot::Mutex;
use socket2::{SockAddr, Socket, Type};

#[cfg(test)]
mod tests;

struct Given {
    name: String,
    socket: Socket,
    address: SockAddr,
    is_used: bool,
}

/// Of the process, as descriptors are. They stay open, so that a listener that is configured anew finds its own again.
static GIVEN: Mutex<Vec<Given>> = Mutex::new(Vec::new());

/// Keeps sockets for the listeners of their addresses.
///
/// # Errors
/// The name of the first that is no stream socket bound to an address, and why.
pub fn inherit(sockets: Vec<(String, OwnedFd)>) -> Result<(), String> {
    for (name, socket) in sockets {
        let socket = Socket::from(socket);
        let checked = socket.r#type().and_then(|kind| match kind {
            Type::STREAM => socket.local_addr(),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no stream socket")),
        });
        let address = checked.map_err(|error| format!("the socket {name} can't be used: {error}"))?;
        GIVEN.lock().push(Given { name, socket, address, is_used: false });
    }
    Ok(())
}

/// Binds an address ahead, while the process still has the right to.
///
/// # Errors
/// If the address can't be bound.
pub fn bind_ahead(address: SocketAddr) -> io::Result<()> {
    if find(&address.into()).is_some() {
        return Ok(());
    }
    let socket = crate::listener::bound(address)?;
    let address = socket.local_addr()?;
    let name = address.as_socket().map_or_else(String::new, |address| address.to_string());
    GIVEN.lock().push(Given { name, socket, address, is_used: false });
    Ok(())
}

/// All of them with their names, for the program that replaces this one.
///
/// # Errors
/// Without free file descriptors.
pub fn copies() -> io::Result<Vec<(String, OwnedFd)>> {
    GIVEN.lock().iter().map(|given| Ok((given.name.clone(), given.socket.try_clone()?.into()))).collect()
}

/// Those that no listener of the configuration has used.
pub fn unused() -> Vec<String> {
    let shown = |given: &Given| match (given.address.as_socket(), given.address.as_pathname()) {
        (Some(address), _) => format!("{} ({address})", given.name),
        (None, Some(path)) => format!("{} ({})", given.name, path.display()),
        (None, None) => given.name.clone(),
    };
    GIVEN.lock().iter().filter(|given| !given.is_used).map(shown).collect()
}

/// The socket for an address, if one was given.
pub(crate) fn tcp(address: SocketAddr) -> Option<Socket> {
    find(&address.into())
}

/// The socket for a path, if one was given.
pub(crate) fn unix(path: &Path) -> Option<Socket> {
    find(&SockAddr::unix(path).ok()?)
}

fn find(address: &SockAddr) -> Option<Socket> {
    let mut given = GIVEN.lock();
    let found = given.iter_mut().find(|given| is_same(&given.address, address))?;
    let socket = found.socket.try_clone().ok()?;
    found.is_used = true;
    Some(socket)
}

fn is_same(given: &SockAddr, wanted: &SockAddr) -> bool {
    match (given.as_socket(), wanted.as_socket()) {
        (Some(given), Some(wanted)) => given == wanted,
        (None, None) => given.as_pathname().is_some_and(|path| wanted.as_pathname() == Some(path)),
        _ => false,
    }
}
