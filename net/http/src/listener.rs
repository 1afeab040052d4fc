//! The listener: binds, and starts to serve what connects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use nightjar_base::Kernel;
use nightjar_base::http::HttpStats;
use nightjar_config::ListenerConfig;
use nightjar_net_listen::socket::Socket;
use nightjar_net_listen::tls::{self, TlsOptions};
use nightjar_net_listen::{Accept, Accepted, Budget, Certificates, Endpoint, Listening, Over, listen};
use rustls::ServerConfig;
use tokio::sync::Notify;

use crate::head::Refusal;
use crate::settings::Settings;
use crate::{answer, connection};

const FULL: Refusal = Refusal {
    status: StatusCode::SERVICE_UNAVAILABLE,
    sentence: "There are too many connections; try again later.",
};

/// What all connections of one listener share.
pub(crate) struct Common {
    pub kernel: Arc<Kernel>,
    pub settings: Settings,
    pub tls: Option<Arc<ServerConfig>>,
    pub stats: Arc<HttpStats>,
    /// The listener has ended.
    pub is_over: AtomicBool,
    /// Woken when it ends.
    pub over: Notify,
}

/// Takes HTTP connections.
pub struct HttpListener {
    common: Arc<Common>,
}

impl HttpListener {
    /// A listener as configured.
    ///
    /// # Errors
    /// A sentence, if its TLS settings or header fields can't be used.
    pub fn new(
        kernel: Arc<Kernel>,
        config: &ListenerConfig,
        certificates: Arc<Certificates>,
    ) -> Result<Self, String> {
        Self::with(kernel, Settings::read(config)?, certificates)
    }

    pub(crate) fn with(
        kernel: Arc<Kernel>,
        settings: Settings,
        certificates: Arc<Certificates>,
    ) -> Result<Self, String> {
        let wanted = TlsOptions { ask_certificate: false, alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()] };
        let tls =
            settings.tls.then(|| tls::server_config(certificates, &wanted, &settings.policy)).transpose();
        let tls = tls.map_err(|error| error.to_string())?;
        let stats = kernel.shared();
        let (is_over, over) = (AtomicBool::new(false), Notify::new());
        Ok(Self { common: Arc::new(Common { kernel, settings, tls, stats, is_over, over }) })
    }

    /// Binds the listening socket and starts to accept.
    ///
    /// # Errors
    /// If the address can't be bound.
    pub fn listen(self) -> std::io::Result<HttpListening> {
        let options = self.common.settings.listen.clone();
        let common = Arc::clone(&self.common);
        Ok(HttpListening { listening: listen(&options, Arc::new(self))?, common })
    }
}

impl Accept for HttpListener {
    fn accept(&self, accepted: Accepted) {
        let common = Arc::clone(&self.common);
        tokio::spawn(connection::serve(common, accepted));
    }

    fn budget(&self) -> Option<Arc<Budget>> {
        Some(self.common.kernel.shared())
    }

    fn refuse(&self, socket: &Socket, _over: Over) {
        // Where TLS comes first nothing can be said that the client would read.
        if self.common.tls.is_none() {
            let _ = socket.try_write(answer::refusal(FULL).as_bytes());
        }
    }
}

/// A bound listener. Dropping it closes the socket, and the connections once what is in flight is answered.
pub struct HttpListening {
    listening: Listening,
    common: Arc<Common>,
}

impl HttpListening {
    /// Where it really listens.
    pub fn endpoint(&self) -> &Endpoint {
        self.listening.endpoint()
    }
}

impl Drop for HttpListening {
    fn drop(&mut self) {
        self.common.is_over.store(true, Ordering::Release);
        self.common.over.notify_waiters();
    }
}
