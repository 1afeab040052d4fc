//! The versions and suites of TLS that options leave: `protocol_options` and `ciphers`, in OpenSSL's words.

use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};

use crate::{certificates, ciphers};

#[cfg(test)]
mod tests;

/// Words that ask for what holds anyway, or for ways around faults of programs that speak nothing newer than TLS 1.0.
const SATISFIED: [&str; 30] = [
    "all",
    "cisco_anyconnect",
    "cookie_exchange",
    "cryptopro_tlsext_bug",
    "dont_insert_empty_fragments",
    "ephemeral_rsa",
    "microsoft_big_sslv3_buffer",
    "microsoft_sess_id_bug",
    "msie_sslv2_rsa_padding",
    "netscape_ca_dn_bug",
    "netscape_challenge_bug",
    "netscape_demo_cipher_change_bug",
    "netscape_reuse_cipher_change_bug",
    "no_compression",
    "no_query_mtu",
    "no_session_resumption_on_renegotiation",
    "no_sslv2",
    "no_sslv3",
    "no_ticket",
    "no_tlsv1",
    "no_tlsv1_1",
    "pkcs1_check_1",
    "pkcs1_check_2",
    "single_dh_use",
    "single_ecdh_use",
    "ssleay_080_client_dh_bug",
    "sslref2_reuse_cert_type_bug",
    "tls_block_padding_bug",
    "tls_d5_bug",
    "tls_rollback_bug",
];

/// How a connection may be encrypted.
#[derive(Clone, Debug)]
pub struct TlsPolicy {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    /// This end chooses the suite, whatever the client prefers.
    pub(crate) own_order: bool,
}

impl Default for TlsPolicy {
    /// TLS 1.2 and 1.3, with all suites of the library.
    fn default() -> Self {
        Self { provider: certificates::provider(), versions: vec![&TLS13, &TLS12], own_order: false }
    }
}

/// What is wrong with the options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// A word of `protocol_options` that is none.
    #[error("`{0}` is no option of protocols; it has no effect")]
    UnknownOption(String),
    /// A word of `protocol_options` that asks for less security than there is.
    #[error("`{0}` has no effect: TLS 1.2 and 1.3 are spoken, without renegotiation")]
    Weaker(String),
    /// Words of `ciphers` that mean no suite that is here.
    #[error("{0} means nothing here: there are ECDHE with AES-GCM or ChaCha20, and the suites of TLS 1.3")]
    UnknownCiphers(String),
    /// `ciphers` leaves no suite for TLS 1.2, which nothing forbids.
    #[error("these ciphers leave no suite for TLS 1.2: only TLS 1.3 is spoken")]
    OnlyTls13,
    /// Nothing is left. The only one that makes the options unusable.
    #[error("these options leave no version and suite of TLS")]
    NothingLeft,
}

impl TlsPolicy {
    /// What `protocol_options` (words between bars) and `ciphers` (OpenSSL's list) leave, and what is to be said about
    /// them. Without a list all suites are left; suites of TLS 1.3 are only chosen among by those that it names.
    ///
    /// # Errors
    /// [`PolicyFault::NothingLeft`].
    pub fn read(
        protocol_options: Option<&str>,
        ciphers: Option<&str>,
    ) -> Result<(Self, Vec<PolicyFault>), PolicyFault> {
        let mut policy = Self::default();
        let mut faults = Vec::new();
        for word in protocol_options.unwrap_or_default().split('|').map(str::trim) {
            match word.to_ascii_lowercase().as_str() {
                "no_tlsv1_2" => policy.versions.retain(|version| version.version != TLS12.version),
                "no_tlsv1_3" => policy.versions.retain(|version| version.version != TLS13.version),
                "cipher_server_preference" => policy.own_order = true,
                "sslv2"
                | "sslv3"
                | "tlsv1"
                | "tlsv1_1"
                | "allow_unsafe_legacy_renegotiation"
                | "legacy_server_connect" => faults.push(PolicyFault::Weaker(word.to_owned())),
                "" | "tlsv1_2" | "tlsv1_3" => {}
                other if SATISFIED.contains(&other) => {}
                _ => faults.push(PolicyFault::UnknownOption(word.to_owned())),
            }
        }
        if let Some(list) = ciphers {
            policy.choose(list, &mut faults);
        }
        match policy.versions.is_empty() {
            true => Err(PolicyFault::NothingLeft),
            false => Ok((policy, faults)),
        }
    }

    /// Leaves the suites of a list, and the versions that have one.
    fn choose(&mut self, list: &str, faults: &mut Vec<PolicyFault>) {
        let listed = ciphers::read(list);
        let mut provider = CryptoProvider::clone(&self.provider);
        provider.cipher_suites = listed.of(&provider);
        let had_tls12 = self.versions.contains(&&TLS12);
        self.versions
            .retain(|version| provider.cipher_suites.iter().any(|suite| suite.version() == *version));
        // OpenSSL refuses such a list; a name of TLS 1.3 alone says what it wants.
        let lost_tls12 = had_tls12 && !self.versions.contains(&&TLS12) && listed.tls13.is_empty();
        if !listed.absent.is_empty() {
            faults.push(PolicyFault::UnknownCiphers(listed.absent.join(", ")));
        }
        if lost_tls12 && !self.versions.is_empty() {
            faults.push(PolicyFault::OnlyTls13);
        }
        self.provider = Arc::new(provider);
    }
}
