//! TURN as a client speaks it (RFC 8489, RFC 8656), and the floor: an echo.

pub mod client;
pub mod echo;
mod message;
