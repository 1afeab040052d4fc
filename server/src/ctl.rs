//! The command line that administers a running node: `nightjar ctl`, or the program under the name `ejabberdctl`.

pub(crate) mod client;
mod dispatch;
mod erlang;
pub(crate) mod flags;
mod help;
mod json;
mod launch;
mod protocol;
pub(crate) mod render;
pub(crate) mod serve;
