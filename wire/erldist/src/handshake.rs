//! The handshake of two nodes, versions 5 and 6 (erl_dist_protocol, "The Handshake in Detail"), both directions.
//!
//! The side that was dialled says before the proof of the cookie only what the protocol demands: `ok`, its name, flags
//! and creation. Whether a connection of the same name exists it never says: after [`Output::Established`] the
//! driver closes the older one. A node that we dial can have us prove the cookie to it: dial only those we trust.

mod accept;
mod dial;
mod messages;
#[cfg(test)]
mod tests;

use crate::cookie::Cookie;
use crate::flags::Flags;
use crate::name::{NameError, NodeName};
use std::collections::VecDeque;
use std::time::Duration;

/// Bytes of the longest message that is taken before the proof of the cookie.
pub const FRAME_BYTES: usize = 1024;

/// Who we are.
#[derive(Clone, Debug)]
pub struct Local {
    /// Our name. For [`Handshake::dial_unnamed`]: anything at the host that we say we are on.
    pub name: NodeName,
    /// [`crate::flags::OFFERED`], with [`crate::flags::PUBLISHED`] unless we are hidden.
    pub flags: Flags,
    /// Which life of our node; not 0.
    pub creation: u32,
    /// What a peer must know.
    pub cookie: Cookie,
    /// How long the whole handshake may take; Erlang's `net_setuptime` is 7 s.
    pub timeout: Duration,
}

/// Random numbers for one handshake.
#[derive(Clone, Copy, Debug)]
pub struct Randomness {
    /// What the peer must answer with the cookie.
    pub challenge: u32,
    /// Makes the name of a peer that asks for one.
    pub name: u64,
    /// The creation of such a peer.
    pub creation: u32,
}

/// The other node, which knows the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub name: NodeName,
    /// What both sides can do.
    pub flags: Flags,
    /// Which life of the node.
    pub creation: u32,
    /// Whether it keeps out of `nodes()` and `global`.
    pub is_hidden: bool,
    /// Whether it asked for a name and got this one.
    pub is_named_by_us: bool,
}

/// What the driver does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes.
    Send(Vec<u8>),
    /// The peer has proved that it knows the cookie. Go on with [`Handshake::into_rest`].
    Established(Peer),
    /// Close the connection. The reason is for the log: the peer is told nothing.
    Refused(Refusal),
}

/// Why a handshake ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The peer does not know the cookie.
    #[error("node {peer} does not know the cookie")]
    Cookie {
        /// The name it gave; proved by nothing.
        peer: String,
    },
    /// Something that is no handshake.
    #[error("no handshake: {0}")]
    Protocol(&'static str),
    /// A name that cannot be one.
    #[error("{0}")]
    Name(#[from] NameError),
    /// The peer lacks capabilities that it needs to understand us.
    #[error("node {peer} lacks the capabilities {missing:?}")]
    Flags {
        /// The name it gave.
        peer: String,
        /// What it lacks.
        missing: Flags,
    },
    /// Another node than the one dialled answered, or one with our own name called.
    #[error("the node is {0}")]
    WrongPeer(NodeName),
    /// Both nodes dialled at the same time, and the other connection lives on.
    #[error("both nodes dialled at once")]
    Simultaneous,
    /// The dialled node refuses us.
    #[error("the node refuses us: {0}")]
    NotAllowed(String),
    /// Not done in time.
    #[error("the handshake took too long")]
    Timeout,
}

impl Refusal {
    /// Whether somebody may be trying to get in, so that it counts against their address.
    pub fn is_attack(&self) -> bool {
        matches!(self, Self::Cookie { .. } | Self::Protocol(_) | Self::Name(_))
    }
}

/// One handshake.
#[derive(Debug)]
pub struct Handshake {
    local: Local,
    random: Randomness,
    state: State,
    received: Vec<u8>,
    outputs: VecDeque<Output>,
    deadline: Duration,
}

#[derive(Debug)]
enum State {
    Accepting(accept::Accepting),
    Dialling(dial::Dialling),
    Ended,
}

/// What a message leads to.
enum Next<S> {
    /// Wait for the next message.
    Wait(S),
    Established(Peer),
}

impl Handshake {
    /// A peer has dialled us. `dialling` are the nodes that we are dialling at this moment: of two connections at
    /// once only one may live, and with [`Output::Established`] it is this one.
    pub fn accept(local: Local, dialling: &[NodeName], random: Randomness, now: Duration) -> Self {
        let state = State::Accepting(accept::Accepting::new(dialling));
        Self::new(local, random, state, now)
    }

    /// We have dialled a peer. `version` is the highest that epmd knows it to speak: 6, or 5 for nodes before OTP 23.
    pub fn dial(local: Local, peer: NodeName, version: u16, random: Randomness, now: Duration) -> Self {
        let (dialling, frame) = dial::Dialling::start(&local, peer, version < 6, false);
        let mut handshake = Self::new(local, random, State::Dialling(dialling), now);
        handshake.send(&frame);
        handshake
    }

    /// We have dialled a peer, version 6, that is to give us our name: see [`Handshake::local_name`] afterwards.
    pub fn dial_unnamed(local: Local, peer: NodeName, random: Randomness, now: Duration) -> Self {
        let (dialling, frame) = dial::Dialling::start(&local, peer, false, true);
        let mut handshake = Self::new(local, random, State::Dialling(dialling), now);
        handshake.send(&frame);
        handshake
    }

    fn new(local: Local, random: Randomness, state: State, now: Duration) -> Self {
        let deadline = now.saturating_add(local.timeout);
        Self { local, random, state, received: Vec::new(), outputs: VecDeque::new(), deadline }
    }

    /// Our name: the one given, or the one that the peer gave us.
    pub fn local_name(&self) -> &NodeName {
        &self.local.name
    }

    /// Our creation: the one given, or the one that the peer gave us.
    pub fn local_creation(&self) -> u32 {
        self.local.creation
    }

    /// Takes what the peer sent.
    pub fn handle_input(&mut self, input: &[u8]) {
        self.received.extend_from_slice(input);
        while !matches!(self.state, State::Ended) {
            match take_frame(&mut self.received) {
                Ok(Some(frame)) => self.on_frame(&frame),
                Ok(None) => return,
                Err(refusal) => self.refuse(refusal),
            }
        }
    }

    /// Ends a handshake that takes too long.
    pub fn handle_timeout(&mut self, now: Duration) {
        if !matches!(self.state, State::Ended) && now >= self.deadline {
            self.refuse(Refusal::Timeout);
        }
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Handshake::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        (!matches!(self.state, State::Ended)).then_some(self.deadline)
    }

    /// Bytes that came after the handshake: the first of the connection.
    pub fn into_rest(self) -> Vec<u8> {
        self.received
    }

    fn on_frame(&mut self, frame: &[u8]) {
        let state = std::mem::replace(&mut self.state, State::Ended);
        let next = match state {
            State::Accepting(accepting) => {
                self.accepting(accepting, frame).map(|next| next.map(State::Accepting))
            }
            State::Dialling(dialling) => self.dialling(dialling, frame).map(|next| next.map(State::Dialling)),
            State::Ended => return,
        };
        match next {
            Ok(Next::Wait(state)) => self.state = state,
            Ok(Next::Established(peer)) => self.outputs.push_back(Output::Established(peer)),
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn send(&mut self, frame: &[u8]) {
        let length = u16::try_from(frame.len()).unwrap_or(u16::MAX);
        let bytes = [&length.to_be_bytes()[..], frame].concat();
        self.outputs.push_back(Output::Send(bytes));
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.state = State::Ended;
        self.received = Vec::new();
        self.outputs.push_back(Output::Refused(refusal));
    }
}

impl<S> Next<S> {
    fn map<T>(self, wrap: impl FnOnce(S) -> T) -> Next<T> {
        match self {
            Self::Wait(state) => Next::Wait(wrap(state)),
            Self::Established(peer) => Next::Established(peer),
        }
    }
}

/// Takes one message from what came, if it is whole.
fn take_frame(received: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Refusal> {
    let Some((length, rest)) = received.split_first_chunk::<2>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes(*length));
    if length > FRAME_BYTES {
        return Err(Refusal::Protocol("a message is too long"));
    }
    let Some(frame) = rest.get(..length) else { return Ok(None) };
    let frame = frame.to_vec();
    received.drain(..2 + length);
    Ok(Some(frame))
}

/// Capabilities of both; refuses a peer that could not read us.
fn agree(local: &Local, peer: &str, flags: Flags) -> Result<Flags, Refusal> {
    let missing = Flags(crate::flags::REQUIRED.0 & !flags.expanded().0);
    if missing.0 != 0 {
        return Err(Refusal::Flags { peer: peer.to_owned(), missing });
    }
    Ok(local.flags & flags.expanded())
}
