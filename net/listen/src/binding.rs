//! What ties an authentication to the TLS channel it comes through.

use nightjar_sasl::{ChannelBinding, ChannelBindingKind};

use crate::certificates::{self, Certificates};
use crate::tls::Tls;

/// The channel bindings of a connection that `host` serves, the strongest first.
pub fn channel_bindings(tls: &Tls, certificates: &Certificates, host: &str) -> Vec<ChannelBinding> {
    let exporter = tls
        .exporter()
        .map(|data| ChannelBinding { kind: ChannelBindingKind::TlsExporter, data: data.to_vec() });
    // The certificate that was shown is the one for the name the client asked for; without a name, for none.
    let shown = tls.server_name().unwrap_or_default().to_ascii_lowercase();
    let certificate = certificates.find(&shown).or_else(|| certificates.find(host));
    let end_point = certificate
        .and_then(|certified| certified.cert.first().and_then(|der| certificates::end_point_hash(der)))
        .map(|data| ChannelBinding { kind: ChannelBindingKind::TlsServerEndPoint, data });
    exporter.into_iter().chain(end_point).collect()
}
