use super::*;
use XmlErrorKind::{NotWellFormed, RestrictedXml, TooLarge, UnsupportedEncoding};

fn parse(input: &str) -> Result<(String, String), XmlErrorKind> {
    let limits = Limits { stanza_bytes: 100, ..Limits::default() };
    let text = Text::new(input);
    let frame = parse_document(&text, &limits, "jabber:client").map_err(|error| error.kind)?;
    assert!(frame.raw().shares_buffer(&text) || !input.contains(frame.raw().as_str()), "{input}");
    Ok((frame.ns().to_owned(), frame.raw().to_string()))
}

#[test]
fn reads_documents() {
    let framing = "urn:ietf:params:xml:ns:xmpp-framing";
    let open = format!("<open xmlns='{framing}' to='a'/>");
    for (input, ns, raw) in [
        (open.as_str(), framing, open.as_str()),
        ("<message/>", "jabber:client", "<message/>"),
        ("<a xmlns='jabber:client'/>", "jabber:client", "<a xmlns='jabber:client'/>"),
        (" \n<a/>\r\n", "jabber:client", "<a/>"),
        ("<?xml version='1.0'?>\n<a xmlns=''>b</a>", "", "<a xmlns=''>b</a>"),
        ("<c:a xmlns:c='jabber:client'><c:b/></c:a>", "jabber:client", "<a xmlns:c='jabber:client'><b/></a>"),
    ] {
        assert_eq!(parse(input), Ok((ns.to_owned(), raw.to_owned())), "{input}");
    }
}

#[test]
fn refuses_what_is_not_one_element() {
    for (input, kind) in [
        ("", NotWellFormed),
        (" ", NotWellFormed),
        ("a", NotWellFormed),
        ("<a>", NotWellFormed),
        ("<a", NotWellFormed),
        ("<a/><b/>", NotWellFormed),
        ("<a/>b", NotWellFormed),
        ("<a>\u{1}</a>", NotWellFormed),
        ("<?xml version='1.1'?><a/>", NotWellFormed),
        ("<?xml version='1.0'?>", NotWellFormed),
        ("<?xml version='1.0'", NotWellFormed),
        (" <?xml version='1.0'?><a/>", RestrictedXml),
        ("<stream:features/>", NotWellFormed),
        ("<?xml version='1.0' encoding='latin1'?><a/>", UnsupportedEncoding),
        ("<!DOCTYPE a><a/>", RestrictedXml),
        ("<!-- --><a/>", RestrictedXml),
        ("<?a?><a/>", RestrictedXml),
        ("<![CDATA[a]]>", RestrictedXml),
        (
            "<a>0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123</a>",
            TooLarge,
        ),
    ] {
        assert_eq!(parse(input), Err(kind), "{input}");
    }
}
