use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use crate::ctl::protocol::{ANSWER_MAX, Answer, Request, receive, send};
use crate::testing::Running;

fn ask(running: &Running, request: Option<&Request>) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(running.node.home.control_socket())?;
    match request {
        Some(request) => send(&stream, request)?,
        None => stream.write_all(&[0xff; 64])?,
    }
    receive(&stream, ANSWER_MAX)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_private_and_answers() {
    let running = Running::start("hosts: [localhost]\n").await;
    let socket = running.node.home.control_socket();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let request = Request { words: vec!["registered_vhosts".to_owned()], json: false, node: None };
    let answer = ask(&running, Some(&request)).unwrap();
    assert_eq!((answer.text.as_str(), answer.code), ("localhost", 0));
    let other = Request { node: Some("other@host".to_owned()), ..request.clone() };
    let answer = ask(&running, Some(&other)).unwrap();
    assert_eq!((answer.text.as_str(), answer.elsewhere), ("ejabberd@localhost", true));
    // Nonsense ends its own connection and no other.
    assert!(ask(&running, None).is_err());
    assert_eq!(ask(&running, Some(&request)).unwrap().code, 0);
    running.node.stop().await;
    assert!(!socket.exists());
}
