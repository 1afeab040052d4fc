//! Which certificates the server has: those of `certfiles`, and one of its own for hosts that none of them names.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nightjar_config::{Config, Pattern};
use nightjar_net_listen::Certificates;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::home::{Home, write_private};

/// How long a certificate that the server made for itself is valid.
const OWN_VALID: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Loads all certificates; nothing changes if one can't be used. Returns the hosts that have a self-signed one.
///
/// # Errors
/// If a file can't be used.
pub(crate) fn load(certificates: &Certificates, config: &Config, home: &Home) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    for pattern in config.global.texts("certfiles") {
        let found = expand(Path::new(pattern.as_str()));
        let may_be_empty = pattern.contains(['*', '?', '[']);
        anyhow::ensure!(!found.is_empty() || may_be_empty, "certfiles: no file matches {pattern}");
        if found.is_empty() {
            tracing::warn!(%pattern, "certfiles: no file matches yet");
        }
        files.extend(found);
    }
    // Tried on the side first, to see which hosts they name.
    let given = Certificates::default();
    given.load(&files).context("certfiles")?;
    let uncovered = |host: &&str| !given.covers(host);
    let own: Vec<String> =
        config.hosts().iter().map(|host| host.as_str()).filter(uncovered).map(str::to_owned).collect();
    if !own.is_empty() {
        files.push(own_certificate(&home.own_certificate(), &own)?);
    }
    certificates.load(&files).context("certfiles")?;
    Ok(own)
}

/// The files a path with `*` and `?` stands for, in order of their names.
pub(crate) fn expand(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in path.components() {
        let name = part.as_os_str().to_string_lossy();
        if !name.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let Ok(pattern) = Pattern::glob(&name) else { return Vec::new() };
        found = found.iter().flat_map(|folder| matching(folder, &pattern)).collect();
    }
    found.retain(|path| path.exists());
    found
}

fn matching(folder: &Path, pattern: &Pattern) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .filter(|entry| pattern.matches(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The certificate in `path` if it names these hosts and is still good, or a new one in its place.
fn own_certificate(path: &Path, hosts: &[String]) -> anyhow::Result<PathBuf> {
    if is_good(path, hosts).unwrap_or(false) {
        return Ok(path.to_owned());
    }
    let mut params =
        CertificateParams::new(hosts.to_vec()).context("a host's name can't stand in a certificate")?;
    params.distinguished_name = DistinguishedName::new();
    if let Some(first) = hosts.first() {
        params.distinguished_name.push(DnType::CommonName, first.as_str());
    }
    params.not_before = std::time::SystemTime::now().into();
    params.not_after = (std::time::SystemTime::now() + OWN_VALID).into();
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let pem = key.serialize_pem() + &certificate.pem();
    write_private(path, pem.as_bytes()).with_context(|| path.display().to_string())?;
    tracing::warn!(
        file = %path.display(),
        hosts = hosts.join(" "),
        "a self-signed certificate was made; clients can't check it: set certfiles"
    );
    Ok(path.to_owned())
}

fn is_good(path: &Path, hosts: &[String]) -> Option<bool> {
    let pem = fs::read(path).ok()?;
    let blocks = x509_parser::pem::Pem::iter_from_buffer(&pem).flatten();
    let der = blocks.filter(|block| block.label == "CERTIFICATE").map(|block| block.contents).next()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let names: Vec<&str> = names
        .value
        .general_names
        .iter()
        .filter_map(|name| if let GeneralName::DNSName(name) = name { Some(*name) } else { None })
        .collect();
    let month = 30 * 86_400;
    let lasts = certificate.validity().time_to_expiration().is_some_and(|left| left.whole_seconds() > month);
    Some(lasts && hosts.iter().all(|host| names.contains(&host.as_str())))
}

#[cfg(test)]
mod tests;
