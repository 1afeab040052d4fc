//! The listener's options, and what they mean.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::ops::RangeInclusive;

use nightjar_base::Kernel;
use nightjar_base::relay::RelayOffer;
use nightjar_config::access::{ShaperValue, Who};
use nightjar_config::{Config, ListenerConfig, ModuleSpec, Options, Transport, Value, option};
use nightjar_net_listen::options as common;
use nightjar_stun::nonce::{Features, Nonces};
use nightjar_stun::policy::{Network, Policy};
use nightjar_stun::server::{Alternate, Authentication, Settings};

use crate::ports::Family;

/// Name and options of the listener.
pub static STUN_SPEC: ModuleSpec = ModuleSpec {
    name: "ejabberd_stun",
    doc: "STUN (RFC 8489) and TURN (RFC 8656, RFC 6062) over UDP, TCP, TLS and DTLS.",
    options: &[
        option("tls", "bool", "false", "Whether connections begin with TLS, or datagrams are those of DTLS."),
        option(
            "certfile",
            "PEM file",
            "unset",
            "Taken for one more of the top-level certfiles: which one a client is shown is decided by the name it asks for.",
        ),
        option("use_turn", "bool", "false", "Whether relays are given."),
        option("turn_ipv4_address", "ipv4", "unset", "The relays' IPv4 address as peers see it."),
        option(
            "turn_ipv6_address",
            "ipv6",
            "unset",
            "The relays' IPv6 address; without it there are no IPv6 relays.",
        ),
        option("turn_min_port", "int 1025..65535", "49152", "The first relay port."),
        option("turn_max_port", "int 1025..65535", "65535", "The last relay port."),
        option(
            "turn_max_allocations",
            "int>0|infinity",
            "10",
            "Relays that one address may have, and one account.",
        ),
        option("turn_max_permissions", "int>0|infinity", "10", "Peers' addresses that one relay may reach."),
        option(
            "turn_blacklist",
            "ip_mask or [ip_mask]",
            "[127.0.0.0/8, \"::1/128\"]",
            "Addresses that no relay reaches. What isn't on the Internet is never reached unless turn_whitelist has it.",
        ),
        option(
            "turn_whitelist",
            "ip_mask or [ip_mask]",
            "[]",
            "Addresses of private networks that relays may reach. The blacklist goes first.",
        ),
        option("auth_type", "anonymous|user", "user", "Whether relays are for accounts only."),
        option(
            "auth_realm",
            "string",
            "unset",
            "The realm of credentials; the first host where this isn't set.",
        ),
        option(
            "alternate_server",
            "ip:port or [ip:port]",
            "[]",
            "Where clients are sent that ask for a relay while none is given: one address for IPv4, one for IPv6.",
        ),
        option(
            "alternate_domain",
            "string~^[A-Za-z0-9.-]{1,255}$",
            "unset",
            "The name in the certificate of alternate_server, told to clients that come by TLS or DTLS.",
        ),
        option("server_name", "string", "\"ejabberd\"", "The name that clients are told."),
        option("shaper", "shaper rule", "none", "How many bytes a second one relay may carry each way."),
        common::BACKLOG,
        common::USE_PROXY_PROTOCOL,
        common::SEND_TIMEOUT,
        common::ACCEPT_INTERVAL,
    ],
};

/// What a listener was configured to be.
pub(crate) struct Configured {
    pub(crate) tls: bool,
    pub(crate) settings: Settings,
    pub(crate) ports: RangeInclusive<u16>,
    pub(crate) v4: Option<Family>,
    pub(crate) v6: Option<Family>,
    pub(crate) allocations_each: usize,
}

/// Seconds that a nonce may be used.
const NONCE_LIFETIME: u64 = 3_600;
/// RFC 8656 §3.2
const LIFETIME_DEFAULT: u32 = 600;
/// RFC 8656 §7.2
const LIFETIME_MAX: u32 = 3_600;

impl Configured {
    /// # Errors
    /// A sentence about what doesn't fit together.
    pub(crate) fn read(kernel: &Kernel, listener: &ListenerConfig, secret: [u8; 32]) -> Result<Self, String> {
        let options = &listener.options;
        let config = kernel.config();
        let port = |name: &str| u16::try_from(options.int(name)).unwrap_or(u16::MAX);
        let ports = port("turn_min_port")..=port("turn_max_port");
        let use_turn = options.bool("use_turn");
        if use_turn && ports.is_empty() {
            return Err("turn_min_port is higher than turn_max_port".to_owned());
        }
        let many = |name: &str| {
            options.limit(name).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
        };
        let v4 = if use_turn { relay_ipv4(listener) } else { None };
        let v6 = options.ip("turn_ipv6_address").filter(|_| use_turn).map(family);
        let authentication = match options.text("auth_type").as_str() {
            "anonymous" => Authentication::Anonymous,
            _ => Authentication::User,
        };
        let realm =
            options.opt_text("auth_realm").or_else(|| config.hosts().first().cloned()).unwrap_or_default();
        let settings = Settings {
            use_turn,
            authentication,
            realm: realm.to_string(),
            software: options.text("server_name").to_string(),
            has_ipv4: v4.is_some(),
            has_ipv6: v6.is_some(),
            bytes_a_second: rate(listener, &config),
            permissions_max: many("turn_max_permissions"),
            lifetime_default: LIFETIME_DEFAULT,
            lifetime_max: LIFETIME_MAX,
            policy: policy(listener, &config, &ours(v4.as_ref(), v6.as_ref())),
            nonces: Nonces::new(
                secret,
                NONCE_LIFETIME,
                Features { password_algorithms: true, username_anonymity: true },
            ),
            other_address: None,
            alternate: alternate(listener, v4.as_ref(), v6.as_ref())?,
        };
        let allocations_each = many("turn_max_allocations");
        Ok(Self { tls: options.bool("tls"), settings, ports, v4, v6, allocations_each })
    }
}

impl Configured {
    /// What clients are told of this listener. One with TLS is told by its name, which only the operator knows.
    pub(crate) fn offers(&self, listener: &ListenerConfig) -> Vec<RelayOffer> {
        let public = |family: &Option<Family>| family.as_ref().map(|family| family.public);
        let of_listener = |wanted_ipv4: bool| {
            let is_own = !listener.ip.is_unspecified() && !listener.ip.is_loopback();
            Some(listener.ip).filter(|ip| is_own && ip.is_ipv4() == wanted_ipv4)
        };
        let takes_ipv6 = listener.ip.is_ipv6();
        let v4 = of_listener(true).or_else(|| public(&self.v4)).or_else(outgoing_ipv4);
        let v4 = v4.filter(|_| listener.ip.is_ipv4() || listener.ip.is_unspecified());
        let v6 = of_listener(false).or_else(|| public(&self.v6)).filter(|_| takes_ipv6);
        let addresses = v4.into_iter().chain(v6).filter(|_| !self.tls);
        let is_restricted = self.settings.authentication == Authentication::User;
        let offer = |ip| RelayOffer {
            ip,
            port: listener.port,
            is_udp: listener.transport == Transport::Udp,
            has_relays: self.settings.use_turn,
            is_restricted,
        };
        // Nobody elsewhere reaches a loopback address; somebody who configures one tries things out on one machine.
        let told = listener.options.is_set("turn_ipv4_address");
        addresses.filter(|ip| told || !ip.is_loopback()).map(offer).collect()
    }
}

/// The servers of `alternate_server`, one of each family.
fn alternate(
    listener: &ListenerConfig,
    v4: Option<&Family>,
    v6: Option<&Family>,
) -> Result<Alternate, String> {
    let options = &listener.options;
    let domain = options.opt_text("alternate_domain").map(|domain| domain.to_string());
    let mut alternate = Alternate { domain, ..Alternate::default() };
    let is_here = |server: &SocketAddr| {
        let is_ours = if listener.ip.is_unspecified() {
            ours(v4, v6).contains(&server.ip())
        } else {
            listener.ip == server.ip()
        };
        is_ours && listener.port == server.port()
    };
    for server in options.texts("alternate_server").iter().filter_map(|text| text.parse::<SocketAddr>().ok())
    {
        if is_here(&server) {
            return Err(format!(
                "alternate_server {server} is this listener itself: clients would go in circles"
            ));
        }
        let place = if server.is_ipv4() { &mut alternate.v4 } else { &mut alternate.v6 };
        if place.replace(server).is_some() {
            return Err("alternate_server has two addresses of one family".to_owned());
        }
    }
    Ok(alternate)
}

fn rate(listener: &ListenerConfig, config: &Config) -> Option<u64> {
    match config.access.shaper_value(&listener.options.shaper("shaper"), &Who::anyone()) {
        ShaperValue::Rate(rate) => Some(rate.rate),
        ShaperValue::None | ShaperValue::Infinity => None,
    }
}

fn relay_ipv4(listener: &ListenerConfig) -> Option<Family> {
    let told = listener.options.ip("turn_ipv4_address");
    let bound = Some(listener.ip).filter(|ip| ip.is_ipv4() && !ip.is_unspecified());
    let public = told.or(bound).or_else(outgoing_ipv4);
    if public.is_none_or(|ip| ip.is_loopback()) && !listener.ip.is_loopback() {
        tracing::warn!(
            "turn_ipv4_address is not set and this machine has no address of its own to be found: \
             relays will not be reachable"
        );
    }
    public.map(family)
}

/// The address that this machine would send from. Nothing is sent: connecting a UDP socket only asks the routing table.
fn outgoing_ipv4() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Behind a NAT the address that peers see isn't one of ours.
fn family(public: IpAddr) -> Family {
    let is_ours = UdpSocket::bind(SocketAddr::new(public, 0)).is_ok();
    let any: IpAddr = match public {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    Family { bind: if is_ours { public } else { any }, public }
}

fn policy(listener: &ListenerConfig, config: &Config, ours: &[IpAddr]) -> Policy {
    let networks = |name: &str| listener.options.list(name).iter().filter_map(network).collect();
    Policy {
        blacklist: networks("turn_blacklist"),
        whitelist: networks("turn_whitelist"),
        own: own_services(config, ours),
    }
}

/// Addresses of this machine that relays have.
fn ours(v4: Option<&Family>, v6: Option<&Family>) -> Vec<IpAddr> {
    let of_families = v4.into_iter().chain(v6).flat_map(|family| [family.public, family.bind]);
    of_families.chain(outgoing_ipv4()).filter(|ip| !ip.is_unspecified()).collect()
}

fn network(value: &Value) -> Option<Network> {
    let Value::Network(network) = value else { return None };
    Network::new(network.address, network.prefix)
}

/// Databases and directories of all hosts as configured, and this server's listeners: those that are bound to one address,
/// and those that are bound to all, at the addresses that are known to be ours. A relay that reached them would come from
/// within, past every firewall.
fn own_services(config: &Config, ours: &[IpAddr]) -> Vec<SocketAddr> {
    let listeners = config.listeners();
    let others = listeners.iter().filter(|own| own.unix.is_none() && own.module.as_str() != "ejabberd_stun");
    let mut own = Vec::new();
    for listener in others {
        if listener.ip.is_unspecified() {
            own.extend(ours.iter().map(|ip| SocketAddr::new(*ip, listener.port)));
        } else {
            own.push(SocketAddr::new(listener.ip, listener.port));
        }
    }
    for host in config.hosts() {
        own.extend(databases(&config.host(host).options));
    }
    own.sort();
    own.dedup();
    own
}

/// What isn't used is refused, too: it may be by something else.
fn databases(options: &Options) -> Vec<SocketAddr> {
    let port = |name: &str| options.opt_int(name).and_then(|port| u16::try_from(port).ok());
    let ports = |name: &str, usual: &[u16]| port(name).map_or_else(|| usual.to_vec(), |port| vec![port]);
    let mut ldap = options.texts("ldap_servers");
    ldap.extend(options.texts("ldap_backups"));
    let services = [
        (options.opt_text("sql_server").into_iter().collect(), ports("sql_port", &[5432, 3306, 1433])),
        (ldap, ports("ldap_port", &[389, 636])),
        (options.opt_text("redis_server").into_iter().collect(), ports("redis_port", &[6379])),
    ];
    let mut found = Vec::new();
    for (servers, ports) in services {
        for server in &servers {
            // A name that can't be found now has no address to refuse.
            let addresses = (server.as_str(), 0).to_socket_addrs().into_iter().flatten();
            found.extend(
                addresses
                    .flat_map(|address| ports.iter().map(move |port| SocketAddr::new(address.ip(), *port))),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests;
