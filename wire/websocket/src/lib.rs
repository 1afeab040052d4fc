//! WebSocket (RFC 6455) without sockets: the handshake, frames, and the server's end of a connection as a machine. Time is
//! given: milliseconds of a clock that never goes back. No extension is spoken.
//!
//! A connection that has nothing to say holds no buffer.

pub mod code;
pub mod connection;
pub mod frame;
pub mod handshake;
mod utf8;

pub use code::{Code, Fault};
pub use connection::{Closed, Connection, Piece, Settings};
pub use frame::{Header, Kind, Opcode, Sender};
pub use handshake::{Accepted, Refusal};
