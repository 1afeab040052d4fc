//! The certificates that clients and other servers see.

use std::path::{Path, PathBuf};

use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::Examination;
use crate::dns::{has_servers, subdomains};
use crate::finding::Finding;
use crate::look::{ascii, is_private, is_public, line};

const DAY: i64 = 86_400;
/// Authorities that renew automatically do it with a third of the time left.
const SOON_DAYS: i64 = 14;
/// NIST SP 800-131A.
const SMALLEST_RSA_BITS: usize = 2048;
const SMALLEST_CURVE_BITS: usize = 256;
/// RSA with MD2, MD5 and SHA-1, and ECDSA with SHA-1.
const WEAK_SIGNATURES: [&str; 4] =
    ["1.2.840.113549.1.1.2", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];

/// The certificates of a file, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    path: PathBuf,
    /// DER.
    pub(crate) certificates: Vec<Vec<u8>>,
    names: Vec<String>,
}

/// The chains that name a domain.
pub(crate) fn covering<'a>(chains: &'a [Chain], domain: &str) -> impl Iterator<Item = &'a Chain> {
    let domain = ascii(domain);
    let parent = domain.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    let names =
        move |chain: &&Chain| chain.names.iter().any(|name| *name == domain || Some(name) == parent.as_ref());
    chains.iter().filter(names)
}

/// The subjectPublicKeyInfo of a certificate.
pub(crate) fn public_key(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.public_key().raw.to_vec())
}

/// Looks at all of them, and returns those of `certfiles`.
pub(crate) fn check(examination: &Examination<'_>, found: &mut Vec<Finding>) -> Vec<Chain> {
    let at = line(&examination.config.global, "certfiles");
    let mut mine = Vec::new();
    let (mut chains, mut keys) = (Vec::new(), Keys::default());
    for (pattern, files) in &examination.paths.certificates {
        if files.is_empty() && !pattern.contains(['*', '?', '[']) {
            unreadable(pattern, "there is no such file", &mut mine);
        }
        for file in files {
            read(file, &mut chains, &mut keys, &mut mine);
        }
    }
    let authorities = authorities(examination.paths.authorities.as_deref());
    for chain in &chains {
        let certificates: Vec<X509Certificate<'_>> = chain
            .certificates
            .iter()
            .filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1))
            .collect();
        let Some(leaf) = certificates.first() else { continue };
        validity(chain, leaf, examination.machine.now, &mut mine);
        if leaf.issuer() == leaf.subject() {
            self_signed(examination, chain, &mut mine);
        } else {
            order(chain, &certificates, authorities.as_deref(), &mut mine);
        }
        strength(chain, &certificates, &mut mine);
        if !keys.fit(chain) {
            let what = format!("no key in the given files fits {}", chain.path.display());
            mine.push(Finding::new("certificate-without-key", what, "add the key's file to certfiles"));
        }
    }
    let all_read = !mine.iter().any(|finding| finding.id == "certificate-unreadable");
    found.extend(mine.into_iter().map(|finding| finding.at(at.clone())));
    // What couldn't be read may name any host.
    if all_read {
        names(examination, &chains, found);
    }
    chains
}

fn unreadable(file: &str, reason: &str, found: &mut Vec<Finding>) {
    let what = format!("{file}: {reason}");
    found.push(Finding::new("certificate-unreadable", what, "correct certfiles, or the file's rights"));
}

fn read(file: &Path, chains: &mut Vec<Chain>, keys: &mut Keys, found: &mut Vec<Finding>) {
    let shown = file.display().to_string();
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(&shown, &error.to_string(), found),
    };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let Ok(certificates) = certificates else { return unreadable(&shown, "it is not PEM", found) };
    let before = keys.known.len() + usize::from(keys.unknown);
    for key in PrivateKeyDer::pem_slice_iter(&bytes).flatten() {
        keys.add(&key);
    }
    let names = certificates.first().map(|leaf| dns_names(leaf)).unwrap_or_default();
    let certificates: Vec<Vec<u8>> = certificates.iter().map(|der| der.to_vec()).collect();
    if certificates.iter().any(|der| X509Certificate::from_der(der).is_err()) {
        return unreadable(&shown, "a certificate in it can't be read", found);
    }
    if certificates.is_empty() {
        if keys.known.len() + usize::from(keys.unknown) == before && !keys.unknown {
            unreadable(&shown, "neither a certificate nor a key is in it", found);
        }
        return;
    }
    chains.push(Chain { path: file.to_owned(), certificates, names });
}

fn dns_names(certificate: &[u8]) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return Vec::new() };
    let dns = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    dns.collect()
}

/// The keys of all files.
#[derive(Default)]
struct Keys {
    known: Vec<std::sync::Arc<dyn SigningKey>>,
    /// There are keys that TLS can't use, or that are encrypted: they may fit any certificate.
    unknown: bool,
}

impl Keys {
    fn add(&mut self, key: &PrivateKeyDer<'_>) {
        match rustls::crypto::aws_lc_rs::sign::any_supported_type(key) {
            Ok(key) => self.known.push(key),
            Err(_) => self.unknown = true,
        }
    }

    fn fit(&self, chain: &Chain) -> bool {
        let certificates: Vec<CertificateDer<'static>> =
            chain.certificates.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let fits = |key: &std::sync::Arc<dyn SigningKey>| {
            CertifiedKey::new(certificates.clone(), std::sync::Arc::clone(key)).keys_match().is_ok()
        };
        self.unknown || self.known.iter().any(fits)
    }
}

fn validity(chain: &Chain, leaf: &X509Certificate<'_>, now: i64, found: &mut Vec<Finding>) {
    let (from, until) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
    let path = chain.path.display();
    let days = (until - now) / DAY;
    let fix = "renew it, and load it with `nightjar ctl reload_config`";
    if until < now {
        let what = format!("the certificate in {path} expired {} days ago", -days);
        found.push(Finding::new("certificate-expired", what, fix));
    } else if from > now {
        let what = format!("the certificate in {path} is valid in {} days", (from - now) / DAY);
        found.push(Finding::new(
            "certificate-not-yet-valid",
            what,
            "set the clock, or use another certificate",
        ));
    } else if days < SOON_DAYS {
        let what = format!("the certificate in {path} expires in {days} days");
        found.push(Finding::new("certificate-expiring", what, fix));
    }
}

fn self_signed(examination: &Examination<'_>, chain: &Chain, found: &mut Vec<Finding>) {
    let covers = |host: &str| covering(std::slice::from_ref(chain), host).next().is_some();
    let host = examination.config.hosts().iter().find(|host| !is_private(host) && covers(host));
    if let Some(host) = host {
        let what = format!("the certificate of {host} in {} is self-signed", chain.path.display());
        let fix = "get one of an authority: from Let's Encrypt, for instance";
        found.push(Finding::new("certificate-self-signed", what, fix));
    }
}

fn order(
    chain: &Chain,
    certificates: &[X509Certificate<'_>],
    authorities: Option<&[Vec<u8>]>,
    found: &mut Vec<Finding>,
) {
    let path = chain.path.display();
    // From the leaf to the last authority that is in the file, wherever it stands.
    let mut last = 0;
    let mut way = vec![0];
    while let Some(one) = certificates.get(last) {
        let issuer =
            |other: &X509Certificate<'_>| one.issuer() != one.subject() && other.subject() == one.issuer();
        match certificates.iter().position(issuer) {
            Some(next) if !way.contains(&next) => {
                way.push(next);
                last = next;
            }
            _ => break,
        }
    }
    if way.windows(2).any(|pair| matches!(pair, [one, next] if *next != one + 1)) {
        let what = format!("the certificates in {path} are not in order");
        let fix = "put the server's first, then the one that signed it, and so on";
        found.push(Finding::new("certificate-chain-order", what, fix));
    }
    let Some(end) = certificates.get(last) else { return };
    let trusted = match authorities {
        Some(authorities) => authorities.iter().any(|subject| subject == end.issuer().as_raw()),
        // Nobody signs a server's certificate with a root.
        None => way.len() > 1,
    };
    if end.issuer() != end.subject() && !trusted {
        let what = format!("{path} lacks the certificate of {}", end.issuer());
        let fix = "use the file with the whole chain: fullchain.pem of Let's Encrypt";
        found.push(Finding::new("certificate-chain-incomplete", what, fix));
    }
}

/// The subjects of the authorities that this machine trusts.
fn authorities(file: Option<&Path>) -> Option<Vec<Vec<u8>>> {
    let bytes = std::fs::read(file?).ok()?;
    let subject =
        |der: CertificateDer<'_>| Some(X509Certificate::from_der(&der).ok()?.1.subject().as_raw().to_vec());
    Some(CertificateDer::pem_slice_iter(&bytes).flatten().filter_map(subject).collect())
}

fn strength(chain: &Chain, certificates: &[X509Certificate<'_>], found: &mut Vec<Finding>) {
    let path = chain.path.display();
    let fix = "have a new one made, with an ECDSA key of 256 bits or an RSA key of 2048";
    for certificate in certificates {
        let bits = match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => Some((key.key_size(), SMALLEST_RSA_BITS)),
            Ok(PublicKey::EC(point)) => Some((point.key_size(), SMALLEST_CURVE_BITS)),
            _ => None,
        };
        if let Some((bits, least)) = bits
            && bits < least
        {
            let what = format!("the key of {} in {path} has {bits} bits", certificate.subject());
            found.push(Finding::new("certificate-weak-key", what, fix));
        }
        // Nobody checks the signature of a root.
        let signed = certificate.issuer() != certificate.subject();
        let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
        if signed && WEAK_SIGNATURES.contains(&algorithm.as_str()) {
            let what = format!("{} in {path} is signed with SHA-1 or MD5", certificate.subject());
            found.push(Finding::new("certificate-weak-signature", what, fix));
        }
    }
}

fn names(examination: &Examination<'_>, chains: &[Chain], found: &mut Vec<Finding>) {
    let config = examination.config;
    if !config.listeners().iter().any(is_public) {
        return;
    }
    let certfiles = line(&config.global, "certfiles");
    for host in config.hosts().iter().filter(|host| !is_private(host)) {
        if covering(chains, host).next().is_none() {
            let what = format!("no certificate names {host}: clients get a self-signed one");
            let fix = "add its certificate and key to `certfiles`";
            found.push(Finding::new("certificate-missing", what, fix).at(certfiles.clone()));
            continue;
        }
        if !has_servers(config) {
            continue;
        }
        for (name, at) in subdomains(config, host) {
            if covering(chains, &name).next().is_none() {
                let what = format!("no certificate names {name}");
                let fix = format!("ask for a certificate that names {name} too, or *.{host}");
                found.push(Finding::new("certificate-subdomain", what, fix).at(at));
            }
        }
    }
}
