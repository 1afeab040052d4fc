//! The options of mod_mqtt_bridge.

use nightjar_config::node::Node;
use nightjar_config::{ModuleSpec, option};
use nightjar_mqtt::topic::{self, Limits};
use nightjar_mqtt::{Text, Version};

pub(super) static SPEC: ModuleSpec = ModuleSpec {
    name: "mod_mqtt_bridge",
    doc: "Carries messages between the host's MQTT broker and other brokers.",
    options: &[
        option(
            "servers",
            "map",
            "{}",
            "The other brokers by URL (`mqtt`, `mqtts`; `mqtt5` and `mqtt5s` for MQTT 5; `ws`, `wss`, `ws5` and `wss5` over \
             WebSocket), each with `authentication` \
             (`username` and `password`, or `certfile`), `publish` (`{local topic: remote topic}`) and `subscribe` \
             (`{remote topic: local topic}`).",
        ),
        option(
            "replication_user",
            "jid",
            "admin@@HOST@",
            "The account of the host in whose name messages from other brokers are published.",
        ),
    ],
};

/// How a broker is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// As it was written; nothing in it is secret.
    pub url: String,
    pub version: Version,
    pub is_tls: bool,
    /// A name, or an IP address without brackets.
    pub host: String,
    pub port: u16,
    /// Where HTTP goes over to WebSocket, if it does.
    pub web: Option<Web>,
}

/// What is asked of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Web {
    /// The host as the URL has it, with the port unless it is the scheme's own.
    pub authority: String,
    /// With the query.
    pub path: String,
}

/// What it is told about us.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Authentication {
    None,
    Password {
        user: Text,
        password: Vec<u8>,
    },
    /// The file with certificate, chain and key.
    Certificate(String),
}

/// A broker.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub address: Address,
    pub authentication: Authentication,
    /// Local and remote topics.
    pub publish: Vec<(Text, Text)>,
    /// Remote and local topics.
    pub subscribe: Vec<(Text, Text)>,
}

impl Server {
    /// Where a message of a local topic goes.
    pub fn remote_topic(&self, local: &[u8]) -> Option<&Text> {
        self.publish.iter().find(|(topic, _)| topic.as_bytes() == local).map(|(_, remote)| remote)
    }

    /// Where a message of a remote topic goes.
    pub fn local_topic(&self, remote: &[u8]) -> Option<&Text> {
        self.subscribe.iter().find(|(topic, _)| topic.as_bytes() == remote).map(|(_, local)| local)
    }
}

/// Reads the option `servers`.
///
/// # Errors
/// A sentence.
pub(super) fn servers(node: &Node) -> Result<Vec<Server>, String> {
    let mut servers: Vec<Server> = Vec::new();
    for entry in node.entries() {
        let url = entry.key.as_str();
        let server = server(url, &entry.value).map_err(|error| format!("servers: {url}: {error}"))?;
        if servers.iter().any(|other| other.address == server.address) {
            return Err(format!("servers: {url} is there twice"));
        }
        servers.push(server);
    }
    Ok(servers)
}

fn server(url: &str, node: &Node) -> Result<Server, String> {
    let known = ["authentication", "publish", "subscribe"];
    only(node, &known)?;
    let address = address(url)?;
    let authentication = authentication(node.get("authentication"), &address)?;
    let publish = topics(node.get("publish"), "publish")?;
    let subscribe = topics(node.get("subscribe"), "subscribe")?;
    if publish.is_empty() && subscribe.is_empty() {
        return Err("`publish` or `subscribe` must be set".to_owned());
    }
    Ok(Server { address, authentication, publish, subscribe })
}

fn only(node: &Node, known: &[&str]) -> Result<(), String> {
    let mut names = node.entries().iter().map(|entry| entry.key.as_str());
    match names.find(|name| !known.contains(name)) {
        Some(name) => Err(format!("there is no `{name}`, only {}", known.join(", "))),
        None => Ok(()),
    }
}

/// Reads a URL.
pub(super) fn address(url: &str) -> Result<Address, String> {
    let (scheme, rest) = url.split_once("://").ok_or("that is no URL")?;
    let (version, is_tls, standard) = match scheme {
        "mqtt" => (Version::V3_1_1, false, 1883),
        "mqtts" => (Version::V3_1_1, true, 8883),
        "mqtt5" => (Version::V5, false, 1883),
        "mqtt5s" => (Version::V5, true, 8883),
        "ws" => (Version::V3_1_1, false, 80),
        "wss" => (Version::V3_1_1, true, 443),
        "ws5" => (Version::V5, false, 80),
        "wss5" => (Version::V5, true, 443),
        _ => return Err("the scheme must be mqtt, mqtts, mqtt5, mqtt5s, ws, wss, ws5 or wss5".to_owned()),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("names and passwords belong into `authentication`".to_owned());
    }
    let (host, given) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or("the port is wrong")?)),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("the host is missing".to_owned());
    }
    let port = match given {
        Some(given) => given.parse().ok().filter(|port| *port > 0).ok_or("the port is wrong")?,
        None => standard,
    };
    let is_web = scheme.starts_with("ws");
    let web = is_web.then(|| web(host, Some(port).filter(|port| *port != standard), path)).transpose()?;
    Ok(Address { url: url.to_owned(), version, is_tls, host: host.to_owned(), port, web })
}

/// What the rest of a URL asks of HTTP.
fn web(host: &str, port: Option<u16>, path: &str) -> Result<Web, String> {
    // It becomes part of a head, where a line's end would end more than the line.
    if !host.bytes().chain(path.bytes()).all(|byte| byte.is_ascii_graphic()) {
        return Err("a URL has no spaces and only ASCII; write others as %20".to_owned());
    }
    let path = path.split('#').next().unwrap_or_default();
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let authority = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
    Ok(Web { authority, path })
}

fn authentication(node: Option<&Node>, address: &Address) -> Result<Authentication, String> {
    let Some(node) = node.filter(|node| !node.entries().is_empty()) else { return Ok(Authentication::None) };
    only(node, &["username", "password", "certfile"])?;
    let part = |name| match node.get(name) {
        None => Ok(None),
        Some(node) => node.as_str().map(Some).ok_or_else(|| format!("`{name}` must be text")),
    };
    match (part("username")?, part("password")?, part("certfile")?) {
        (Some(user), Some(password), None) => {
            let user = Text::new(user).ok_or("`username` can't be sent")?;
            Ok(Authentication::Password { user, password: password.as_bytes().to_vec() })
        }
        (None, None, Some(_)) if !address.is_tls => {
            Err("`certfile` needs mqtts, mqtt5s, wss or wss5".to_owned())
        }
        (None, None, Some(file)) => Ok(Authentication::Certificate(file.to_owned())),
        _ => Err("`authentication` is either `username` and `password`, or `certfile`".to_owned()),
    }
}

fn topics(node: Option<&Node>, name: &str) -> Result<Vec<(Text, Text)>, String> {
    let topic = |words: &str| {
        let topic = Text::new(words);
        let topic = topic.filter(|topic| topic::check_name(topic.as_bytes(), &Limits::default()).is_ok());
        topic.ok_or_else(|| format!("{name}: `{words}` is no topic; wildcards can't be mapped"))
    };
    let entries = node.map(Node::entries).unwrap_or_default();
    let pair = |entry: &nightjar_config::node::Entry| {
        let value = entry.value.as_str().ok_or_else(|| format!("{name}: {} must be a topic", entry.key))?;
        Ok((topic(entry.key.as_str())?, topic(value)?))
    };
    entries.iter().map(pair).collect()
}

#[cfg(test)]
mod tests;
