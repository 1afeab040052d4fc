use super::*;

fn filled() -> Outgoing {
    let mut out = Outgoing::default();
    out.small().extend_from_slice(b"ab");
    out.push(&Bytes::from(vec![b'x'; 3000]));
    out.small().extend_from_slice(b"cd");
    out.push(&Bytes::from_static(b"ef"));
    out.push(&Bytes::from(vec![b'y'; 2048]));
    out
}

fn expected() -> Vec<u8> {
    [&b"ab"[..], &[b'x'; 3000], b"cdef", &[b'y'; 2048]].concat()
}

#[test]
fn large_pieces_are_shared() {
    let out = filled();
    assert_eq!(out.shared.len(), 2);
    assert_eq!((out.len(), out.to_vec()), (expected().len(), expected()));
}

#[test]
fn writes_of_any_size_make_the_whole() {
    for size in [1, 2, 3, 1000, 3002, 3004, 10_000] {
        let (mut out, mut written) = (filled(), Vec::new());
        while !out.is_empty() {
            let next: Vec<u8> = out.to_vec().into_iter().take(size).collect();
            out.advance(next.len());
            written.extend_from_slice(&next);
        }
        assert_eq!(written, expected());
        assert!(out.shared.is_empty() && out.bytes.is_empty());
    }
}

#[test]
fn appending() {
    let mut out = Outgoing::default();
    out.append(filled());
    out.append(filled());
    assert_eq!(out.to_vec(), [expected(), expected()].concat());
    let mut rest = filled();
    rest.advance(2500);
    out.append(rest);
    assert_eq!(out.to_vec(), [&expected()[..], &expected(), &expected()[2500..]].concat());
    assert_eq!(out.len(), out.to_vec().len());
}
