use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::time::Duration;

use super::{State, hand_over, message, named, pause, send};
use crate::descriptors;
use crate::testing::Folder;

#[test]
fn systemd_is_told() {
    let folder = Folder::new();
    let path = folder.path().join("notify");
    let by_path = UnixDatagram::bind(&path).unwrap();
    let name = format!("nightjar-sandbox-test-{}", std::process::id());
    let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    for (listener, address) in [(by_path, path.display().to_string()), (by_name, format!("@{name}"))] {
        for (state, wanted) in [
            (State::Ready, "READY=1\n"),
            (State::Reloading, "RELOADING=1\nMONOTONIC_USEC=17\n"),
            (State::Stopping, "STOPPING=1\n"),
            (State::Alive, "WATCHDOG=1\n"),
            (State::Status("two\nlines"), "STATUS=two lines\n"),
        ] {
            send(address.as_ref(), &message(state, 17)).unwrap();
            let mut buffer = [0; 100];
            let length = listener.recv(&mut buffer).unwrap();
            assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap(), wanted);
        }
    }
    assert!(send(folder.path().join("nobody").as_ref(), "READY=1\n").is_err());
}

#[test]
fn the_watchdog_is_fed_twice_as_often_as_it_bites() {
    let own = std::process::id().to_string();
    for (micros, process, wanted) in [
        ("3000000", None, Some(1500)),
        ("3000000", Some(own.as_str()), Some(1500)),
        ("3000000", Some("1"), None),
        ("0", None, None),
        ("often", None, None),
    ] {
        assert_eq!(pause(micros, process), wanted.map(Duration::from_millis), "{micros} {process:?}");
    }
}

#[test]
fn sockets_are_named() {
    let found = |own, process, count, names| {
        let found = named(own, process, count, names, 77);
        found.iter().map(|(name, number)| format!("{name}={number}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(None, Some("77"), Some("2"), Some("c2s:http")), "c2s=3 http=4");
    assert_eq!(found(None, Some("77"), Some("2"), Some("c2s")), "c2s=3 unknown=4");
    assert_eq!(found(None, Some("78"), Some("2"), None), "");
    assert_eq!(found(None, None, Some("2"), None), "");
    assert_eq!(found(None, Some("77"), Some("-5"), None), "");
    assert_eq!(found(None, Some("77"), Some("nonsense"), None), "");
    assert_eq!(found(Some("a=b=9;c=12;nonsense"), Some("77"), Some("2"), None), "a=b=9 c=12");
}

/// A descriptor has one owner: what this process opened itself is found out by nobody, so numbers are tried
/// that were taken, are closed, or belong to the standard streams.
#[test]
fn descriptors_are_taken_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let number = std::os::fd::IntoRawFd::into_raw_fd(listener);
    let taken = std::net::TcpListener::from(descriptors::take(number).unwrap());
    assert_eq!(taken.local_addr().unwrap(), address);
    assert!(descriptors::take(number).is_err());
    for nobodys in [0, 1, 2, -1, 1_000_000] {
        assert!(descriptors::take(nobodys).is_err(), "{nobodys}");
    }
}

#[test]
fn a_successor_gets_the_sockets() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = OwnedFd::from(listener);
    let handover = hand_over([("c2s", &socket)]).unwrap();
    assert_eq!(handover.set, [("NIGHTJAR_LISTEN_FDS", format!("c2s={}", socket.as_raw_fd()))]);
    assert_eq!(handover.remove, ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]);
    let shown =
        Command::new("readlink").arg(format!("/proc/self/fd/{}", socket.as_raw_fd())).output().unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).starts_with("socket:"));
    assert!(hand_over([]).unwrap().set.is_empty());
}
