//! The server as a machine: packets, time and answers in, packets and wishes out. One machine serves the clients of one
//! thread; what all of them share (quotas) is behind [`Quota`].

mod allocate;
mod allocation;
mod authenticate;
mod binding;
mod budget;
mod counters;
mod icmp;
mod permit;
mod redirect;
mod refresh;
mod relay;
mod reply;
mod settings;
mod tcp;

use core::net::SocketAddr;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::address::Family;
use crate::attribute::ErrorCode;
use crate::credential::{Algorithm, Integrity, Key};
use crate::message::{Class, Message, Method, TransactionId};

use allocation::Allocation;
use authenticate::Waiting;
use budget::Budget;

pub use allocation::AllocationInfo;
pub use counters::Counters;
pub use icmp::IcmpError;
pub use redirect::Alternate;
pub use relay::{FromClient, Prefix, ToClient};
pub use settings::{Authentication, Quota, Refused, Settings, Unlimited};

/// How a client is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
    /// Datagrams inside DTLS.
    Dtls,
}

impl Transport {
    /// Whether messages follow each other in a stream.
    pub fn is_stream(self) -> bool {
        matches!(self, Transport::Tcp | Transport::Tls)
    }
}

/// Both ends of a client's connection: the 5-tuple (RFC 8656 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// How.
    pub transport: Transport,
    /// Our end.
    pub local: SocketAddr,
    /// The client's end.
    pub remote: SocketAddr,
}

/// Names an allocation. Numbers are used again, generations are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AllocationId {
    /// Small, dense.
    pub index: u32,
    /// Tells one use of a number from the next.
    pub generation: u32,
}

/// Names a question that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// Names a TCP connection to a peer (RFC 6062 §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u32);

/// Who says to be a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Username {
    /// USERNAME
    Plain(String),
    /// USERHASH
    Hash([u8; 32]),
}

/// What a relayed address is asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Any.
    Any,
    /// Even.
    Even,
    /// Even, and the next one kept for a later request.
    EvenAndNext,
    /// The one that was kept.
    Reserved([u8; 8]),
}

/// What is relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 8656
    Udp,
    /// RFC 6062
    Tcp,
}

/// Sockets that were opened for an allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// The address peers see.
    pub v4: Option<SocketAddr>,
    /// The address peers see.
    pub v6: Option<SocketAddr>,
    /// For [`Port::EvenAndNext`].
    pub reservation: Option<[u8; 8]>,
}

/// What the machine wants to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// These bytes go to a client.
    Send {
        /// To whom.
        client: Client,
        /// A whole message.
        bytes: Vec<u8>,
    },
    /// These bytes go to a client from an address of ours that isn't the one it sent to (RFC 5780).
    SendFrom {
        /// From where, and to whom.
        client: Client,
        /// A whole message.
        bytes: Vec<u8>,
    },
    /// Tell [`Server::authenticated`] whose key this is.
    Authenticate {
        /// Goes with the answer.
        ticket: Ticket,
        /// Who it says it is.
        username: Username,
        /// How the key is made from the password.
        algorithm: Algorithm,
    },
    /// Open sockets and tell [`Server::allocated`].
    Allocate {
        /// Goes with the answer.
        ticket: Ticket,
        /// The number the sockets are for.
        allocation: AllocationId,
        /// What is relayed.
        protocol: Protocol,
        /// Of these families; the second may fail alone.
        families: (Family, Option<Family>),
        /// Which port.
        port: Port,
    },
    /// Close the sockets of an allocation, or those of one family.
    Free {
        /// Which.
        allocation: AllocationId,
        /// None means all.
        family: Option<Family>,
    },
    /// Connect to a peer from the relayed address and tell [`Server::connected`].
    Connect {
        /// Whose.
        allocation: AllocationId,
        /// Goes with the answer.
        connection: ConnectionId,
        /// To whom.
        peer: SocketAddr,
    },
    /// From now on the client's connection carries the peer's bytes, and nothing of it is a message any more.
    Join {
        /// The data connection.
        client: Client,
        /// The connection to the peer.
        connection: ConnectionId,
    },
    /// Close a connection to a peer.
    Disconnect {
        /// Which.
        connection: ConnectionId,
    },
}

/// The machine.
pub struct Server {
    settings: Arc<Settings>,
    quota: Arc<dyn Quota>,
    allocations: Vec<Slot>,
    free: Vec<u32>,
    by_client: HashMap<Client, AllocationId, RandomState>,
    /// Allocations asked for, whose sockets are being opened.
    opening: HashMap<u64, allocate::Opening, RandomState>,
    waiting: HashMap<u64, Waiting, RandomState>,
    connections: HashMap<u32, tcp::Connection, RandomState>,
    deadlines: BinaryHeap<Reverse<(u64, u32, u32)>>,
    outputs: VecDeque<Output>,
    budget: Budget,
    /// What happened so far.
    pub counters: Counters,
    next_ticket: u64,
    random: u64,
    draining: bool,
}

struct Slot {
    generation: u32,
    allocation: Option<Box<Allocation>>,
}

/// Questions that may wait for answers: a flood of them is not worth more memory.
const WAITING_MAX: usize = 4096;

impl Server {
    /// A machine without clients. `seed` makes what peers and clients see once unpredictable.
    pub fn new(settings: Arc<Settings>, quota: Arc<dyn Quota>, seed: u64) -> Self {
        Self {
            settings,
            quota,
            allocations: Vec::new(),
            free: Vec::new(),
            by_client: HashMap::default(),
            opening: HashMap::default(),
            waiting: HashMap::default(),
            connections: HashMap::default(),
            deadlines: BinaryHeap::new(),
            outputs: VecDeque::new(),
            budget: Budget::new(),
            counters: Counters::default(),
            next_ticket: 0,
            random: seed | 1,
            draining: false,
        }
    }

    /// Other settings from now on; what was allocated stays, but for ways to peers that are refused
    /// now.
    pub fn set_settings(&mut self, settings: Arc<Settings>) {
        for allocation in self.allocations.iter_mut().filter_map(|slot| slot.allocation.as_deref_mut()) {
            allocation.enforce(&settings.policy);
        }
        self.settings = settings;
    }

    /// Whether no new allocation is taken from now on.
    pub fn drain(&mut self, is_draining: bool) {
        self.draining = is_draining;
    }

    /// What is to be done, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Server::handle_timeout`] is to be called, in milliseconds.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.deadlines.peek().map(|Reverse((when, ..))| *when)
    }

    /// Ends what has expired.
    pub fn handle_timeout(&mut self, now: u64) {
        while let Some(Reverse((when, index, generation))) = self.deadlines.peek().copied() {
            if when > now {
                return;
            }
            self.deadlines.pop();
            let id = AllocationId { index, generation };
            match self.get(id).map(|allocation| allocation.expires) {
                Some(expires) if expires <= now => self.remove(id),
                Some(expires) => self.deadlines.push(Reverse((expires, index, generation))),
                None => {}
            }
        }
    }

    /// A packet of a client: a datagram, or one message of a stream.
    pub fn handle_input(&mut self, now: u64, client: &Client, packet: &[u8]) -> FromClient {
        match packet.first() {
            Some(first) if first & 0xc0 == 0x40 => self.channel_data(now, client, packet),
            Some(first) if first & 0xc0 == 0 => match Message::parse(packet) {
                Ok(message) => self.message(now, client, &message, packet),
                Err(_) => self.noise(),
            },
            _ => self.noise(),
        }
    }

    fn noise(&mut self) -> FromClient {
        self.counters.noise += 1;
        FromClient::Nothing
    }

    fn message(&mut self, now: u64, client: &Client, message: &Message<'_>, packet: &[u8]) -> FromClient {
        match (message.class, message.method) {
            (Class::Request, Method::BINDING) => self.binding(now, client, message, packet.len()),
            (Class::Request, _) if message.transaction.is_classic() => {}
            (Class::Request, _) if self.settings.use_turn => self.request(now, client, message, packet),
            (Class::Request, _) => {
                let who = self.stranger(client, message, packet.len());
                self.refuse(now, &who, message, ErrorCode::BAD_REQUEST);
            }
            (Class::Indication, Method::SEND) => return self.send_indication(now, client, message, packet),
            // Binding indications keep a mapping alive (RFC 8489 §6.3.2); answers are for nobody here.
            _ => {}
        }
        FromClient::Nothing
    }

    fn get(&self, id: AllocationId) -> Option<&Allocation> {
        let slot = self.allocations.get(id.index as usize)?;
        slot.allocation.as_deref().filter(|_| slot.generation == id.generation)
    }

    fn get_mut(&mut self, id: AllocationId) -> Option<&mut Allocation> {
        let slot = self.allocations.get_mut(id.index as usize)?;
        slot.allocation.as_deref_mut().filter(|_| slot.generation == id.generation)
    }

    fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// Unpredictable enough for transaction numbers of indications: nothing trusts them.
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Whether a client has an allocation.
    pub fn has_allocation(&self, client: &Client) -> bool {
        self.by_client.contains_key(client)
    }

    /// What there is of a client's, for lists.
    pub fn allocations(&self) -> impl Iterator<Item = AllocationInfo> {
        self.allocations.iter().zip(0..).filter_map(|(slot, index)| {
            let id = AllocationId { index, generation: slot.generation };
            slot.allocation.as_deref().map(|allocation| allocation.info(id))
        })
    }

    /// Ends an allocation; false if there is none.
    pub fn end(&mut self, id: AllocationId) -> bool {
        let found = self.get(id).is_some();
        self.remove(id);
        found
    }

    /// A client's stream is gone, and with it what it had.
    pub fn handle_closed(&mut self, client: &Client) {
        if let Some(id) = self.by_client.get(client).copied() {
            self.remove(id);
        }
        self.waiting.retain(|_, waiting| waiting.client != *client);
        self.abandon(client);
    }

    fn remove(&mut self, id: AllocationId) {
        let Some(slot) = self.allocations.get_mut(id.index as usize) else { return };
        if slot.generation != id.generation {
            return;
        }
        let Some(allocation) = slot.allocation.take() else { return };
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.index);
        self.by_client.remove(&allocation.client);
        self.quota.give_back(allocation.client.remote.ip(), &allocation.user);
        self.outputs.push_back(Output::Free { allocation: id, family: None });
        self.drop_connections(id);
        self.counters.allocations_ended += 1;
    }

    /// Whose request it is, before anything is known.
    fn stranger(&self, client: &Client, message: &Message<'_>, length: usize) -> Who {
        Who {
            client: *client,
            request_bytes: length,
            proof: None,
            has_fingerprint: message.has_fingerprint(),
        }
    }
}

/// Whose request is answered, and how.
#[derive(Clone, Debug)]
struct Who {
    client: Client,
    /// Length of the request: what an answer to somebody unknown is measured by.
    request_bytes: usize,
    /// For those who have shown that they know the key.
    proof: Option<Proof>,
    has_fingerprint: bool,
}

/// What answers are signed with.
#[derive(Clone, Debug)]
struct Proof {
    user: String,
    key: Option<Key>,
    integrity: Integrity,
}

impl TransactionId {
    fn of_indication(high: u64, low: u64) -> Self {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&crate::message::MAGIC_COOKIE);
        bytes[4..12].copy_from_slice(&high.to_be_bytes());
        bytes[12..].copy_from_slice(&(low as u32).to_be_bytes());
        Self(bytes)
    }
}

#[cfg(test)]
mod tests;
