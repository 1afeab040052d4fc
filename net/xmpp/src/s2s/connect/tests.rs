use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use nightjar_xmpp::s2s::StartTls;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

use super::connect;
use crate::s2s::failure::Failure;
use crate::s2s::options::Policy;
use crate::s2s::steps::Trace;

fn policy(connect_ms: u64) -> Policy {
    Policy {
        starttls: StartTls::Required,
        port: 5269,
        families: Vec::new(),
        connect_timeout: Some(Duration::from_millis(connect_ms)),
        source_v4: None,
        source_v6: None,
        queue_max: 1,
        tls: nightjar_net_listen::TlsPolicy::default(),
        dialback: false,
        bidi: false,
        negotiation_timeout: Duration::from_secs(1),
    }
}

async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address that neither answers nor refuses: a listener whose queue is full.
struct BlackHole {
    address: SocketAddr,
    _sockets: Vec<Socket>,
}

impl BlackHole {
    fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            filler.set_nonblocking(true).unwrap();
            let _ = filler.connect(&address);
            sockets.push(filler);
        }
        Self { address: address.as_socket().unwrap(), _sockets: sockets }
    }
}

#[tokio::test]
async fn an_address_that_is_silent_delays_the_next_a_little_and_one_that_refuses_not_at_all() {
    let hole = BlackHole::new();
    let (_listener, good) = listening().await;
    let (gone, refused) = listening().await;
    drop(gone);
    let before = Instant::now();
    let (_, address) = connect(&[hole.address, good], &policy(5000), &mut Trace::default()).await.unwrap();
    assert_eq!(address, good);
    let took = before.elapsed();
    assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(3), "{took:?}");

    let mut trace = Trace::kept();
    let (_, address) = connect(&[refused, good], &policy(5000), &mut trace).await.unwrap();
    assert_eq!(address, good);
    assert!(trace.into_steps().last().is_some_and(|step| step.ok));
}

#[tokio::test]
async fn nobody_answers_in_time() {
    let hole = BlackHole::new();
    let outcome = connect(&[hole.address], &policy(300), &mut Trace::default()).await;
    assert!(matches!(&outcome, Err(Failure::Connect(why)) if why.contains("no answer")), "{outcome:?}");
    let none = connect(&[], &policy(300), &mut Trace::default()).await;
    assert!(matches!(none, Err(Failure::Connect(_))));
}

#[tokio::test]
async fn connections_come_from_the_address_that_is_configured() {
    let (listener, good) = listening().await;
    let from = Ipv4Addr::new(127, 0, 0, 9);
    let policy = Policy { source_v4: Some(from), ..policy(1000) };
    let (_socket, _) = connect(&[good], &policy, &mut Trace::default()).await.unwrap();
    let (_, peer) = listener.accept().await.unwrap();
    assert_eq!(peer.ip(), from);
}
