//! XMPP without sockets or clocks: stanzas and errors (RFC 6120, RFC 6121), the payloads that every feature uses, and
//! the streams of clients and servers as machines.

pub mod c2s;
pub mod component;
pub mod datetime;
pub mod delay;
pub mod forms;
pub mod forwarded;
#[doc(hidden)]
pub mod fuzz;
pub mod hints;
mod kind;
pub mod ns;
mod payload;
pub mod rsm;
pub mod s2s;
pub mod sm;
mod stanza;
mod stanza_error;
pub mod stanza_id;
pub mod stream;
mod stream_error;
#[cfg(test)]
mod tests;
pub mod write;

pub use kind::{IqType, MessageType, PresenceType, StanzaType};
pub use payload::{Payload, Piece};
pub use stanza::Stanza;
pub use stanza_error::{Condition, ErrorType, StanzaError};
pub use stream_error::{StreamError, StreamErrorCondition};
