//! How XMPP streams move: client connections. Drivers only: they move bytes, time and answers, and decide nothing
//! that the machines or the kernel can decide.

pub mod c2s;

pub use c2s::{C2S_SPEC, ClientListener};
