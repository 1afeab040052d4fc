//! External components: `ejabberd_service` (XEP-0114).

mod domains;
mod driver;
mod options;

use std::sync::Arc;
use std::time::Duration;

use nightjar_base::Kernel;
use nightjar_config::{ListenerConfig, ModuleSpec, OptionSpec, option};
use nightjar_net_listen::chosen::policy_of;
use nightjar_net_listen::options as common;
use nightjar_net_listen::tls::{self, TlsOptions};
use nightjar_net_listen::{Accept, Accepted, Budget, Certificates, Listening, listen};
use rustls::ServerConfig;

use domains::Domains;
use options::ListenerOptions;

/// Top-level options.
pub const TOPLEVEL: &[OptionSpec] = &[
    option("domain_balancing", "map {domain: map}", "{}", "How several components share a domain."),
    option(
        "domain_balancing.*.type",
        "random|source|destination|bare_source|bare_destination",
        "random",
        "By what a component is chosen for a stanza: by chance, or always the same one for an address.",
    ),
    option(
        "domain_balancing.*.component_number",
        "int 2..1000",
        "unset",
        "Components that may share the domain.",
    ),
];

/// Name and options of the listener.
pub static SERVICE_SPEC: ModuleSpec = ModuleSpec {
    name: "ejabberd_service",
    doc: "External components over TCP or TLS (XEP-0114).",
    options: &[
        option("access", "access rule", "all", "Whose stanzas get to the components."),
        option("shaper", "shaper rule", "none", "How fast components may send."),
        option("shaper_rule", "shaper rule", "none", "The former name of `shaper`."),
        option("tls", "bool", "false", "Whether connections begin with TLS."),
        option(
            "certfile",
            "PEM file",
            "unset",
            "Taken for one more of the top-level certfiles: which one a component is shown is decided by the name it asks for.",
        ),
        option("password", "string", "unset", "The secret of components whose domain is not among `hosts`."),
        option(
            "hosts",
            "map {domain: {password: string}}",
            "{}",
            "The domains that components may serve; any but local ones if there are none.",
        ),
        option("hosts.password", "string", "unset", "The secret of a domain's component."),
        option(
            "check_from",
            "bool",
            "true",
            "Whether components send in the name of their own domains only.",
        ),
        option(
            "global_routes",
            "bool",
            "true",
            "Whether a component gets all domains of `hosts`, rather than the one it has asked for.",
        ),
        option(
            "max_stanza_size",
            "int>0|infinity",
            "infinity",
            "Bytes of one stanza; never more than 16 MiB.",
        ),
        option("max_fsm_queue", "int>0", "10000", "Stanzas that may wait for a component that doesn't read."),
        option(
            "cafile",
            "PEM file",
            "unset",
            "Accepted: no certificate is asked of the component, its secret proves it.",
        ),
        common::PROTOCOL_OPTIONS,
        common::CIPHERS,
        common::DHFILE,
        common::TLS_COMPRESSION,
        common::BACKLOG,
        common::USE_PROXY_PROTOCOL,
        common::SEND_TIMEOUT,
        common::ACCEPT_INTERVAL,
        common::UNIX_SOCKET,
        common::UNIX_SOCKET_MODE,
    ],
};

/// How long streams get to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// What all connections of one listener share.
struct Shared {
    kernel: Arc<Kernel>,
    options: ListenerOptions,
    tls: Arc<ServerConfig>,
    budget: Arc<Budget>,
    domains: Arc<Domains>,
}

/// Takes components' connections.
pub struct ComponentListener {
    shared: Arc<Shared>,
}

impl ComponentListener {
    /// A listener as configured. All listeners share the domains: components of one domain may come on several.
    ///
    /// # Errors
    /// A sentence, if its TLS settings can't be used.
    pub fn new(
        kernel: Arc<Kernel>,
        config: &ListenerConfig,
        certificates: Arc<Certificates>,
    ) -> Result<Self, String> {
        let options = ListenerOptions::read(config, &kernel);
        let policy = policy_of(&config.options, "");
        let tls = tls::server_config(certificates, &TlsOptions::default(), &policy);
        let tls = tls.map_err(|error| error.to_string())?;
        let (budget, domains) = (kernel.shared(), kernel.shared());
        Ok(Self { shared: Arc::new(Shared { kernel, options, tls, budget, domains }) })
    }

    /// Binds the listening socket and starts to accept.
    ///
    /// # Errors
    /// If the address can't be bound.
    pub fn listen(self) -> std::io::Result<Listening> {
        let options = self.shared.options.listen.clone();
        listen(&options, Arc::new(self))
    }
}

/// Ends all components' streams with `system-shutdown`, and waits until they are over, three seconds at most.
pub async fn stop_components(kernel: &Kernel) {
    let domains: Arc<Domains> = kernel.shared();
    domains.stop();
    let gone = async {
        while domains.count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(FAREWELL, gone).await.is_err() {
        tracing::warn!(count = domains.count(), "components did not end in time");
    }
}

impl Accept for ComponentListener {
    fn accept(&self, accepted: Accepted) {
        tokio::spawn(driver::serve(Arc::clone(&self.shared), accepted));
    }

    fn budget(&self) -> Option<Arc<Budget>> {
        Some(Arc::clone(&self.shared.budget))
    }
}
