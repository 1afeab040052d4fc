//! The authorities that vouch for other servers, read once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Where systems keep what they trust.
const SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A file's authorities, and when it was changed.
type Read = (Option<SystemTime>, Arc<RootCertStore>);

/// By file.
#[derive(Debug, Default)]
pub(super) struct Roots(Mutex<HashMap<String, Read>>);

impl Roots {
    /// The authorities in a file, or those of the system. Whoever is in none is trusted by nobody: without a file that
    /// can be read there are no authorities.
    pub fn of(&self, path: Option<&str>) -> Arc<RootCertStore> {
        let system = || SYSTEM.iter().copied().find(|path| Path::new(path).is_file());
        let Some(path) = path.or_else(system) else { return Arc::new(RootCertStore::empty()) };
        let changed = std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let mut read = self.0.lock();
        if let Some((since, roots)) = read.get(path)
            && (*since == changed || changed.is_none())
        {
            return Arc::clone(roots);
        }
        let roots = Arc::new(parse(path));
        read.insert(path.to_owned(), (changed, Arc::clone(&roots)));
        roots
    }
}

fn parse(path: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(path, %error, "the authorities for other servers can't be read: no certificate proves anything");
            return roots;
        }
    };
    // Bundles hold certificates that nothing can be done with; the others are worth having.
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes).flatten().collect();
    let (_, ignored) = roots.add_parsable_certificates(certificates);
    tracing::debug!(path, count = roots.len(), ignored, "authorities were read");
    roots
}
