mod discovery;
mod icmp;
mod keys;
mod limits;
mod names;
mod redirect;
mod whatever;

use core::net::SocketAddr;
use std::sync::Arc;

use super::*;
use crate::attribute::kind;
use crate::builder::Builder;
use crate::channel;
use crate::credential::ALGORITHMS;
use crate::message::MAGIC_COOKIE;
use crate::nonce::{Features, Nonces};
use crate::policy::{Network, Policy};
use limits::Two;

const REALM: &str = "example.org";
const PEER: &str = "198.51.100.7:4000";

fn settings() -> Settings {
    let features = Features { password_algorithms: true, username_anonymity: true };
    Settings {
        use_turn: true,
        authentication: Authentication::User,
        realm: REALM.to_owned(),
        software: "nightjar".to_owned(),
        has_ipv4: true,
        has_ipv6: true,
        bytes_a_second: None,
        permissions_max: 10,
        lifetime_default: 600,
        lifetime_max: 3600,
        policy: Policy {
            whitelist: vec![Network::new("198.51.100.0".parse().unwrap(), 24).unwrap()],
            ..Policy::default()
        },
        nonces: Nonces::new([3; 32], 3600, features),
        other_address: None,
        alternate: Alternate::default(),
    }
}

/// A machine, its clock, and a client that answers challenges.
struct World {
    server: Server,
    now: u64,
    client: Client,
    user: &'static str,
    password: &'static str,
    algorithm: Algorithm,
    nonce: Vec<u8>,
    next: u8,
    sent: Vec<Vec<u8>>,
    outputs: Vec<Output>,
}

fn client(port: u16, transport: Transport) -> Client {
    let remote = SocketAddr::new("203.0.113.9".parse().unwrap(), port);
    Client { transport, local: "203.0.113.1:3478".parse().unwrap(), remote }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn id(number: u8) -> TransactionId {
    let mut bytes = [number; 16];
    bytes[..4].copy_from_slice(&MAGIC_COOKIE);
    TransactionId(bytes)
}

type Fill<'f> = &'f dyn Fn(Builder<'_>) -> Builder<'_>;

impl World {
    fn new(settings: Settings) -> Self {
        Self::with(settings, Arc::new(Unlimited))
    }

    fn with(settings: Settings, quota: Arc<dyn Quota>) -> Self {
        Self {
            server: Server::new(Arc::new(settings), quota, 42),
            now: 1_000_000,
            client: client(5000, Transport::Udp),
            user: "alice",
            password: "wonderland",
            algorithm: Algorithm::Sha256,
            nonce: Vec::new(),
            next: 0,
            sent: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Sends bytes and does what the machine wants.
    fn put(&mut self, bytes: &[u8]) -> FromClient {
        let client = self.client;
        let relay = self.server.handle_input(self.now, &client, bytes);
        self.pump();
        relay
    }

    fn pump(&mut self) {
        while let Some(output) = self.server.poll_output() {
            match output {
                Output::Send { bytes, .. } => self.sent.push(bytes),
                Output::Authenticate { ticket, username, algorithm } => {
                    let known = username == Username::Plain("alice".to_owned())
                        || username == Username::Hash(crate::credential::userhash("alice", REALM));
                    let key = Key::long_term("alice", REALM, "wonderland", algorithm);
                    self.server.authenticated(self.now, ticket, known.then(|| ("alice".to_owned(), key)));
                }
                Output::Allocate { ticket, families, port, .. } => {
                    let of = |family| match family {
                        Family::V4 => (Some(address("192.0.2.15:50000")), None),
                        Family::V6 => (None, Some(address("[2001:db8::15]:50000"))),
                    };
                    let (first, second) = (of(families.0), families.1.map(of).unwrap_or_default());
                    let reservation = (port == Port::EvenAndNext).then_some([9; 8]);
                    let relayed = Relayed { v4: first.0.or(second.0), v6: first.1.or(second.1), reservation };
                    self.server.allocated(self.now, ticket, Ok(relayed));
                }
                other => self.outputs.push(other),
            }
        }
    }

    fn request(&mut self, method: Method, fill: Fill<'_>) -> Vec<u8> {
        self.next += 1;
        let key = Key::long_term(self.user, REALM, self.password, self.algorithm);
        let mut out = Vec::new();
        let builder = fill(Builder::new(&mut out, Class::Request, method, id(self.next)));
        if self.nonce.is_empty() {
            builder.finish();
            return out;
        }
        let builder = builder
            .bytes(kind::USERNAME, self.user.as_bytes())
            .bytes(kind::REALM, REALM.as_bytes())
            .bytes(kind::NONCE, &self.nonce);
        let (builder, integrity) = match self.algorithm {
            Algorithm::Md5 => (builder, Integrity::Sha1),
            Algorithm::Sha256 => (
                builder
                    .bytes(kind::PASSWORD_ALGORITHMS, &ALGORITHMS)
                    .bytes(kind::PASSWORD_ALGORITHM, &[0, 2, 0, 0]),
                Integrity::Sha256,
            ),
        };
        builder.sign(&key, integrity).finish();
        out
    }

    /// A request and the code of its answer (0 for success); challenges are followed once.
    fn ask(&mut self, method: Method, fill: Fill<'_>) -> u16 {
        for _ in 0..2 {
            let request = self.request(method, fill);
            self.sent.clear();
            self.put(&request);
            let Some(answer) = self.sent.last() else { return 999 };
            let message = Message::parse(answer).unwrap();
            assert_eq!((message.transaction, message.method), (id(self.next), method));
            let Some(error) = message.get(kind::ERROR_CODE) else {
                assert_eq!(message.class, Class::Success);
                let key = Key::long_term(self.user, REALM, self.password, self.algorithm);
                assert!(message.verify(&key), "the answer is signed");
                return 0;
            };
            let code = u16::from(error[2]) * 100 + u16::from(error[3]);
            match message.get(kind::NONCE) {
                Some(nonce) if self.nonce != nonce => self.nonce = nonce.to_vec(),
                _ => return code,
            }
        }
        999
    }

    fn answer(&self) -> Message<'_> {
        Message::parse(self.sent.last().unwrap()).unwrap()
    }

    fn allocate(&mut self) -> u16 {
        self.ask(Method::ALLOCATE, &udp)
    }

    fn allocation(&self) -> AllocationInfo {
        self.server.allocations().find(|own| own.client == self.client).unwrap()
    }

    fn permit(&mut self, peer: &str) -> u16 {
        let peer = address(peer);
        self.ask(Method::CREATE_PERMISSION, &|builder| builder.xor_address(kind::XOR_PEER_ADDRESS, peer))
    }

    fn bind(&mut self, number: u16, peer: &str) -> u16 {
        let peer = address(peer);
        self.ask(Method::CHANNEL_BIND, &|builder| {
            builder
                .u32(kind::CHANNEL_NUMBER, u32::from(number) << 16)
                .xor_address(kind::XOR_PEER_ADDRESS, peer)
        })
    }
}

fn udp(builder: Builder<'_>) -> Builder<'_> {
    builder.bytes(kind::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
}

#[test]
fn a_binding_tells_the_address() {
    let mut world = World::new(settings());
    let mut out = Vec::new();
    Builder::new(&mut out, Class::Request, Method::BINDING, id(1)).finish_with_fingerprint();
    world.put(&out);
    let answer = world.answer();
    assert_eq!(answer.get_xor_address(kind::XOR_MAPPED_ADDRESS), Some(world.client.remote));
    assert!(answer.has_fingerprint());
    // RFC 3489: sixteen bytes of the client's own.
    let mut out = Vec::new();
    Builder::new(&mut out, Class::Request, Method::BINDING, TransactionId([5; 16])).finish();
    world.put(&out);
    let mapped = world.answer().get(kind::MAPPED_ADDRESS).and_then(crate::address::decode);
    assert_eq!(mapped, Some(world.client.remote));
}

#[test]
fn an_allocation_is_made_with_either_algorithm() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let mut world = World::new(settings());
        world.algorithm = algorithm;
        assert_eq!(world.allocate(), 0);
        let answer = world.answer();
        assert_eq!(answer.get_xor_address(kind::XOR_RELAYED_ADDRESS), Some(address("192.0.2.15:50000")));
        assert_eq!(answer.get_xor_address(kind::XOR_MAPPED_ADDRESS), Some(world.client.remote));
        assert_eq!(answer.get_u32(kind::LIFETIME), Some(600));
        assert_eq!(answer.get(kind::SOFTWARE), Some(b"nightjar".as_slice()));
    }
}

#[test]
fn wrong_credentials_make_no_state() {
    for (user, password) in [("alice", "guess"), ("mallory", "wonderland")] {
        let mut world = World::new(settings());
        (world.user, world.password) = (user, password);
        assert_eq!(world.allocate(), 401);
        assert_eq!(
            (world.server.allocations().count(), world.server.counters.authentication_failures),
            (0, 1)
        );
    }
}

#[test]
fn a_stripped_list_of_algorithms_is_noticed() {
    let mut world = World::new(settings());
    world.allocate();
    world.client = client(5001, Transport::Udp);
    let key = Key::long_term("alice", REALM, "wonderland", Algorithm::Md5);
    let mut out = Vec::new();
    udp(Builder::new(&mut out, Class::Request, Method::ALLOCATE, id(90)))
        .bytes(kind::USERNAME, b"alice")
        .bytes(kind::REALM, REALM.as_bytes())
        .bytes(kind::NONCE, &world.nonce)
        .bytes(kind::PASSWORD_ALGORITHMS, &[0, 1, 0, 0])
        .bytes(kind::PASSWORD_ALGORITHM, &[0, 1, 0, 0])
        .sign(&key, Integrity::Sha1)
        .finish();
    world.put(&out);
    assert_eq!(world.answer().get(kind::ERROR_CODE).unwrap()[2..4], [4, 0]);
}

#[test]
fn an_old_nonce_is_replaced() {
    let mut world = World::new(settings());
    assert_eq!(world.allocate(), 0);
    let old = world.nonce.clone();
    world.now += 3_601_000;
    assert_eq!(world.permit(PEER), 0);
    assert_ne!(world.nonce, old);
}

#[test]
fn what_an_allocate_request_may_not_ask() {
    let cases: [(Fill<'_>, u16); 8] = [
        (&|builder| builder, 400),
        (&|builder| builder.bytes(kind::REQUESTED_TRANSPORT, &[6, 0, 0, 0]), 442),
        (&|builder| udp(builder).bytes(kind::EVEN_PORT, &[0]).bytes(kind::RESERVATION_TOKEN, &[0; 8]), 400),
        (&|builder| udp(builder).bytes(kind::RESERVATION_TOKEN, &[0; 7]), 400),
        (&|builder| udp(builder).bytes(kind::REQUESTED_ADDRESS_FAMILY, &[3, 0, 0, 0]), 440),
        (
            &|builder| {
                udp(builder)
                    .bytes(kind::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0])
                    .bytes(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0])
            },
            400,
        ),
        (&|builder| udp(builder).bytes(kind::ADDITIONAL_ADDRESS_FAMILY, &[1, 0, 0, 0]), 400),
        (&|builder| udp(builder).bytes(0x7ff0, &[1]), 420),
    ];
    for (number, (fill, code)) in cases.into_iter().enumerate() {
        let mut world = World::new(settings());
        assert_eq!(world.ask(Method::ALLOCATE, fill), code, "case {number}");
        assert_eq!(world.server.allocations().count(), 0);
    }
}

#[test]
fn both_families_and_pairs_of_ports() {
    let mut world = World::new(settings());
    let both: Fill<'_> = &|builder| udp(builder).bytes(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    assert_eq!(world.ask(Method::ALLOCATE, both), 0);
    let relayed = world.allocation().relayed;
    assert!(relayed.v4.is_some() && relayed.v6.is_some());
    // Giving one family up leaves the other.
    let give_up: Fill<'_> =
        &|builder| builder.u32(kind::LIFETIME, 0).bytes(kind::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0]);
    assert_eq!(world.ask(Method::REFRESH, give_up), 0);
    assert_eq!(world.allocation().relayed.v4, None);
    assert_eq!(world.permit(PEER), 443);

    world.client = client(5002, Transport::Udp);
    assert_eq!(world.ask(Method::ALLOCATE, &|builder| udp(builder).bytes(kind::EVEN_PORT, &[0x80])), 0);
    assert_eq!(world.answer().get(kind::RESERVATION_TOKEN), Some([9; 8].as_slice()));
}

#[test]
fn the_same_request_again_is_answered_again() {
    let mut world = World::new(settings());
    world.allocate();
    let request = world.request(Method::ALLOCATE, &udp);
    world.client = client(5003, Transport::Udp);
    world.put(&request);
    world.put(&request);
    assert_eq!(world.answer().class, Class::Success);
    assert_eq!(world.server.allocations().count(), 2);
    assert_eq!(world.allocate(), 437);
}

#[test]
fn an_allocation_is_its_makers() {
    let mut world = World::new(settings());
    assert_eq!(world.allocate(), 0);
    world.user = "mallory";
    assert_eq!(world.permit(PEER), 441);
}

#[test]
fn data_goes_both_ways() {
    let mut world = World::new(settings());
    assert_eq!(world.allocate(), 0);
    let allocation = world.allocation().id;
    let peer = address(PEER);
    let mut send = Vec::new();
    Builder::new(&mut send, Class::Indication, Method::SEND, id(200))
        .xor_address(kind::XOR_PEER_ADDRESS, peer)
        .bytes(kind::DATA, b"hello")
        .finish();
    assert_eq!(world.put(&send), FromClient::Nothing, "without a permission");
    assert_eq!(world.server.handle_peer(world.now, allocation, peer, 5), None);
    assert_eq!(world.permit(PEER), 0);
    let FromClient::Relay { data, peer: to, .. } = world.put(&send) else { panic!("not relayed") };
    assert_eq!((&send[data], to), (b"hello".as_slice(), peer));

    // An indication until a channel is bound.
    let to_client = world.server.handle_peer(world.now, allocation, peer, 5).unwrap();
    let mut bytes = to_client.prefix.bytes().to_vec();
    bytes.extend_from_slice(b"world");
    bytes.extend(std::iter::repeat_n(0, usize::from(to_client.prefix.padding)));
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.class, message.method), (Class::Indication, Method::DATA));
    assert_eq!(message.get_xor_address(kind::XOR_PEER_ADDRESS), Some(peer));
    assert_eq!(message.get(kind::DATA), Some(b"world".as_slice()));

    assert_eq!(world.bind(0x4001, PEER), 0);
    let to_client = world.server.handle_peer(world.now, allocation, peer, 5).unwrap();
    assert_eq!(to_client.prefix.bytes(), [0x40, 1, 0, 5]);
    let mut data = channel::header(0x4001, 3).to_vec();
    data.extend_from_slice(b"abc");
    let wanted = FromClient::Relay { allocation, peer, data: 4..7, dont_fragment: false };
    assert_eq!(world.put(&data), wanted);
}

#[test]
fn channels_are_bound_one_to_one() {
    let mut world = World::new(settings());
    world.allocate();
    for (number, peer, code) in [
        (0x4000, "198.51.100.1:1", 0),
        (0x4000, "198.51.100.1:1", 0),
        (0x4000, "198.51.100.2:1", 400),
        (0x4001, "198.51.100.1:1", 400),
        (0x3fff, "198.51.100.2:1", 400),
        (0x8000, "198.51.100.2:1", 400),
        (0x4001, "[2001:db8::1]:1", 443),
        (0x4001, "127.0.0.1:80", 403),
        (0x4001, "198.51.100.2:1", 0),
    ] {
        assert_eq!(world.bind(number, peer), code, "{number:x} {peer}");
    }
}

#[test]
fn permissions_and_allocations_end() {
    let mut world = World::new(settings());
    world.allocate();
    world.bind(0x4000, PEER);
    let (id, peer) = (world.allocation().id, address(PEER));
    world.now += 299_999;
    assert!(world.server.handle_peer(world.now, id, peer, 1).is_some());
    world.now += 1;
    assert_eq!(world.server.handle_peer(world.now, id, peer, 1), None, "the permission is over");
    assert_eq!(world.ask(Method::REFRESH, &|builder| builder.u32(kind::LIFETIME, 1200)), 0);
    assert_eq!(world.answer().get_u32(kind::LIFETIME), Some(1200));
    world.now += 1_199_999;
    world.server.handle_timeout(world.now);
    assert_eq!(world.server.allocations().count(), 1);
    world.now += 1;
    assert!(world.server.poll_timeout().unwrap() <= world.now);
    world.server.handle_timeout(world.now);
    world.pump();
    assert_eq!((world.server.allocations().count(), world.server.poll_timeout()), (0, None));
    assert_eq!(world.outputs, [Output::Free { allocation: id, family: None }]);
    assert_eq!(world.permit(PEER), 437);
}

#[test]
fn a_name_of_a_former_allocation_means_nothing() {
    let mut world = World::new(settings());
    world.allocate();
    world.permit(PEER);
    let old = world.allocation().id;
    world.server.end(old);
    world.allocate();
    assert_eq!(world.allocation().id.index, old.index);
    assert_eq!(world.server.handle_peer(world.now, old, address(PEER), 1), None);
}

#[test]
fn tcp_is_relayed_by_connections() {
    let mut world = World::new(settings());
    world.client = client(6000, Transport::Tls);
    let tcp: Fill<'_> = &|builder| builder.bytes(kind::REQUESTED_TRANSPORT, &[6, 0, 0, 0]);
    assert_eq!(world.ask(Method::ALLOCATE, tcp), 0);
    let control = world.client;
    let (id, peer) = (world.allocation().id, address(PEER));
    let connect: Fill<'_> = &|builder| builder.xor_address(kind::XOR_PEER_ADDRESS, peer);
    assert_eq!(world.ask(Method::CONNECT, connect), 999, "no answer before the peer's");
    let Some(Output::Connect { connection, .. }) = world.outputs.pop() else { panic!("no connection") };
    assert_eq!(world.ask(Method::CONNECT, connect), 446);
    world.server.connected(world.now, connection, true);
    world.pump();
    assert_eq!(world.answer().get_u32(kind::CONNECTION_ID), Some(connection.0));

    let take: Fill<'_> = &|builder| builder.u32(kind::CONNECTION_ID, connection.0);
    world.client = client(6001, Transport::Tls);
    assert_eq!(world.ask(Method::CONNECTION_BIND, take), 0);
    assert_eq!(world.outputs, [Output::Join { client: world.client, connection }]);
    world.client = client(6002, Transport::Tls);
    assert_eq!(world.ask(Method::CONNECTION_BIND, take), 400, "it is taken");

    // A peer that is permitted is announced, any other closed.
    assert_eq!(world.server.peer_connected(world.now, id, address("198.51.100.9:1")), None);
    let other = world.server.peer_connected(world.now, id, address("198.51.100.7:9")).unwrap();
    world.pump();
    assert_eq!(world.answer().get_u32(kind::CONNECTION_ID), Some(other.0));
    world.outputs.clear();
    world.server.handle_closed(&control);
    world.pump();
    assert_eq!(world.outputs.len(), 3, "{:?}", world.outputs);
}

#[test]
fn a_stream_that_closes_while_its_sockets_open_leaves_nothing() {
    let mut world = World::with(settings(), Arc::new(Two(std::sync::Mutex::default())));
    world.client = client(6000, Transport::Tcp);
    world.permit(PEER);
    let request = world.request(Method::ALLOCATE, &udp);
    let client = world.client;
    world.server.handle_input(world.now, &client, &request);
    let Some(Output::Authenticate { ticket, algorithm, .. }) = world.server.poll_output() else { panic!() };
    let key = Key::long_term("alice", REALM, "wonderland", algorithm);
    world.server.authenticated(world.now, ticket, Some(("alice".to_owned(), key)));
    let Some(Output::Allocate { ticket, allocation, .. }) = world.server.poll_output() else { panic!() };
    world.server.handle_closed(&client);
    world.server.allocated(world.now, ticket, Ok(Relayed::default()));
    world.pump();
    assert_eq!(world.outputs, [Output::Free { allocation, family: None }]);
    assert_eq!(world.server.allocations().count(), 0);
    for port in 1..=2 {
        world.client = self::client(port, Transport::Udp);
        assert_eq!(world.allocate(), 0, "the quota was given back");
    }
}
