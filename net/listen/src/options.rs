//! The options that every listener has.

use std::net::SocketAddr;
use std::time::Duration;

use nightjar_config::{ListenerConfig, OptionSpec, option};

use crate::listener::{Endpoint, ListenOptions};

/// Rows for [`nightjar_config::ModuleSpec::options`], one for each option of all listeners over TCP or UNIX sockets.
pub const BACKLOG: OptionSpec = OptionSpec {
    name: "backlog",
    kind: "int>=0",
    default: "128",
    doc: "Connections that may wait to be accepted.",
};

/// `use_proxy_protocol`
pub const USE_PROXY_PROTOCOL: OptionSpec = OptionSpec {
    name: "use_proxy_protocol",
    kind: "bool",
    default: "false",
    doc: "Whether a PROXY header says who connects.",
};

/// `send_timeout`
pub const SEND_TIMEOUT: OptionSpec = OptionSpec {
    name: "send_timeout",
    kind: "duration(s)|infinity",
    default: "15 s",
    doc: "How long a client may take no byte that is sent.",
};

/// `accept_interval`
pub const ACCEPT_INTERVAL: OptionSpec = OptionSpec {
    name: "accept_interval",
    kind: "int>=0",
    default: "0",
    doc: "Milliseconds between two accepted connections.",
};

/// `unix_socket`
pub const UNIX_SOCKET: OptionSpec = OptionSpec {
    name: "unix_socket",
    kind: "map {mode, owner, group}",
    default: "{}",
    doc: "Mode and owner of a UNIX socket.",
};

/// `unix_socket.mode`
pub const UNIX_SOCKET_MODE: OptionSpec = OptionSpec {
    name: "unix_socket.mode",
    kind: "octal string",
    default: "unset",
    doc: "Its mode; 0600 if unset.",
};

/// `protocol_options`
pub const PROTOCOL_OPTIONS: OptionSpec = option(
    "protocol_options",
    "[string] joined with |",
    "unset",
    "OpenSSL's words: no_tlsv1_2, no_tlsv1_3 and cipher_server_preference have an effect, the others hold anyway.",
);

/// `ciphers`
pub const CIPHERS: OptionSpec = option(
    "ciphers",
    "string",
    "unset",
    "OpenSSL's list of ciphers; it chooses among those that are there, all of which are strong.",
);

/// `dhfile`
pub const DHFILE: OptionSpec =
    option("dhfile", "file", "unset", "Accepted with a warning: keys are agreed on by elliptic curves.");

/// `tls_compression`
pub const TLS_COMPRESSION: OptionSpec =
    option("tls_compression", "bool", "false", "Accepted with a warning: TLS is never compressed (CRIME).");

/// What the listening socket needs, as configured.
pub fn listen_options(listener: &ListenerConfig) -> ListenOptions {
    let options = &listener.options;
    let mode = options.opt_int("unix_socket.mode").and_then(|mode| u32::try_from(mode).ok());
    let endpoint = match &listener.unix {
        Some(path) => Endpoint::Unix(path.clone(), mode.unwrap_or(0o600)),
        None => Endpoint::Tcp(SocketAddr::new(listener.ip, listener.port)),
    };
    ListenOptions {
        endpoint,
        backlog: i32::try_from(options.int("backlog")).unwrap_or(128).max(1),
        use_proxy_protocol: options.bool("use_proxy_protocol"),
        accept_interval: Duration::from_millis(u64::try_from(options.int("accept_interval")).unwrap_or(0)),
    }
}
