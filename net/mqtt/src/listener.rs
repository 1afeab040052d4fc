//! The listener `mod_mqtt`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_base::mqtt::MqttService;
use nightjar_config::{ListenerConfig, ModuleSpec, option};
use nightjar_mqtt::Settings;
use nightjar_net_listen::options::{self as common, listen_options};
use nightjar_net_listen::tls::{self, TlsOptions};
use nightjar_net_listen::{
    Accept, Accepted, Budget, Certificates, ListenOptions, Listening, TlsPolicy, listen,
};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::serve;

/// Name and options of the listener.
pub static MQTT_SPEC: ModuleSpec = ModuleSpec {
    name: "mod_mqtt",
    doc: "MQTT clients over TCP, with or without TLS.",
    options: &[
        option("tls", "bool", "false", "Whether connections begin with TLS."),
        option(
            "tls_verify",
            "bool",
            "false",
            "Whether clients are asked for a certificate, which stands in for the password of the account it names.",
        ),
        option("max_payload_size", "int>0|infinity", "infinity", "Bytes of a packet at most."),
        option("max_fsm_queue", "int>0", "10000", "Messages that may wait for a client that doesn't read."),
        common::BACKLOG,
        common::USE_PROXY_PROTOCOL,
        common::SEND_TIMEOUT,
        common::ACCEPT_INTERVAL,
        common::UNIX_SOCKET,
        common::UNIX_SOCKET_MODE,
    ],
};

/// A keep-alive above this, or none, is shortened (MQTT 5) or cut: a client that is gone without a word isn't kept for
/// ever.
const KEEP_ALIVE_MAX: u16 = u16::MAX / 2;

/// The default of `max_fsm_queue`.
const INBOX_MAX: usize = 10_000;

/// What all connections of one listener share.
pub(crate) struct Shared {
    pub(crate) kernel: Arc<Kernel>,
    settings: Mutex<Arc<Settings>>,
    pub(crate) inbox_max: usize,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) roots: Option<Arc<RootCertStore>>,
    pub(crate) send_timeout: Option<Duration>,
    pub(crate) certificates: Arc<Certificates>,
}

impl Shared {
    /// What clients have that come by another protocol's listener, which knows none of this one's options.
    pub(crate) fn elsewhere(kernel: &Arc<Kernel>, certificates: &Arc<Certificates>) -> Self {
        let settings = Settings { keep_alive_max: KEEP_ALIVE_MAX, ..Settings::default() };
        Self {
            kernel: Arc::clone(kernel),
            settings: Mutex::new(Arc::new(settings)),
            inbox_max: INBOX_MAX,
            tls: None,
            roots: None,
            send_timeout: None,
            certificates: Arc::clone(certificates),
        }
    }

    /// What clients may do. It is fixed before a client says which host it means: the first one's word holds.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        let config = self.kernel.config();
        let host = config.hosts().first().and_then(|name| self.kernel.host(name));
        let service = host.and_then(|host| host.get::<MqttService>());
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = service
            && service.0.topic_alias_maximum() != settings.topic_alias_maximum
        {
            let topic_alias_maximum = service.0.topic_alias_maximum();
            *settings = Arc::new(Settings { topic_alias_maximum, ..Settings::clone(&settings) });
        }
        Arc::clone(&settings)
    }
}

/// Takes MQTT clients.
pub struct MqttListener {
    shared: Arc<Shared>,
    listen: ListenOptions,
    budget: Arc<Budget>,
}

impl MqttListener {
    /// A listener as configured.
    ///
    /// # Errors
    /// A sentence, if its TLS settings can't be used.
    pub fn new(
        kernel: Arc<Kernel>,
        config: &ListenerConfig,
        certificates: Arc<Certificates>,
    ) -> Result<Self, String> {
        let options = &config.options;
        let asks = options.bool("tls_verify");
        let wanted = TlsOptions { ask_certificate: asks, alpn: vec![b"mqtt".to_vec()] };
        let tls = if options.bool("tls") {
            Some(
                tls::server_config(Arc::clone(&certificates), &wanted, &TlsPolicy::default())
                    .map_err(|error| error.to_string())?,
            )
        } else {
            None
        };
        let authorities = kernel.config().global.opt_text("ca_file").filter(|_| asks);
        let roots = authorities.map(|path| read_roots(&path).map(Arc::new)).transpose()?;
        let defaults = Settings::default();
        let size = options.limit("max_payload_size").and_then(|size| u32::try_from(size).ok());
        let settings = Settings {
            packet_size_max: size.unwrap_or(defaults.packet_size_max).min(defaults.packet_size_max),
            keep_alive_max: KEEP_ALIVE_MAX,
            ..defaults
        };
        let shared = Shared {
            settings: Mutex::new(Arc::new(settings)),
            inbox_max: usize::try_from(options.int("max_fsm_queue")).unwrap_or(INBOX_MAX).max(1),
            tls,
            roots,
            send_timeout: options.duration("send_timeout"),
            certificates,
            kernel: Arc::clone(&kernel),
        };
        Ok(Self { shared: Arc::new(shared), listen: listen_options(config), budget: kernel.shared() })
    }

    /// Binds the listening socket and starts to accept.
    ///
    /// # Errors
    /// If the address can't be bound.
    pub fn listen(self) -> std::io::Result<Listening> {
        let options = self.listen.clone();
        listen(&options, Arc::new(self))
    }
}

impl Accept for MqttListener {
    fn accept(&self, accepted: Accepted) {
        if let Some(served) = serve::serve(Arc::clone(&self.shared), accepted) {
            tokio::spawn(served);
        }
    }

    fn budget(&self) -> Option<Arc<Budget>> {
        Some(Arc::clone(&self.budget))
    }
}

fn read_roots(path: &str) -> Result<RootCertStore, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    Ok(roots)
}
