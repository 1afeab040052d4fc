//! Distribution over TLS (`-proto_dist inet_tls`): an authority and a certificate of our own, made at first use. Both
//! ends of a connection show a certificate of the authority.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::client::WebPkiServerVerifier;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Years in which what is made here is valid.
const VALID: (i32, i32) = (2020, 2120);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    File(PathBuf, io::Error),
    /// A key that others may read.
    #[error("{path} can be read by others: chmod 600 {path}", path = .0.display())]
    Exposed(PathBuf),
    /// A certificate can't be made.
    #[error("a certificate can't be made: {0}")]
    Make(#[from] rcgen::Error),
    /// They can't be used.
    #[error("{0}")]
    Use(String),
}

/// Both ends' settings.
#[derive(Clone, Debug)]
pub struct Tls {
    /// For who connects to us.
    pub server: Arc<ServerConfig>,
    /// For those we connect to.
    pub client: Arc<ClientConfig>,
}

/// The files of a folder.
#[derive(Clone, Debug)]
pub struct Files {
    /// The authority's certificate; all nodes of a cluster have the same.
    pub authority: PathBuf,
    /// The authority's key, needed to make certificates of further nodes.
    pub authority_key: PathBuf,
    /// The node's certificate and key.
    pub node: PathBuf,
    /// What `erl -ssl_dist_optfile` takes to talk to this node.
    pub options: PathBuf,
}

impl Files {
    /// The files of the node at `host`.
    pub fn new(folder: &Path, host: &str) -> Self {
        let host: String = host.chars().map(|letter| if letter == ':' { '_' } else { letter }).collect();
        Self {
            authority: folder.join("ca.pem"),
            authority_key: folder.join("ca.key"),
            node: folder.join(format!("node-{host}.pem")),
            options: folder.join("ssl_dist.conf"),
        }
    }
}

impl Tls {
    /// Reads the files of a folder; makes those that aren't there.
    ///
    /// # Errors
    /// If they can't be read, made or used.
    pub fn open(folder: &Path, host: &str) -> Result<Self, TlsError> {
        let failed = |error| TlsError::File(folder.to_owned(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let files = Files::new(folder, host);
        if !files.authority.exists() {
            make_authority(&files)?;
        }
        if !files.node.exists() {
            make_node(&files, host)?;
        }
        put(&files.options, erlang_options(&files).as_bytes())?;
        load(&files)
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn load(files: &Files) -> Result<Tls, TlsError> {
    let unusable = |error: &dyn std::fmt::Display| TlsError::Use(error.to_string());
    let pem = private(&files.node)?;
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| unusable(&error))?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| unusable(&error))?;
    let authority =
        fs::read(&files.authority).map_err(|error| TlsError::File(files.authority.clone(), error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&authority) {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    let roots = Arc::new(roots);
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider())
        .build()
        .map_err(|error| unusable(&error))?;
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map_err(|error| unusable(&error))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain.clone(), key.clone_key())
        .map_err(|error| unusable(&error))?;
    server.send_tls13_tickets = 0;
    let servers = WebPkiServerVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| unusable(&error))?;
    let client = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map_err(|error| unusable(&error))?
        .with_webpki_verifier(servers)
        .with_client_auth_cert(chain, key)
        .map_err(|error| unusable(&error))?;
    Ok(Tls { server: Arc::new(server), client: Arc::new(client) })
}

fn parameters(common_name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters.not_before = rcgen::date_time_ymd(VALID.0, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(VALID.1, 1, 1);
    Ok(parameters)
}

fn authority_parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = parameters("Nightjar distribution", Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}

fn make_authority(files: &Files) -> Result<(), TlsError> {
    let key = KeyPair::generate()?;
    let certificate = authority_parameters()?.self_signed(&key)?;
    put(&files.authority_key, key.serialize_pem().as_bytes())?;
    put(&files.authority, certificate.pem().as_bytes())
}

fn make_node(files: &Files, host: &str) -> Result<(), TlsError> {
    let pem = private(&files.authority_key)?;
    let key = KeyPair::from_pem(&String::from_utf8_lossy(&pem))?;
    let authority = Issuer::new(authority_parameters()?, key);
    let mut names = vec![host.to_owned()];
    // A client that calls this machine by one of its usual names is at the right place, too.
    names
        .extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().filter(|name| name != host));
    let mut parameters = parameters(host, names)?;
    parameters.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.use_authority_key_identifier_extension = true;
    let own = KeyPair::generate()?;
    let certificate = parameters.signed_by(&own, &authority)?;
    put(&files.node, format!("{}{}", certificate.pem(), own.serialize_pem()).as_bytes())
}

/// The option file that an Erlang node needs to talk to this one.
fn erlang_options(files: &Files) -> String {
    let path = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string();
    let quoted = |text: String| text.replace('\\', "\\\\").replace('"', "\\\"");
    let (node, authority) = (quoted(path(&files.node)), quoted(path(&files.authority)));
    let common = format!(
        "{{certfile, \"{node}\"}}, {{keyfile, \"{node}\"}}, {{cacertfile, \"{authority}\"}}, {{verify, verify_peer}}"
    );
    format!("[{{server, [{common}, {{fail_if_no_peer_cert, true}}]}},\n {{client, [{common}]}}].\n")
}

/// A file that nobody else may read.
fn private(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |error| TlsError::File(path.to_owned(), error);
    let mut file = fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(TlsError::Exposed(path.to_owned()));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Writes a file as a whole, with mode 0600.
fn put(path: &Path, contents: &[u8]) -> Result<(), TlsError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let _ = fs::remove_file(&beside);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    let written = written.and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|error| TlsError::File(path.to_owned(), error))
}

/// The name under which a peer's certificate must be valid.
pub fn server_name(host: &str) -> Result<rustls_pki_types::ServerName<'static>, TlsError> {
    match host.parse::<IpAddr>() {
        Ok(address) => Ok(address.into()),
        Err(_) => host.to_owned().try_into().map_err(|_| TlsError::Use(format!("{host} is no host name"))),
    }
}

#[cfg(test)]
mod tests;
