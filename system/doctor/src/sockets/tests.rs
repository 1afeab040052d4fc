use std::net::{TcpListener, TcpStream, UdpSocket};

use super::*;

#[test]
fn the_kernels_list_is_read() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp6 = TcpListener::bind("[::1]:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    let found = sockets(Path::new("/proc"));
    let me = std::process::id();
    let find = |protocol, address: std::net::SocketAddr| {
        let wanted = |socket: &&Socket| {
            (socket.protocol, socket.address, socket.port) == (protocol, address.ip(), address.port())
        };
        found
            .iter()
            .find(wanted)
            .map(|socket| socket.owners.iter().any(|(pid, name)| *pid == me && !name.is_empty()))
    };
    assert_eq!(find(Protocol::Tcp, tcp.local_addr().unwrap()), Some(true));
    assert_eq!(find(Protocol::Tcp, tcp6.local_addr().unwrap()), Some(true));
    assert_eq!(find(Protocol::Udp, udp.local_addr().unwrap()), Some(true));
    // A connection is no listener.
    assert_eq!(find(Protocol::Tcp, client.local_addr().unwrap()), None);
}

#[test]
fn lines_of_another_shape_are_passed_over() {
    for line in
        ["", "0: 0100007F:1466", "0: ZZ:1466 0:0 0A 0:0 0:0 0 0 0 1", "0: 00:1:2 0:0 0A 0:0 0:0 0 0 0 1"]
    {
        assert_eq!(parse(line, Protocol::Tcp), None, "{line}");
    }
}
