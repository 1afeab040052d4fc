//! Looking at options without knowing whether this server has them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nightjar_config::access::Who;
use nightjar_config::{ListenerConfig, Options, Value};
use nightjar_firewall::Line;
use nightjar_jid::Jid;

/// Addresses of nobody (RFC 5737, RFC 3849): what a rule says about them it says about everybody.
pub(crate) const STRANGERS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x77, 0, 0, 0, 0, 0x77)),
];

/// An account that no rule names.
const NOBODY: &str = "nobody-in-particular-4711";

/// Names that no public DNS has (RFC 6761, RFC 6762, RFC 8375), and addresses.
pub fn is_private(host: &str) -> bool {
    const PRIVATE: [&str; 7] = ["localhost", "local", "test", "invalid", "internal", "lan", "home.arpa"];
    let below =
        |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !host.contains('.') || host.parse::<IpAddr>().is_ok() || PRIVATE.into_iter().any(below)
}

/// The form of a domain in the DNS and in certificates (RFC 5890 §2.3.2.1).
pub(crate) fn ascii(domain: &str) -> String {
    idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned())
}

/// An account of a host that no rule names.
pub(crate) fn nobody(host: &str) -> Option<Jid> {
    format!("{NOBODY}@{host}").parse().ok()
}

/// Somebody who connects from anywhere.
pub(crate) fn strangers() -> impl Iterator<Item = Who<'static>> {
    STRANGERS.into_iter().map(Who::ip)
}

/// Whether a listener is for others than this machine.
pub(crate) fn is_public(listener: &ListenerConfig) -> bool {
    listener.unix.is_none() && !listener.ip.to_canonical().is_loopback()
}

/// Whether a server is reached without a network: this machine, or a UNIX socket.
pub(crate) fn is_here(server: &str) -> bool {
    let address: Option<IpAddr> = server.parse().ok();
    server.starts_with('/')
        || server.starts_with("unix:")
        || server == "localhost"
        || address.is_some_and(|address| address.is_loopback())
}

/// The value; unset where there is no such option.
pub(crate) fn value<'a>(options: &'a Options, name: &str) -> &'a Value {
    options.setting(name).map_or(&Value::Unset, |setting| &setting.value)
}

/// Whether it is true.
pub(crate) fn flag(options: &Options, name: &str) -> bool {
    *value(options, name) == Value::Bool(true)
}

/// A word; `true` and `false` are words too.
pub(crate) fn word<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    match value(options, name) {
        Value::Text(text) => Some(text.as_str()),
        Value::Bool(value) => Some(if *value { "true" } else { "false" }),
        _ => None,
    }
}

/// All words in a text or list of texts, whatever stands between them.
pub(crate) fn words(options: &Options, name: &str) -> Vec<String> {
    let value = value(options, name);
    let texts = std::iter::once(value).chain(value.items()).filter_map(Value::as_str);
    let split = |text: &str| text.split(['|', ':', ',', ' ']).map(str::to_owned).collect::<Vec<_>>();
    texts.flat_map(split).filter(|word| !word.is_empty()).collect()
}

/// The line that sets an option of the top level, a module or a listener; none where it is a default.
pub(crate) fn line(options: &Options, name: &str) -> Option<Line> {
    let setting = options.setting(name).filter(|setting| setting.set)?;
    let scope = options.scope();
    let path = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
    Line::new(&setting.node.at, path)
}

/// The line that sets an option of a listener, or the one of its port.
pub(crate) fn line_or_port(listener: &ListenerConfig, name: &str) -> Option<Line> {
    line(&listener.options, name).or_else(|| line(&listener.options, "port"))
}
