use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::{is_named, is_process, is_server, names};

#[test]
fn names_are_read_from_epmd() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let epmd = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 3];
        stream.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"\0\x01n");
        stream.write_all(b"\0\0\x11\x11name ejabberd at port 4200\nname other at port 4201\n").unwrap();
    });
    let names = names(address).unwrap();
    epmd.join().unwrap();
    for (alive, wanted) in [("ejabberd", true), ("other", true), ("ejabber", false), ("name", false)] {
        assert_eq!(is_named(&names, alive), wanted, "{alive}");
    }
}

#[test]
fn silence_means_that_there_is_no_epmd() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(names(address), None);
}

#[test]
fn only_other_processes_count() {
    assert!(!is_process("nobody-is-called-this@nowhere"));
    assert!(is_server(b"/usr/bin/nightjar\0start\0--home\0x\0"));
    assert!(!is_server(b"/usr/bin/ejabberdctl\0ping\0x@y\0"));
}
