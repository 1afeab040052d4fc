//! Opening a connection to another broker: the first of its addresses that answers (RFC 8305), then TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nightjar_net_listen::socket::Socket;
use nightjar_net_listen::transport::Transport;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::options::{Address, Authentication};

/// How long the next address waits for the one before (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Where systems keep what they trust.
const SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Connects. With TLS, the handshake goes on while the transport is read.
///
/// # Errors
/// A sentence.
pub(super) async fn connect(
    address: &Address,
    authentication: &Authentication,
    authorities: Option<&str>,
) -> Result<Transport, String> {
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    let addresses =
        alternate(found.map_err(|error| format!("its address can't be found: {error}"))?.collect());
    let socket = race(addresses).await?;
    let mut transport = Transport::new(Socket::Tcp(socket));
    if address.is_tls {
        let name = ServerName::try_from(address.host.clone()).map_err(|error| error.to_string())?;
        let config = client_config(authentication, authorities)?;
        transport.start_tls_client(config, name).map_err(|error| error.to_string())?;
    }
    Ok(transport)
}

/// Families in turn, so that one that leads nowhere holds nothing up (RFC 8305 §4).
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut mixed = Vec::new();
    for address in first {
        mixed.push(address);
        mixed.extend(second.next());
    }
    mixed.extend(second);
    mixed
}

async fn race(addresses: Vec<SocketAddr>) -> Result<TcpStream, String> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = "it has no address".to_owned();
    loop {
        let begun = waiting.next();
        if let Some(address) = begun {
            attempts.spawn(async move { (address, TcpStream::connect(address).await) });
        }
        if attempts.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(Ok((address, outcome))) = attempts.join_next() => match outcome {
                Ok(socket) => {
                    // Packets are written whole; waiting for more only delays them.
                    let _ = socket.set_nodelay(true);
                    return Ok(socket);
                }
                Err(error) => last = format!("{address}: {error}"),
            },
            // Dropping the set ends the attempts that lost.
            () = tokio::time::sleep(ATTEMPT_DELAY), if begun.is_some() => {}
        }
    }
}

/// Settings that trust nobody but the authorities. Files are read for each connection, so that renewed ones are used.
///
/// # Errors
/// A sentence about the certificate.
pub(super) fn client_config(
    authentication: &Authentication,
    authorities: Option<&str>,
) -> Result<Arc<ClientConfig>, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(rustls::ALL_VERSIONS).map_err(|error| error.to_string())?;
    let builder = builder.with_root_certificates(roots(authorities)?);
    let config = match authentication {
        Authentication::Certificate(file) => {
            let failed = |error: &dyn std::fmt::Display| format!("{file}: {error}");
            let bytes = std::fs::read(file).map_err(|error| failed(&error))?;
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
            let chain = chain.map_err(|error| failed(&error))?;
            let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| failed(&error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| failed(&error))?
        }
        Authentication::None | Authentication::Password { .. } => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn roots(authorities: Option<&str>) -> Result<RootCertStore, String> {
    let system = || SYSTEM.iter().copied().find(|path| Path::new(path).is_file());
    let mut roots = RootCertStore::empty();
    let Some(path) = authorities.or_else(system) else { return Ok(roots) };
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    // Bundles hold certificates that nothing can be done with; the others are worth having.
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&bytes).flatten());
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let [v6, other_v6, v4] = ["[::1]:1", "[::2]:1", "127.0.0.1:1"].map(address);
        assert_eq!(alternate(vec![v6, other_v6, v4]), [v6, v4, other_v6]);
        assert_eq!(alternate(vec![v4]), [v4]);
        assert!(alternate(Vec::new()).is_empty());
    }
}
