//! A listener's options as the driver uses them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nightjar_config::access::{AccessRef, ShaperRef};
use nightjar_config::{Config, ListenerConfig};
use nightjar_net_listen::ListenOptions;
use nightjar_net_listen::options::listen_options;
use nightjar_xml::Limits;
use nightjar_xmpp::c2s::Settings;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::limits::with_elements;

/// "infinity" for one stanza: larger than any client sends, small enough to be held.
const STANZA_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a client listener was configured to be.
#[derive(Clone)]
pub struct ListenerOptions {
    /// Connections begin with TLS.
    pub direct_tls: bool,
    /// TLS can be started.
    pub starttls: bool,
    /// TLS must be started.
    pub starttls_required: bool,
    /// The channel is private by itself.
    pub is_unix: bool,
    /// SASL2 is offered without TLS.
    pub unencrypted_sasl2: bool,
    /// Clients are asked for a certificate.
    pub tls_verify: bool,
    /// Who vouches for client certificates.
    pub roots: Option<Arc<RootCertStore>>,
    /// Who may log in.
    pub access: AccessRef,
    /// How fast clients may send.
    pub shaper: ShaperRef,
    /// Limits of streams.
    pub settings: Arc<Settings>,
    /// Deliveries that may wait for a client.
    pub mailbox_capacity: usize,
    /// How long a client may take nothing.
    pub send_timeout: Option<Duration>,
    /// What the listening socket needs.
    pub listen: ListenOptions,
}

impl ListenerOptions {
    pub(crate) fn read(listener: &ListenerConfig, config: &Config) -> Result<Self, String> {
        let options = &listener.options;
        let is_unix = listener.unix.is_some();
        let yes_unless_set = |name: &str| !options.is_set(name) || options.bool(name);
        let cafile = options.opt_text("cafile").or_else(|| config.global.opt_text("ca_file"));
        let roots = match cafile {
            Some(path) if options.bool("tls_verify") => Some(Arc::new(read_roots(Path::new(path.as_str()))?)),
            _ => None,
        };
        Ok(Self {
            direct_tls: options.bool("tls"),
            starttls: yes_unless_set("starttls"),
            starttls_required: yes_unless_set("starttls_required") && !is_unix,
            is_unix,
            unencrypted_sasl2: options.bool("allow_unencrypted_sasl2"),
            tls_verify: options.bool("tls_verify"),
            roots,
            access: options.access("access"),
            shaper: options.shaper("shaper"),
            settings: Arc::new(settings(listener, config)),
            mailbox_capacity: usize::try_from(options.int("max_fsm_queue")).unwrap_or(10_000).max(1),
            send_timeout: options.duration("send_timeout"),
            listen: listen_options(listener),
        })
    }
}

fn settings(listener: &ListenerConfig, config: &Config) -> Settings {
    let defaults = Settings::default();
    let bytes = |name: &str| {
        let limit = listener.options.limit(name).unwrap_or(STANZA_BYTES_MAX).min(STANZA_BYTES_MAX);
        u32::try_from(limit).unwrap_or(u32::MAX)
    };
    let stanza_bytes = bytes("max_stanza_size");
    // RFC 6120 §13.12 asks for 10,000 bytes at least.
    let before = bytes("pre_auth_max_stanza_size").clamp(10_000, 1 << 20);
    Settings {
        limits: with_elements(
            Limits { stanza_bytes: stanza_bytes.max(10_000), ..defaults.limits },
            &listener.options,
            "max_stanza_elements",
        ),
        limits_before_auth: with_elements(
            Limits { stanza_bytes: before, ..defaults.limits_before_auth },
            &listener.options,
            "pre_auth_max_stanza_elements",
        ),
        negotiation_timeout: config
            .global
            .duration("negotiation_timeout")
            .unwrap_or(defaults.negotiation_timeout),
        ..defaults
    }
}

fn read_roots(path: &Path) -> Result<RootCertStore, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    Ok(roots)
}
