//! Bytes that no honest client sends: each gets a clear answer or an end, and the listener goes on.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::limits::Times;
use crate::testing::{World, status, talk, times};

const HOST: &str = "Host: one.example\r\n";

#[tokio::test]
async fn what_two_servers_could_read_differently_is_refused() {
    let world = World::new("");
    let table: &[(&str, u16)] = &[
        // The end of the body said twice.
        ("Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        ("Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
        ("Content-Length: 1, 1\r\n\r\nx", 400),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ("Transfer-Encoding: identity\r\n\r\n", 501),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        ("Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 501),
        // Lengths that aren't.
        ("Content-Length: -1\r\n\r\n", 400),
        ("Content-Length: +1\r\n\r\nx", 400),
        ("Content-Length: 0x1\r\n\r\nx", 400),
        ("Content-Length: 1 1\r\n\r\nx", 400),
        ("Content-Length: \r\n\r\n", 400),
        ("Content-Length: 99999999999999999999\r\n\r\n", 400),
        // Lines that end or begin oddly.
        ("X-A: b\r\n c\r\n\r\n", 400),
        ("X-A: b\r\n\tContent-Length: 4\r\n\r\n", 400),
        ("X-A: b\nX-B: c\r\n\r\n", 400),
        ("X-A: b\rX-B: c\r\n\r\n", 400),
        ("X-A: b\r\r\n\r\n", 400),
        ("Content-Length : 4\r\n\r\nabcd", 400),
        ("Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400),
        (": x\r\n\r\n", 400),
        ("X-A\r\n\r\n", 400),
        ("X-A: b\0c\r\n\r\n", 400),
        ("X\0A: b\r\n\r\n", 400),
        ("X(A): b\r\n\r\n", 400),
        // Hosts.
        ("Host: two.example\r\n\r\n", 400),
    ];
    for (rest, expected) in table {
        let request = format!("POST /echo HTTP/1.1\r\n{HOST}{rest}GET /api/smuggled HTTP/1.1\r\n{HOST}\r\n");
        let answer = world.send(request).await;
        assert_eq!(status(&answer), *expected, "{rest:?}: {answer}");
        assert!(!answer.contains("smuggled"), "{rest:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{rest:?}: {answer}");
    }
    world.assert_alive().await;
}

#[tokio::test]
async fn odd_request_lines_and_hosts_are_refused() {
    let world = World::new("");
    let table: &[(&str, u16)] = &[
        ("GET /api HTTP/1.1\r\n\r\n", 400),
        ("GET /api HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET /api HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET /api HTTP/1.1\r\nHost: one.example/\r\n\r\n", 400),
        ("GET /api HTTP/1.1\r\nHost: one.example@two.example\r\n\r\n", 400),
        ("GET /api HTTP/1.1\r\nHost: one.example:port\r\n\r\n", 400),
        ("GET /api HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        ("GET /api HTTP/1.1\r\nHost: \u{fc}.example\r\n\r\n", 400),
        ("GET /api HTTP/1.1\r\nHost: <script>\r\n\r\n", 400),
        ("GET http://u:p@one.example/api HTTP/1.1\r\nHost: one.example\r\n\r\n", 400),
        ("CONNECT one.example:22 HTTP/1.1\r\nHost: one.example\r\n\r\nSSH-2.0\r\n", 405),
        ("GET  /api HTTP/1.1\r\nHost: one.example\r\n\r\n", 400),
        ("GET /api\tHTTP/1.1\r\nHost: one.example\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: one.example\r\n\r\n", 400),
        ("GET /api HTTP/1.2\r\nHost: one.example\r\n\r\n", 505),
        ("GET /api HTTP/3\r\nHost: one.example\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET /api\r\n\r\n", 400),
        ("HELP\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        ("<?xml version='1.0'?><stream:stream to='one.example'>", 400),
        ("\0\x01\0\0!\x12\u{a4}B", 400),
    ];
    for (request, expected) in table {
        let answer = world.send(request).await;
        assert_eq!(status(&answer), *expected, "{request:?}: {answer}");
    }
    world.assert_alive().await;
}

#[tokio::test]
async fn paths_cannot_step_out() {
    let world = World::new("");
    for path in [
        "/api/../two",
        "/api/%2e%2e/two",
        "/api/.%2E/two",
        "/api/%2e",
        "/api/..%2ftwo",
        "/api/%2fetc",
        "/api/..\\two",
        "/api/%5c..",
        "/api/a%00b",
        "/api/%0d%0aX:y",
        "/api/%",
        "/api/%4",
        "/api/%zz",
        "/api/%c0%ae%c0%ae/",
        "/api/%ff",
        "/api/%ed%a0%80",
        "/api/%7f",
    ] {
        let (status, body) = world.ask(&format!("GET {path} HTTP/1.1\nHost: one.example")).await;
        assert_eq!(status, 400, "{path}: {body}");
    }
    world.assert_alive().await;
}

#[tokio::test]
async fn large_heads_are_refused_and_bounded() {
    let world = World::new("");
    let long = "a".repeat(40_000);
    let many = "X-A: b\r\n".repeat(101);
    for (rest, expected) in [
        (format!("GET /api HTTP/1.1\r\n{HOST}X-A: {long}\r\n\r\n"), 431),
        (format!("GET /api HTTP/1.1\r\n{HOST}X-A: {long}"), 431),
        (format!("GET /api/{long} HTTP/1.1\r\n{HOST}\r\n"), 431),
        (format!("GET /api HTTP/1.1\r\n{HOST}{many}\r\n"), 431),
        (format!("GET /api HTTP/1.1\r\n{HOST}X-A: {}\r\nConnection: close\r\n\r\n", &long[..20_000]), 200),
    ] {
        let answer = world.send(&rest).await;
        assert_eq!(status(&answer), expected, "{} bytes: {answer}", rest.len());
    }
    world.assert_alive().await;
}

#[tokio::test]
async fn bodies_are_bounded_by_their_reader() {
    let world = World::new("");
    let start = format!("POST /echo HTTP/1.1\r\n{HOST}Connection: close\r\n");
    let huge = format!(
        "{start}Transfer-Encoding: chunked\r\n\r\n10000\r\n{}\r\n1\r\nx\r\n0\r\n\r\n",
        "y".repeat(65_536)
    );
    for (request, expected) in [
        (format!("{start}Content-Length: 70000\r\n\r\n{}", "y".repeat(70_000)), 413),
        (huge, 413),
        (format!("{start}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n"), 400),
        (format!("{start}Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n"), 400),
        (format!("{start}Transfer-Encoding: chunked\r\n\r\n1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(40_000)), 400),
        (format!("{start}Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n"), 400),
        (format!("{start}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), 200),
        (format!("{start}Content-Length: 3\r\n\r\nabc"), 200),
    ] {
        let answer = world.send(&request).await;
        assert_eq!(status(&answer), expected, "{} bytes: {answer}", request.len());
    }
    world.assert_alive().await;
}

#[tokio::test]
async fn nothing_follows_a_chunked_body() {
    let world = World::new("");
    let first = format!("POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    let answer = world.send(format!("{first}GET /api/second HTTP/1.1\r\n{HOST}\r\n")).await;
    assert_eq!(status(&answer), 200);
    assert!(answer.contains("connection: close") && !answer.contains("second"), "{answer}");
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row() {
    let world = World::new("");
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\n{HOST}\r\n");
    let post = format!("POST /echo HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nGET ");
    let last = format!("GET /api/c HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
    let all = format!("\r\n{}{post}\r\n{}{last}garbage", request("/api/a"), request("/api/b"));
    let answer = world.send(all).await;
    let at = |word: &str| answer.find(word).unwrap_or_else(|| panic!("{word}: {answer}"));
    assert!(at("[\"a\"]") < at("GET HTTP/1.1") && at("GET HTTP/1.1") < at("[\"b\"]"), "{answer}");
    assert!(at("[\"b\"]") < at("[\"c\"]"), "{answer}");
}

#[tokio::test]
async fn slow_clients_are_cut() {
    let short = Duration::from_millis(150);
    let world = World::with("", Times { head: short, body: short, keep_alive: short, ..times() });
    // Nothing at all, and a head that never ends.
    assert_eq!(world.send("").await, "");
    let answer = world.send("GET /api HTTP/1.1\r\nHost: o").await;
    assert_eq!(status(&answer), 408);
    // A drip of header fields: each byte comes in time, the whole doesn't.
    let mut stream = world.connect().await;
    let drip = async {
        loop {
            let _ = stream.write_all(b"X-A: b\r\n").await;
            let mut byte = [0];
            if let Ok(read) = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut byte)).await {
                return read.unwrap_or(0);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), drip).await.expect("the drip is cut");
    // A body that stalls.
    let stalled = format!("POST /echo HTTP/1.1\r\n{HOST}Content-Length: 10\r\n\r\nabc");
    assert_eq!(status(&world.send(stalled).await), 408);
    // Idle after an answer.
    let answer = world.send(format!("GET /api/x HTTP/1.1\r\n{HOST}\r\n")).await;
    assert_eq!(status(&answer), 200);
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut() {
    let world = World::with("", Times { send: Some(Duration::from_millis(200)), ..times() });
    let mut stream = world.connect().await;
    stream.write_all(format!("GET /much HTTP/1.1\r\n{HOST}\r\n").as_bytes()).await.unwrap();
    let stats = world.stats();
    let open = || stats.connections_open.load(std::sync::atomic::Ordering::Relaxed);
    let gone = async {
        while open() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("it is cut");
    drop(stream);
    world.assert_alive().await;
}

#[tokio::test]
async fn an_idle_connection_is_parked_and_served_again() {
    let world = World::with("", Times { park: Duration::from_millis(20), ..times() });
    let mut stream = world.connect().await;
    for round in 0..3 {
        stream.write_all(format!("GET /api/{round} HTTP/1.1\r\n{HOST}\r\n").as_bytes()).await.unwrap();
        let mut buffer = vec![0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        let answer = String::from_utf8_lossy(&buffer[..count]).into_owned();
        assert!(answer.contains(&format!("[\"{round}\"]")), "{answer}");
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let answer =
        talk(stream, format!("GET /api/z HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n").as_bytes()).await;
    assert!(answer.contains("[\"z\"]"), "{answer}");
}

#[tokio::test]
async fn the_end_of_the_listener_ends_idle_connections_and_lets_answers_finish() {
    let mut world = World::new("");
    let idle = world.connect().await;
    let mut used = world.connect().await;
    used.write_all(format!("GET /api/x HTTP/1.1\r\n{HOST}\r\n").as_bytes()).await.unwrap();
    let mut buffer = vec![0; 4096];
    assert!(used.read(&mut buffer).await.unwrap() > 0);
    let mut busy = world.connect().await;
    busy.write_all(format!("GET /much HTTP/1.1\r\n{HOST}\r\n").as_bytes()).await.unwrap();
    assert!(busy.read(&mut buffer).await.unwrap() > 0);
    drop(world.listening.take());
    assert_eq!(talk(idle, b"").await, "");
    assert_eq!(talk(used, b"").await, "");
    assert!(talk(busy, b"").await.len() > 16_000_000);
}

#[tokio::test]
async fn what_is_answered_is_counted() {
    let world = World::new("");
    world.assert_alive().await;
    world.ask("GET /nothing HTTP/1.1\nHost: one.example").await;
    world.ask("GET /panic HTTP/1.1\nHost: one.example").await;
    world.send("garbage\r\n\r\n").await;
    let stats = world.stats();
    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    let counted = [&stats.connections, &stats.requests, &stats.responses_4xx, &stats.responses_5xx].map(of);
    assert_eq!(counted, [4, 3, 2, 1]);
}
