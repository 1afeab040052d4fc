use std::net::SocketAddr;

use super::other;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn it_takes_two_addresses_with_the_same_two_ports() {
    let [a, b, c, d] = ["192.0.2.1:3478", "192.0.2.1:3479", "192.0.2.2:3478", "192.0.2.2:3479"].map(address);
    let [six, seven, all] = ["[2001:db8::1]:3478", "[2001:db8::2]:3479", "0.0.0.0:3478"].map(address);
    let cases: [(&[SocketAddr], SocketAddr, Option<SocketAddr>); 8] = [
        (&[a, b, c, d], a, Some(d)),
        (&[a, b, c, d], b, Some(c)),
        (&[a, b, c, d], c, Some(b)),
        (&[d, c, b, a], d, Some(a)),
        (&[a, b, c], a, None),
        (&[a, d], a, None),
        (&[a, b, six, seven], a, None),
        (&[all, b, c, d], all, None),
    ];
    for (places, own, wanted) in cases {
        assert_eq!(other(places, own), wanted, "{places:?} {own}");
    }
}
