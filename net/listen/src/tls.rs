//! TLS as a machine: bytes in, bytes out, no socket. Buffers exist only while bytes move.

use std::io::Read as _;
use std::io::Write as _;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, DistinguishedName, ProtocolVersion,
    RootCertStore, ServerConfig, ServerConnection, SignatureScheme,
};

use crate::certificates::{self, Certificates};
use crate::policy::TlsPolicy;

/// What a listener asks of TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Whether clients are asked for a certificate.
    pub ask_certificate: bool,
    /// Protocols offered by ALPN.
    pub alpn: Vec<Vec<u8>>,
}

/// The settings that all connections of a listener share.
///
/// # Errors
/// If the cryptography doesn't support the protocol versions.
pub fn server_config(
    certificates: Arc<Certificates>,
    options: &TlsOptions,
    policy: &TlsPolicy,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::clone(&policy.provider);
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&policy.versions)?;
    let builder = if options.ask_certificate {
        builder.with_client_cert_verifier(Arc::new(AnyCertificate))
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_cert_resolver(certificates);
    config.alpn_protocols.clone_from(&options.alpn);
    config.ignore_client_order = policy.own_order;
    // Each ticket costs memory and a record; XMPP streams live long and resume above TLS.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    // Channel binding by exporter is only sound with it (RFC 9266 §4.1).
    config.require_ems = true;
    Ok(Arc::new(config))
}

/// The settings for a connection that this server opens in the name of `domain`, whose certificate it shows. Any
/// certificate is taken whose key the other end holds: who it names and who vouches for it is the caller's to check.
///
/// # Errors
/// If the cryptography doesn't support the protocol versions.
pub fn client_config(
    certificates: &Certificates,
    domain: &str,
    alpn: &[&[u8]],
    policy: &TlsPolicy,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&policy.provider));
    let builder = builder.with_protocol_versions(&policy.versions)?.dangerous();
    let builder = builder.with_custom_certificate_verifier(Arc::new(AnyCertificate));
    let mut config = match certificates.find(domain) {
        Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::disabled();
    config.require_ems = true;
    Ok(Arc::new(config))
}

/// Takes any certificate whose key the peer holds; who it names and who vouches for it is decided when the peer wants
/// to be believed: SASL EXTERNAL, streams between servers.
#[derive(Debug)]
struct AnyCertificate;

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = certificates::provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = certificates::provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        certificates::provider().signature_verification_algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ClientCertVerifier::verify_tls12_signature(self, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ClientCertVerifier::verify_tls13_signature(self, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ClientCertVerifier::supported_verify_schemes(self)
    }
}

/// Whether a client's chain leads to one of `roots` now.
pub fn is_trusted(chain: &[CertificateDer<'static>], roots: Arc<RootCertStore>, now: UnixTime) -> bool {
    let Some((leaf, intermediates)) = chain.split_first() else { return false };
    let builder = WebPkiClientVerifier::builder_with_provider(roots, certificates::provider());
    builder.build().is_ok_and(|verifier| verifier.verify_client_cert(leaf, intermediates, now).is_ok())
}

/// One end of a TLS connection.
pub struct Tls {
    connection: Connection,
}

impl Tls {
    /// A connection that waits for the client's hello.
    ///
    /// # Errors
    /// If the settings can't be used.
    pub fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self::of(ServerConnection::new(config)?.into()))
    }

    /// A connection that this end opens to `name`; [`Tls::begin`] gives its hello.
    ///
    /// # Errors
    /// If the settings can't be used.
    pub fn client(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, rustls::Error> {
        Ok(Self::of(ClientConnection::new(config, name)?.into()))
    }

    fn of(mut connection: Connection) -> Self {
        // What is written is flushed at once, so this only bounds a single write.
        connection.set_buffer_limit(None);
        Self { connection }
    }

    /// Appends the hello of a connection that this end opens.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        self.drain(out);
    }

    /// Takes bytes from the network; appends plain bytes to `plain` and bytes for the network to `out`.
    ///
    /// # Errors
    /// If the peer broke the protocol; `out` then holds the alert to send.
    pub fn receive(
        &mut self,
        mut input: &[u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), rustls::Error> {
        while !input.is_empty() {
            if self.connection.read_tls(&mut input).is_err() {
                break;
            }
            let result = self.connection.process_new_packets();
            self.drain(out);
            let state = result?;
            let waiting = state.plaintext_bytes_to_read();
            if waiting > 0 {
                let at = plain.len();
                plain.resize(at + waiting, 0);
                let read = self.connection.reader().read(plain.get_mut(at..).unwrap_or_default());
                plain.truncate(at + read.unwrap_or(0));
            }
        }
        Ok(())
    }

    /// Encrypts `plain` and appends the records to `out`.
    pub fn send(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        // Writing to a connection without buffer limit can't fail.
        let _ = self.connection.writer().write_all(plain);
        self.drain(out);
    }

    /// Appends the alert that ends the connection properly.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        self.connection.send_close_notify();
        self.drain(out);
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        while self.connection.wants_write() {
            if self.connection.write_tls(out).is_err() {
                break;
            }
        }
    }

    /// Whether the handshake goes on.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// The name the client asked for (SNI).
    pub fn server_name(&self) -> Option<&str> {
        match &self.connection {
            Connection::Server(connection) => connection.server_name(),
            Connection::Client(_) => None,
        }
    }

    /// The protocol agreed by ALPN.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.connection.alpn_protocol()
    }

    /// The chain the peer showed, its own certificate first.
    pub fn peer_certificates(&self) -> Option<Vec<CertificateDer<'static>>> {
        self.connection.peer_certificates().map(<[_]>::to_vec)
    }

    /// The protocol version, once agreed.
    pub fn version(&self) -> Option<&'static str> {
        Some(match self.connection.protocol_version()? {
            ProtocolVersion::TLSv1_3 => "TLSv1.3",
            ProtocolVersion::TLSv1_2 => "TLSv1.2",
            _ => "TLS",
        })
    }

    /// The cipher suite, once agreed, by its IANA name.
    pub fn cipher(&self) -> Option<&'static str> {
        self.connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str())
    }

    /// Channel binding data of type `tls-exporter` (RFC 9266).
    pub fn exporter(&self) -> Option<[u8; 32]> {
        let label = b"EXPORTER-Channel-Binding";
        self.connection.export_keying_material([0; 32], label, Some(&[])).ok()
    }
}
