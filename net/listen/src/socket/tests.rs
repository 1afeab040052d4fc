use super::*;
use std::future::poll_fn;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

/// A socket and its peer.
async fn pair() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (Socket::Tcp(listener.accept().await.unwrap().0), peer)
}

async fn read(socket: &Socket, length: usize) -> Vec<u8> {
    let mut into = vec![0; length];
    let count = poll_fn(|context| socket.poll_read(context, &mut into)).await.unwrap();
    into.truncate(count);
    into
}

async fn is_waiting(socket: &Socket) -> bool {
    poll_fn(|context| Poll::Ready(socket.poll_read(context, &mut [0; 8]).is_pending())).await
}

#[tokio::test]
async fn a_short_read_is_followed_by_waiting_and_loses_nothing() {
    let (socket, mut peer) = pair().await;
    for round in 0..100_u8 {
        peer.write_all(&[round; 5]).await.unwrap();
        assert_eq!(read(&socket, 8).await, [round; 5]);
        assert!(is_waiting(&socket).await, "round {round}");
    }
    drop(peer);
    assert_eq!(read(&socket, 8).await, b"");
}

#[tokio::test]
async fn what_comes_while_one_waits_wakes() {
    let (socket, mut peer) = pair().await;
    for round in 0..100_u8 {
        let wanted = [round; 3];
        let (got, sent) = tokio::join!(read(&socket, 8), peer.write_all(&wanted));
        sent.unwrap();
        assert_eq!(got, wanted);
    }
}

#[tokio::test]
async fn a_full_buffer_is_followed_by_the_rest() {
    let (socket, mut peer) = pair().await;
    peer.write_all(b"0123456789").await.unwrap();
    drop(peer);
    for wanted in ["01234567", "89", ""] {
        assert_eq!(read(&socket, 8).await, wanted.as_bytes());
    }
}
