//! The Erlang distribution: epmd, handshake, control messages and the external term format.

pub mod term;

pub use term::{Atom, BigInteger, Pid, Port, Reference, Term};
