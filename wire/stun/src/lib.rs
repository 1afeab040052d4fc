//! STUN (RFC 8489) and TURN (RFC 8656) without sockets: messages, credentials, the policy of whom a relay may reach,
//! and the server as a machine. Time and randomness are given.

pub mod address;
pub mod attribute;
pub mod builder;
pub mod channel;
pub mod credential;
pub mod dtls_hello;
pub mod message;
pub mod nonce;
pub mod policy;
pub mod server;
pub mod stream;

pub use builder::Builder;
pub use message::{Class, Message, MessageError, Method, TransactionId};
