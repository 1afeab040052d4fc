//! The Erlang distribution on sockets: epmd, the node that others connect to, and calls both ways.
//!
//! What bytes mean is `nightjar-erldist`'s; this moves them, keeps the limits, and knows the cookie.

pub mod calls;
pub mod cookie;
pub mod dial;
pub mod epmd;
pub mod limits;
mod link;
pub mod name;
pub mod node;
pub mod random;
mod socket;
mod stream;
pub mod terms;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod words;

pub use calls::Operator;
pub use dial::{DialError, Dialler, Remote};
pub use epmd::{EpmdServer, EpmdSettings};
pub use nightjar_erldist::rpc::Answer;
pub use nightjar_erldist::{NodeName, Term};
pub use node::{Node, Settings, StartError};
