//! The stream of an external component as the server sees it, without socket, clock or randomness (XEP-0114).
//!
//! It is driven as [`crate::c2s`] says: input, outputs until there are none, time. Events and their answers:
//!
//! | event | answer |
//! |---|---|
//! | `Opened` | `provide(&Secret)`, or `close(host-unknown)` and the like |
//! | `Authenticated` | `admit()`, or `close(conflict)` and the like |
//! | `Stanza`, `Refused` | none |

use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::{ScramHash, Secret};
use nightjar_text::Text;
use nightjar_xml::{Frame, Limits};

use crate::stanza::Stanza;
use crate::stream::{self, Framing, FramingKind, Header, Incoming, Intake, Machine, Outbox};
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::{ns, write};

/// What a listener's streams have in common.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Limits of what a component may send before it is authenticated.
    pub limits_before_auth: Limits,
    /// Limits from then on (`max_stanza_size`).
    pub limits: Limits,
    /// From the first byte to a component that is let in (`negotiation_timeout`).
    pub negotiation_timeout: Duration,
}

/// What the driver has to do.
pub type Output = stream::Output<Event, End>;

/// What happened. The comment says what the machine waits for; until then it takes no input.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "stanzas are nearly all events; a box would cost each an allocation"
)]
pub enum Event {
    /// A stanza with both addresses; who it may be from is the driver's to check. Waits for nothing.
    Stanza(Stanza),
    /// A stanza was wrong (RFC 6120 §8.3); this error is for the component. Waits for nothing.
    Refused(Stanza),
    /// A header for this domain. Waits for `provide` or `close`.
    Opened { to: Jid },
    /// The component knows the secret. Waits for `admit` or `close`.
    Authenticated,
}

/// How a stream came to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The component closed the stream.
    Closed,
    /// We closed it.
    Finished,
    /// The component sent this stream error.
    PeerError(StreamError),
    /// This stream error was sent.
    Error(StreamError),
}

#[derive(Debug)]
enum Stage {
    Header,
    /// `Opened` waits.
    Host,
    /// The secret's proof must come.
    Handshake(Secret),
    /// `Authenticated` waits.
    Admission,
    Established,
    Over,
}

/// The server's end of one component's stream.
#[derive(Debug)]
pub struct ComponentStream {
    settings: Arc<Settings>,
    framing: Framing,
    outbox: Outbox<Event, End>,
    stage: Stage,
    stream_id: Text,
    to: Option<Jid>,
    lang: Option<Text>,
    deadline: Duration,
    header_sent: bool,
}

impl ComponentStream {
    /// A connection that was just accepted. `stream_id` is unguessable: the secret's proof is bound to it.
    pub fn new(settings: impl Into<Arc<Settings>>, stream_id: Text, now: Duration) -> ComponentStream {
        let settings = settings.into();
        ComponentStream {
            framing: Framing::new(FramingKind::Stream, settings.limits_before_auth),
            deadline: now.saturating_add(settings.negotiation_timeout),
            settings,
            outbox: Outbox::default(),
            stage: Stage::Header,
            stream_id,
            to: None,
            lang: None,
            header_sent: false,
        }
    }

    /// Takes bytes up to the end of one element; returns how many. It takes none while outputs have not been polled or
    /// an answer is due.
    pub fn handle_input(&mut self, now: Duration, input: &[u8]) -> usize {
        stream::handle_input(self, now, input)
    }

    /// To be called at [`ComponentStream::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.fail(StreamErrorCondition::ConnectionTimeout.into());
        }
    }

    /// What the driver has to do next; to be called until there is nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.poll()
    }

    /// When to call [`ComponentStream::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        (!matches!(self.stage, Stage::Established | Stage::Over)).then_some(self.deadline)
    }

    /// Whether an event waits for its answer; no input is taken meanwhile.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Host | Stage::Admission)
    }

    /// Whether the component was let in.
    pub fn is_established(&self) -> bool {
        matches!(self.stage, Stage::Established)
    }

    /// Answers [`Event::Opened`] with the secret of the component's domain.
    pub fn provide(&mut self, secret: Secret) {
        if !matches!(self.stage, Stage::Host) {
            return self.fail(StreamErrorCondition::InternalServerError.into());
        }
        self.put_header();
        self.stage = Stage::Handshake(secret);
    }

    /// Answers [`Event::Authenticated`]: the component's domain is routed to it from now on.
    pub fn admit(&mut self) {
        if !matches!(self.stage, Stage::Admission) {
            return self.fail(StreamErrorCondition::InternalServerError.into());
        }
        self.framing.set_limits(self.settings.limits);
        self.put("<handshake/>".to_owned());
        self.stage = Stage::Established;
    }

    /// Closes the stream with an error. Also the negative answer to every event that waits.
    pub fn close(&mut self, error: impl Into<StreamError>) {
        self.fail(error.into());
    }

    /// Closes the stream without an error.
    pub fn finish(&mut self) {
        if !matches!(self.stage, Stage::Over) {
            self.end(End::Finished);
        }
    }

    /// Writes a stanza for the component behind what is in `out`, exactly one element.
    pub fn send(&self, stanza: &Stanza, out: &mut Vec<u8>) {
        stanza.write_to(out, None);
    }

    fn put(&mut self, xml: String) {
        self.outbox.send(FramingKind::Stream, xml);
    }

    fn put_header(&mut self) {
        let mut out = String::with_capacity(192);
        out.push_str("<?xml version='1.0'?><stream:stream");
        write::attribute(&mut out, "xmlns", ns::COMPONENT_ACCEPT);
        write::attribute(&mut out, "xmlns:stream", ns::STREAMS);
        write::attribute(&mut out, "id", &self.stream_id);
        write::attribute_if(&mut out, "from", self.to.as_ref().map(Jid::as_str));
        out.push('>');
        self.put(out);
        self.header_sent = true;
    }

    fn end(&mut self, end: End) {
        if self.header_sent {
            self.put("</stream:stream>".to_owned());
        }
        self.stage = Stage::Over;
        self.outbox.end(end);
    }

    fn on_header(&mut self, header: Header) {
        if !matches!(self.stage, Stage::Header) {
            return self.fail(StreamErrorCondition::UnsupportedStanzaType.into());
        }
        self.lang = stream::language(header.lang);
        let Some(to) = header.to else {
            return self.fail(StreamErrorCondition::ImproperAddressing.into());
        };
        match Jid::from_text(&to) {
            Ok(to) if to.is_domain() => {
                self.to = Some(to.clone());
                self.stage = Stage::Host;
                self.outbox.event(Event::Opened { to });
            }
            _ => self.fail(StreamErrorCondition::HostUnknown.into()),
        }
    }

    fn on_frame(&mut self, frame: &Frame) {
        match (&self.stage, frame.ns(), frame.name()) {
            (_, ns::STREAMS, "error") => {
                let error = StreamError::from_element(frame.parse().root());
                self.end(End::PeerError(error));
            }
            (Stage::Handshake(secret), ns::COMPONENT_ACCEPT, "handshake") => {
                let wanted = digest(&self.stream_id, secret);
                let element = frame.parse();
                let given = element.root().text().trim_ascii().to_ascii_lowercase();
                if wanted.same_as(given.as_bytes()) {
                    self.stage = Stage::Admission;
                    self.outbox.event(Event::Authenticated);
                } else {
                    self.fail(StreamErrorCondition::NotAuthorized.into());
                }
            }
            (Stage::Established, ns::COMPONENT_ACCEPT, "message" | "presence" | "iq") => {
                self.on_stanza(frame)
            }
            (Stage::Established, _, _) => self.fail(StreamErrorCondition::UnsupportedStanzaType.into()),
            _ => self.fail(StreamErrorCondition::NotAuthorized.into()),
        }
    }

    fn on_stanza(&mut self, frame: &Frame) {
        match Stanza::from_frame(frame) {
            Ok(stanza) if stanza.from.is_none() || stanza.to.is_none() => {
                self.fail(StreamErrorCondition::ImproperAddressing.into());
            }
            Ok(mut stanza) => {
                if stanza.lang.is_none() {
                    stanza.lang = self.lang.clone();
                }
                self.outbox.event(Event::Stanza(stanza));
            }
            Err(error) => {
                if let Some(reply) = Stanza::error_for_frame(frame, &error) {
                    self.outbox.event(Event::Refused(reply));
                }
            }
        }
    }
}

impl Machine for ComponentStream {
    const CONTENT_NS: &'static str = ns::COMPONENT_ACCEPT;

    fn intake(&self) -> Intake {
        match self.stage {
            Stage::Over if self.outbox.is_empty() => Intake::Over,
            _ if !self.outbox.is_empty() || self.is_waiting() => Intake::Busy,
            _ => Intake::Elements,
        }
    }

    fn framing(&mut self) -> &mut Framing {
        &mut self.framing
    }

    fn on_incoming(&mut self, _: Duration, incoming: Incoming) {
        match incoming {
            Incoming::Whitespace => {}
            Incoming::Close => self.end(End::Closed),
            Incoming::Header(header) => self.on_header(header),
            Incoming::Frame(frame) => self.on_frame(&frame),
        }
    }

    fn on_early_data(&mut self) {}

    /// RFC 6120 §4.9.1: header if there was none, error, end.
    fn fail(&mut self, error: StreamError) {
        if matches!(self.stage, Stage::Over) {
            return;
        }
        if !self.header_sent {
            self.put_header();
        }
        let mut xml = String::with_capacity(256);
        error.write(&mut xml, false);
        self.put(xml);
        self.end(End::Error(error));
    }
}

/// XEP-0114 §3: the hexadecimal SHA-1 of stream id and secret.
pub fn digest(stream_id: &str, secret: &Secret) -> Secret {
    let mut text = stream_id.as_bytes().to_vec();
    text.extend_from_slice(secret.expose());
    let hex: String = ScramHash::Sha1.digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    Secret::from(hex.as_str())
}

#[cfg(test)]
mod tests;
