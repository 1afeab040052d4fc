//! A driver that answers every question the same way each time: for fuzzing, and for the tests of this crate.

use std::sync::LazyLock;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::{
    Answer, ChannelBinding, ChannelBindingKind, Mechanism, Nonce, Offer, SaslFailure, ScramCredentials,
    ScramHash, ScramKeys, Secret, TokenBinding, UpgradeTask,
};
use nightjar_text::Text;

use crate::c2s::{
    Admission, Admitted, Ask, Authenticated, BindRequest, ClientStream, End, Event, FastToken, FramingKind,
    HostOffer, Output, Sasl2Offer, Settings, StartTls,
};
use crate::kind::MessageType;
use crate::stanza::Stanza;
use crate::stanza_error::{Condition, StanzaError};
use crate::stream_error::StreamErrorCondition;
use crate::{ns, sm};

pub(crate) mod s2s;

pub use s2s::fuzz_s2s;

/// The host this driver serves.
pub(crate) const HOST: &str = "example.org";
/// Another name of it.
const ALIAS: &str = "alias.example";
/// The password of every account.
pub(crate) const PASSWORD: &str = "pencil";
/// The session that can be resumed; one message in it is not acknowledged.
pub(crate) const RESUMABLE: &str = "sm-old";
const NONCE: &str = "server-nonce";
const ID: &str = "s1";

/// A machine with a driver that keeps a transcript: bytes as they are sent, events as `[name …]`.
pub(crate) struct Driven {
    pub(crate) stream: ClientStream,
    pub(crate) now: Duration,
    pub(crate) starttls: StartTls,
    pub(crate) transcript: String,
    pub(crate) end: Option<End>,
    tls_wanted: bool,
}

static KEYS: LazyLock<Vec<(ScramHash, ScramKeys)>> = LazyLock::new(|| {
    let password = Secret::from(PASSWORD);
    let derive =
        |hash| ScramKeys::derive(hash, &password, b"0123456789abcdef", 1).ok().map(|keys| (hash, keys));
    [ScramHash::Sha1, ScramHash::Sha256, ScramHash::Sha512].into_iter().filter_map(derive).collect()
});

/// Feeds a client's bytes in pieces of all sizes, then at once, and compares what the server said.
///
/// The first byte chooses framing and protection; in WebSocket framing NUL separates messages.
///
/// # Panics
/// When the server's words depend on how the bytes were cut, or the machine does not end a stream it gave up.
pub fn fuzz_c2s(bytes: &[u8]) {
    let Some((&choice, input)) = bytes.split_first() else { return };
    let framing = if choice & 1 == 0 { FramingKind::Stream } else { FramingKind::WebSocket };
    let secured = choice & 2 != 0;
    let starttls = [StartTls::Required, StartTls::Optional, StartTls::Unavailable, StartTls::Required];
    let starttls = starttls.get(usize::from(choice >> 2 & 3)).copied().unwrap_or_default();
    let mut whole = Driven::new(framing, secured, starttls);
    let mut cut = Driven::new(framing, secured, starttls);
    match framing {
        FramingKind::WebSocket => input.split(|byte| *byte == 0).for_each(|message| whole.feed(message)),
        FramingKind::Stream => {
            whole.feed(input);
            let (mut rest, mut size) = (input, usize::from(choice >> 4));
            while !rest.is_empty() {
                size = (size * 7 + 3) % 61;
                let (piece, behind) = rest.split_at(size.clamp(1, rest.len()));
                cut.feed(piece);
                rest = behind;
            }
            // Of several faults, and of one inside a tag whose end has not come, the pieces decide which is seen and
            // when; what was said before may not depend on them.
            assert_eq!(before_fault(&whole.transcript), before_fault(&cut.transcript), "cut differently");
        }
    }
    whole.close();
    assert!(whole.end.is_some(), "the stream is over");
}

/// What was said up to the error that ends the stream, and up to the header which that error needed.
fn before_fault(transcript: &str) -> &str {
    let (said, _) = transcript.split_once("<stream:error>").unwrap_or((transcript, ""));
    match said.rsplit_once("<?xml ") {
        Some((before, header)) if header.contains(" id='s0'") => before,
        _ => said,
    }
}

impl Driven {
    pub(crate) fn new(framing: FramingKind, secured: bool, starttls: StartTls) -> Driven {
        Driven::with(Settings { framing, ..Settings::default() }, secured, starttls)
    }

    pub(crate) fn with(settings: Settings, secured: bool, starttls: StartTls) -> Driven {
        let now = Duration::from_secs(1000);
        let stream = ClientStream::new(settings, Text::new("s0"), secured, now);
        Driven { stream, now, starttls, transcript: String::new(), end: None, tls_wanted: false }
    }

    /// Gives the machine bytes and answers its events until it has taken them all.
    pub(crate) fn feed(&mut self, input: &[u8]) {
        let mut rest = input;
        loop {
            let taken = self.stream.handle_input(self.now, rest);
            rest = rest.get(taken..).unwrap_or_default();
            let said = self.drain();
            if self.end.is_some() || (taken == 0 && !said) {
                break;
            }
        }
        assert!(rest.is_empty() || self.end.is_some(), "input is left although every question was answered");
    }

    /// Does the handshake that `<starttls/>` asked for.
    #[cfg(test)]
    pub(crate) fn handshake(&mut self) {
        assert!(std::mem::take(&mut self.tls_wanted), "TLS was asked for");
        self.stream.tls_established();
    }

    #[cfg(test)]
    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
        self.stream.handle_timeout(self.now);
        self.drain();
    }

    pub(crate) fn close(&mut self) {
        self.stream.close(StreamErrorCondition::SystemShutdown);
        self.drain();
    }

    /// Takes the transcript so far.
    #[cfg(test)]
    pub(crate) fn said(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }

    /// Handles all outputs; says whether there were any.
    pub(crate) fn drain(&mut self) -> bool {
        let mut any = false;
        while let Some(output) = self.stream.poll_output() {
            any = true;
            assert!(self.end.is_none(), "an output behind the end");
            match output {
                Output::Send(bytes) => self.transcript.push_str(&String::from_utf8_lossy(&bytes)),
                Output::StartTls => {
                    self.transcript.push_str("[starttls]");
                    self.tls_wanted = true;
                }
                Output::Event(event) => self.answer(event),
                Output::Close(end) => {
                    self.transcript.push_str(&format!("[{}]", name_of(&end)));
                    self.end = Some(end);
                }
            }
        }
        any
    }

    fn note(&mut self, what: &str) {
        self.transcript.push('[');
        self.transcript.push_str(what);
        self.transcript.push(']');
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::Stanza(stanza) => self.on_stanza(stanza),
            Event::ClientState { active } => self.note(if active { "active" } else { "inactive" }),
            Event::EnableSm(enable) => {
                self.note("enable");
                match enable.max_seconds {
                    Some(0) => self.stream.sm_refused(Condition::NotAllowed),
                    _ => self.stream.sm_enabled(&grant(enable)),
                }
            }
            Event::Opened(opened) if [HOST, ALIAS].contains(&opened.host.as_str()) => {
                self.note("opened");
                self.stream.provide_host(offer(self.starttls, opened.secured));
            }
            Event::Opened(_) => self.stream.close(StreamErrorCondition::HostUnknown),
            Event::Credentials(question) => self.stream.provide_credentials(credentials(&question.ask)),
            Event::AuthFailed(failed) => {
                let username = failed.username.as_deref().unwrap_or("?");
                self.note(&format!("failed {username} {}", failed.failure.condition.name()));
            }
            Event::Authenticated(authenticated) => self.on_authenticated(*authenticated),
            Event::Upgrade { .. } => self.stream.provide_upgrade(Some((*b"fedcba9876543210", 4096))),
            Event::Keys { account, .. } => {
                self.note(&format!("keys {account}"));
                self.stream.keys_stored();
            }
            Event::EarlyIq(stanza) => {
                self.note("early");
                match stanza.has_child("query", ns::LEGACY_AUTH) {
                    true => self.stream.legacy_authenticated(&stanza.result_reply(None)),
                    false => self.stream.reply_early(&stanza.result_reply(None)),
                }
            }
            Event::Bind { resource } => match self.resource(resource.as_deref().unwrap_or("made-up")) {
                Ok(jid) => self.stream.bound(&jid),
                Err(error) => self.stream.bind_refused(&error),
            },
            Event::Resume(resume) if resume.previd == *RESUMABLE => {
                self.stream.resumed(self.now, resumable());
            }
            Event::Resume(_) => self.stream.resume_refused(gone()),
        }
    }

    /// Every stanza comes back, so that the way out is used as much as the way in.
    fn on_stanza(&mut self, stanza: Stanza) {
        self.note(&format!("stanza {}", stanza.kind));
        let mut out = Vec::new();
        let back = self.stream.send(self.now, stanza, &mut out);
        assert!(back.is_none(), "the client is bound");
        self.stream.request_ack(self.now, &mut out);
        self.transcript.push_str(&String::from_utf8_lossy(&out));
    }

    fn on_authenticated(&mut self, authenticated: Authenticated) {
        let Authenticated { account, mechanism, sasl2, .. } = authenticated;
        self.note(&format!("authenticated {account} {}", mechanism.name()));
        if account.local() == Some("banned") {
            return self.stream.deny(SaslFailure::new(nightjar_sasl::Condition::AccountDisabled, "banned"));
        }
        let Some(request) = sasl2 else { return self.stream.admit(self.now, Admission::account()) };
        let mut admission = Admission::account();
        if request.request_token.is_some() {
            admission.token =
                Some(FastToken { token: Secret::from("new-token"), expiry: 1_584_023_775_000_000 });
        }
        match (request.resume, request.bind) {
            (Some(resume), _) if resume.previd == *RESUMABLE => {
                let jid = account.with_resource("old").unwrap_or(account);
                admission.session = Admitted::Resumed { jid, session: resumable() };
            }
            (resume, bind) => {
                admission.resume_refused = resume.map(|_| gone());
                admission.session = bind.map_or(Admitted::Account, |bind| bound(&account, bind));
            }
        }
        self.stream.admit(self.now, admission);
    }

    fn resource(&self, resource: &str) -> Result<Jid, StanzaError> {
        if resource == "taken" {
            return Err(StanzaError::conflict());
        }
        Jid::from_parts(Some("juliet"), HOST, Some(resource)).map_err(|_| StanzaError::bad_request())
    }
}

fn name_of(end: &End) -> String {
    match end {
        End::Closed => "closed".to_owned(),
        End::PeerError(error) => format!("peer error {}", error.condition.as_str()),
        End::Error(error) => format!("error {}", error.condition.as_str()),
        End::EarlyData => "early data".to_owned(),
        End::TlsRefused => "tls refused".to_owned(),
        End::TlsTimeout => "tls timeout".to_owned(),
        End::Unacknowledged => "unacknowledged".to_owned(),
    }
}

pub(crate) fn offer(starttls: StartTls, secured: bool) -> HostOffer {
    let scram = |hash, plus| Mechanism::Scram { hash, plus };
    let mut mechanisms = vec![scram(ScramHash::Sha256, false), scram(ScramHash::Sha1, false)];
    if secured {
        mechanisms.insert(0, scram(ScramHash::Sha256, true));
        mechanisms.extend([Mechanism::Plain, Mechanism::External]);
    }
    let binding = ChannelBinding { kind: ChannelBindingKind::TlsExporter, data: b"exported".to_vec() };
    HostOffer {
        stream_id: Text::new(ID),
        starttls,
        sasl: Offer {
            host: Text::new(HOST),
            mechanisms,
            fast: if secured { vec![Mechanism::Token(TokenBinding::None)] } else { Vec::new() },
            channel_bindings: if secured { vec![binding] } else { Vec::new() },
            ..Offer::default()
        },
        sasl1: true,
        sasl2: secured.then(|| Sasl2Offer {
            bind2: Some(vec![Text::new(ns::CARBONS)]),
            upgrades: UpgradeTask::to(ScramHash::Sha512).into_iter().collect(),
        }),
        max_bytes: Some(262_144),
        sm: true,
        csi: true,
        register: true,
        legacy_auth: true,
        features_authenticated: vec![Text::new("<ver xmlns='urn:xmpp:features:rosterver'/>")],
        ..HostOffer::default()
    }
}

fn credentials(ask: &Ask) -> Answer {
    match ask {
        Ask::Keys(lookup) => {
            let keys = KEYS.iter().find(|(hash, _)| *hash == lookup.hash);
            match (keys, Nonce::from_text(NONCE)) {
                (Some((_, keys)), Some(nonce)) => {
                    Answer::Keys { credentials: ScramCredentials::Known(keys.clone()), nonce }
                }
                _ => Answer::Refuse(SaslFailure::temporary("no keys")),
            }
        }
        Ask::Password(check) if check.password.same_as(PASSWORD.as_bytes()) => Answer::Accept,
        Ask::Password(_) => Answer::Refuse(SaslFailure::not_authorized("wrong password")),
        Ask::Token(_) => Answer::Tokens(vec![Secret::from("token")]),
        Ask::Oauth(_) => Answer::Refuse(SaslFailure::not_authorized("no such token")),
        Ask::External(_) | Ask::Anonymous => Answer::Identity(Text::new("certified")),
    }
}

fn grant(enable: sm::Enable) -> sm::Grant {
    sm::Grant {
        id: enable.resume.then(|| Text::new("sm-new")),
        max_seconds: Some(300),
        location: None,
        queue_max: 64,
        ack_timeout: Duration::from_secs(60),
    }
}

fn resumable() -> Box<sm::Session> {
    let granted = grant(sm::Enable { resume: true, max_seconds: None });
    let granted = sm::Grant { id: Some(Text::new(RESUMABLE)), ..granted };
    let mut session = sm::Session::new(sm::Version::V3, &granted);
    session.count_received();
    let message = Stanza::message(MessageType::Chat).with_id("kept").with_child("<body>hi</body>");
    let queued = session.push(Duration::ZERO, message);
    debug_assert!(queued.is_ok(), "the queue takes one");
    Box::new(session)
}

fn gone() -> sm::ResumeRefused {
    sm::ResumeRefused { condition: Condition::ItemNotFound, h: Some(7) }
}

fn bound(account: &Jid, request: BindRequest) -> Admitted {
    let tag = request.tag.as_deref().unwrap_or("tagless");
    let jid = account.with_resource(&format!("{tag}/1")).or_else(|_| account.with_resource("1"));
    Admitted::Bound {
        jid: jid.unwrap_or_else(|_| account.clone()),
        sm: request.sm.map(|enable| Ok(grant(enable))),
        extra: Vec::new(),
    }
}
