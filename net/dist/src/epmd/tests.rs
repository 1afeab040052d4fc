use std::time::Duration;

use nightjar_erldist::epmd::{Answer, NodeKind, Registration, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::testing::{async_test, until};

fn started() -> (EpmdServer, EpmdSettings) {
    let server = serve(&EpmdSettings { port: 0, ..EpmdSettings::default() }).unwrap();
    let port = server.addresses()[0].port();
    (server, EpmdSettings { port, start: false, ..EpmdSettings::default() })
}

fn registration(name: &str) -> Registration {
    Registration::new(name, 5000, NodeKind::Hidden)
}

async fn port_of(at: &EpmdSettings, name: &str) -> Option<u16> {
    match ask(at.local(), &Request::Port(name.to_owned())).await.unwrap() {
        Answer::Port(found) => found.map(|found| found.port),
        other => panic!("{other:?}"),
    }
}

#[test]
fn addresses_to_listen_on() {
    let listen = |text: &str| {
        let addresses = addresses(text).unwrap();
        let settings = EpmdSettings { port: 1, addresses, start: true };
        settings.listen_on().iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listen(""), "127.0.0.1 ::1");
    assert_eq!(listen("10.0.0.1, 127.0.0.1"), "127.0.0.1 ::1 10.0.0.1");
    assert_eq!(listen("0.0.0.0,10.0.0.1"), "::1 0.0.0.0");
    assert_eq!(listen("::"), "127.0.0.1 ::");
    assert!(addresses("localhost").is_err());
}

#[test]
fn a_name_is_known_as_long_as_it_is_held_and_only_once() {
    async_test(async {
        let (_server, at) = started();
        let held = register(at.clone(), registration("one")).await.unwrap();
        assert_eq!(port_of(&at, "one").await, Some(5000));
        assert!(matches!(register(at.clone(), registration("one")).await, Err(AskError::Taken)));
        let Answer::Names { nodes, .. } = ask(at.local(), &Request::Names).await.unwrap() else { panic!() };
        assert_eq!(nodes, [("one".to_owned(), 5000)]);
        drop(held);
        until(async || port_of(&at, "one").await.is_none()).await;
    });
}

#[test]
fn where_none_answers_a_node_runs_its_own_if_it_may() {
    async_test(async {
        let (server, at) = started();
        drop(server);
        let nobody =
            async || matches!(ask(at.local(), &Request::Names).await, Err(error) if error.is_nobody());
        until(nobody).await;
        let refused = register(at.clone(), registration("one")).await;
        assert!(refused.is_err_and(|error| error.is_nobody()));
        let own = EpmdSettings { start: true, ..at.clone() };
        let held = register(own.clone(), registration("one")).await.unwrap();
        assert_eq!(port_of(&at, "one").await, Some(5000));
        // The next node uses the one that is there, and takes over when it goes.
        let _second = register(own, registration("two")).await.unwrap();
        assert_eq!(port_of(&at, "two").await, Some(5000));
        drop(held);
        until(async || ask(at.local(), &Request::Names).await.is_ok() && port_of(&at, "two").await.is_some())
            .await;
        assert_eq!(port_of(&at, "one").await, None);
    });
}

#[test]
fn a_kill_ends_it_only_without_names() {
    async_test(async {
        let (server, at) = started();
        let held = register(at.clone(), registration("one")).await.unwrap();
        let kill = async || ask(at.local(), &Request::Kill).await;
        assert!(!matches!(kill().await, Ok(Answer::Text(text)) if text == "OK"));
        assert_eq!(port_of(&at, "one").await, Some(5000));
        drop(held);
        until(async || port_of(&at, "one").await.is_none()).await;
        assert!(matches!(kill().await, Ok(Answer::Text(text)) if text == "OK"));
        tokio::time::timeout(Duration::from_secs(5), server.stopped()).await.unwrap();
    });
}

#[test]
fn what_is_no_request_ends_its_connection_and_nothing_else() {
    async_test(async {
        let (_server, at) = started();
        let _held = register(at.clone(), registration("one")).await.unwrap();
        let hostile: [&[u8]; 6] = [
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[0, 0],
            &[0xff, 0xff, b'x'],
            &[0, 1, b'?'],
            &[0, 3, b'x', 1, 2],
            &[0, 13, b'x', 0, 1, 77, 0, 0, 6, 0, 5, 0xff, 0xff, b'a'],
        ];
        for bytes in hostile {
            let mut stream = TcpStream::connect(at.local()).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = Vec::new();
            let _ =
                tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap();
            assert!(answer.len() < 32, "{bytes:?}: {answer:?}");
            assert_eq!(port_of(&at, "one").await, Some(5000), "after {bytes:?}");
        }
    });
}
