//! WebSocket (RFC 6455) without sockets: the handshake, frames, and either end of a connection as a machine. Time is given:
//! milliseconds of a clock that never goes back; so is chance. No extension is spoken.
//!
//! A connection that has nothing to say holds no buffer.

pub mod code;
pub mod connection;
pub mod frame;
pub mod handshake;
pub mod opening;
mod utf8;

pub use code::{Code, Fault};
pub use connection::{Closed, Connection, Masks, Piece, Settings};
pub use frame::{Header, Kind, Opcode, Sender};
pub use handshake::{Accepted, Refusal};
pub use opening::{NotOpened, Opening, Target};
