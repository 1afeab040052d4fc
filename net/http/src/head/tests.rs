use super::{Head, inspect, leading_lines};

#[test]
fn a_head_is_found_however_it_comes() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut scanned = 0;
    for end in 1..head.len() {
        assert_eq!(inspect(&head[..end], &mut scanned), Head::Partial, "{end}");
    }
    assert_eq!(inspect(head, &mut scanned), Head::Complete(head.len()));
    let more = [head.as_slice(), b"body\n\n"].concat();
    assert_eq!(inspect(&more, &mut 0), Head::Complete(head.len()));
}

#[test]
fn empty_lines_before_a_request_are_passed_over() {
    for (bytes, expected) in [("\r\n\r\nGET", 4), ("\r\nG", 2), ("\n\nG", 0), ("\r", 0), ("", 0)] {
        assert_eq!(leading_lines(bytes.as_bytes()), expected, "{bytes:?}");
    }
}
