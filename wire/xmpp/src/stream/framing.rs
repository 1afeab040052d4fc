//! Cutting what arrives into headers, elements and the end (RFC 6120 §4, RFC 7395 §3).

use nightjar_text::Text;
use nightjar_xml::{Event, Frame, Limits, StreamParser, parse_document};

use crate::ns;
use crate::stream_error::{StreamError, StreamErrorCondition};

/// How XML is cut into pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FramingKind {
    /// One XML document over TCP or TLS (RFC 6120 §4).
    Stream,
    /// One element per WebSocket text message (RFC 7395). `handle_input` takes exactly one message,
    /// [`Output::Send`](super::Output::Send) is exactly one message.
    WebSocket,
}

#[derive(Debug)]
pub(crate) enum Framing {
    Stream(StreamParser),
    WebSocket(Limits),
}

#[allow(clippy::large_enum_variant, reason = "elements are nearly all; a box would cost each an allocation")]
pub(crate) enum Incoming {
    Header(Header),
    Frame(Frame),
    Whitespace,
    Close,
}

/// The attributes of a stream header.
#[derive(Default)]
pub(crate) struct Header {
    pub(crate) to: Option<Text>,
    pub(crate) from: Option<Text>,
    pub(crate) version: Option<Text>,
    pub(crate) lang: Option<Text>,
    pub(crate) id: Option<Text>,
    /// The namespace of dialback is declared (XEP-0220 §2.4.1).
    pub(crate) dialback: bool,
}

impl Framing {
    pub(crate) fn new(kind: FramingKind, limits: Limits) -> Framing {
        match kind {
            FramingKind::Stream => Framing::Stream(StreamParser::new(limits)),
            FramingKind::WebSocket => Framing::WebSocket(limits),
        }
    }

    pub(crate) fn kind(&self) -> FramingKind {
        match self {
            Framing::Stream(_) => FramingKind::Stream,
            Framing::WebSocket(_) => FramingKind::WebSocket,
        }
    }

    pub(crate) fn set_limits(&mut self, limits: Limits) {
        match self {
            Framing::Stream(parser) => parser.set_limits(limits),
            Framing::WebSocket(current) => *current = limits,
        }
    }

    /// A new stream header comes next.
    pub(crate) fn restart(&mut self) {
        if let Framing::Stream(parser) = self {
            parser.reset();
        }
    }

    /// Takes bytes up to the end of one element; returns how many. `content_ns` is the namespace stanzas must have.
    pub(crate) fn feed(
        &mut self,
        input: &[u8],
        content_ns: &str,
    ) -> Result<(usize, Option<Incoming>), StreamError> {
        match self {
            Framing::Stream(parser) => {
                let (taken, event) = parser.feed(input).map_err(|error| xml_error(&error))?;
                Ok((taken, event.map(|event| from_stream(event, content_ns)).transpose()?))
            }
            Framing::WebSocket(_) if input.is_empty() => Ok((0, None)),
            Framing::WebSocket(limits) => Ok((input.len(), Some(from_message(input, limits, content_ns)?))),
        }
    }
}

fn xml_error(error: &nightjar_xml::XmlError) -> StreamError {
    StreamErrorCondition::from(error.kind).into()
}

fn from_stream(event: Event, content_ns: &str) -> Result<Incoming, StreamError> {
    Ok(match event {
        Event::Frame(frame) => Incoming::Frame(frame),
        Event::Whitespace => Incoming::Whitespace,
        Event::Close => Incoming::Close,
        Event::Open(open) => {
            // RFC 6120 §4.9.3.10, §4.9.3.1
            if open.ns != ns::STREAMS || open.content_ns != *content_ns {
                return Err(StreamErrorCondition::InvalidNamespace.into());
            }
            if open.name != "stream" {
                return Err(StreamErrorCondition::BadFormat.into());
            }
            let detach = |text: Option<Text>| text.map(|text| text.detach());
            Incoming::Header(Header {
                to: detach(open.to),
                from: detach(open.from),
                version: detach(open.version),
                lang: detach(open.lang),
                id: detach(open.id),
                dialback: open.prefixes.iter().any(|(_, ns)| *ns == *ns::DIALBACK),
            })
        }
    })
}

fn from_message(message: &[u8], limits: &Limits, content_ns: &str) -> Result<Incoming, StreamError> {
    if message.len() > limits.stanza_bytes as usize {
        return Err(StreamErrorCondition::PolicyViolation.into());
    }
    let Ok(text) = std::str::from_utf8(message) else {
        return Err(StreamErrorCondition::NotWellFormed.into());
    };
    if text.trim_ascii().is_empty() {
        return Ok(Incoming::Whitespace);
    }
    let frame = parse_document(&Text::new(text), limits, content_ns).map_err(|error| xml_error(&error))?;
    Ok(match (frame.ns(), frame.name()) {
        (ns::FRAMING, "open") => Incoming::Header(Header {
            to: frame.attr("to"),
            from: frame.attr("from"),
            version: frame.attr("version"),
            lang: frame.attr("xml:lang"),
            ..Header::default()
        }),
        (ns::FRAMING, "close") => Incoming::Close,
        _ => Incoming::Frame(frame),
    })
}
