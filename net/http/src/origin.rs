//! Who asks, and whom: the client and the host that is meant, as the client or proxies that are trusted say.

use std::net::{IpAddr, Ipv6Addr};

use http::header::HOST;
use http::{HeaderMap, Uri, Version};
use nightjar_config::{Config, Value};

/// Why a request's host can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadHost(pub &'static str);

/// The client and what it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The client's address.
    pub peer: Option<IpAddr>,
    /// Whether the client speaks TLS, to us or to the proxy.
    pub is_tls: bool,
    /// The host that is meant, normalised, without a port.
    pub host: Option<String>,
}

/// Tells the origin of a request on a connection.
///
/// # Errors
/// If the host is missing, repeated or no host (RFC 9112 §3.2).
pub(crate) fn origin(
    head: &http::request::Parts,
    peer: Option<IpAddr>,
    is_tls: bool,
    config: &Config,
) -> Result<Origin, BadHost> {
    let mut origin = Origin { peer, is_tls, host: host(&head.uri, head.version, &head.headers)? };
    let trusted = config.global.typed("trusted_proxies");
    if !trusts(trusted, peer) {
        return Ok(origin);
    }
    origin.peer = client(trusted, &head.headers, peer);
    // The nearest proxy is the one that is known to be trusted; what it says comes last.
    if let Some(scheme) = last(&head.headers, "x-forwarded-proto") {
        origin.is_tls = matches!(scheme, "https" | "wss");
    }
    if let Some(name) = last(&head.headers, "x-forwarded-host") {
        origin.host = Some(normalise(name)?);
    }
    Ok(origin)
}

/// Whether a proxy's word counts. Who comes by a UNIX socket has no address and is trusted only if all are.
fn trusts(trusted: &Value, proxy: Option<IpAddr>) -> bool {
    match trusted {
        Value::List(networks) => proxy.is_some_and(|proxy| {
            networks.iter().any(|network| match network {
                Value::Network(network) => network.contains(proxy),
                Value::Ip(ip) => ip.to_canonical() == proxy.to_canonical(),
                Value::Text(text) => *text == *"all",
                _ => false,
            })
        }),
        Value::Text(text) => *text == *"all",
        _ => false,
    }
}

/// The last address, from the nearest proxy outwards, that isn't a trusted proxy: what is further out could be
/// written by anybody.
fn client(trusted: &Value, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
    let mut client = peer;
    for hop in words(headers, "x-forwarded-for").into_iter().rev() {
        let Some(address) = address(hop) else { break };
        client = Some(address);
        if !trusts(trusted, client) {
            break;
        }
    }
    client
}

/// An address, perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare().or_else(with_port).or_else(bracketed).map(|ip| ip.to_canonical())
}

fn words<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    words(headers, name).pop()
}

fn host(uri: &Uri, version: Version, headers: &HeaderMap) -> Result<Option<String>, BadHost> {
    let mut fields = headers.get_all(HOST).into_iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(BadHost("Host must be given once."));
    }
    let field = field.map(|field| field.to_str().map_err(|_| BAD)).transpose()?;
    // An address that names the host wins over the field (RFC 9112 §3.2.2).
    match (uri.authority(), field) {
        (Some(authority), _) => normalise(authority.as_str()).map(Some),
        (None, Some(field)) => normalise(field).map(Some),
        (None, None) if version == Version::HTTP_10 => Ok(None),
        (None, None) => Err(BadHost("Host is missing.")),
    }
}

const BAD: BadHost = BadHost("Host is no name or address of a host.");

/// A host without its port, in lower case and by the rules for domains.
fn normalise(host: &str) -> Result<String, BadHost> {
    let host = host.trim();
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
    let ends_well = |rest: &str| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    if let Some(bracketed) = host.strip_prefix('[') {
        let (address, _) = bracketed.split_once(']').filter(|(_, rest)| ends_well(rest)).ok_or(BAD)?;
        return address.parse::<Ipv6Addr>().map(|address| address.to_string()).map_err(|_| BAD);
    }
    let (name, rest) = host.find(':').map_or((host, ""), |colon| host.split_at(colon));
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || "@/\\?#[]<>\"%".contains(c);
    if !ends_well(rest) || name.is_empty() || name.contains(is_odd) {
        return Err(BAD);
    }
    nightjar_jid::nameprep(name).map(std::borrow::Cow::into_owned).map_err(|_| BAD)
}
