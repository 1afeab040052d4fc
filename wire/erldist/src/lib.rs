//! The Erlang distribution without sockets, clocks or randomness: epmd, the handshake, terms, messages, remote calls.
//!
//! A driver asks [`epmd`] for a port, shakes hands ([`handshake`]) and hands the connection to a [`rpc::Session`].
//! `now` is any monotonic clock throughout.

pub mod connection;
mod cookie;
pub mod epmd;
pub mod flags;
pub mod handshake;
pub mod message;
mod name;
pub mod rpc;
pub mod term;

pub use cookie::Cookie;
pub use flags::Flags;
pub use name::{NAME_BYTES, NameError, NodeName};
pub use term::{Atom, BigInteger, Pid, Port, Reference, Term};
