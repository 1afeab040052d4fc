use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use super::{bind_ahead, copies, inherit, unused};
use crate::listener::{Accept, Accepted, Endpoint, ListenOptions, listen};

/// Greets and closes.
struct Greet;

impl Accept for Greet {
    fn accept(&self, accepted: Accepted) {
        accepted.socket.try_write(b"hello").unwrap();
    }
}

fn options(endpoint: Endpoint) -> ListenOptions {
    ListenOptions { endpoint, backlog: 5, use_proxy_protocol: false, accept_interval: Duration::ZERO }
}

fn greeting(mut stream: impl std::io::Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_socket_is_used_again_and_again() {
    let given = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = given.local_addr().unwrap();
    // Somebody who came before the server did.
    let early = TcpStream::connect(address).unwrap();
    inherit(vec![("c2s".to_owned(), OwnedFd::from(given))]).unwrap();
    let shown = format!("c2s ({address})");
    assert!(unused().contains(&shown));

    // Bound anew, it would be in use.
    let listening = listen(&options(Endpoint::Tcp(address)), Arc::new(Greet)).unwrap();
    assert_eq!(listening.endpoint(), &Endpoint::Tcp(address));
    assert_eq!(greeting(early), "hello");
    assert!(!unused().contains(&shown));
    drop(listening);
    let again = listen(&options(Endpoint::Tcp(address)), Arc::new(Greet)).unwrap();
    assert_eq!(greeting(TcpStream::connect(address).unwrap()), "hello");
    drop(again);
    let copied = copies().unwrap().into_iter().find(|(name, _)| name == "c2s").unwrap();
    assert_eq!(TcpListener::from(copied.1).local_addr().unwrap(), address);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_path_stays_when_its_listener_ends() {
    let path = std::env::temp_dir().join(format!("nightjar-listen-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    inherit(vec![("local".to_owned(), OwnedFd::from(UnixListener::bind(&path).unwrap()))]).unwrap();
    let listening = listen(&options(Endpoint::Unix(path.clone(), 0o600)), Arc::new(Greet)).unwrap();
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"").unwrap();
    assert_eq!(greeting(stream), "hello");
    drop(listening);
    assert!(path.exists());
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn what_is_bound_ahead_accepts_nobody_before_it_is_listened_on() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bind_ahead(free).unwrap();
    bind_ahead(free).unwrap();
    assert!(TcpStream::connect(free).is_err());
    let _listening = listen(&options(Endpoint::Tcp(free)), Arc::new(Greet)).unwrap();
    assert!(TcpStream::connect(free).is_ok());
}

#[test]
fn what_is_no_stream_socket_is_refused_by_name() {
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let said = inherit(vec![("stun".to_owned(), OwnedFd::from(datagrams))]).unwrap_err();
    assert_eq!(said, "the socket stun can't be used: it is no stream socket");
}
