//! Whether a certificate proves a domain: names by RFC 9525 and RFC 6120 §13.7, trust by PKIX or DANE (RFC 7712).

use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_net_listen::certificates::Presented;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest as _, Sha256, Sha512};
use webpki::{EndEntityCert, KeyUsage};

/// How a certificate was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// An authority vouches for it.
    Pkix,
    /// The domain's DNS does, signed by DNSSEC.
    Dane,
}

/// Why a certificate doesn't prove a domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CertificateFault {
    /// The other server showed none.
    #[error("no certificate was shown")]
    Missing,
    /// It can't be read.
    #[error("the certificate can't be read")]
    Unreadable,
    /// It names others; the names it has.
    #[error("the certificate is for {0}")]
    WrongName(String),
    /// It has no name that counts: a common name or an IP address does not.
    #[error("the certificate names no domain in its subjectAltName")]
    NoName,
    /// Its time is over.
    #[error("the certificate has expired")]
    Expired,
    /// Its time hasn't come.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// Nobody but itself vouches for it.
    #[error("the certificate is self-signed")]
    SelfSigned,
    /// Whoever vouches for it isn't trusted; who that is.
    #[error("the certificate's issuer is not trusted: {0}")]
    Untrusted(String),
    /// It may not be used like this, or its chain is broken; the reason.
    #[error("the certificate is not valid: {0}")]
    Invalid(String),
    /// The DNS, signed by DNSSEC, asks for another one.
    #[error("the certificate is none of those that the domain's TLSA records ask for")]
    Dane,
    /// What the DNS says about it is not signed properly, where it has to be.
    #[error("the DNS records about the certificate have no valid DNSSEC signature")]
    Bogus,
    /// The DNS doesn't say which it must be, though the domain is signed.
    #[error("the name servers don't say which certificate the domain's TLSA records ask for")]
    Silent,
}

impl CertificateFault {
    /// Whether no other way of proving the domain will do: it has said by DNSSEC how it is proved.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Dane | Self::Bogus | Self::Silent)
    }
}

/// One TLSA record (RFC 6698 §2.1) whose DNSSEC signatures are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tlsa {
    /// 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE
    pub usage: u8,
    /// 0 the whole certificate, 1 its SubjectPublicKeyInfo
    pub selector: u8,
    /// 0 as it is, 1 SHA-256, 2 SHA-512
    pub matching: u8,
    pub data: Vec<u8>,
}

impl Tlsa {
    /// Records of unknown kinds are unusable and count as not there (RFC 6698 §4.1).
    fn is_usable(&self) -> bool {
        self.usage <= 3 && self.selector <= 1 && self.matching <= 2
    }

    fn matches(&self, certificate: &CertificateDer<'_>) -> bool {
        let key;
        let selected: &[u8] = match self.selector {
            0 => certificate.as_ref(),
            _ => {
                let Some(presented) = Presented::read(certificate) else { return false };
                key = presented.public_key_info;
                &key
            }
        };
        match self.matching {
            0 => selected == self.data,
            1 => Sha256::digest(selected).as_slice() == self.data,
            _ => Sha512::digest(selected).as_slice() == self.data,
        }
    }
}

/// What a domain's proof is checked against.
pub(super) struct Reference<'a> {
    /// The domain.
    pub domain: &'a str,
    /// The name that its SRV record gave, if DNSSEC proves that record: a certificate for it will do as well (RFC 7712
    /// §3).
    pub delegated: Option<&'a str>,
    /// TLSA records, if DNSSEC proves them.
    pub tlsa: &'a [Tlsa],
}

/// Whether the chain, leaf first, proves the domain.
///
/// # Errors
/// Why it doesn't.
pub(super) fn verify(
    chain: &[CertificateDer<'_>],
    reference: &Reference<'_>,
    roots: &Arc<RootCertStore>,
    now: UnixTime,
) -> Result<Proof, CertificateFault> {
    let (leaf, intermediates) = chain.split_first().ok_or(CertificateFault::Missing)?;
    let presented = Presented::read(leaf).ok_or(CertificateFault::Unreadable)?;
    let usable: Vec<_> = reference.tlsa.iter().filter(|record| record.is_usable()).collect();
    let pkix = || pkix(leaf, intermediates, roots, now, &presented);
    if usable.is_empty() {
        pkix()?;
        return check_name(&presented, reference).map(|()| Proof::Pkix);
    }
    // RFC 7671 §5.1: neither names nor times count for DANE-EE.
    if usable.iter().any(|record| record.usage == 3 && record.matches(leaf)) {
        return Ok(Proof::Dane);
    }
    check_name(&presented, reference)?;
    if usable.iter().any(|record| record.usage == 1 && record.matches(leaf)) {
        return pkix().map(|()| Proof::Pkix);
    }
    for record in &usable {
        let Some(anchor) = intermediates.iter().find(|certificate| record.matches(certificate)) else {
            continue;
        };
        match record.usage {
            0 => return pkix().map(|()| Proof::Pkix),
            2 => return below(leaf, intermediates, anchor, now, &presented).map(|()| Proof::Dane),
            _ => {}
        }
    }
    Err(CertificateFault::Dane)
}

fn below(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    anchor: &CertificateDer<'_>,
    now: UnixTime,
    presented: &Presented,
) -> Result<(), CertificateFault> {
    let mut roots = RootCertStore::empty();
    roots.add(anchor.clone().into_owned()).map_err(|error| CertificateFault::Invalid(error.to_string()))?;
    pkix(leaf, intermediates, &Arc::new(roots), now, presented)
}

/// Certificates of servers are made for servers; that they show them when they connect, too, is what RFC 6120 §13.7.1.2
/// asks for. So either use will do.
fn pkix(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    roots: &Arc<RootCertStore>,
    now: UnixTime,
    presented: &Presented,
) -> Result<(), CertificateFault> {
    let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
    let certificate = EndEntityCert::try_from(leaf).map_err(|_| CertificateFault::Unreadable)?;
    let check = |usage| {
        certificate
            .verify_for_usage(algorithms, &roots.roots, intermediates, now, usage, None, None)
            .map(|_| ())
    };
    let checked = check(KeyUsage::server_auth()).or_else(|_| check(KeyUsage::client_auth()));
    checked.map_err(|error| match error {
        webpki::Error::CertExpired { .. } => CertificateFault::Expired,
        webpki::Error::CertNotValidYet { .. } => CertificateFault::NotYetValid,
        webpki::Error::UnknownIssuer | webpki::Error::CaUsedAsEndEntity if presented.is_self_issued => {
            CertificateFault::SelfSigned
        }
        webpki::Error::UnknownIssuer => CertificateFault::Untrusted(presented.issuer.clone()),
        other => CertificateFault::Invalid(other.to_string()),
    })
}

fn check_name(presented: &Presented, reference: &Reference<'_>) -> Result<(), CertificateFault> {
    let is_named = names(presented, reference.domain)
        || reference.delegated.is_some_and(|delegated| names(presented, delegated));
    if is_named {
        return Ok(());
    }
    let mut named: Vec<&str> = Vec::new();
    named.extend(presented.dns_names.iter().map(String::as_str));
    named.extend(presented.srv_names.iter().map(String::as_str));
    named.extend(presented.xmpp_addresses.iter().map(String::as_str));
    if named.is_empty() {
        return Err(CertificateFault::NoName);
    }
    // What others write into their certificates is shown, not believed.
    let named = named.join(", ").escape_debug().take(200).collect();
    Err(CertificateFault::WrongName(named))
}

/// Whether the certificate names the domain as dNSName, SRVName or id-on-xmppAddr.
fn names(presented: &Presented, domain: &str) -> bool {
    let Ok(ascii) = idna::domain_to_ascii(domain) else { return false };
    let is_dns = presented.dns_names.iter().any(|name| dns_name_covers(name, &ascii));
    let is_srv = presented
        .srv_names
        .iter()
        .any(|name| name.strip_prefix("_xmpp-server.").is_some_and(|name| dns_name_covers(name, &ascii)));
    is_dns || is_srv || presented.xmpp_addresses.iter().any(|address| is_domain(address, domain))
}

/// RFC 9525 §6.3: a wildcard is the whole left-most label and stands for exactly one, and there are two labels at least
/// behind it.
fn dns_name_covers(name: &str, domain: &str) -> bool {
    let is_plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    match name.strip_prefix("*.") {
        Some(parent) => {
            let below =
                domain.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent);
            is_plain(parent) && parent.contains('.') && below
        }
        None => is_plain(name) && name == domain,
    }
}

fn is_domain(address: &str, domain: &str) -> bool {
    let Ok(address) = address.parse::<Jid>() else { return false };
    address.local().is_none() && address.resource().is_none() && address.domain() == domain
}

#[cfg(test)]
mod tests;
