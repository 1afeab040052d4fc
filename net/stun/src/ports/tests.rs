use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use nightjar_base::Random;
use nightjar_stun::server::Port;

use super::Ports;

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Numbers that follow each other, spread over all bits.
struct Spread(AtomicU64);

impl Random for Spread {
    fn fill(&self, bytes: &mut [u8]) {
        let number =
            self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bytes.iter_mut().zip((number ^ number >> 31).to_be_bytes()).for_each(|(byte, value)| *byte = value);
    }
}

#[test]
fn ports_are_in_their_range_and_even_where_asked() {
    let ports = Ports::new(40_001..=40_099, None, None);
    let random = Spread(AtomicU64::new(1));
    for port in [Port::Any, Port::Even, Port::EvenAndNext] {
        let opened = ports.open(LOOPBACK, port, &random).unwrap();
        let number = opened.socket.local_addr().unwrap().port();
        assert!(ports.range.contains(&number));
        assert!(port == Port::Any || number.is_multiple_of(2), "{number}");
        assert_eq!(opened.token.is_some(), port == Port::EvenAndNext);
    }
}

#[test]
fn the_next_port_is_kept_for_its_token() {
    let ports = Ports::new(40_100..=40_199, None, None);
    let random = Spread(AtomicU64::new(2));
    let opened = ports.open(LOOPBACK, Port::EvenAndNext, &random).unwrap();
    let token = opened.token.unwrap();
    assert!(ports.open(LOOPBACK, Port::Reserved([0; 8]), &random).is_err());
    let second = ports.open(LOOPBACK, Port::Reserved(token), &random).unwrap();
    let port = |socket: &std::net::UdpSocket| socket.local_addr().unwrap().port();
    assert_eq!(port(&second.socket), port(&opened.socket) + 1);
    assert!(ports.open(LOOPBACK, Port::Reserved(token), &random).is_err(), "a token is good once");
}

#[test]
fn a_full_range_is_told() {
    let ports = Ports::new(40_200..=40_201, None, None);
    let random = Spread(AtomicU64::new(3));
    let held: Vec<_> = (0..2).map(|_| ports.open(LOOPBACK, Port::Any, &random).unwrap()).collect();
    assert!(ports.open(LOOPBACK, Port::Any, &random).is_err());
    drop(held);
    assert!(ports.open(LOOPBACK, Port::Any, &random).is_ok());
}
