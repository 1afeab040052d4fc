//! Whatever arrives: nothing is relayed to a refused address, and there is no state past its limit.

use core::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use proptest::prelude::*;

use super::limits::Two;
use super::{World, client, id, settings, udp};
use crate::attribute::kind;
use crate::builder::Builder;
use crate::channel;
use crate::server::*;

/// What the property test does in one step.
#[derive(Clone, Debug)]
enum Step {
    /// Allocates; by TCP if the client is on a stream and it is said so.
    Allocate {
        tcp: bool,
        fill: u8,
    },
    Refresh(u32),
    Permit(SocketAddr),
    Bind(u16, SocketAddr),
    Connect(SocketAddr),
    TakeConnection(u32),
    PeerConnects(SocketAddr),
    PeerSends(SocketAddr),
    ChannelData(u16),
    Send(SocketAddr),
    Unreachable(SocketAddr),
    /// Bytes of anything.
    Noise(Vec<u8>),
    /// A good request with one byte changed.
    Changed(u16, u8),
    Close,
    Wait(u32),
}

/// Addresses that matter, and every way to write them.
fn some_peer() -> impl Strategy<Value = SocketAddr> {
    let ipv4 = prop::sample::select(vec![
        "198.51.100.7",
        "198.51.100.8",
        "198.51.100.9",
        "8.8.8.8",
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "100.64.0.1",
    ]);
    let ipv4 = ipv4.prop_map(|text| text.parse::<std::net::Ipv4Addr>().unwrap());
    let ip = (ipv4, 0_u8..8).prop_map(|(ip, form)| {
        let [high, low] = [(u32::from(ip) >> 16) as u16, u32::from(ip) as u16];
        let v6 = |parts: [u16; 8]| IpAddr::V6(parts.into());
        match form {
            0 => v6([0, 0, 0, 0, 0, 0xffff, high, low]),
            1 => v6([0, 0, 0, 0, 0, 0, high, low]),
            2 => v6([0x64, 0xff9b, 0, 0, 0, 0, high, low]),
            3 => v6([0x2002, high, low, 0, 0, 0, 0, 1]),
            4 => v6([0xfd00, 0, 0, 0, 0, 0, high, low]),
            _ => IpAddr::V4(ip),
        }
    });
    (ip, 0_u16..4).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn some_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (any::<bool>(), 0_u8..5).prop_map(|(tcp, fill)| Step::Allocate { tcp, fill }),
        1 => prop::sample::select(vec![0, 600, 3600, u32::MAX]).prop_map(Step::Refresh),
        3 => some_peer().prop_map(Step::Permit),
        3 => (0x4000_u16..0x4060, some_peer()).prop_map(|(number, peer)| Step::Bind(number, peer)),
        2 => some_peer().prop_map(Step::Connect),
        1 => any::<u32>().prop_map(Step::TakeConnection),
        1 => some_peer().prop_map(Step::PeerConnects),
        3 => some_peer().prop_map(Step::PeerSends),
        2 => (0x4000_u16..0x4060).prop_map(Step::ChannelData),
        2 => some_peer().prop_map(Step::Send),
        1 => some_peer().prop_map(Step::Unreachable),
        1 => prop::collection::vec(any::<u8>(), 0..120).prop_map(Step::Noise),
        1 => (any::<u16>(), 1_u8..).prop_map(|(at, bits)| Step::Changed(at, bits)),
        1 => Just(Step::Close),
        1 => (0_u32..400_000).prop_map(Step::Wait),
    ]
}

impl World {
    /// Does a step; gives what is relayed to a peer, if something is.
    fn step(&mut self, step: Step) -> FromClient {
        match step {
            Step::Allocate { tcp, fill } => self.ask_for_relay(tcp, fill),
            Step::Refresh(seconds) => {
                self.ask(Method::REFRESH, &|builder| builder.u32(kind::LIFETIME, seconds));
            }
            Step::Permit(peer) => {
                self.permit(&peer.to_string());
            }
            Step::Bind(number, peer) => {
                self.bind(number, &peer.to_string());
            }
            Step::Connect(peer) => {
                self.ask(Method::CONNECT, &|builder| builder.xor_address(kind::XOR_PEER_ADDRESS, peer));
            }
            Step::TakeConnection(number) => {
                let known: Vec<u32> = self.server.connections.keys().copied().collect();
                let number = known.get(number as usize % known.len().max(1)).copied().unwrap_or(number);
                self.server.connected(self.now, ConnectionId(number), number % 3 > 0);
                self.ask(Method::CONNECTION_BIND, &|builder| builder.u32(kind::CONNECTION_ID, number));
            }
            Step::PeerConnects(_) | Step::PeerSends(_) | Step::Unreachable(_) => self.outside(&step),
            Step::ChannelData(number) => return self.put(&channel::header(number, 0)),
            Step::Send(peer) => {
                let mut send = Vec::new();
                Builder::new(&mut send, Class::Indication, Method::SEND, id(1))
                    .xor_address(kind::XOR_PEER_ADDRESS, peer)
                    .bytes(kind::DATA, b"x")
                    .finish();
                return self.put(&send);
            }
            Step::Noise(bytes) => return self.put(&bytes),
            Step::Changed(at, bits) => {
                let mut request = self.request(Method::ALLOCATE, &udp);
                let at = usize::from(at) % request.len();
                request[at] ^= bits;
                return self.put(&request);
            }
            Step::Close => {
                let client = self.client;
                self.server.handle_closed(&client);
            }
            Step::Wait(time) => self.now += u64::from(time),
        }
        FromClient::Nothing
    }

    fn ask_for_relay(&mut self, tcp: bool, fill: u8) {
        let protocol = if tcp { 6 } else { 17 };
        self.ask(Method::ALLOCATE, &|builder| {
            let builder = builder.bytes(kind::REQUESTED_TRANSPORT, &[protocol, 0, 0, 0]);
            match fill {
                0 => builder.bytes(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]),
                1 => builder.bytes(kind::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]),
                2 => builder.bytes(kind::EVEN_PORT, &[0x80]),
                _ => builder,
            }
        });
    }

    /// Peers do something to all relays.
    fn outside(&mut self, step: &Step) {
        let ids: Vec<_> = self.server.allocations().map(|own| own.id).collect();
        for id in ids {
            match *step {
                Step::PeerConnects(peer) => drop(self.server.peer_connected(self.now, id, peer)),
                Step::PeerSends(peer) => {
                    let heard = self.server.handle_peer(self.now, id, peer, 5).is_some();
                    let may = self.server.settings.policy.check_ip(peer.ip());
                    assert!(!heard || may == Ok(()), "{peer} is heard");
                }
                Step::Unreachable(peer) => {
                    let error = IcmpError { kind: 3, code: 1, data: 0 };
                    self.server.peer_unreachable(self.now, id, peer, error);
                }
                _ => {}
            }
        }
    }
}

proptest! {
    /// Whatever arrives, nothing is relayed to a refused address and nothing exceeds its limit.
    #[test]
    fn policy_and_limits_hold(steps in prop::collection::vec((some_step(), 0_u16..6), 1..150)) {
        let quota = Arc::new(Two(std::sync::Mutex::default()));
        let mut world = World::with(Settings { permissions_max: 2, ..settings() }, quota.clone());
        let policy = settings().policy;
        for (step, port) in steps {
            let transport = if port % 2 == 0 { Transport::Udp } else { Transport::Tls };
            world.client = client(7000 + port, transport);
            world.server.handle_timeout(world.now);
            world.outputs.clear();
            let relayed = world.step(step);
            world.pump();
            if let FromClient::Relay { peer, .. } = relayed {
                prop_assert_eq!(policy.check(peer), Ok(()));
            }
            for output in &world.outputs {
                if let Output::Connect { peer, .. } = output {
                    prop_assert_eq!(policy.check(*peer), Ok(()));
                }
            }
            let count = world.server.allocations().count();
            prop_assert!(count <= 2);
            prop_assert_eq!(*quota.0.lock().unwrap(), count, "each takes one, and gives it back once");
            prop_assert!(world.server.allocations().all(|own| own.permissions <= 2 && own.channels <= 16));
            prop_assert!(world.server.connections.len() <= count * 32);
            prop_assert_eq!((world.server.waiting.len(), world.server.opening.len()), (0, 0));
            prop_assert!(world.server.allocations.len() <= 2 && world.server.by_client.len() == count);
        }
    }
}
