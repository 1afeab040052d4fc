//! What connected nodes say: control messages, most of them about a process, and what some of them carry
//! (erl_dist_protocol, "Protocol between Connected Nodes").

mod control;
mod fragments;
mod frame;
mod header;
#[cfg(test)]
mod tests;

pub use control::{Control, Process};
pub use frame::{Frame, MessageError, MessageReader, write};

use crate::Term;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it is about.
    pub control: Control,
    /// What it carries: the message sent, the reason of an exit, the arguments of a process to start.
    pub payload: Option<Term>,
}

/// How much a peer may send at once, and how much of it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one frame, and of a message put together from fragments.
    pub frame: usize,
    /// Messages of which some fragments have come.
    pub open_messages: usize,
    /// What the terms of one message may be.
    pub term: crate::term::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame: 4 << 20, open_messages: 16, term: crate::term::Limits::default() }
    }
}
