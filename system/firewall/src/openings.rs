//! From a configuration to the ways in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use nightjar_config::{Config, ListenerConfig, Node, Options, Value};
use nightjar_text::Text;

use crate::erlang::{DistributionPorts, Erlang};
use crate::line::Line;
use crate::opening::{Endpoint, Opening, Ports, Protocol, Tls, Zone};

#[cfg(test)]
mod tests;

/// `ip` of a listener that doesn't say (listeners.tsv).
const ANY_IPV4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const ANY: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
/// `turn_min_port` and `turn_max_port` if nothing is said.
const TURN_PORTS: (u16, u16) = (49152, 65535);
const PROXY65_PORT: u16 = 7777;

/// Every way in that the configuration opens, in its order; then what it names and this server has not got
/// (`served` is false). `erlang` is the node's Erlang side, if it has one.
pub fn openings(config: &Config, erlang: Option<&Erlang>) -> Vec<Opening> {
    let mut found: Vec<Opening> = config.listeners().iter().map(|one| listener(config, one)).collect();
    for relay in config.listeners().iter().filter_map(relay) {
        add(&mut found, relay);
    }
    for host in config.hosts() {
        if let Some(options) = config.host(host).module("mod_proxy65") {
            add(&mut found, proxy65(config, options));
        }
    }
    erlang.into_iter().flat_map(distribution).for_each(|opening| add(&mut found, opening));
    found.extend(unserved(config));
    found
}

/// Two hosts or listeners may share a port or a range.
fn add(found: &mut Vec<Opening>, opening: Opening) {
    if !found.iter().any(|known| known.endpoint == opening.endpoint && known.module == opening.module) {
        found.push(opening);
    }
}

fn listener(config: &Config, listener: &ListenerConfig) -> Opening {
    let module = listener.module.as_str();
    let options = &listener.options;
    let tls = tls(config, module, options);
    let zone = match module {
        "ejabberd_service" => Zone::Cluster,
        _ => Zone::Public,
    };
    let (endpoint, zone) = match &listener.unix {
        Some(path) => (Endpoint::Unix(path.clone()), Zone::Local),
        None => {
            let (ports, protocol) = (Ports::one(listener.port), listener.transport.into());
            let endpoint = Endpoint::Net { address: listener.ip, ports, protocol };
            (endpoint, Opening::zone_of(listener.ip, zone))
        }
    };
    let at = options.setting("port").map(|setting| &setting.node.at);
    Opening {
        endpoint,
        module: listener.module.clone(),
        speaks: speaks(module, flag(options, "tls"), flag(options, "use_turn")),
        tls,
        zone,
        line: at.and_then(|at| Line::new(at, format!("listen.{module}.port"))),
        served: true,
        note: note(module, options),
    }
}

fn tls(config: &Config, module: &str, options: &Options) -> Tls {
    if flag(options, "tls") {
        return Tls::Direct;
    }
    match module {
        "ejabberd_c2s" if flag(options, "starttls_required") => Tls::Required,
        "ejabberd_c2s" if flag(options, "starttls") => Tls::Optional,
        // Each host has its own policy; the weakest one counts.
        "ejabberd_s2s_in" => {
            let policies = config.hosts().iter().map(|host| s2s_tls(&config.host(host).options));
            policies.min_by_key(|tls| *tls as u8).unwrap_or(Tls::None)
        }
        _ => Tls::None,
    }
}

fn s2s_tls(options: &Options) -> Tls {
    match options.setting("s2s_use_starttls").map(|setting| &setting.value) {
        Some(Value::Bool(true)) => Tls::Optional,
        Some(Value::Text(word)) if *word == *"required" => Tls::Required,
        Some(Value::Text(word)) if *word == *"optional" || *word == *"true" => Tls::Optional,
        _ => Tls::None,
    }
}

fn speaks(module: &str, tls: bool, turn: bool) -> &'static str {
    match module {
        "ejabberd_c2s" => "XMPP clients",
        "ejabberd_s2s_in" => "XMPP servers",
        "ejabberd_service" => "XMPP components",
        "ejabberd_http" if tls => "HTTPS",
        "ejabberd_http" => "HTTP",
        "mod_mqtt" => "MQTT",
        "ejabberd_stun" if turn => "STUN and TURN",
        "ejabberd_stun" => "STUN",
        "ejabberd_sip" => "SIP",
        "ejabberd_xmlrpc" => "XML-RPC",
        "mod_proxy65" | "mod_proxy65_stream" => "SOCKS5 file transfer",
        _ => "",
    }
}

fn note(module: &str, options: &Options) -> String {
    match module {
        "ejabberd_http" => {
            let handlers = options.setting("request_handlers").map(|setting| setting.node.entries());
            let paths: Vec<&str> = handlers.unwrap_or_default().iter().map(|entry| &*entry.key).collect();
            paths.join(" ")
        }
        "ejabberd_service" => "only for the machines that components run on".to_owned(),
        "ejabberd_xmlrpc" => "administration: better on loopback".to_owned(),
        _ if flag(options, "use_proxy_protocol") => "only for the proxy in front of it".to_owned(),
        _ => String::new(),
    }
}

/// The ports a TURN server relays through, whatever it is itself reached by.
fn relay(listener: &ListenerConfig) -> Option<Opening> {
    let options = &listener.options;
    if listener.module != *"ejabberd_stun" || !flag(options, "use_turn") {
        return None;
    }
    let port = |name, usual| number(options, name).unwrap_or(usual);
    let ports = Ports::Range(port("turn_min_port", TURN_PORTS.0), port("turn_max_port", TURN_PORTS.1));
    let line = ["turn_min_port", "turn_max_port", "port"].iter().find_map(|name| {
        let setting = options.setting(name).filter(|setting| setting.set)?;
        Line::new(&setting.node.at, format!("listen.ejabberd_stun.{name}"))
    });
    Some(Opening {
        endpoint: Endpoint::Net { address: listener.ip, ports, protocol: Protocol::Udp },
        module: listener.module.clone(),
        speaks: "TURN relay",
        tls: Tls::None,
        zone: Opening::zone_of(listener.ip, Zone::Public),
        line,
        served: true,
        note: "turn_min_port to turn_max_port".to_owned(),
    })
}

fn proxy65(config: &Config, options: &Options) -> Opening {
    let address = match options.setting("ip").map(|setting| &setting.value) {
        Some(Value::Ip(ip)) => *ip,
        _ => ANY,
    };
    let port = options.setting("port").filter(|setting| setting.set);
    let line = match port {
        Some(setting) => Line::new(&setting.node.at, "modules.mod_proxy65.port"),
        None => module_line(config.tree(), "mod_proxy65"),
    };
    let ports = Ports::one(number(options, "port").unwrap_or(PROXY65_PORT));
    Opening {
        endpoint: Endpoint::Net { address, ports, protocol: Protocol::Tcp },
        module: Text::new("mod_proxy65"),
        speaks: speaks("mod_proxy65", false, false),
        tls: Tls::None,
        zone: Opening::zone_of(address, Zone::Public),
        line,
        served: true,
        note: String::new(),
    }
}

fn module_line(tree: &Node, module: &str) -> Option<Line> {
    let entry = tree.get("modules")?.entries().iter().find(|entry| *entry.key == *module)?;
    Line::new(&entry.key_at, format!("modules.{module}"))
}

fn distribution(erlang: &Erlang) -> Vec<Opening> {
    let opening = |address: IpAddr, ports, module: &'static str, speaks, tls, note: &str| Opening {
        endpoint: Endpoint::Net { address, ports, protocol: Protocol::Tcp },
        module: Text::new(module),
        speaks,
        tls,
        zone: Opening::zone_of(address, Zone::Cluster),
        line: None,
        served: true,
        note: note.to_owned(),
    };
    let mut found = Vec::new();
    for address in erlang.epmd.iter().flat_map(|epmd| &epmd.addresses) {
        let port = erlang.epmd.as_ref().map_or(0, |epmd| epmd.port);
        let note = "ERL_EPMD_ADDRESS, ERL_EPMD_PORT";
        found.push(opening(*address, Ports::one(port), "epmd", "epmd", Tls::None, note));
    }
    let (ports, note) = match erlang.ports {
        DistributionPorts::Fixed(port) => (Ports::one(port), "ERL_DIST_PORT"),
        DistributionPorts::Window(first, last) => (Ports::Range(first, last), "FIREWALL_WINDOW"),
        DistributionPorts::Any => (Ports::Random, "set ERL_DIST_PORT or FIREWALL_WINDOW to know the port"),
    };
    let tls = if erlang.tls { Tls::Direct } else { Tls::None };
    found.push(opening(erlang.interface, ports, "distribution", "Erlang distribution", tls, note));
    found
}

/// Listeners that the file names and this server has not got.
fn unserved(config: &Config) -> Vec<Opening> {
    let missing = |name: &str| config.missing().iter().any(|missing| *missing == *name);
    let items = config.tree().get("listen").map(Node::items).unwrap_or_default();
    let listeners = items.iter().filter_map(|item| {
        let module = item.get("module")?.as_text()?;
        missing(module).then(|| unserved_listener(item, module))
    });
    let mut found: Vec<Opening> = listeners.collect();
    let proxy = module_line(config.tree(), "mod_proxy65").filter(|_| missing("mod_proxy65"));
    if let Some(line) = proxy {
        let options = config.tree().get("modules").and_then(|modules| modules.get("mod_proxy65"));
        let port = options.and_then(|options| options.get("port")).and_then(Node::as_int);
        let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(PROXY65_PORT);
        let endpoint = Endpoint::Net { address: ANY, ports: Ports::one(port), protocol: Protocol::Tcp };
        found.push(not_served(endpoint, Text::new("mod_proxy65"), Some(line)));
    }
    found
}

fn unserved_listener(item: &Node, module: &Text) -> Opening {
    let text = |name| item.get(name).and_then(Node::as_str);
    let port = item.get("port");
    let endpoint = match text("port").and_then(|port| port.strip_prefix("unix:")) {
        Some(path) => Endpoint::Unix(PathBuf::from(path)),
        None => {
            let number = port.and_then(Node::as_int).and_then(|port| u16::try_from(port).ok());
            let address = text("ip").and_then(|ip| ip.parse().ok()).unwrap_or(ANY_IPV4);
            let protocol = if text("transport") == Some("udp") { Protocol::Udp } else { Protocol::Tcp };
            Endpoint::Net { address, ports: Ports::one(number.unwrap_or_default()), protocol }
        }
    };
    let line = port.and_then(|port| Line::new(&port.at, format!("listen.{module}.port")));
    not_served(endpoint, module.clone(), line)
}

fn not_served(endpoint: Endpoint, module: Text, line: Option<Line>) -> Opening {
    let zone = match &endpoint {
        Endpoint::Unix(_) => Zone::Local,
        Endpoint::Net { address, .. } => Opening::zone_of(*address, Zone::Public),
    };
    let speaks = speaks(&module, false, false);
    let note = "not served by this version".to_owned();
    Opening { endpoint, module, speaks, tls: Tls::None, zone, line, served: false, note }
}

fn flag(options: &Options, name: &str) -> bool {
    options.setting(name).is_some_and(|setting| setting.value == Value::Bool(true))
}

fn number(options: &Options, name: &str) -> Option<u16> {
    let setting = options.setting(name)?;
    setting.value.as_int().and_then(|number| u16::try_from(number).ok())
}
