//! The command line that administers a running node: `nightjar ctl`, or the program under the name `ejabberdctl`.

pub(crate) mod client;
mod console;
mod dispatch;
mod epmd;
pub(crate) mod erlang;
pub(crate) mod examples;
pub(crate) mod flags;
pub(crate) mod help;
mod http;
mod json;
mod launch;
pub(crate) mod on_start;
mod protocol;
pub(crate) mod render;
pub(crate) mod serve;
pub(crate) mod settings;
mod shell_file;
mod top;
pub(crate) mod words;
