use nightjar_erldist::Term;
use nightjar_erldist::rpc::Answer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::testing::{Folder, Testing, async_test, until};

const COOKIE: &str = "a cookie";

fn settings(name: &str) -> Settings {
    Settings {
        name: NodeName::parse(name).unwrap(),
        cookie: Secret::from(COOKIE),
        interfaces: Vec::new(),
        ports: (0, 0),
        epmd: None,
        tls: None,
        limits: Limits::NODE,
    }
}

async fn started(settings: Settings) -> Node {
    Node::start(settings, Testing::new()).await.unwrap()
}

fn client(node: &Node, cookie: &str) -> Dialler {
    let port = node.addresses()[0].port();
    Dialler::client(node.name(), Secret::from(cookie), None, port, node.shared.tls.clone()).unwrap()
}

async fn asks_for_its_name(client: &Dialler, node: &Node) -> Result<Answer, DialError> {
    let remote = client.connect(node.name()).await?;
    remote.call("erlang", "node", Vec::new(), |_| {}).await
}

async fn assert_well(node: &Node) {
    let answer = asks_for_its_name(&client(node, COOKIE), node).await;
    assert_eq!(answer.unwrap(), Answer::Return(Term::atom(node.name().as_str())));
}

#[test]
fn calls_are_answered_with_what_they_print_and_return() {
    async_test(async {
        let node = started(settings("nj@localhost")).await;
        let remote = client(&node, COOKIE).connect(node.name()).await.unwrap();
        let mut printed = String::new();
        let words = Term::list([Term::charlist("status"), Term::charlist("ü")]);
        let answer = remote.call("ejabberd_ctl", "process", vec![words], |text| printed.push_str(text)).await;
        assert_eq!(answer.unwrap(), Answer::Return(Term::Integer(3)));
        assert!(
            printed.starts_with("[\"status\", \"ü\"] for ")
                && printed.ends_with("-ctl-nj@localhost at true\n"),
            "{printed}"
        );
        let undefined = remote.call("os", "cmd", vec![Term::charlist("id")], |_| {}).await.unwrap();
        assert!(
            matches!(&undefined, Answer::Error(reason) if reason.to_string().contains("undef")),
            "{undefined:?}"
        );
        // A bug in a command ends that call alone.
        let panics = vec![Term::text("a"), Term::Integer(99)];
        let panicked = remote.call("ejabberd_admin", "greet", panics, |_| {}).await.unwrap();
        assert!(matches!(panicked, Answer::Throw(_) | Answer::Error(_)), "{panicked:?}");
        assert_eq!(node.connected().len(), 1);
        drop(remote);
        until(async || node.connected().is_empty()).await;
    });
}

#[test]
fn nodes_find_each_other_by_epmd_and_hold_one_connection() {
    async_test(async {
        let epmd = epmd::serve(&EpmdSettings { port: 0, ..EpmdSettings::default() }).unwrap();
        let at = EpmdSettings { port: epmd.addresses()[0].port(), start: false, ..EpmdSettings::default() };
        let [one, two] = ["one@localhost", "two@localhost"]
            .map(|name| Settings { epmd: Some(at.clone()), ..settings(name) });
        let (one, two) = (started(one).await, started(two).await);
        for _ in 0..2 {
            let remote = one.connect(two.name()).await.unwrap();
            let answer = remote.call("erlang", "node", Vec::new(), |_| {}).await.unwrap();
            assert_eq!(answer, Answer::Return(Term::atom("two@localhost")));
        }
        assert_eq!((one.connected().len(), two.connected()), (1, vec!["one@localhost".to_owned()]));
        let unknown = one.connect(&NodeName::parse("three@localhost").unwrap()).await;
        assert!(matches!(unknown, Err(DialError::Unknown(..))));
        let taken =
            Node::start(Settings { epmd: Some(at), ..settings("two@localhost") }, Testing::new()).await;
        assert!(matches!(taken, Err(StartError::Register { error: AskError::Taken, .. })));
        drop(two);
        until(async || one.connected().is_empty()).await;
    });
}

#[test]
fn wrong_cookies_are_refused_and_then_locked_out() {
    async_test(async {
        let long = Duration::from_secs(600);
        let limits = Limits { lockout_loopback: long, lockout_loopback_max: long, ..Limits::NODE };
        let node = started(Settings { limits, ..settings("nj@localhost") }).await;
        for _ in 0..4 {
            assert!(asks_for_its_name(&client(&node, "wrong"), &node).await.is_err());
        }
        assert_well(&node).await;
        for _ in 0..5 {
            assert!(asks_for_its_name(&client(&node, "wrong"), &node).await.is_err());
        }
        assert!(asks_for_its_name(&client(&node, COOKIE), &node).await.is_err(), "locked out");
    });
}

#[test]
fn tls_needs_a_certificate_of_the_authority() {
    async_test(async {
        let (ours, theirs) = (Folder::new(), Folder::new());
        let tls = Some(Tls::open(ours.path(), "localhost").unwrap());
        let node = started(Settings { tls, ..settings("nj@localhost") }).await;
        assert_well(&node).await;
        let port = node.addresses()[0].port();
        for tls in [None, Some(Tls::open(theirs.path(), "localhost").unwrap())] {
            let client = Dialler::client(node.name(), Secret::from(COOKIE), None, port, tls).unwrap();
            assert!(asks_for_its_name(&client, &node).await.is_err());
        }
        assert_well(&node).await;
    });
}

#[test]
fn what_is_no_handshake_harms_nobody() {
    async_test(async {
        let node = started(settings("nj@localhost")).await;
        let mut long_name = vec![0, 0, b'N'];
        long_name.extend([0; 12]);
        long_name.extend(0xffff_u16.to_be_bytes());
        long_name.extend([b'a'; 600]);
        let length = u16::try_from(long_name.len() - 2).unwrap().to_be_bytes();
        long_name.splice(0..2, length);
        let hostile: Vec<Vec<u8>> = vec![
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            vec![0, 0],
            vec![0xff; 65_536],
            vec![0, 1, b'N'],
            long_name,
            b"\x00\x03s:o".to_vec(),
            vec![0x16, 3, 1, 2, 0, 1, 0, 1],
        ];
        for bytes in hostile {
            let mut stream = TcpStream::connect(node.addresses()[0]).await.unwrap();
            // The node may have closed before it took everything.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            assert!(answer.is_empty(), "nothing is told: {answer:?}");
            shared_forgives(&node);
            assert_well(&node).await;
        }
    });
}

/// The failures of these tests all come from one address.
fn shared_forgives(node: &Node) {
    node.shared.gate.succeeded(Ipv4Addr::LOCALHOST.into());
}

#[test]
fn a_crowd_of_strangers_is_bounded_and_leaves_when_its_time_is_over() {
    async_test(async {
        let limits = Limits { strangers: 8, strangers_per_address: 6, ..Limits::NODE };
        let node = started(Settings { limits, ..settings("nj@localhost") }).await;
        let mut crowd = Vec::new();
        for _ in 0..40 {
            crowd.push(TcpStream::connect(node.addresses()[0]).await.unwrap());
        }
        until(async || node.strangers() == 6).await;
        assert!(asks_for_its_name(&client(&node, COOKIE), &node).await.is_err());
        // Silence is no failure: nobody is locked out for it.
        until(async || node.strangers() == 0).await;
        assert_well(&node).await;
    });
}

#[test]
fn after_the_handshake_garbage_ends_the_connection_alone() {
    async_test(async {
        let node = started(settings("nj@localhost")).await;
        let mut bomb = vec![0, 0, 0, 252, b'p', 131];
        bomb.extend([108, 0xff, 0xff, 0xff, 0xff].repeat(50));
        for bytes in [vec![0xff; 64], bomb, vec![0, 0, 0, 4, b'p', 131, 104, 200]] {
            let (shaken, _) = client(&node, COOKIE).dial(node.name()).await.unwrap();
            let mut stream = shaken.stream;
            until(async || node.connected().len() == 1).await;
            stream.write_all(&bytes).await.unwrap();
            until(async || node.connected().is_empty()).await;
            assert_well(&node).await;
            until(async || node.connected().is_empty()).await;
        }
    });
}
