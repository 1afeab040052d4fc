use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::{ask, read};
use crate::ctl::flags::Flags;
use crate::ctl::protocol::Request;
use crate::ctl::render::Output;
use crate::ctl::settings::{Settings, Surroundings};
use crate::testing::Folder;

#[test]
fn the_exit_code_is_in_a_header() {
    for (answer, wanted) in [
        ("HTTP/1.1 200 OK\r\nStatus-Code: 1\r\n\r\nError: x\n", Some(Output::new("Error: x", 1))),
        ("HTTP/1.1 200 OK\r\nstatus-code:0\r\nA: b\r\n\r\n", Some(Output::new("", 0))),
        ("HTTP/1.1 404 Not Found\r\n\r\nno", Some(Output::new("Error: HTTP status 404: no", 3))),
        ("HTTP/1.1 200 OK\r\nstatus-code: 0\r\n", None),
        ("nonsense\r\n\r\n", None),
        ("", None),
    ] {
        assert_eq!(read(answer.as_bytes()), wanted, "{answer}");
    }
}

fn settings(socket: &Path) -> Settings {
    let environment = |name: &str| (name == "CTL_OVER_HTTP").then(|| socket.to_string_lossy().into_owned());
    let around = Surroundings {
        is_ejabberdctl: false,
        root: Path::new("/nowhere"),
        host: "box",
        environment: &environment,
    };
    Settings::resolve(&Flags { home: Some(PathBuf::from("/nowhere")), ..Flags::default() }, &around)
}

fn request(words: &[&str]) -> Request {
    Request { words: words.iter().map(|word| (*word).to_owned()).collect(), json: false, node: None }
}

#[test]
fn words_are_posted_to_the_socket() {
    let folder = Folder::new();
    let path = folder.path().join("ctl");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = String::new();
        while !seen.ends_with(']') {
            let mut bytes = [0; 100];
            let count = stream.read(&mut bytes).unwrap();
            seen.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        stream.write_all(b"HTTP/1.0 200 OK\r\nstatus-code: 0\r\n\r\nyes\n").unwrap();
        seen
    });
    let words = request(&["check_account", "a \"b\"", "localhost"]);
    assert_eq!(ask(&settings(&path), &words, None), Some(Output::new("yes", 0)));
    let seen = server.join().unwrap();
    assert!(seen.starts_with("POST /ctl/check_account HTTP/1.0\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n[\"check_account\",\"a \\\"b\\\"\",\"localhost\"]"), "{seen}");
    // The listener is gone.
    assert_eq!(ask(&settings(&path), &words, None).unwrap().code, 3);
}

#[test]
fn some_commands_and_missing_sockets_are_left_alone() {
    let folder = Folder::new();
    let path = folder.path().join("ctl");
    let _listener = UnixListener::bind(&path).unwrap();
    for words in [&["help"][..], &["print_sql_schema", "x"], &["mnesia_info_ctl"], &[]] {
        assert_eq!(ask(&settings(&path), &request(words), None), None, "{words:?}");
    }
    assert_eq!(ask(&settings(&folder.path().join("none")), &request(&["status"]), None), None);
    assert_eq!(ask(&settings(folder.path()), &request(&["status"]), None), None);
}
