//! From the first byte to a bound resource (RFC 6120 §4.3). Boxed, and dropped once the resource is bound.

use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::{Exchange, ScramUpgrade, Success, UpgradeTask};
use nightjar_text::Text;
use nightjar_xml::Frame;

use super::{End, Event, FramingKind, HostOffer, Opened, Sasl2Request, Settings, StartTls, features, header};
use crate::kind::{IqType, StanzaType};
use crate::stanza::Stanza;
use crate::stanza_error::{Condition, StanzaError};
use crate::stream::{Framing, Header, Outbox};
use crate::stream_error::{StreamError, StreamErrorCondition};
use crate::write::{self, Sink};
use crate::{ns, sm};

mod bind;
mod sasl;
mod sasl2;

pub(super) use sasl2::read_enable;

/// What outlives negotiation.
#[derive(Debug)]
pub(super) struct Io {
    pub(super) settings: Arc<Settings>,
    pub(super) framing: Framing,
    pub(super) outbox: Outbox<Event, End>,
    /// Default language of what the client sends.
    pub(super) lang: Option<Box<Text>>,
    pub(super) sm: Option<Box<sm::Session>>,
}

#[derive(Debug)]
pub(super) struct Negotiation {
    stage: Stage,
    pub(super) deadline: Duration,
    secured: bool,
    /// For a stream that fails before its host gives one.
    stream_id: Text,
    /// The server's header of the current stream is sent.
    header_sent: bool,
    auth_failures: u8,
    /// The host as the first header named it.
    asked: Option<Jid>,
    /// The host that serves, another one if the client used an alias.
    host: Option<Jid>,
    from: Option<Jid>,
    account: Option<Jid>,
    offer: HostOffer,
    /// Filled while a client authenticates.
    attempt: Option<Box<Attempt>>,
}

/// One attempt to authenticate.
#[derive(Debug)]
struct Attempt {
    exchange: Exchange,
    /// What came with `<authenticate/>`; `None` for SASL of RFC 6120.
    sasl2: Option<Sasl2Request>,
    success: Option<Success>,
}

#[derive(Debug)]
enum Stage {
    /// A stream header must come.
    Header,
    /// `Event::Opened` waits.
    Host,
    /// Features are sent, nobody is authenticated.
    Unauthenticated,
    /// `<proceed/>` is sent.
    Tls,
    /// A challenge is sent.
    Challenged,
    /// `Event::Credentials` waits.
    Credentials,
    /// `Event::Authenticated` waits.
    Admission,
    /// `Event::Upgrade` waits.
    UpgradeOffered(UpgradeTask),
    /// `<continue/>` is sent, `<next/>` must come.
    Next(Box<ScramUpgrade>),
    /// Salt is sent, the keys must come.
    TaskData(Box<ScramUpgrade>),
    /// `Event::Keys` waits.
    KeysStored,
    /// `Event::EarlyIq` waits.
    EarlyIq,
    /// Authenticated; a resource must be bound.
    Unbound,
    /// `Event::Bind` waits; the request's id.
    Bind(Text),
    /// `Event::Resume` waits.
    Resume(sm::Version, u32),
}

/// How negotiation goes on.
pub(super) enum Progress {
    Goes,
    /// There is a session: the machine is done with negotiating.
    Established,
    /// The stream is over; what is to be sent is in the outbox.
    Ended(End),
}

pub(super) type Step = Result<Progress, StreamError>;

impl Io {
    pub(super) fn put(&mut self, xml: String) {
        self.outbox.send(self.framing.kind(), xml);
    }

    /// Namespace that stanzas declare (RFC 7395 §3.3.3).
    pub(super) fn content_ns(&self) -> Option<&'static str> {
        match self.framing.kind() {
            FramingKind::Stream => None,
            FramingKind::WebSocket => Some(ns::CLIENT),
        }
    }

    pub(super) fn put_stanza(&mut self, stanza: &Stanza) {
        let mut xml = String::with_capacity(stanza.size_hint());
        stanza.write(&mut xml, self.content_ns());
        self.put(xml);
    }

    pub(super) fn put_sm_failed(&mut self, version: sm::Version, refused: sm::ResumeRefused) {
        let mut xml = String::new();
        sm::write_failed(&mut xml, version, refused);
        self.put(xml);
    }

    pub(super) fn ask(&mut self, event: Event) {
        self.outbox.event(event);
    }
}

impl Negotiation {
    pub(super) fn new(deadline: Duration, stream_id: Text, secured: bool) -> Negotiation {
        Negotiation {
            stage: Stage::Header,
            deadline,
            secured,
            stream_id,
            header_sent: false,
            auth_failures: 0,
            asked: None,
            host: None,
            from: None,
            account: None,
            offer: HostOffer::default(),
            attempt: None,
        }
    }

    /// Whether the driver owes an answer.
    pub(super) fn is_waiting(&self) -> bool {
        match self.stage {
            Stage::Header
            | Stage::Unauthenticated
            | Stage::Tls
            | Stage::Challenged
            | Stage::Next(_)
            | Stage::TaskData(_)
            | Stage::Unbound => false,
            Stage::Host
            | Stage::Credentials
            | Stage::Admission
            | Stage::UpgradeOffered(_)
            | Stage::KeysStored
            | Stage::EarlyIq
            | Stage::Bind(_)
            | Stage::Resume(..) => true,
        }
    }

    /// Between `<proceed/>` and the handshake: whatever is read or written now is not XML.
    pub(super) fn is_before_handshake(&self) -> bool {
        matches!(self.stage, Stage::Tls)
    }

    pub(super) fn is_sm_offered(&self) -> bool {
        self.offer.sm
    }

    /// The server's header, if the stream has to be closed before it had one (RFC 6120 §4.9.1.2).
    pub(super) fn missing_header(&self, framing: FramingKind) -> Option<String> {
        (!self.header_sent).then(|| header::write(framing, &self.stream_id, None, None))
    }

    pub(super) fn tls_established(&mut self, io: &mut Io) -> Step {
        if !self.is_before_handshake() {
            return Err(unasked());
        }
        self.secured = true;
        self.restart(io);
        Ok(Progress::Goes)
    }

    /// Nothing that was learned without protection is kept but the host (RFC 6120 §5.4.3.3).
    fn restart(&mut self, io: &mut Io) {
        self.stage = Stage::Header;
        self.header_sent = false;
        self.from = None;
        io.framing.restart();
    }

    pub(super) fn on_header(&mut self, io: &mut Io, header: Header) -> Step {
        if !matches!(self.stage, Stage::Header) {
            return Err(StreamErrorCondition::UnsupportedStanzaType.into());
        }
        let checked = header::check(header, self.asked.as_ref(), self.account.as_ref())?;
        self.asked = Some(checked.host.clone());
        self.from = checked.from.clone();
        io.lang = checked.lang.clone().map(Box::new);
        self.stage = Stage::Host;
        io.ask(Event::Opened(Box::new(Opened {
            host: checked.host,
            from: checked.from,
            lang: checked.lang,
            secured: self.secured,
            account: self.account.clone(),
        })));
        Ok(Progress::Goes)
    }

    pub(super) fn provide_host(&mut self, io: &mut Io, mut offer: HostOffer) -> Step {
        if !matches!(self.stage, Stage::Host) {
            return Err(unasked());
        }
        offer.sasl.tls = self.secured;
        let served = Some(&offer.sasl.host).filter(|host| !host.is_empty());
        self.host = served.and_then(|host| Jid::from_text(host).ok()).or_else(|| self.asked.clone());
        let framing = io.framing.kind();
        let to = self.from.as_ref().map(Jid::bare);
        io.put(header::write(framing, &offer.stream_id, self.host.as_ref(), to.as_ref()));
        self.header_sent = true;
        if self.account.is_some() {
            io.put(features::after_authentication(&offer, framing, false));
            self.stage = Stage::Unbound;
        } else {
            io.put(features::before_authentication(&offer, &io.settings, self.secured));
            self.stage = Stage::Unauthenticated;
        }
        self.offer = offer;
        Ok(Progress::Goes)
    }

    pub(super) fn on_frame(&mut self, io: &mut Io, frame: &Frame) -> Step {
        if matches!(frame.name(), "message" | "presence" | "iq") && frame.ns() == ns::SERVER {
            return Err(StreamErrorCondition::InvalidNamespace.into());
        }
        if let (Some(version), false) = (sm::Version::of_ns(frame.ns()), matches!(self.stage, Stage::Header))
        {
            return self.on_sm(io, frame, version);
        }
        match (&self.stage, frame.ns()) {
            (Stage::Unbound, _) => self.on_unbound(io, frame),
            (Stage::Unauthenticated, ns::TLS) if frame.name() == "starttls" => Ok(self.on_starttls(io)),
            (Stage::Unauthenticated, ns::CLIENT) => self.on_early_stanza(io, frame),
            (Stage::Unauthenticated | Stage::Challenged, ns::SASL) => self.on_sasl(io, frame),
            (Stage::Unauthenticated | Stage::Challenged | Stage::Next(_) | Stage::TaskData(_), ns::SASL2) => {
                self.on_sasl2(io, frame)
            }
            // RFC 7395 §3.4: the first message is `<open/>`.
            (Stage::Header, _) => Err(StreamErrorCondition::InvalidNamespace.into()),
            // XEP-0388 §2.4: nothing else while authentication is in progress.
            (Stage::Challenged | Stage::Next(_) | Stage::TaskData(_), _) => Err(not_authorized()),
            _ => Err(StreamErrorCondition::UnsupportedStanzaType.into()),
        }
    }

    fn is_host(&self, jid: &Jid) -> bool {
        [&self.asked, &self.host].into_iter().flatten().any(|host| host == jid)
    }

    fn tls_is_due(&self) -> bool {
        !self.secured && self.offer.starttls == StartTls::Required
    }

    fn on_starttls(&mut self, io: &mut Io) -> Progress {
        let possible = !self.secured
            && self.offer.starttls != StartTls::Unavailable
            && io.framing.kind() == FramingKind::Stream;
        let mut xml = String::from(if possible { "<proceed" } else { "<failure" });
        write::attribute(&mut xml, "xmlns", ns::TLS);
        xml.put("/>");
        io.put(xml);
        if !possible {
            io.put(header::write_close(io.framing.kind()));
            return Progress::Ended(End::TlsRefused);
        }
        self.stage = Stage::Tls;
        io.outbox.starttls();
        Progress::Goes
    }

    /// RFC 6120 §4.9.3.12: before authentication there are no stanzas, but for requests the host offers.
    fn on_early_stanza(&mut self, io: &mut Io, frame: &Frame) -> Step {
        if self.tls_is_due() {
            let text = "Use of STARTTLS required";
            return Err(StreamError::with_text(StreamErrorCondition::PolicyViolation, text));
        }
        let Ok(stanza) = Stanza::from_frame(frame) else { return Err(not_authorized()) };
        let to_host = stanza.to.as_ref().is_none_or(|to| self.is_host(to));
        let request = matches!(stanza.kind, StanzaType::Iq(IqType::Get | IqType::Set));
        let offered = stanza.children().all(|child| match child.ns() {
            ns::REGISTER | ns::INVITE_TOKEN => self.offer.register,
            ns::LEGACY_AUTH => self.offer.legacy_auth,
            _ => false,
        });
        if !to_host || !request || !offered {
            return Err(not_authorized());
        }
        self.stage = Stage::EarlyIq;
        io.ask(Event::EarlyIq(Box::new(stanza)));
        Ok(Progress::Goes)
    }

    pub(super) fn reply_early(&mut self, io: &mut Io, reply: &Stanza) -> Step {
        if !matches!(self.stage, Stage::EarlyIq) {
            return Err(unasked());
        }
        io.put_stanza(reply);
        self.stage = Stage::Unauthenticated;
        Ok(Progress::Goes)
    }

    /// XEP-0078 §3: one request authenticates and binds.
    pub(super) fn legacy_authenticated(&mut self, io: &mut Io, reply: &Stanza) -> Step {
        self.reply_early(io, reply)?;
        Ok(Progress::Established)
    }
}

fn unasked() -> StreamError {
    StreamErrorCondition::InternalServerError.into()
}

fn not_authorized() -> StreamError {
    StreamErrorCondition::NotAuthorized.into()
}

/// A stanza error in answer to a frame that is no valid stanza, where one may be sent.
fn refuse_frame(io: &mut Io, frame: &Frame, error: &StanzaError) {
    if let Some(reply) = Stanza::error_for_frame(frame, error) {
        io.put_stanza(&reply);
    }
}

/// XEP-0198 §6
fn sm_refused(condition: Condition) -> sm::ResumeRefused {
    sm::ResumeRefused::from(condition)
}
