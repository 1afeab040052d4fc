use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::{Batch, Datagrams, Outbox, SEGMENT_MAX};

fn relay() -> (Datagrams, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap();
    (Datagrams::of_relay(socket, true), address)
}

fn receiver() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Whatever the sizes and addresses, each gets its datagrams, whole and in order.
fn check(datagrams: &[(usize, usize)]) {
    let (socket, from) = relay();
    let receivers: Vec<_> = (0..3).map(|_| receiver()).collect();
    let mut outbox = Outbox::default();
    let bytes: Vec<Vec<u8>> =
        datagrams.iter().zip(0_u8..).map(|((_, length), fill)| vec![fill; *length]).collect();
    for ((to, _), bytes) in datagrams.iter().zip(&bytes) {
        let (head, tail) = bytes.split_at(bytes.len() / 3);
        outbox.push(&socket, receivers[*to].1, None, &[head, tail]);
    }
    outbox.flush(&socket);
    for ((to, _), expected) in datagrams.iter().zip(&bytes) {
        let mut buffer = [0; 65_536];
        let (count, sender) = receivers[*to].0.recv_from(&mut buffer).unwrap();
        assert!(buffer[..count] == expected[..] && sender == from, "{datagrams:?}");
    }
}

#[test]
fn datagrams_arrive_whole_and_in_order() {
    for datagrams in [
        vec![(0, 1000)],
        vec![(0, 1000), (0, 1000), (0, 1000)],
        vec![(0, 1000), (0, 10), (0, 1000)],
        vec![(0, 10), (0, 1000), (1, 1000), (0, 1000), (2, 5)],
        vec![(0, 0), (0, 0), (0, 10), (0, 0), (0, 10)],
        vec![(0, SEGMENT_MAX), (0, SEGMENT_MAX), (0, SEGMENT_MAX + 1), (0, SEGMENT_MAX + 1)],
        vec![(1, 9000), (1, 9000), (1, 60_000)],
        vec![(0, 900); 70],
        (0..90).map(|number| (number % 3, 100 + number)).collect(),
    ] {
        check(&datagrams);
    }
}

#[test]
fn a_batch_tells_where_datagrams_are() {
    let (socket, to) = relay();
    let (sender, from) = receiver();
    let mut batch = Batch::new();
    let sent: Vec<Vec<u8>> = (1_u8..=5).map(|number| vec![number; usize::from(number) * 100]).collect();
    sent.iter().for_each(|bytes| assert_eq!(sender.send_to(bytes, to).unwrap(), bytes.len()));
    sender.send_to(b"", to).unwrap();
    let mut read = Vec::new();
    while let Ok(filled) = batch.read(&socket) {
        for (sender, _, place) in batch.datagrams(filled.count) {
            assert_eq!(sender, from);
            read.push(batch.bytes(place).to_vec());
        }
    }
    assert_eq!(read.split_last().unwrap(), (&Vec::new(), sent.as_slice()));
}

type Way = fn(&Datagrams, SocketAddr);

/// However the first datagram leaves, what becomes of it is heard.
#[test]
fn failures_are_told_from_the_first_datagram_on() {
    let ways: [(&str, Way); 3] = [
        ("alone", |socket, to| socket.send(to, None, b"a")),
        ("unfragmented", |socket, to| socket.send_unfragmented(to, b"a")),
        ("gathered", |socket, to| {
            let mut outbox = Outbox::default();
            outbox.push(socket, to, None, &[b"a"]);
            outbox.flush(socket);
        }),
    ];
    for (way, send) in ways {
        let (socket, _) = relay();
        let (closed, to) = receiver();
        drop(closed);
        send(&socket, to);
        // On loopback the ICMP packet is there before the call that caused it has returned.
        let failed = socket.failed().unwrap_or_else(|error| panic!("{way}: {error}")).unwrap();
        assert_eq!((failed.to, failed.kind, failed.code), (to, 3, 3), "{way}");
    }
}
