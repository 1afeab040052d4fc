use super::*;

const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='capulet.lit' version='1.0' xml:lang='en'>";

/// What the bytes say, one line for each event; the last is the error, if there is one.
fn events(parser: &mut StreamParser, mut input: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        match parser.feed(input) {
            Ok((used, event)) => {
                input = &input[used..];
                match event {
                    Some(Event::Open(open)) => lines.push(format!("open {}:{}", open.prefix, open.name)),
                    Some(Event::Frame(frame)) => lines.push(frame.raw().to_string()),
                    Some(Event::Whitespace) => lines.push("space".to_owned()),
                    Some(Event::Close) => lines.push("close".to_owned()),
                    None => return lines,
                }
            }
            Err(error) => {
                lines.push(format!("{:?}", error.kind));
                return lines;
            }
        }
    }
}

#[test]
fn reads_a_stream() {
    let input = format!(
        "{OPEN}<message to='a@b'><body>hi</body></message> <r xmlns='urn:xmpp:sm:3'/></stream:stream>"
    );
    let expected = [
        "open stream:stream",
        "<message to='a@b'><body>hi</body></message>",
        "space",
        "<r xmlns='urn:xmpp:sm:3'/>",
        "close",
    ];
    assert_eq!(events(&mut StreamParser::new(Limits::default()), input.as_bytes()), expected);
}
