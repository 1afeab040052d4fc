//! What passes between the machine and its driver.

use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::{
    Exchange, ExternalCheck, Lookup, Mechanism, OauthCheck, Offer, PasswordCheck, SaslFailure, ScramKeys,
    Secret, TokenLookup, UpgradeTask,
};
use nightjar_text::Text;
use nightjar_xml::Limits;

use crate::sm;
use crate::stanza::Stanza;
use crate::stanza_error::Condition;
pub use crate::stream::FramingKind;
use crate::stream_error::StreamError;

/// What a listener's streams have in common.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub framing: FramingKind,
    /// Limits of what a client may send before it is authenticated; RFC 6120 §13.12 asks for 10,000 bytes at least.
    pub limits_before_auth: Limits,
    /// Limits from then on (`max_stanza_size`).
    pub limits: Limits,
    /// From the first byte to a bound resource (`negotiation_timeout`). Nothing the client sends extends it.
    pub negotiation_timeout: Duration,
    /// Failed attempts to authenticate after which the stream is closed; RFC 6120 §6.4.5 asks for 3 to 6.
    pub auth_attempts_max: u8,
}

impl Default for Settings {
    fn default() -> Settings {
        let limits = Limits::default();
        let stanza_bytes = limits.stanza_bytes.min(32_768);
        Settings {
            framing: FramingKind::Stream,
            limits_before_auth: Limits { stanza_bytes, ..limits },
            limits,
            negotiation_timeout: Duration::from_secs(120),
            auth_attempts_max: 5,
        }
    }
}

/// What the driver has to do. The handshake of `StartTls` is the server's.
pub type Output = crate::stream::Output<Event, End>;

/// What happened on the stream. The comment says what the machine waits for; until then it takes no input.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "stanzas are nearly all events; a box would cost each an allocation"
)]
pub enum Event {
    /// A stanza of the bound client, checked by RFC 6120 §8; `from` and `to` as the client wrote them. Waits for
    /// nothing. It counts as handled once the next input is given.
    Stanza(Stanza),
    /// XEP-0352: the client is in use, or not. Waits for nothing.
    ClientState { active: bool },
    /// XEP-0198 §3. Waits for `sm_enabled` or `sm_refused`.
    EnableSm(sm::Enable),
    /// A stream header for a host. Waits for `provide_host`, or `close` with `host-unknown` or the like.
    Opened(Box<Opened>),
    /// The mechanism asks for what only the driver knows. Waits for `provide_credentials`.
    Credentials(Box<Question>),
    /// An attempt to authenticate failed and the client was told. Waits for nothing.
    AuthFailed(Box<AuthFailed>),
    /// The client is who it says, but has not been told. Waits for `admit` or `deny`.
    Authenticated(Box<Authenticated>),
    /// XEP-0480: the client offers to hand over keys. Waits for `provide_upgrade`.
    Upgrade { account: Jid, task: UpgradeTask },
    /// XEP-0480: keys to be stored for the account. Waits for `keys_stored`.
    Keys { account: Jid, keys: Box<ScramKeys> },
    /// A request before authentication in a namespace the host offered for that (XEP-0077, XEP-0078, XEP-0445).
    /// Waits for `reply_early` or `legacy_authenticated`.
    EarlyIq(Box<Stanza>),
    /// RFC 6120 §7. Waits for `bound` or `bind_refused`.
    Bind { resource: Option<Text> },
    /// XEP-0198 §5, in place of binding. Waits for `resumed` or `resume_refused`.
    Resume(sm::Resume),
}

/// A stream header that passed the checks of RFC 6120 §4.7.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The host as the client names it, normalised; the same on every header of the stream.
    pub host: Jid,
    /// Who the client says it is, not proven (RFC 6120 §4.7.1).
    pub from: Option<Jid>,
    /// The default language of what the client sends.
    pub lang: Option<Text>,
    /// The stream is encrypted.
    pub secured: bool,
    /// Set once the client is authenticated; then the mechanisms of the answer are not used.
    pub account: Option<Jid>,
}

/// Whether a stream that is not encrypted can or must become so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StartTls {
    #[default]
    Unavailable,
    Optional,
    Required,
}

/// What a host offers on this stream, in answer to [`Event::Opened`].
#[derive(Clone, Debug, Default)]
pub struct HostOffer {
    /// Unguessable, new for each header (RFC 6120 §4.7.3).
    pub stream_id: Text,
    /// Language of the texts for people in errors (`language`); `en` if empty.
    pub lang: Text,
    /// Has no meaning on a stream that is encrypted.
    pub starttls: StartTls,
    /// Mechanisms and channel bindings. Exactly these are listed, in this order, so that XEP-0474 can hash them. Its
    /// `host` is the one the account belongs to; empty, it is the one the client named (`hosts_alias`).
    pub sasl: Offer,
    /// Offer SASL as in RFC 6120 §6.
    pub sasl1: bool,
    /// Offer XEP-0388.
    pub sasl2: Option<Sasl2Offer>,
    /// XEP-0478: `<max-bytes/>` and `<idle-seconds/>`.
    pub max_bytes: Option<u64>,
    pub idle_seconds: Option<u32>,
    /// XEP-0198 is available.
    pub sm: bool,
    /// XEP-0352 is available.
    pub csi: bool,
    /// XEP-0077 before authentication is available; its feature is written.
    pub register: bool,
    /// XEP-0078 is available; its feature is written.
    pub legacy_auth: bool,
    /// Complete elements for `<stream:features/>` before authentication, beyond what the fields above stand for.
    pub features: Vec<Text>,
    /// The same for after it: `<c/>` of XEP-0115, `<ver/>` of RFC 6121 §2.6, `<sub/>` of §3.4.
    pub features_authenticated: Vec<Text>,
}

/// What can be had along with authentication (XEP-0388 §2.1).
#[derive(Clone, Debug, Default)]
pub struct Sasl2Offer {
    /// XEP-0386: features that can be enabled while binding; `None` if Bind 2 is not offered. `urn:xmpp:sm:3` and
    /// `urn:xmpp:csi:0` are added by themselves where the host offers them.
    pub bind2: Option<Vec<Text>>,
    /// XEP-0480.
    pub upgrades: Vec<UpgradeTask>,
}

/// A question of the SASL mechanism, see [`nightjar_sasl::Step`].
#[derive(Clone, Debug)]
pub enum Ask {
    Keys(Lookup),
    Password(PasswordCheck),
    Token(TokenLookup),
    Oauth(OauthCheck),
    External(ExternalCheck),
    Anonymous,
}

/// [`Ask`] with what is known about the client.
#[derive(Clone, Debug)]
pub struct Question {
    pub ask: Ask,
    pub mechanism: Mechanism,
    /// XEP-0388 only.
    pub user_agent: Option<UserAgent>,
    /// XEP-0484: how the client uses its token.
    pub fast: Option<FastUse>,
}

/// `<user-agent/>` of XEP-0388 §2.3.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UserAgent {
    /// Stable id of the client's installation; at most [`UserAgent::ID_BYTES_MAX`].
    pub id: Option<Text>,
    pub software: Option<Text>,
    pub device: Option<Text>,
}

/// `<fast/>` of XEP-0484 §3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FastUse {
    pub count: Option<u32>,
    pub invalidate: bool,
}

/// A failed attempt, for the log and for whoever counts them.
#[derive(Clone, Debug)]
pub struct AuthFailed {
    /// The account the client claimed, if it got that far.
    pub username: Option<Text>,
    pub mechanism: Option<Mechanism>,
    pub failure: SaslFailure,
}

/// A client that proved who it is.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Bare.
    pub account: Jid,
    pub mechanism: Mechanism,
    /// Which of the provided tokens was used.
    pub token: Option<usize>,
    /// What the client wants along with it; `None` for SASL of RFC 6120.
    pub sasl2: Option<Sasl2Request>,
}

/// The requests inside `<authenticate/>` (XEP-0388).
#[derive(Clone, Debug, Default)]
pub struct Sasl2Request {
    pub user_agent: Option<UserAgent>,
    /// To be tried before `bind`, which is ignored if it succeeds (XEP-0198 §9.2).
    pub resume: Option<sm::Resume>,
    pub bind: Option<BindRequest>,
    pub fast: Option<FastUse>,
    /// XEP-0484 §3.2: the client wants a token for this mechanism, one that was offered.
    pub request_token: Option<Mechanism>,
    /// XEP-0480: the tasks both sides know.
    pub upgrades: Vec<UpgradeTask>,
}

/// `<bind/>` of XEP-0386.
#[derive(Clone, Debug, Default)]
pub struct BindRequest {
    /// To go into the resource.
    pub tag: Option<Text>,
    pub carbons: bool,
    /// XEP-0352: how the session begins, if the client says so.
    pub active: Option<bool>,
    pub sm: Option<sm::Enable>,
    /// Complete elements of other namespaces.
    pub others: Vec<Text>,
}

/// The answer to [`Event::Authenticated`].
#[derive(Debug)]
pub struct Admission {
    pub session: Admitted,
    /// The former session was asked for and cannot be resumed.
    pub resume_refused: Option<sm::ResumeRefused>,
    /// XEP-0484: a new token for the client.
    pub token: Option<FastToken>,
}

/// What an admitted client has.
#[derive(Debug)]
pub enum Admitted {
    /// No session yet: it will bind a resource. The only answer to SASL of RFC 6120.
    Account,
    /// A new session (XEP-0386).
    Bound {
        jid: Jid,
        /// The answer if stream management was asked for.
        sm: Option<Result<sm::Grant, Condition>>,
        /// Complete elements for `<bound/>`, such as the archive's `<metadata/>`.
        extra: Vec<Text>,
    },
    /// The former session, taken from where it waited or from the connection that still had it.
    Resumed { jid: Jid, session: Box<sm::Session> },
}

/// `<token/>` of XEP-0484 §3.3.
#[derive(Clone, Debug)]
pub struct FastToken {
    /// Printable ASCII.
    pub token: Secret,
    /// Microseconds since 1970 UTC.
    pub expiry: i64,
}

/// How a stream came to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The client closed the stream, and the session with it (XEP-0198 §7).
    Closed,
    /// The client sent this stream error.
    PeerError(StreamError),
    /// This stream error was sent to the client.
    Error(StreamError),
    /// Bytes behind `<starttls/>` that were not TLS's.
    EarlyData,
    /// TLS was asked for where it is not to be had (RFC 6120 §5.4.2.2).
    TlsRefused,
    /// The TLS handshake was not done in time.
    TlsTimeout,
    /// The client does not answer requests for acknowledgement; its session can be resumed.
    Unacknowledged,
}

impl UserAgent {
    /// A UUID has 36 bytes.
    pub const ID_BYTES_MAX: usize = 128;
}

impl Admission {
    /// Only authenticated.
    pub fn account() -> Admission {
        Admission { session: Admitted::Account, resume_refused: None, token: None }
    }
}

impl End {
    /// Whether the session outlives the stream, so that it can be resumed.
    pub fn is_resumable(&self) -> bool {
        *self == End::Unacknowledged
    }
}

impl AuthFailed {
    pub(super) fn of(exchange: Option<&Exchange>, failure: SaslFailure) -> AuthFailed {
        AuthFailed {
            username: exchange.and_then(|exchange| exchange.username().cloned()),
            mechanism: exchange.map(Exchange::mechanism),
            failure,
        }
    }
}
