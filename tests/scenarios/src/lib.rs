//! Scripts of who sends and who receives: their language, and a client that plays one part in them.
//!
//! What a script may say is told in `tests/scenarios/README.md`.

pub mod client;
pub mod matching;
pub mod play;
pub mod script;
pub mod server;
