//! What the commands of several features need.

use std::any::Any;
use std::sync::Arc;

use nightjar_base::Host;
use nightjar_base::commands::{Call, CommandError};
use nightjar_jid::Jid;

/// The bare address that the arguments at `user` and `host` name.
///
/// # Errors
/// If they are not an address.
pub fn account(call: &Call, user: usize, host: usize) -> Result<Jid, CommandError> {
    address(&call.text(user), &call.text(host))
}

/// The address of `user` at `host`; of the host itself if the user is empty.
///
/// # Errors
/// If they are not an address.
pub fn address(user: &str, host: &str) -> Result<Jid, CommandError> {
    Jid::from_parts(Some(user).filter(|user| !user.is_empty()), host, None)
        .map_err(|_| CommandError::Arguments(format!("{user}@{host} is not a valid address")))
}

/// The host that the argument at `at` names.
///
/// # Errors
/// ejabberd's words for a host that isn't served.
pub fn known_host(call: &Call, at: usize) -> Result<Arc<Host>, CommandError> {
    let given = call.text(at);
    let name = nightjar_jid::nameprep(&given).unwrap_or_default();
    call.kernel.host(&name).ok_or_else(|| failed("Unknown virtual host"))
}

/// What a module shares with its commands.
///
/// # Errors
/// If the host is unknown or the module isn't loaded for it.
pub fn feature<T: Any + Send + Sync>(call: &Call, host: &str, module: &str) -> Result<Arc<T>, CommandError> {
    let found = call.kernel.host(host);
    let host = found.ok_or_else(|| CommandError::NotFound(format!("Unknown virtual host: {host}")))?;
    host.get().ok_or_else(|| CommandError::Failed(format!("{module} isn't loaded for {}", host.name)))
}

/// A failure that only needs its text.
pub fn failed(error: impl std::fmt::Display) -> CommandError {
    CommandError::Failed(error.to_string())
}
