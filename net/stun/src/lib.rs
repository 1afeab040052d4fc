//! How STUN and TURN move. The machine decides ([`nightjar_stun::server`]); here are the sockets: UDP in batches, one
//! worker for each core, TCP and TLS, and relay ports.

mod calls;
mod command;
mod commands;
mod datagrams;
mod discovery;
mod dtls;
mod farewell;
mod hidden;
mod keys;
mod listener;
mod metrics;
mod peers;
mod ports;
mod quota;
mod settings;
mod shared;
mod stream;
mod worker;

pub use commands::commands;
pub use listener::{StunListener, StunListeners, StunListening};
pub use settings::STUN_SPEC;
