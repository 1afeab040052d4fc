use super::*;

/// The password and the integrity of RFC 5769 §2.4 belong to a message with a transaction of other bits, so only the
/// shape is checked here; every server that is measured checks the rest.
#[test]
fn a_request_can_be_read_again() {
    let address = xor_address(Ipv4Addr::new(192, 0, 2, 1), 32853);
    let sent = request(0x0003, 7, &[(0x0012, &address), (0x0006, b"abc")], Some(b"key"));
    assert!(answers(&sent, 7) && !answers(&sent, 8) && !is_success(&sent));
    assert_eq!(attribute(&sent, 0x0006), Some(b"abc".as_slice()));
    assert_eq!(attribute(&sent, 0x0012), Some([0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43].as_slice()));
    assert_eq!(attribute(&sent, INTEGRITY).map(<[u8]>::len), Some(20));
    assert_eq!(attribute(&sent, 0x0009), None);
}

#[test]
fn an_error_has_its_code() {
    let error = request(0x0113, 1, &[(0x0009, &[0, 0, 4, 38])], None);
    assert_eq!((error_code(&error), is_success(&error)), (Some(438), false));
}
