//! TLS to the database: `sql_ssl`, `sql_ssl_verify`, `sql_ssl_cafile`, `sql_ssl_certfile`.

use std::path::Path;
use std::sync::Arc;

use nightjar_store::SqlOptions;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::migration::OpenError;

/// Where Debian and its relatives keep the certificates everybody trusts.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

pub(crate) fn client_config(options: &SqlOptions) -> Result<ClientConfig, OpenError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| OpenError::Tls(error.to_string()))?;
    let builder = if options.ssl_verify {
        let path = options.ssl_cafile.as_deref().unwrap_or(Path::new(SYSTEM_ROOTS));
        builder.with_root_certificates(roots(path)?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
    };
    let Some(path) = &options.ssl_certfile else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = (certificates(path)?, PrivateKeyDer::from_pem_file(path).map_err(failed(path))?);
    builder.with_client_auth_cert(chain, key).map_err(|error| OpenError::Tls(error.to_string()))
}

fn roots(path: &Path) -> Result<RootCertStore, OpenError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(path)?);
    if added == 0 {
        return Err(OpenError::Tls(format!("{}: no certificate in it", path.display())));
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(failed(path))?;
    certificates.collect::<Result<_, _>>().map_err(failed(path))
}

fn failed<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> OpenError {
    move |error| OpenError::Tls(format!("{}: {error}", path.display()))
}

/// Takes any certificate, as `sql_ssl_verify: false` asks: the line is encrypted, the server is not proven.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

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
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
