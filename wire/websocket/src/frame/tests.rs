use proptest::prelude::*;

use super::*;
use crate::Code;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn header(opcode: Opcode, is_last: bool, mask: Option<[u8; 4]>, length: u64) -> Header {
    Header { opcode, is_last, mask, length }
}

#[test]
fn the_examples_of_the_specification() {
    // §5.7
    let (text, binary) = (Opcode::Message(Kind::Text), Opcode::Message(Kind::Binary));
    let table: [(&[u8], Header); 8] = [
        (&[0x81, 0x05], header(text, true, None, 5)),
        (&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d], header(text, true, Some(KEY), 5)),
        (&[0x01, 0x03], header(text, false, None, 3)),
        (&[0x80, 0x02], header(Opcode::Continuation, true, None, 2)),
        (&[0x89, 0x05], header(Opcode::Ping, true, None, 5)),
        (&[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d], header(Opcode::Pong, true, Some(KEY), 5)),
        (&[0x82, 0x7e, 0x01, 0x00], header(binary, true, None, 256)),
        (&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0], header(binary, true, None, 65_536)),
    ];
    for (bytes, header) in table {
        let sender = if header.mask.is_some() { Sender::Client } else { Sender::Server };
        assert_eq!(Header::read(bytes, sender), Ok(Some((header, bytes.len()))));
        for cut in 0..bytes.len() {
            assert_eq!(Header::read(&bytes[..cut], sender), Ok(None), "{bytes:x?} cut at {cut}");
        }
        let mut written = Vec::new();
        header.write(&mut written);
        assert_eq!(written, bytes);
        assert!(written.len() <= HEADER_MAX);
    }
    let (mut key, mut payload) = (KEY, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    apply_mask(&mut key, &mut payload);
    assert_eq!(&payload, b"Hello");
}

#[test]
fn lengths_have_the_shortest_form() {
    for length in [0, 125, 126, 65_535, 65_536, u64::MAX >> 1] {
        let mut written = Vec::new();
        header(Opcode::Continuation, true, Some(KEY), length).write(&mut written);
        let read = Header::read(&written, Sender::Client).unwrap().unwrap();
        assert_eq!(read, (header(Opcode::Continuation, true, Some(KEY), length), written.len()));
    }
}

#[test]
fn what_no_client_may_send_is_told_by_its_first_byte() {
    let long = |first: u8, form: u8, length: u64| {
        let bytes = length.to_be_bytes();
        let length = if form == 126 { &bytes[6..] } else { &bytes[..] };
        [&[first, 0x80 | form], length].concat()
    };
    let table: [(&str, Vec<u8>); 19] = [
        ("a reserved bit of an extension that was not agreed on", vec![0xc2]),
        ("a reserved bit of an extension that was not agreed on", vec![0xa2]),
        ("a reserved bit of an extension that was not agreed on", vec![0x92]),
        ("a reserved opcode", vec![0x83]),
        ("a reserved opcode", vec![0x87]),
        ("a reserved opcode", vec![0x8b]),
        ("a reserved opcode", vec![0x8f]),
        ("a control frame in fragments", vec![0x08]),
        ("a control frame in fragments", vec![0x09]),
        ("a control frame in fragments", vec![0x0a]),
        ("a client's frame that isn't masked", vec![0x82, 0x05]),
        ("a client's frame that isn't masked", vec![0x82, 0x7f]),
        ("a control frame of more than 125 bytes", vec![0x89, 0xfe]),
        ("a control frame of more than 125 bytes", vec![0x88, 0xff]),
        ("a length in a form longer than it needs", long(0x82, 126, 125)),
        ("a length in a form longer than it needs", long(0x82, 127, 65_535)),
        ("a length in a form longer than it needs", long(0x82, 127, 0)),
        ("a length of 64 bits", long(0x82, 127, 1 << 63)),
        ("a length of 64 bits", long(0x82, 127, u64::MAX)),
    ];
    for (detail, bytes) in table {
        let fault = Header::read(&bytes, Sender::Client).unwrap_err();
        assert_eq!((fault.detail, fault.code), (detail, Code::PROTOCOL_ERROR), "{bytes:x?}");
        assert_eq!(Header::read(&bytes[..bytes.len() - 1], Sender::Client), Ok(None), "{bytes:x?}");
    }
    assert!(Header::read(&[0x82, 0x85], Sender::Server).is_err());
}

proptest! {
    #[test]
    fn a_mask_is_the_same_in_pieces(key: [u8; 4], bytes: Vec<u8>, cuts: Vec<u8>) {
        let plain: Vec<u8> = bytes.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
        let (mut turning, mut masked) = (key, bytes);
        let mut rest = masked.as_mut_slice();
        for cut in cuts {
            let (piece, next) = core::mem::take(&mut rest).split_at_mut(usize::from(cut).min(rest.len()));
            apply_mask(&mut turning, piece);
            rest = next;
        }
        apply_mask(&mut turning, rest);
        prop_assert_eq!(plain, masked);
    }
}
