use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;

use super::{
    BATCH, Control, Departing, Name, Room, failed, gather, receive, send, tell_destinations, tell_failures,
};

const STRIDE: usize = 2048;

/// Sender, our address, bytes, and the size of what was put together.
type Read = (SocketAddr, Option<IpAddr>, Vec<u8>, usize);

fn bound(address: &str) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn read(socket: &UdpSocket, wanted: usize) -> io::Result<Vec<Read>> {
    let (mut storage, mut room) = (vec![0; STRIDE * BATCH], Room::new());
    let count = receive(socket.as_fd(), &mut storage, STRIDE, wanted, &mut room)?;
    let filled = room.arrived().iter().zip(storage.chunks(STRIDE)).take(count);
    Ok(filled
        .map(|(arrived, bytes)| (arrived.from, arrived.to, bytes[..arrived.length].to_vec(), arrived.segment))
        .collect())
}

/// Waits until something is there, which it leaves there.
fn wait(socket: &UdpSocket) {
    socket.peek(&mut [0; 1]).unwrap();
}

#[test]
fn many_datagrams_go_to_many_addresses_in_one_call() {
    for any in ["127.0.0.1:0", "[::1]:0"] {
        let (sender, from) = bound(any);
        let receivers: Vec<_> = (0..BATCH).map(|_| bound(any)).collect();
        let departing = receivers.iter().zip(0_u8..).map(|((_, to), number)| {
            let bytes: &[u8] = if number % 2 == 0 { b"even" } else { b"" };
            Departing { to: *to, from: None, bytes, segment: None }
        });
        assert_eq!(send(sender.as_fd(), departing).unwrap(), BATCH);
        for ((receiver, _), number) in receivers.iter().zip(0_u8..) {
            wait(receiver);
            let expected = if number % 2 == 0 { b"even".to_vec() } else { Vec::new() };
            let length = expected.len().max(1);
            assert_eq!(read(receiver, 2).unwrap(), [(from, None, expected, length)]);
        }
    }
}

#[test]
fn one_datagram_and_none_are_sent() {
    let ((sender, _), (receiver, to)) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
    let one = Departing { to, from: None, bytes: b"one", segment: None };
    assert_eq!(send(sender.as_fd(), std::iter::once(one)).unwrap(), 1);
    let nothing = Departing { to, from: None, bytes: b"", segment: None };
    assert_eq!(send(sender.as_fd(), std::iter::once(nothing)).unwrap(), 1);
    assert_eq!(send(sender.as_fd(), std::iter::empty()).unwrap(), 0);
    wait(&receiver);
    let read: Vec<_> = read(&receiver, 8).unwrap().into_iter().map(|(_, _, bytes, _)| bytes).collect();
    assert_eq!(read, [b"one".to_vec(), Vec::new()]);
}

#[test]
fn the_kernel_takes_a_run_apart_and_may_leave_it_together() {
    let (sender, from) = bound("127.0.0.1:0");
    let bytes: Vec<u8> = [[1; 500], [2; 500]].concat().into_iter().chain([3; 100]).collect();
    for gathers in [false, true] {
        let (receiver, to) = bound("127.0.0.1:0");
        if gathers {
            gather(receiver.as_fd());
        }
        let run = Departing { to, from: None, bytes: &bytes, segment: Some(500) };
        assert_eq!(send(sender.as_fd(), std::iter::once(run)).unwrap(), 1);
        wait(&receiver);
        let read = read(&receiver, 8).unwrap();
        assert!(read.iter().all(|(sender, ..)| *sender == from));
        let pieces: Vec<_> = read
            .iter()
            .flat_map(|(_, _, bytes, segment)| bytes.chunks(*segment))
            .map(<[u8]>::to_vec)
            .collect();
        assert_eq!(pieces, [vec![1; 500], vec![2; 500], vec![3; 100]], "gathers: {gathers}");
    }
}

#[test]
fn our_address_is_told_and_chosen() {
    for (any, ours) in [("0.0.0.0:0", "127.0.0.2"), ("[::]:0", "::ffff:127.0.0.3"), ("[::]:0", "::1")] {
        let (server, bound_to) = bound(any);
        let ours: IpAddr = ours.parse().unwrap();
        tell_destinations(server.as_fd(), bound_to.is_ipv4()).unwrap();
        let (client, from) = bound(if ours.to_canonical().is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" });
        let seen = SocketAddr::new(ours.to_canonical(), bound_to.port());
        client.send_to(b"question", seen).unwrap();
        wait(&server);
        let read = read(&server, 1).unwrap();
        let (to, told) = (read[0].0, read[0].1);
        assert_eq!((to.ip().to_canonical(), told), (from.ip(), Some(ours)), "{any}");
        let answer = Departing { to, from: Some(ours.to_canonical()), bytes: b"answer", segment: None };
        assert_eq!(send(server.as_fd(), std::iter::once(answer)).unwrap(), 1);
        assert_eq!(client.recv_from(&mut [0; 16]).unwrap(), (6, seen));
    }
}

#[test]
fn an_empty_socket_is_told_and_a_bad_run_refused() {
    let (socket, to) = bound("127.0.0.1:0");
    assert_eq!(read(&socket, 4).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    // More segments than the kernel takes.
    let run = Departing { to, from: None, bytes: &[0; 1000], segment: Some(1) };
    assert!(send(socket.as_fd(), std::iter::once(run)).is_err());
}

#[test]
fn a_long_datagram_is_cut_at_its_buffer() {
    let ((sender, _), (receiver, to)) = (bound("127.0.0.1:0"), bound("127.0.0.1:0"));
    sender.send_to(&[7; STRIDE + 10], to).unwrap();
    wait(&receiver);
    assert_eq!(read(&receiver, 1).unwrap()[0].2, vec![7; STRIDE]);
}

#[test]
fn names_and_controls_read_as_they_were_written() {
    for text in ["192.0.2.1:3478", "[2001:db8::1]:65535", "[fe80::1%7]:1"] {
        let address = text.parse().unwrap();
        assert_eq!(Name::write(address).0.read(), address);
    }
    let ip: IpAddr = "2001:db8::9".parse().unwrap();
    let (control, length) = Control::write(Some(ip), None);
    assert_eq!(control.read(length), (Some(ip), None));
    for short in 0..length {
        assert_eq!(control.read(short).1, None);
    }
    assert_eq!(Control([0xff; super::CONTROL]).read(super::CONTROL), (None, None));
}

#[test]
fn a_closed_port_is_told_and_stands_in_nobodys_way() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let bind = || UdpSocket::bind(address).unwrap();
        let (socket, friend) = (bind(), bind());
        tell_failures(socket.as_fd(), address.starts_with('1'));
        let closed = bind().local_addr().unwrap();
        let put = |to| {
            let departing = Departing { to, from: None, bytes: b"x", segment: None };
            send(socket.as_fd(), std::iter::once(departing)).unwrap()
        };
        put(closed);
        // Both the next datagram and the next reading go on as if nothing had been.
        assert_eq!(put(friend.local_addr().unwrap()), 1);
        assert_eq!(friend.recv(&mut [0; 9]).unwrap(), 1);
        put(closed);
        friend.send_to(b"y", socket.local_addr().unwrap()).unwrap();
        let mut storage = [0; 16];
        let mut room = Room::new();
        assert_eq!(receive(socket.as_fd(), &mut storage, 16, 1, &mut room).unwrap(), 1);
        for _ in 0..2 {
            let told = failed(socket.as_fd()).unwrap().unwrap();
            let kind = if closed.is_ipv4() { (3, 3) } else { (1, 4) };
            assert_eq!((told.to, (told.kind, told.code), told.mtu), (closed, kind, 0));
        }
        assert_eq!(failed(socket.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
