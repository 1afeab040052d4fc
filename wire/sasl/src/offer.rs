use nightjar_text::Text;

use crate::{Condition, Mechanism, SaslFailure};

/// What the server told the client it may use, and what is known about the channel.
///
/// `mechanisms` and `channel_bindings` must be exactly what the stream features listed: the downgrade protection of
/// XEP-0474 hashes them.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// The virtual host, normalised.
    pub host: Text,
    /// The list of `<mechanisms/>` (SASL1) or `<authentication/>` (SASL2), whichever the client uses.
    pub mechanisms: Vec<Mechanism>,
    /// The list inside `<fast/>` (XEP-0484); not part of the downgrade hash.
    pub fast: Vec<Mechanism>,
    /// The list of XEP-0440 with the data of this connection; empty if the feature was not sent.
    pub channel_bindings: Vec<ChannelBinding>,
    /// The stream is encrypted.
    pub tls: bool,
    /// Lets passwords and tokens through on a stream that is not encrypted. Default false; set only where the channel
    /// is private by other means.
    pub plaintext_allowed: bool,
    /// Adds the `h` attribute of XEP-0474 (`disable_sasl_scram_downgrade_protection` inverted).
    pub downgrade_protection: bool,
}

impl Offer {
    pub(crate) fn admit(&self, mechanism: Mechanism) -> Result<(), SaslFailure> {
        if !self.mechanisms.contains(&mechanism) && !self.fast.contains(&mechanism) {
            return Err(SaslFailure::new(Condition::InvalidMechanism, "mechanism not offered"));
        }
        if mechanism.needs_confidentiality() && !self.tls && !self.plaintext_allowed {
            return Err(SaslFailure::new(Condition::EncryptionRequired, "mechanism needs TLS"));
        }
        Ok(())
    }

    pub(crate) fn offers_plus(&self) -> bool {
        self.mechanisms.iter().any(|mechanism| mechanism.is_plus())
    }

    pub(crate) fn binding(&self, kind: ChannelBindingKind) -> Option<&[u8]> {
        self.channel_bindings
            .iter()
            .find(|binding| binding.kind == kind)
            .map(|binding| binding.data.as_slice())
    }
}

/// One way to tie the authentication to the TLS channel, with the data of this connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding {
    pub kind: ChannelBindingKind,
    pub data: Vec<u8>,
}

/// tls-unique is left out on purpose (RFC 9266 §1 says why).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelBindingKind {
    /// RFC 9266
    TlsExporter,
    /// RFC 5929 §4
    TlsServerEndPoint,
}

impl ChannelBindingKind {
    /// The registered name, as in XEP-0440 and in SCRAM's `p=`.
    pub const fn name(self) -> &'static str {
        match self {
            ChannelBindingKind::TlsExporter => "tls-exporter",
            ChannelBindingKind::TlsServerEndPoint => "tls-server-end-point",
        }
    }

    pub fn from_name(name: &str) -> Option<ChannelBindingKind> {
        [ChannelBindingKind::TlsExporter, ChannelBindingKind::TlsServerEndPoint]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}
