use super::*;
use XmlErrorKind::{NotWellFormed, RestrictedXml};

#[test]
fn finds_stops_wherever_they_are() {
    // Every place within and across the eight bytes that are looked at together, after bytes that are close.
    for length in 0..40 {
        let filler: Vec<u8> =
            [b'=', 0x80, 0xbc, b'%', b'(', 0xff, b';', b'?'].into_iter().cycle().take(length).collect();
        for stop in [b'<', b'>', b'&'] {
            let bytes = [&filler[..], &[stop], b"<>&'\""].concat();
            assert_eq!(find_text_stop(&bytes, 0), length);
        }
        assert_eq!(find_text_stop(&filler, 0), length);
        let filler: Vec<u8> = [b' ', b'!', b'#', b'%', b'(', b'=', b';', 0x7f, 0x80, 0xa0]
            .into_iter()
            .cycle()
            .take(length)
            .collect();
        for (quote, other) in [(b'"', b'\''), (b'\'', b'"')] {
            for stop in [quote, b'<', b'&', 0, b'\t', 0x1f] {
                let bytes = [&filler[..], &[stop], b"'\"<&"].concat();
                assert_eq!(find_value_stop(&bytes, 0, quote), length, "{stop:x} in {quote:x}");
            }
            let both = [&filler[..], &[other], &filler[..], &[quote]].concat();
            assert_eq!(quoted_value(&[&[quote], &both[..]].concat(), 0), Ok((1, 2 * length + 2, true)));
        }
    }
}

#[test]
fn resolves_references() {
    for (written, expected) in [
        ("&amp;", Ok(('&', 5))),
        ("&#65;b", Ok(('A', 5))),
        ("&#x1F9FF;", Ok(('\u{1f9ff}', 9))),
        ("&#0000000000000000000000000065;", Ok(('A', 31))),
        ("&#00000000000000000000000000065;", Ok(('A', 32))),
        ("&#000000000000000000000000000065;", malformed(0)),
        ("&#000000000000000000000000000065", malformed(0)),
        ("&", Err(Stop::More)),
        ("&am", Err(Stop::More)),
        ("&#x", Err(Stop::More)),
        ("& ", malformed(1)),
        ("&a<", malformed(2)),
        ("&;", malformed(0)),
        ("&#x;", malformed(0)),
        ("&#xFFFF;", malformed(0)),
        ("&#x1;", malformed(0)),
        ("&#4294967361;", malformed(0)),
        ("&nbsp;", Err(Stop::Bad(RestrictedXml, 0))),
        ("&1;", Err(Stop::Bad(NotWellFormed, 0))),
    ] {
        assert_eq!(reference(written.as_bytes(), 0), expected, "{written}");
    }
}
