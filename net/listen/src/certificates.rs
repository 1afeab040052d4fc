//! Certificates by domain, swapped while connections go on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::SignatureAlgorithm;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Why certificates can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file can't be read or isn't PEM.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate has no key among the files.
    #[error("{path}: no private key in the given files belongs to this certificate")]
    NoKey {
        /// The file the certificate is in.
        path: PathBuf,
    },
}

/// One certificate with its chain and key.
#[derive(Debug)]
struct Entry {
    key: Arc<CertifiedKey>,
    names: Vec<String>,
    private: PrivateKeyDer<'static>,
}

#[derive(Debug, Default)]
struct Table {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// Wildcard names without their `*.`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
    /// The first certificate with a key for ECDSA, and this key.
    for_datagrams: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
}

/// The certificates of all hosts.
#[derive(Debug, Default)]
pub struct Certificates {
    table: ArcSwap<Table>,
}

impl Certificates {
    /// Reads PEM files (certificates, chains and keys in any order and any distribution over files).
    ///
    /// # Errors
    /// [`CertificateError`] for the first file that can't be used; nothing changes then.
    pub fn load(&self, files: &[PathBuf]) -> Result<(), CertificateError> {
        let mut keys = Vec::new();
        let mut chains = Vec::new();
        for path in files {
            read_pem(path, &mut chains, &mut keys)?;
        }
        let mut table = Table::default();
        for (path, chain) in chains {
            let entry = certify(&path, chain, &keys)?;
            table.default.get_or_insert_with(|| Arc::clone(&entry.key));
            if table.for_datagrams.is_none()
                && entry.key.key.algorithm() == SignatureAlgorithm::ECDSA
                && let Some(leaf) = entry.key.cert.first()
            {
                table.for_datagrams = Some((leaf.clone(), entry.private));
            }
            for name in entry.names {
                match name.strip_prefix("*.") {
                    Some(parent) => table.wildcard.insert(parent.to_owned(), Arc::clone(&entry.key)),
                    None => table.exact.insert(name, Arc::clone(&entry.key)),
                };
            }
        }
        self.table.store(Arc::new(table));
        Ok(())
    }

    /// The certificate for a domain: its own, that of a wildcard, or the first one given.
    pub fn find(&self, domain: &str) -> Option<Arc<CertifiedKey>> {
        let table = self.table.load();
        let wildcard = || domain.split_once('.').and_then(|(_, parent)| table.wildcard.get(parent));
        table.exact.get(domain).or_else(wildcard).or(table.default.as_ref()).cloned()
    }

    /// The first certificate with a key for ECDSA, and the key, both in DER: DTLS takes no other.
    pub fn for_datagrams(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let table = self.table.load();
        table.for_datagrams.as_ref().map(|(leaf, key)| (leaf.to_vec(), key.secret_der().to_vec()))
    }

    /// Whether a certificate names this domain.
    pub fn covers(&self, domain: &str) -> bool {
        let table = self.table.load();
        let wildcard =
            || domain.split_once('.').is_some_and(|(_, parent)| table.wildcard.contains_key(parent));
        table.exact.contains_key(domain) || wildcard()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default().to_ascii_lowercase();
        self.find(&name)
    }
}

type Chain = Vec<CertificateDer<'static>>;

fn read_pem(
    path: &Path,
    chains: &mut Vec<(PathBuf, Chain)>,
    keys: &mut Vec<PrivateKeyDer<'static>>,
) -> Result<(), CertificateError> {
    let failed = |reason: String| CertificateError::File { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let certificates: Result<Chain, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = certificates.map_err(|error| failed(format!("not PEM: {error}")))?;
    let before = keys.len();
    for key in PrivateKeyDer::pem_slice_iter(&bytes) {
        keys.push(key.map_err(|error| failed(format!("not a PEM key: {error}")))?);
    }
    if certificates.is_empty() && keys.len() == before {
        return Err(failed("neither a certificate nor a key is in it".to_owned()));
    }
    if !certificates.is_empty() {
        chains.push((path.to_owned(), certificates));
    }
    Ok(())
}

fn certify(path: &Path, chain: Chain, keys: &[PrivateKeyDer<'static>]) -> Result<Entry, CertificateError> {
    let names = chain.first().map(names_of).unwrap_or_default();
    let provider = provider();
    for key in keys {
        let Ok(signing) = provider.key_provider.load_private_key(key.clone_key()) else { continue };
        let certified = CertifiedKey::new(chain.clone(), signing);
        if certified.keys_match().is_ok() {
            return Ok(Entry { key: Arc::new(certified), names, private: key.clone_key() });
        }
    }
    Err(CertificateError::NoKey { path: path.to_owned() })
}

/// The cryptography of all TLS here.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The DNS names of a certificate: subjectAltName only; a common name proves nothing (RFC 6125 §6.4.4).
fn names_of(certificate: &CertificateDer<'static>) -> Vec<String> {
    Presented::read(certificate).map(|presented| presented.dns_names).unwrap_or_default()
}

/// The `tls-server-end-point` channel binding of a certificate: its hash with the hash function of its signature, or
/// SHA-256 where that is weaker (RFC 5929 §4.1). `None` for signatures without a hash function.
pub fn end_point_hash(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = parsed.signature_algorithm.algorithm.to_id_string();
    match algorithm.as_str() {
        // sha384WithRSAEncryption, ecdsa-with-SHA384
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Some(Sha384::digest(certificate).to_vec()),
        // sha512WithRSAEncryption, ecdsa-with-SHA512
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Some(Sha512::digest(certificate).to_vec()),
        // Ed25519 and Ed448 hash nothing by themselves.
        "1.3.101.112" | "1.3.101.113" => None,
        _ => Some(Sha256::digest(certificate).to_vec()),
    }
}

/// What a certificate says about who holds it. A common name says nothing (RFC 9525 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presented {
    /// dNSName, in lower case.
    pub dns_names: Vec<String>,
    /// SRVName (RFC 4985), such as `_xmpp-server.example.org`, in lower case.
    pub srv_names: Vec<String>,
    /// id-on-xmppAddr (RFC 6120 §13.7.1.4).
    pub xmpp_addresses: Vec<String>,
    /// The subject, for people.
    pub subject: String,
    /// The issuer, for people.
    pub issuer: String,
    /// The end of its validity, in seconds since the UNIX epoch.
    pub not_after: i64,
    /// Subject and issuer are the same.
    pub is_self_issued: bool,
    /// SubjectPublicKeyInfo, as it is encoded.
    pub public_key_info: Vec<u8>,
}

const ID_ON_XMPP_ADDR: &str = "1.3.6.1.5.5.7.8.5";
const ID_ON_DNS_SRV: &str = "1.3.6.1.5.5.7.8.7";

impl Presented {
    /// Reads a certificate; `None` if it can't be read.
    pub fn read(certificate: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let mut presented = Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            not_after: parsed.validity().not_after.timestamp(),
            is_self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
            public_key_info: parsed.public_key().raw.to_vec(),
            ..Self::default()
        };
        let Ok(Some(alternative)) = parsed.subject_alternative_name() else { return Some(presented) };
        for name in &alternative.value.general_names {
            presented.add(name);
        }
        Some(presented)
    }

    fn add(&mut self, name: &GeneralName<'_>) {
        match name {
            GeneralName::DNSName(name) => self.dns_names.push(name.to_ascii_lowercase()),
            GeneralName::OtherName(oid, value) => match oid.to_id_string().as_str() {
                ID_ON_XMPP_ADDR => self.xmpp_addresses.extend(string(value)),
                ID_ON_DNS_SRV => self.srv_names.extend(string(value).map(|name| name.to_ascii_lowercase())),
                _ => {}
            },
            _ => {}
        }
    }
}

/// The XMPP addresses a client certificate names (id-on-xmppAddr, RFC 6120 §13.7.1.4).
pub fn xmpp_addresses(certificate: &[u8]) -> Vec<String> {
    Presented::read(certificate).map(|presented| presented.xmpp_addresses).unwrap_or_default()
}

/// The common name of the subject, if it has exactly one: ejabberd's MQTT takes it for the account's address.
pub fn common_name(certificate: &[u8]) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.to_owned();
    names.next().is_none().then_some(name)
}

/// The text of `[0] EXPLICIT UTF8String` or `[0] EXPLICIT IA5String`, or of the bare string.
fn string(der: &[u8]) -> Option<String> {
    const UTF8_STRING: u8 = 0x0c;
    const IA5_STRING: u8 = 0x16;
    const EXPLICIT: u8 = 0xa0;
    let (tag, body) = tlv(der)?;
    match tag {
        EXPLICIT => string(body),
        UTF8_STRING | IA5_STRING => String::from_utf8(body.to_vec()).ok(),
        _ => None,
    }
}

/// Tag and contents of a DER element with a length below 65,536.
fn tlv(der: &[u8]) -> Option<(u8, &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => {
            let (length, rest) = rest.split_at_checked(2)?;
            (usize::from(length[0]) << 8 | usize::from(length[1]), rest)
        }
        _ => return None,
    };
    rest.get(..length).map(|body| (tag, body))
}

#[cfg(test)]
mod tests;
