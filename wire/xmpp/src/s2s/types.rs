//! What passes between the machines and their drivers.

use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_sasl::Secret;
use nightjar_text::Text;
use nightjar_xml::Limits;

use crate::stanza::Stanza;
use crate::stanza_error::StanzaError;
use crate::stream_error::StreamError;

/// What the streams of a listener, or those from one host, have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Limits of what a server may send before a pair of domains is authorised.
    pub limits_before_auth: Limits,
    /// Limits from then on (`max_stanza_size`).
    pub limits: Limits,
    /// From the first byte to the first authorised pair (`negotiation_timeout`). Nothing the peer sends extends it.
    pub negotiation_timeout: Duration,
    /// Requests of dialback that wait for an answer, per stream, direction and kind; beyond it they are refused.
    pub pending_max: usize,
    /// Pairs that may be authorised on one stream.
    pub pairs_max: usize,
    /// Failed SASL attempts after which an incoming stream is closed (RFC 6120 §6.4.5).
    pub auth_attempts_max: u8,
    /// XEP-0198: what may wait for acknowledgement, if stream management is to be used.
    pub sm: Option<SmSettings>,
    /// Outgoing streams only (`s2s_use_starttls`); for incoming ones see [`HostOffer::starttls`].
    pub starttls: StartTls,
    /// Outgoing streams only: ask for XEP-0288 where the peer offers it.
    pub bidi: bool,
    /// Outgoing streams only: keys are made of it (XEP-0185). `None` if dialback is not to be used.
    pub dialback_secret: Option<Secret>,
}

/// Stream management between servers; streams are never resumed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SmSettings {
    /// Stanzas that may wait for acknowledgement; when there are more, the stream ends.
    pub queue_max: usize,
    /// How long a request for acknowledgement may stay unanswered; zero for ever.
    pub ack_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        let limits = Limits::default();
        let stanza_bytes = limits.stanza_bytes.min(32_768);
        Settings {
            limits_before_auth: Limits { stanza_bytes, ..limits },
            limits,
            negotiation_timeout: Duration::from_secs(120),
            pending_max: 16,
            pairs_max: 1000,
            auth_attempts_max: 3,
            sm: Some(SmSettings { queue_max: 10_000, ack_timeout: Duration::from_secs(60) }),
            starttls: StartTls::Required,
            bidi: false,
            dialback_secret: None,
        }
    }
}

/// Whether a stream that is not encrypted can or must become so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StartTls {
    Never,
    Optional,
    #[default]
    Required,
}

/// What the driver has to do.
pub type Output<E> = crate::stream::Output<E, End>;

/// What happened on a stream that another server opened. The comment says what the machine waits for; until then it
/// takes no input.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "stanzas are nearly all events; a box would cost each an allocation"
)]
pub enum IncomingEvent {
    /// A stanza of an authorised pair, checked by RFC 6120 §8; it has both addresses. Waits for nothing. It counts as
    /// handled once the next input is given.
    Stanza(Stanza),
    /// A stanza of an authorised pair was wrong (RFC 6120 §8.3); this error is to be routed to its sender. Waits for
    /// nothing.
    Refused(Stanza),
    /// A stream header. Comes again behind STARTTLS and behind SASL. Waits for `provide_host`, or `close` with
    /// `host-unknown` or the like.
    Opened(Box<Opened>),
    /// EXTERNAL is asked for: does the peer's certificate prove this domain? Waits for `admit` or `deny`.
    External { from: Jid },
    /// XEP-0220 §2.2.1, receiving role: a key to be verified with the authoritative server of `from`, with the id of
    /// the stream. Answered by `dialback_result` at any later time; the stream goes on meanwhile.
    DialbackKey { from: Jid, to: Jid, stream_id: Text, key: Text },
    /// XEP-0220 §2.2.2, authoritative role: is the key ours, made for receiving server `from`, originating domain `to`
    /// and stream `id` ([`super::dialback::matches`])? Answered by `dialback_verified` at any later time.
    DialbackVerify { from: Jid, to: Jid, id: Text, key: Text },
    /// XEP-0288: the peer accepts stanzas on this stream. They may be given to `send` for each pair from the time it is
    /// authorised. Waits for nothing.
    BidiEnabled,
    /// The answer to `authorize_back` (XEP-0288 only). Waits for nothing.
    PairResult { from: Jid, to: Jid, verdict: Verdict },
}

/// A stream header that passed the checks of RFC 6120 §4.7. What was named once stays the same on each later header.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The domain the peer claims; not proven. `None` on streams that only verify, and those from before XMPP 1.0.
    pub from: Option<Jid>,
    /// The domain it wants; `None` only on streams from before XMPP 1.0.
    pub to: Option<Jid>,
    /// The default language of what the peer sends.
    pub lang: Option<Text>,
    /// The stream is encrypted.
    pub secured: bool,
    /// Set behind SASL.
    pub authenticated: Option<Jid>,
    /// The peer speaks XMPP 1.0: it gets features. Otherwise only dialback is possible.
    pub xmpp: bool,
}

/// What a host offers on this stream, in answer to [`IncomingEvent::Opened`].
#[derive(Clone, Debug, Default)]
pub struct HostOffer {
    /// Unguessable, new for each header (RFC 6120 §4.7.3); the keys of dialback are bound to it.
    pub stream_id: Text,
    /// Has no meaning on a stream that is encrypted.
    pub starttls: StartTls,
    /// Offer SASL EXTERNAL: the certificate proves `from` (XEP-0178 §3). Has no meaning on a stream in the clear.
    pub external: bool,
    /// Take keys of dialback (XEP-0220), and offer its errors.
    pub dialback: bool,
    /// Offer XEP-0288.
    pub bidi: bool,
    /// Offer XEP-0198; [`Settings::sm`] must be set.
    pub sm: bool,
    /// Complete elements for `<stream:features/>` beyond what the fields above stand for.
    pub features: Vec<Text>,
}

/// What happened on a stream that we opened. The comment says what the machine waits for; until then it takes no input.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "stanzas are nearly all events; a box would cost each an allocation"
)]
pub enum OutgoingEvent {
    /// XEP-0288: a stanza from the peer, of an authorised pair. Waits for nothing.
    Stanza(Stanza),
    /// XEP-0288: as [`IncomingEvent::Refused`]. Waits for nothing.
    Refused(Stanza),
    /// What the peer offers, once the question of TLS is settled. Waits for `authenticate` or `close`. Comes again if
    /// EXTERNAL fails.
    Features(Features),
    /// Whether stanzas from `from` to `to` may be sent: of the first pair, and the answer to `authorize`. Waits for
    /// nothing.
    PairResult { from: Jid, to: Jid, verdict: Verdict },
    /// The answer to `verify`; `from`, `to` and `id` as they were given there. Waits for nothing.
    VerifyResult { from: Jid, to: Jid, id: Text, verdict: Verdict },
    /// XEP-0288: as [`IncomingEvent::DialbackKey`]; `from` is the peer's domain.
    DialbackKey { from: Jid, to: Jid, stream_id: Text, key: Text },
    /// XEP-0198: stanzas are acknowledged from now on. Waits for nothing.
    SmEnabled,
}

/// What can be done on a stream that we opened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Features {
    /// The stream is encrypted.
    pub secured: bool,
    /// SASL EXTERNAL is offered (XEP-0178).
    pub external: bool,
    /// Dialback can be done: the peer declares it, gave the stream an id, and we have a secret.
    pub dialback: bool,
    /// Errors of dialback are understood, so that pairs with other domains than `to` may be asked for
    /// (XEP-0220 §2.6.2).
    pub dialback_errors: bool,
    /// XEP-0288 is offered.
    pub bidi: bool,
    /// XEP-0198 is offered.
    pub sm: bool,
    /// EXTERNAL was tried and refused with this condition (RFC 6120 §6.5).
    pub refused: Option<Text>,
}

/// How to go on behind [`OutgoingEvent::Features`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plan {
    /// SASL EXTERNAL with our certificate.
    External,
    /// A dialback key for the pair the stream was opened for.
    Dialback,
    /// Nothing is to be sent but requests to verify keys.
    VerifyOnly,
}

/// The outcome of dialback (XEP-0220).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Valid,
    Invalid,
    /// §2.5: nothing is known about the key.
    Error(StanzaError),
}

/// How a stream came to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The peer closed the stream.
    Closed,
    /// We closed it (`finish`).
    Finished,
    /// The peer sent this stream error.
    PeerError(StreamError),
    /// This stream error was sent to the peer.
    Error(StreamError),
    /// Bytes behind `<starttls/>` or `<proceed/>` that were not TLS's.
    EarlyData,
    /// TLS was asked for where it is not to be had (RFC 6120 §5.4.2.2).
    TlsRefused,
    /// We require TLS and the peer does not offer it, or somebody in between took the offer away.
    TlsMissing,
    /// The peer requires TLS and we must not use it.
    TlsDemanded,
    /// The TLS handshake was not done in time.
    TlsTimeout,
    /// The only key the peer gave was not valid (XEP-0220 §2.2.1).
    DialbackInvalid,
    /// The peer does not answer requests for acknowledgement.
    Unacknowledged,
}
