use crate::{ChannelBindingKind, ScramHash};

/// A SASL mechanism this server can run.
///
/// Not in the list on purpose: DIGEST-MD5 (moved to historic by RFC 6331) and HT-SHA-256-UNIQ (tls-unique is
/// undefined for TLS 1.3 and open to the triple handshake attack before it); [`Mechanism::from_name`] does not know
/// them, so they end in `invalid-mechanism`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 5802, RFC 7677; `plus` binds to the TLS channel.
    Scram { hash: ScramHash, plus: bool },
    /// RFC 4616
    Plain,
    /// RFC 4422 appendix A
    External,
    /// RFC 4505
    Anonymous,
    /// HT-SHA-256-*, the mechanisms of XEP-0484 tokens.
    Token(TokenBinding),
    /// RFC 7628
    OauthBearer,
    /// PLAIN's message with an OAuth token in the place of the password.
    XOauth2,
}

/// What a token mechanism proves about the TLS channel (last part of its name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenBinding {
    None,
    Exporter,
    EndPoint,
}

impl TokenBinding {
    pub const fn channel_binding(self) -> Option<ChannelBindingKind> {
        match self {
            TokenBinding::None => None,
            TokenBinding::Exporter => Some(ChannelBindingKind::TlsExporter),
            TokenBinding::EndPoint => Some(ChannelBindingKind::TlsServerEndPoint),
        }
    }
}

const fn scram(hash: ScramHash, plus: bool) -> Mechanism {
    Mechanism::Scram { hash, plus }
}

const NAMES: [(Mechanism, &str); 14] = [
    (Mechanism::External, "EXTERNAL"),
    (scram(ScramHash::Sha512, true), "SCRAM-SHA-512-PLUS"),
    (scram(ScramHash::Sha256, true), "SCRAM-SHA-256-PLUS"),
    (scram(ScramHash::Sha1, true), "SCRAM-SHA-1-PLUS"),
    (scram(ScramHash::Sha512, false), "SCRAM-SHA-512"),
    (scram(ScramHash::Sha256, false), "SCRAM-SHA-256"),
    (scram(ScramHash::Sha1, false), "SCRAM-SHA-1"),
    (Mechanism::OauthBearer, "OAUTHBEARER"),
    (Mechanism::XOauth2, "X-OAUTH2"),
    (Mechanism::Plain, "PLAIN"),
    (Mechanism::Anonymous, "ANONYMOUS"),
    (Mechanism::Token(TokenBinding::Exporter), "HT-SHA-256-EXPR"),
    (Mechanism::Token(TokenBinding::EndPoint), "HT-SHA-256-ENDP"),
    (Mechanism::Token(TokenBinding::None), "HT-SHA-256-NONE"),
];

impl Mechanism {
    /// Every mechanism, in the order a server should list them: strongest first, tokens last.
    pub fn all() -> impl Iterator<Item = Mechanism> {
        NAMES.iter().map(|(mechanism, _)| *mechanism)
    }

    /// The name as registered; upper case, exact.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(mechanism, _)| *mechanism == self).map_or("", |(_, name)| name)
    }

    pub fn from_name(name: &str) -> Option<Mechanism> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(mechanism, _)| *mechanism)
    }

    /// The client proves the password or token in a form that an eavesdropper could use again.
    pub const fn needs_confidentiality(self) -> bool {
        matches!(self, Mechanism::Plain | Mechanism::Token(_) | Mechanism::OauthBearer | Mechanism::XOauth2)
    }

    pub const fn is_plus(self) -> bool {
        matches!(self, Mechanism::Scram { plus: true, .. })
    }
}
