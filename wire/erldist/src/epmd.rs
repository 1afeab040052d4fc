//! epmd, the daemon that knows the ports of a host's nodes (erl_dist_protocol, "EPMD Protocol"): its requests and
//! answers, the client's side, and the daemon itself.

mod message;
mod query;
mod server;
#[cfg(test)]
mod tests;

pub use message::{EpmdError, NodeKind, Registration, Request};
pub use query::{Answer, Query};
pub use server::{ConnectionId, Server, ServerOutput, ServerSettings};

/// The port of epmd, unless ERL_EPMD_PORT names another.
pub const PORT: u16 = 4369;

/// Bytes of the longest request: a registration with the longest name and extra.
pub const REQUEST_BYTES: usize = 13 + 2 * EXTRA_BYTES;

/// Bytes of the longest extra of a registration, and of the longest name.
const EXTRA_BYTES: usize = 255;

/// The version of the handshake since OTP 23.
const HIGHEST_VERSION: u16 = 6;
/// The version before.
const LOWEST_VERSION: u16 = 5;
