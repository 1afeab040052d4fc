use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use rustix::net::{AddressFamily, SocketType, socket};
use rustix::thread::{UnshareFlags, set_thread_uid};
use seccompiler::TargetArch;

use super::{apply, calls::NEVER, is_in_force, programs};
use crate::testing::in_child;

#[test]
fn no_call_is_named_twice_and_programs_are_made_for_every_machine() {
    assert_eq!(NEVER.iter().collect::<BTreeSet<_>>().len(), NEVER.len());
    for target in [TargetArch::x86_64, TargetArch::aarch64, TargetArch::riscv64] {
        let [modern, never] = programs(target).unwrap();
        assert!(!modern.is_empty() && never.len() > NEVER.len());
    }
}

#[test]
fn refused_calls_fail_and_everything_else_works() {
    in_child("seccomp::tests::refused_calls_fail_and_everything_else_works", || {
        // A thread that runs already is limited too.
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let earlier = std::thread::spawn(move || {
            wait.recv().unwrap();
            set_thread_uid(rustix::process::getuid())
        });
        assert!(!is_in_force());
        apply().unwrap();
        assert!(is_in_force());
        go.send(()).unwrap();
        let refused = Err(rustix::io::Errno::PERM);
        assert_eq!(earlier.join().unwrap(), refused);

        #[allow(deprecated)]
        let unshared = rustix::thread::unshare(UnshareFlags::NEWUSER);
        assert_eq!(unshared, refused);
        assert_eq!(set_thread_uid(rustix::process::getuid()), refused);
        assert_eq!(rustix::process::chroot("/"), refused);
        assert_eq!(rustix::fs::memfd_create("code", rustix::fs::MemfdFlags::empty()).map(drop), refused);
        assert_eq!(socket(AddressFamily::PACKET, SocketType::RAW, None).map(drop), refused);

        // Threads, programs, sockets, files.
        assert_eq!(std::thread::spawn(|| 5).join().unwrap(), 5);
        assert!(Command::new("true").status().unwrap().success());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(std::net::ToSocketAddrs::to_socket_addrs("localhost:1").is_ok());
    });
}
