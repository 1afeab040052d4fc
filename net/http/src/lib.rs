//! How HTTP moves: the `ejabberd_http` listener. It knows no handler but by the name that the kernel finds it under.

mod answer;
mod body;
mod channel;
mod connection;
mod flood;
mod head;
mod io;
mod limits;
mod listener;
mod origin;
mod path;
mod service;
mod settings;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use listener::{HttpListener, HttpListening};
pub use settings::HTTP_SPEC;
