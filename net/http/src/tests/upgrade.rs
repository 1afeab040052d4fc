//! Connections that another protocol takes over.

use std::sync::atomic::Ordering;

use nightjar_net_listen::Budget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::testing::{World, status, talk};

const SWITCH: &str =
    "GET /switch HTTP/1.1\r\nHost: one.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

/// Reads up to these bytes.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        read.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

async fn say(stream: &mut TcpStream, words: &str) {
    stream.write_all(words.as_bytes()).await.unwrap();
    assert_eq!(until(stream, words).await, words);
}

/// Looks at the budget until it has so many connections, so many of them unauthenticated.
async fn held(world: &World, wanted: (usize, usize)) {
    loop {
        let held = world.kernel.shared::<Budget>().held();
        if (held.connections, held.unauthenticated) == wanted {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nothing_is_lost_on_the_way() {
    let mut world = World::new("");
    let mut stream = world.connect().await;
    // What was sent with the request comes first: it is no request any more.
    let early = "GET /api HTTP/1.1\r\nHost: one.example\r\n\r\n";
    stream.write_all(format!("{SWITCH}{early}").as_bytes()).await.unwrap();
    let head = until(&mut stream, "\r\n\r\n").await;
    assert_eq!((status(&head), head.contains("upgrade: echo")), (101, true), "{head}");
    assert_eq!(until(&mut stream, early).await, early);
    say(&mut stream, "late").await;
    assert_eq!(world.stats().connections_open.load(Ordering::Relaxed), 0, "it is HTTP no longer");
    // It keeps its place in the budget, proves who it is, outlives the listener, and gives the place back.
    held(&world, (1, 1)).await;
    say(&mut stream, "it is me").await;
    held(&world, (1, 0)).await;
    drop(world.listening.take());
    say(&mut stream, "still here").await;
    drop(stream);
    held(&world, (0, 0)).await;
}

#[tokio::test]
async fn after_other_requests() {
    let world = World::new("");
    let mut stream = world.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET /api HTTP/1.1\r\nHost: one.example\r\n\r\n").await.unwrap();
        assert_eq!(status(&until(&mut stream, "tag=\n").await), 200);
    }
    stream.write_all(SWITCH.as_bytes()).await.unwrap();
    assert_eq!(status(&until(&mut stream, "\r\n\r\n").await), 101);
    say(&mut stream, "words").await;
}

#[tokio::test]
async fn a_request_drips_in_and_its_answer_is_waited_for() {
    let world = World::new("");
    let mut stream = world.connect().await;
    for byte in SWITCH.bytes() {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(status(&until(&mut stream, "\r\n\r\n").await), 101);
    say(&mut stream, "words").await;
    world.assert_alive().await;
}

#[tokio::test]
async fn only_where_the_end_of_the_request_is_known() {
    let world = World::new("");
    let body = SWITCH.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello");
    let chunked = SWITCH.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    let not_asked = "GET /switch HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n";
    for request in [&*body, &chunked, not_asked] {
        let answer = talk(world.connect().await, request.as_bytes()).await;
        assert_eq!(status(&answer), 500, "{request}: {answer}");
    }
    world.assert_alive().await;
}

#[tokio::test]
async fn nothing_follows_a_request_that_could_have_switched() {
    let world = World::new("");
    let request = SWITCH.replace("/switch", "/api");
    let answer = talk(world.connect().await, format!("{request}{request}").as_bytes()).await;
    assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (200, 1), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}
