//! Other servers: `ejabberd_s2s_in` and the streams we open.

mod backoff;
mod commands;
mod connect;
mod counters;
mod dns;
mod failure;
mod federation;
mod handle;
mod inbox;
mod incoming;
mod link;
mod links;
mod options;
mod outgoing;
mod probe;
mod pump;
mod queue;
mod receive;
mod roots;
mod seek;
mod steps;
mod switches;
mod verify;

pub use federation::Federation;
pub use incoming::ServerListener;
pub use options::{S2S_SPEC, TOPLEVEL};
pub use switches::{S2S_BIDI, S2S_DIALBACK};
