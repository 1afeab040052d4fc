//! The stream parser: what comes out must not depend on how the bytes were cut, a frame must stand alone,
//! and a document must say what the stream said.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_text::Text;
use nightjar_xml::{Element, Event, Frame, Limits, StreamParser, parse_document};

const LIMITS: Limits =
    Limits { stanza_bytes: 4096, elements: 500, depth: 32, attributes: 32, bindings: 32, name_bytes: 256 };
const OPENING: &[u8] =
    b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='urn:p'>";

fuzz_target!(|input: &[u8]| {
    // Half of the inputs begin inside a stream, so that the fuzzer need not find its opening.
    let (opened, body) = match input.split_first() {
        Some((first, rest)) if first & 1 == 1 => (true, rest),
        Some((_, rest)) => (false, rest),
        None => return,
    };
    let whole = heard(opened, [body]);
    let cut = heard(opened, body.chunks(1));
    // Of several faults, and of one inside a tag whose end has not come, the pieces decide which is seen and when;
    // what was heard before may not depend on them.
    assert!(
        whole.starts_with(&cut) || cut.starts_with(&whole),
        "heard depends on the pieces:\n{whole:?}\n{cut:?}"
    );
});

/// Everything the parser said, as text.
fn heard<'a>(opened: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut parser = StreamParser::new(LIMITS);
    let mut said = Vec::new();
    let opening = opened.then_some(OPENING);
    for mut piece in opening.into_iter().chain(pieces) {
        loop {
            match parser.feed(piece) {
                Ok((taken, event)) => {
                    assert!(taken <= piece.len());
                    piece = &piece[taken..];
                    match event {
                        Some(Event::Frame(frame)) => said.push(stands_alone(&frame, parser.content_ns())),
                        Some(Event::Open(open)) => said.push(format!("{open:?}")),
                        // How many blanks make one event may depend on the pieces.
                        Some(Event::Whitespace) => {}
                        Some(Event::Close) => said.push("close".to_owned()),
                        None => break,
                    }
                }
                Err(_) => return said,
            }
            assert!(
                parser.pending_bytes() <= LIMITS.stanza_bytes as usize * 4,
                "more memory than the input is worth"
            );
        }
    }
    said
}

fn stands_alone(frame: &Frame, content_ns: &str) -> String {
    let raw: &Text = frame.raw();
    let element = Element::parse(raw, content_ns).expect("a frame can be read again");
    assert_eq!((element.name(), element.ns()), (frame.name(), frame.ns()));
    for child in frame.children() {
        let _ = child.parse();
        let _ = child.text();
    }
    for (_, name, value) in frame.attrs() {
        let _ = (name, value);
    }
    let limits =
        Limits { stanza_bytes: 1 << 20, depth: 64, attributes: 1024, bindings: 1024, ..Limits::default() };
    let document = parse_document(raw, &limits, content_ns).expect("a frame is a document");
    assert_eq!((document.name(), document.ns(), document.text()), (frame.name(), frame.ns(), frame.text()));
    raw.as_str().to_owned()
}
