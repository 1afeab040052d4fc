//! Client connections: `ejabberd_c2s`.

mod answers;
mod authenticate;
mod binding;
pub(crate) mod connection;
mod detached;
mod established;
mod legacy;
mod negotiate;
mod offer;
mod options;
mod resume;
pub(crate) mod shaper;

use std::sync::Arc;

use nightjar_base::Kernel;
use nightjar_config::{ListenerConfig, ModuleSpec, OptionSpec, option};

use nightjar_net_listen::options as common;
use nightjar_net_listen::socket::Socket;
use nightjar_net_listen::tls::TlsOptions;
use nightjar_net_listen::{Accept, Accepted, Budget, Certificates, ListenerTls, Listening, Over, listen};

use crate::limits::{MAX_STANZA_ELEMENTS, PRE_AUTH_MAX_STANZA_ELEMENTS};

pub use options::ListenerOptions;
use resume::Resumable;

/// Top-level options, each for a host.
pub const TOPLEVEL: &[OptionSpec] = &[
    option(
        "c2s_protocol_options",
        "[string] joined with |",
        "unset",
        "Streams of clients: no_tlsv1_2, no_tlsv1_3 and cipher_server_preference have an effect, OpenSSL's other words hold anyway.",
    ),
    option(
        "c2s_ciphers",
        "string|[string] joined with :",
        "unset",
        "OpenSSL's list of ciphers for streams of clients; it chooses among those that are there, all of which are strong.",
    ),
    option("c2s_dhfile", "file", "unset", "Accepted with a warning: keys are agreed on by elliptic curves."),
    option(
        "c2s_tls_compression",
        "bool",
        "unset",
        "Accepted with a warning: TLS is never compressed (CRIME).",
    ),
];

/// Name and options of the listener.
pub static C2S_SPEC: ModuleSpec = ModuleSpec {
    name: "ejabberd_c2s",
    doc: "Clients over TCP, with STARTTLS or direct TLS (RFC 6120, RFC 7590, XEP-0368).",
    options: &[
        option("access", "access rule", "all", "Who may log in here."),
        option("shaper", "shaper rule", "none", "How fast clients may send."),
        option("tls", "bool", "false", "Whether connections begin with TLS."),
        option("starttls", "bool", "unset", "Whether TLS can be started; it can where this isn't set."),
        option(
            "starttls_required",
            "bool",
            "unset",
            "Whether clients must start TLS; they must where this isn't set.",
        ),
        option("allow_unencrypted_sasl2", "bool", "false", "Whether SASL2 is offered without TLS."),
        option(
            "tls_verify",
            "bool",
            "false",
            "Whether clients are asked for a certificate, for SASL EXTERNAL.",
        ),
        option("cafile", "PEM file", "unset", "The authorities that vouch for client certificates."),
        option(
            "max_stanza_size",
            "int>0|infinity",
            "infinity",
            "Bytes of one stanza; never more than 16 MiB.",
        ),
        option(
            "pre_auth_max_stanza_size",
            "int>0|infinity",
            "8192",
            "The same before the client is authenticated.",
        ),
        option(
            "zlib",
            "bool",
            "false",
            "Accepted with a warning: streams are never compressed (CRIME, bombs).",
        ),
        MAX_STANZA_ELEMENTS,
        PRE_AUTH_MAX_STANZA_ELEMENTS,
        option("max_fsm_queue", "int>0", "10000", "Stanzas that may wait for a client that doesn't read."),
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

/// What a client is told for whom there is no place (RFC 6120 §4.9.1.1, §4.9.3.17).
const FULL: &str = "<?xml version='1.0'?>\
    <stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\
    <stream:error><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
    <text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>Too many connections</text>\
    </stream:error></stream:stream>";

/// What all connections of one listener share.
pub(crate) struct Shared {
    pub kernel: Arc<Kernel>,
    pub options: ListenerOptions,
    pub tls: ListenerTls,
    pub certificates: Arc<Certificates>,
    pub resumable: Arc<Resumable>,
    pub budget: Arc<Budget>,
}

/// Takes client connections.
pub struct ClientListener {
    shared: Arc<Shared>,
}

impl ClientListener {
    /// A listener as configured. All listeners share what can be resumed: a stream may come back on another.
    ///
    /// # Errors
    /// A sentence, if its TLS settings can't be used.
    pub fn new(
        kernel: Arc<Kernel>,
        config: &ListenerConfig,
        certificates: Arc<Certificates>,
    ) -> Result<Self, String> {
        let options = ListenerOptions::read(config, &kernel.config())?;
        let wanted = TlsOptions { ask_certificate: options.tls_verify, alpn: vec![b"xmpp-client".to_vec()] };
        let tls = ListenerTls::new(config, Some("c2s"), Arc::clone(&certificates), wanted);
        tls.settings(&kernel.config(), None)?;
        let (resumable, budget) = (kernel.shared(), kernel.shared());
        Ok(Self { shared: Arc::new(Shared { kernel, options, tls, certificates, resumable, budget }) })
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

impl Accept for ClientListener {
    fn accept(&self, accepted: Accepted) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(negotiate::serve(shared, accepted));
    }

    fn budget(&self) -> Option<Arc<Budget>> {
        Some(Arc::clone(&self.shared.budget))
    }

    fn refuse(&self, socket: &Socket, _over: Over) {
        // Where TLS comes first nothing can be said that the client would read.
        if !self.shared.options.direct_tls {
            let _ = socket.try_write(FULL.as_bytes());
        }
    }
}
