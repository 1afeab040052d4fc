//! Discovery of what a NAT does (RFC 5780).

use super::{Fill, World, address, client, id, settings};
use crate::attribute::kind;
use crate::builder::Builder;
use crate::message::MAGIC_COOKIE;
use crate::server::*;

const OTHER: &str = "203.0.113.2:3479";

fn world() -> World {
    World::new(Settings { other_address: Some(address(OTHER)), ..settings() })
}

/// A binding request, and how it is answered: from where, to where, and with what.
fn ask(world: &mut World, fill: Fill<'_>) -> (SocketAddr, SocketAddr, Vec<u8>, usize) {
    let mut request = Vec::new();
    fill(Builder::new(&mut request, Class::Request, Method::BINDING, id(1))).finish();
    let client = world.client;
    world.server.handle_input(world.now, &client, &request);
    match world.server.poll_output() {
        Some(Output::Send { client, bytes } | Output::SendFrom { client, bytes }) => {
            (client.local, client.remote, bytes, request.len())
        }
        other => panic!("no answer: {other:?}"),
    }
}

fn code(bytes: &[u8]) -> u16 {
    let message = Message::parse(bytes).unwrap();
    message.get(kind::ERROR_CODE).map_or(0, |value| u16::from(value[2]) * 100 + u16::from(value[3]))
}

#[test]
fn an_answer_comes_from_where_it_is_asked_to() {
    for (flags, from) in
        [(0, "203.0.113.1:3478"), (2, "203.0.113.1:3479"), (4, "203.0.113.2:3478"), (6, "203.0.113.2:3479")]
    {
        let mut world = world();
        let (local, remote, bytes, _) = ask(&mut world, &|builder| builder.u32(kind::CHANGE_REQUEST, flags));
        let answer = Message::parse(&bytes).unwrap();
        assert_eq!((local, remote), (address(from), world.client.remote), "{flags}");
        assert_eq!(answer.get_xor_address(kind::XOR_MAPPED_ADDRESS), Some(world.client.remote));
        assert_eq!(answer.get_address(kind::RESPONSE_ORIGIN), Some(local));
        assert_eq!(answer.get_address(kind::OTHER_ADDRESS), Some(address(OTHER)));
    }
}

#[test]
fn an_answer_goes_to_another_port_of_the_same_address() {
    let mut world = world();
    let (local, remote, bytes, _) =
        ask(&mut world, &|builder| builder.bytes(kind::RESPONSE_PORT, &9000_u16.to_be_bytes()));
    assert_eq!((local, remote), (world.client.local, address("203.0.113.9:9000")));
    let mapped = Message::parse(&bytes).unwrap().get_xor_address(kind::XOR_MAPPED_ADDRESS);
    assert_eq!(mapped, Some(world.client.remote), "what is told is where it came from");
}

#[test]
fn what_may_not_be_asked() {
    let cases: [(Fill<'_>, u16); 6] = [
        (&|builder| builder.bytes(kind::CHANGE_REQUEST, &[6]), 400),
        (&|builder| builder.bytes(kind::RESPONSE_PORT, &[0, 0]), 400),
        (&|builder| builder.bytes(kind::RESPONSE_PORT, &[1]), 400),
        (&|builder| builder.bytes(kind::PADDING, &[0; 64]).bytes(kind::RESPONSE_PORT, &[9, 9]), 400),
        (&|builder| builder.bytes(kind::PADDING, &[0; 64]).u32(kind::CHANGE_REQUEST, 4), 400),
        (&|builder| builder.bytes(kind::PADDING, &[0; 64]).u32(kind::CHANGE_REQUEST, 2), 400),
    ];
    for (number, (fill, wanted)) in cases.into_iter().enumerate() {
        let (local, remote, bytes, _) = ask(&mut world(), fill);
        assert_eq!(code(&bytes), wanted, "case {number}");
        assert_eq!(
            (local, remote),
            (client(5000, Transport::Udp).local, client(5000, Transport::Udp).remote)
        );
    }
}

#[test]
fn without_another_address_it_is_not_understood() {
    let elsewhere = |other| World::new(Settings { other_address: other, ..settings() });
    for mut world in [
        elsewhere(None),
        elsewhere(Some(address("203.0.113.1:3479"))),
        elsewhere(Some(address("203.0.113.2:3478"))),
        elsewhere(Some(address("[2001:db8::2]:3479"))),
    ] {
        let cases: [(Fill<'_>, u16); 5] = [
            (&|builder| builder.u32(kind::CHANGE_REQUEST, 6), 420),
            // RFC 3489 clients that ask for no change are answered.
            (&|builder| builder.u32(kind::CHANGE_REQUEST, 0), 0),
            (&|builder| builder.bytes(kind::RESPONSE_PORT, &[9, 9]), 420),
            (&|builder| builder.bytes(kind::PADDING, &[0; 8]), 420),
            (&|builder| builder, 0),
        ];
        for (number, (fill, wanted)) in cases.into_iter().enumerate() {
            let (_, _, bytes, _) = ask(&mut world, fill);
            assert_eq!(code(&bytes), wanted, "case {number}");
            assert_eq!(Message::parse(&bytes).unwrap().get(kind::OTHER_ADDRESS), None);
        }
    }
    let mut world = world();
    world.client = client(5000, Transport::Tcp);
    assert_eq!(code(&ask(&mut world, &|builder| builder.u32(kind::CHANGE_REQUEST, 6)).2), 420);
}

#[test]
fn padding_makes_no_answer_longer_than_its_request() {
    for length in [0, 1, 3, 4, 30, 47, 48, 49, 64, 500, 1400] {
        for fingerprint in [false, true] {
            let mut world = world();
            let mut request = Vec::new();
            let builder = Builder::new(&mut request, Class::Request, Method::BINDING, id(1))
                .bytes(kind::PADDING, &vec![0; length]);
            if fingerprint {
                builder.finish_with_fingerprint()
            } else {
                builder.finish()
            }
            world.put(&request);
            let answer = world.answer();
            let padding = answer.get(kind::PADDING).map(<[u8]>::len);
            let bare = 20 + 3 * 12 + if fingerprint { 8 } else { 0 };
            assert!(answer.bytes().len() <= request.len().max(bare), "{length}");
            assert!(padding.unwrap_or(0) <= length);
            assert_eq!(padding.is_some(), request.len() >= bare + 8, "{length}");
        }
    }
}

/// Answers that go elsewhere come out of the same budget, and the magic cookie is not guessed around it.
#[test]
fn nobody_is_flooded_from_another_address() {
    let mut world = world();
    let mut request = Vec::new();
    Builder::new(&mut request, Class::Request, Method::BINDING, id(1)).u32(kind::CHANGE_REQUEST, 6).finish();
    assert_eq!(request[4..8], MAGIC_COOKIE);
    let (mut asked, mut answered) = (0, 0);
    for _ in 0..10_000 {
        asked += request.len();
        world.put(&request);
    }
    for output in &world.outputs {
        let Output::SendFrom { bytes, .. } = output else { panic!("{output:?}") };
        answered += bytes.len();
    }
    assert!(answered > 0 && answered < asked + 4_096, "{answered} bytes for {asked}");
}
