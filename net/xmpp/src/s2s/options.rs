//! Options of federation: of the whole server, of a host, of a listener.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use nightjar_base::{Host, Kernel};
use nightjar_config::access::{ShaperRef, Who};
use nightjar_config::{ListenerConfig, ModuleSpec, OptionSpec, option};
use nightjar_jid::Jid;
use nightjar_net_listen::chosen::policy_of;
use nightjar_net_listen::options as common;
use nightjar_net_listen::{ListenOptions, TlsPolicy};
use nightjar_xmpp::s2s::{Settings, StartTls};

use crate::limits::{MAX_STANZA_ELEMENTS, PRE_AUTH_MAX_STANZA_ELEMENTS, with_elements};

/// Top-level options, each for a host unless it says otherwise.
pub const TOPLEVEL: &[OptionSpec] = &[
    option("s2s_access", "access rule", "all", "Which other servers may exchange stanzas with the host."),
    option(
        "s2s_use_starttls",
        "bool|optional|required",
        "required",
        "Whether streams between servers are encrypted; must be unless this says less. ejabberd's default is false.",
    ),
    option("s2s_cafile", "PEM file", "unset", "Authorities that vouch for other servers; ca_file if unset."),
    option(
        "s2s_protocol_options",
        "[string] joined with |",
        "unset",
        "Streams between servers: no_tlsv1_2, no_tlsv1_3 and cipher_server_preference have an effect, OpenSSL's other words hold anyway.",
    ),
    option(
        "s2s_ciphers",
        "string|[string] joined with :",
        "unset",
        "OpenSSL's list of ciphers for streams between servers; it chooses among those that are there, all of which are strong.",
    ),
    option("s2s_dhfile", "file", "unset", "Accepted with a warning: keys are agreed on by elliptic curves."),
    option(
        "s2s_tls_compression",
        "bool",
        "unset",
        "Accepted with a warning: TLS is never compressed (CRIME).",
    ),
    option(
        "s2s_zlib",
        "bool",
        "false",
        "Accepted with a warning: streams are never compressed (CRIME, bombs).",
    ),
    option(
        "s2s_timeout",
        "duration(s)|infinity",
        "1 h",
        "How long a stream may be idle before it is closed.",
    ),
    option(
        "s2s_max_retry_delay",
        "duration(s)",
        "5 min",
        "The longest time for which a server that could not be reached is not tried again; the whole server's.",
    ),
    option("s2s_dns_timeout", "duration(s)|infinity", "10 s", "How long one question to the DNS may take."),
    option("s2s_dns_retries", "int>=0", "2", "How often a question that got no answer is asked again."),
    option(
        "dnssec_trust_anchors",
        "file",
        "unset",
        "DNSKEY records, one a line, of zones whose keys are trusted in place of the root's that are built in.",
    ),
    option(
        "max_fsm_queue",
        "int>0",
        "unset",
        "Stanzas that may wait for another server; 10000 if unset. Listeners have an option of their own.",
    ),
    option(
        "s2s_queue_type",
        "ram|file",
        "= toplevel queue_type",
        "Accepted: queues are short and in memory.",
    ),
    option("outgoing_s2s_port", "port 1..65535", "5269", "The port of servers whose DNS names none."),
    option(
        "outgoing_s2s_families",
        "non-empty [ipv4|ipv6]",
        "[ipv6, ipv4]",
        "Address families, first to last.",
    ),
    option("outgoing_s2s_timeout", "duration(s)|infinity", "10 s", "How long connecting may take."),
    option("outgoing_s2s_ipv4_address", "ipv4", "unset", "The address that connections over IPv4 come from."),
    option("outgoing_s2s_ipv6_address", "ipv6", "unset", "The address that connections over IPv6 come from."),
];

/// Name and options of the listener.
pub static S2S_SPEC: ModuleSpec = ModuleSpec {
    name: "ejabberd_s2s_in",
    doc: "Other servers over TCP, with STARTTLS or direct TLS (RFC 6120, XEP-0220, XEP-0368).",
    options: &[
        option("shaper", "shaper rule", "none", "How fast another server may send."),
        option("tls", "bool", "false", "Whether connections begin with TLS."),
        option(
            "cafile",
            "PEM file",
            "unset",
            "Authorities that vouch for other servers; s2s_cafile if unset.",
        ),
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
            "The same before the other server has proved a domain.",
        ),
        MAX_STANZA_ELEMENTS,
        PRE_AUTH_MAX_STANZA_ELEMENTS,
        option("max_fsm_queue", "int>0", "10000", "Stanzas that may wait for a server that doesn't read."),
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

/// Bytes that may wait for a server that can't be reached yet, whatever the number of stanzas.
pub(super) const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// "infinity" for one stanza: larger than any server sends, small enough to be held.
const STANZA_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// RFC 6120 §13.12
const STANZA_BYTES_MIN: u64 = 10_000;

/// What a host says about federation.
pub(super) struct Policy {
    pub starttls: StartTls,
    pub port: u16,
    /// Whether IPv6 comes first, and which families are used at all.
    pub families: Vec<Family>,
    pub connect_timeout: Option<Duration>,
    pub source_v4: Option<Ipv4Addr>,
    pub source_v6: Option<Ipv6Addr>,
    pub queue_max: usize,
    /// How connections may be encrypted (`s2s_protocol_options`, `s2s_ciphers`).
    pub tls: TlsPolicy,
    /// mod_s2s_dialback runs.
    pub dialback: bool,
    /// mod_s2s_bidi runs.
    pub bidi: bool,
    pub negotiation_timeout: Duration,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Policy {
    pub fn of(kernel: &Kernel, host: &Host) -> Self {
        let config = host.config();
        let options = &config.options;
        let ip = |name: &str| options.ip(name).filter(|_| options.is_set(name));
        Self {
            starttls: starttls(&options.text("s2s_use_starttls")),
            port: u16::try_from(options.int("outgoing_s2s_port")).unwrap_or(5269),
            families: families(&options.texts("outgoing_s2s_families")),
            connect_timeout: options.duration("outgoing_s2s_timeout"),
            source_v4: ip("outgoing_s2s_ipv4_address").and_then(|ip| match ip {
                std::net::IpAddr::V4(ip) => Some(ip),
                std::net::IpAddr::V6(_) => None,
            }),
            source_v6: ip("outgoing_s2s_ipv6_address").and_then(|ip| match ip {
                std::net::IpAddr::V6(ip) => Some(ip),
                std::net::IpAddr::V4(_) => None,
            }),
            queue_max: queue_max(host),
            tls: policy_of(options, "s2s"),
            dialback: config.module("mod_s2s_dialback").is_some(),
            bidi: config.module("mod_s2s_bidi").is_some(),
            negotiation_timeout: kernel
                .config()
                .global
                .duration("negotiation_timeout")
                .unwrap_or(Duration::from_secs(120)),
        }
    }

    /// What the streams we open are like.
    pub fn settings(&self) -> Settings {
        Settings {
            starttls: self.starttls,
            bidi: self.bidi,
            negotiation_timeout: self.negotiation_timeout.min(Duration::from_secs(60)),
            ..Settings::default()
        }
    }
}

/// Stanzas that may wait for another server (`max_fsm_queue`).
pub(super) fn queue_max(host: &Host) -> usize {
    let max = host.config().options.opt_int("max_fsm_queue");
    max.and_then(|max| usize::try_from(max).ok()).unwrap_or(10_000).max(1)
}

/// Whether stanzas may pass between a host and another server (`s2s_access`), and whether dialback may prove it.
pub(super) fn may_federate(host: &Host, remote: &Jid) -> bool {
    let config = host.config();
    config.access.allows(&config.options.access("s2s_access"), &Who::jid(remote))
}

/// Whether dialback may prove another server to a host: the access rule of mod_s2s_dialback.
pub(super) fn may_dial_back(host: &Host, remote: &Jid) -> bool {
    let config = host.config();
    let Some(module) = config.module("mod_s2s_dialback") else { return false };
    config.access.allows(&module.access("access"), &Who::jid(remote))
}

fn starttls(value: &str) -> StartTls {
    match value {
        "false" => StartTls::Never,
        "true" | "optional" => StartTls::Optional,
        _ => StartTls::Required,
    }
}

fn families(names: &[nightjar_text::Text]) -> Vec<Family> {
    names.iter().map(|name| if &**name == "ipv4" { Family::V4 } else { Family::V6 }).collect()
}

/// What a listener was configured to be.
pub(super) struct ListenerOptions {
    pub direct_tls: bool,
    pub shaper: ShaperRef,
    pub cafile: Option<nightjar_text::Text>,
    pub settings: Arc<Settings>,
    pub mailbox_capacity: usize,
    pub send_timeout: Option<Duration>,
    pub listen: ListenOptions,
}

impl ListenerOptions {
    pub fn read(listener: &ListenerConfig, kernel: &Kernel) -> Self {
        let options = &listener.options;
        let defaults = Settings::default();
        let bytes = |name: &str| {
            let limit = options.limit(name).unwrap_or(STANZA_BYTES_MAX);
            u32::try_from(limit.clamp(STANZA_BYTES_MIN, STANZA_BYTES_MAX)).unwrap_or(u32::MAX)
        };
        let mut limits = with_elements(defaults.limits, options, "max_stanza_elements");
        let mut before = with_elements(defaults.limits_before_auth, options, "pre_auth_max_stanza_elements");
        limits.stanza_bytes = bytes("max_stanza_size");
        before.stanza_bytes = bytes("pre_auth_max_stanza_size").min(1 << 20);
        let negotiation_timeout =
            kernel.config().global.duration("negotiation_timeout").unwrap_or(defaults.negotiation_timeout);
        Self {
            direct_tls: options.bool("tls"),
            shaper: options.shaper("shaper"),
            cafile: options.opt_text("cafile"),
            settings: Arc::new(Settings {
                limits,
                limits_before_auth: before,
                negotiation_timeout,
                ..defaults
            }),
            mailbox_capacity: usize::try_from(options.int("max_fsm_queue")).unwrap_or(10_000).max(1),
            send_timeout: options.duration("send_timeout"),
            listen: common::listen_options(listener),
        }
    }
}
