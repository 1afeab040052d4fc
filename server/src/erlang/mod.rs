//! The node in the Erlang distribution: what `erl` and ejabberd's own ejabberdctl talk to. Off unless a name is given.

pub(crate) mod client;
mod given;
mod operator;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, bail};
use nightjar_net_dist::limits::Limits;
use nightjar_net_dist::tls::Tls;
use nightjar_net_dist::{Node as Distribution, NodeName, cookie, name, node};
use nightjar_sasl::Secret;

pub(crate) use given::Given;

use crate::home::Home;
use crate::node::Node;
use operator::ServerOperator;

/// Words of the command line about the Erlang node.
#[derive(clap::Args, Default, Clone)]
pub(crate) struct Flags {
    /// Be an Erlang node of this short name, for erl and ejabberd's ejabberdctl
    #[arg(long, value_name = "NAME[@HOST]", conflicts_with = "name")]
    pub(crate) sname: Option<String>,
    /// Be an Erlang node of this long name
    #[arg(long, value_name = "NAME[@HOST]")]
    pub(crate) name: Option<String>,
    /// The node's cookie; others of this machine can see it, unlike one in a file
    #[arg(long, value_name = "COOKIE")]
    pub(crate) setcookie: Option<String>,
    /// The file of the node's cookie, made if it isn't there [default: ~/.erlang.cookie]
    #[arg(long, value_name = "FILE")]
    pub(crate) cookie_file: Option<PathBuf>,
    /// How nodes are connected: inet_tcp, inet6_tcp, inet_tls or inet6_tls [default: inet_tcp]
    #[arg(long, value_name = "PROTOCOL")]
    pub(crate) proto_dist: Option<String>,
}

/// What the node will be, with all files read.
pub(crate) struct Prepared {
    settings: node::Settings,
    /// The cookie's file, if that is where it came from: it is read again at a restart.
    pub(crate) cookie_file: Option<PathBuf>,
    /// What the operator should know, once there is a log.
    remark: Option<String>,
}

/// The name that this process was given.
static OWN_NAME: OnceLock<String> = OnceLock::new();

/// The name of the Erlang node that this process is, if it is one.
pub(crate) fn own_name() -> Option<&'static str> {
    OWN_NAME.get().map(String::as_str)
}

/// Reads and makes what an Erlang node needs; nothing if no name is given. Done while all files can be read.
///
/// # Errors
/// A value that can't be used, a cookie that others may read.
pub(crate) fn prepare(flags: &Flags, home: &Home) -> anyhow::Result<Option<Prepared>> {
    let mut given =
        Given::from_environment(flags, |name| std::env::var(name).ok()).map_err(anyhow::Error::msg)?;
    given.user_home = user_home(given.user_home.as_deref());
    let prepared = prepare_with(&given, home, name::own_host)?;
    if let Some(prepared) = &prepared {
        let _ = OWN_NAME.set(prepared.settings.name.as_str().to_owned());
    }
    Ok(prepared)
}

fn prepare_with(
    given: &Given,
    home: &Home,
    host: impl FnOnce(name::Kind) -> String,
) -> anyhow::Result<Option<Prepared>> {
    let Some((text, kind)) = &given.name else { return Ok(None) };
    let name = name::node_name(text, *kind, host)?;
    let (cookie, cookie_file) = match &given.cookie {
        Some((cookie, from)) => (cookie::check(cookie, from)?, None),
        None => {
            let file = cookie_path(given, home);
            (cookie::read_or_make(&file, nightjar_net_dist::random::fill)?, Some(file))
        }
    };
    let protocol = Protocol::parse(given.protocol.as_deref())?;
    let tls = if protocol.tls {
        Some(Tls::open(&home.path().join("dist"), name.host()).context("TLS between nodes")?)
    } else {
        None
    };
    let (interfaces, remark) = interfaces(given.interface, protocol.ipv6, &name);
    let settings = node::Settings {
        interfaces,
        ports: given.fixed_port.map_or(given.ports, |port| (port, port)),
        epmd: given.fixed_port.is_none().then(|| given.epmd.clone()),
        name,
        cookie,
        tls,
        limits: Limits::NODE,
    };
    Ok(Some(Prepared { settings, cookie_file, remark }))
}

/// Where the cookie is that this user's `erl` has; the home's if the user has no home.
fn cookie_path(given: &Given, home: &Home) -> PathBuf {
    match (&given.cookie_file, &given.user_home) {
        (Some(file), _) => file.clone(),
        (None, Some(user)) => cookie::usual_file(user, given.config_home.as_deref()),
        (None, None) => home.path().join(".erlang.cookie"),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Protocol {
    tls: bool,
    ipv6: bool,
}

impl Protocol {
    fn parse(word: Option<&str>) -> anyhow::Result<Self> {
        Ok(match word {
            None | Some("inet_tcp") => Self { tls: false, ipv6: false },
            Some("inet6_tcp") => Self { tls: false, ipv6: true },
            Some("inet_tls") => Self { tls: true, ipv6: false },
            Some("inet6_tls") => Self { tls: true, ipv6: true },
            Some(other) => bail!("proto_dist is inet_tcp, inet6_tcp, inet_tls or inet6_tls, not {other:?}"),
        })
    }
}

/// Where the node listens: what was named; otherwise this machine's own address, also the one that the host's name
/// leads to if that is one of the machine's own (Debian's 127.0.1.1). The remark is about one that leads elsewhere.
fn interfaces(named: Option<IpAddr>, ipv6: bool, name: &NodeName) -> (Vec<IpAddr>, Option<String>) {
    if let Some(address) = named {
        return (vec![address], None);
    }
    if ipv6 {
        return (vec![Ipv6Addr::LOCALHOST.into()], None);
    }
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let found = (name.host(), 0).to_socket_addrs().into_iter().flatten().map(|address| address.ip());
    let found: Vec<IpAddr> = found.filter(IpAddr::is_ipv4).collect();
    for address in found.iter().filter(|address| address.is_loopback()) {
        if !addresses.contains(address) {
            addresses.push(*address);
        }
    }
    let elsewhere = found.iter().find(|address| !address.is_loopback());
    let remark = elsewhere.map(|address| {
        format!(
            "others look for the Erlang node {name} at {address}, where it doesn't listen: name it …@localhost, or set \
             INET_DIST_INTERFACE and ERL_EPMD_ADDRESS to that address"
        )
    });
    (addresses, remark)
}

/// Starts the node, if there is to be one. Dropping it ends its connections and takes the name back.
///
/// # Errors
/// If its name is taken, or there is no port for it.
pub(crate) async fn start(node: &Node, prepared: Option<Prepared>) -> anyhow::Result<Option<Distribution>> {
    let Some(Prepared { mut settings, remark, .. }) = prepared else { return Ok(None) };
    if let Some(epmd) = &mut settings.epmd {
        // Whoever looks for the node asks the epmd of the same address.
        let known = epmd.addresses.clone();
        let missing = settings.interfaces.iter().filter(|ip| ip.is_loopback() && !known.contains(ip));
        epmd.addresses.extend(missing);
    }
    let tls = settings.tls.is_some();
    let operator = Arc::new(ServerOperator::new(node));
    let distribution = Distribution::start(settings, operator).await?;
    let addresses: Vec<String> = distribution.addresses().iter().map(ToString::to_string).collect();
    tracing::info!(
        node = distribution.name().as_str(),
        listens = addresses.join(" "),
        tls,
        "this is an Erlang node"
    );
    if let Some(remark) = remark {
        tracing::warn!("{remark}");
    }
    Ok(Some(distribution))
}

/// The home of the user that the process runs as: another's, left in the environment by `--user`, doesn't count.
fn user_home(named: Option<&Path>) -> Option<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    let is_own = |path: &Path| std::fs::metadata(path).is_ok_and(|folder| folder.uid() == own);
    if let Some(home) = named.filter(|home| is_own(home)) {
        return Some(home.to_owned());
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let home = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2)?.parse() == Ok(own)).then(|| fields.get(5).map(PathBuf::from)).flatten()
    });
    home.filter(|home| is_own(home))
}

/// The cookie that a client of this user has.
///
/// # Errors
/// If there is none, or others may read it.
fn client_cookie(given: &Given, home: &Path) -> Result<Secret, cookie::CookieError> {
    match &given.cookie {
        Some((cookie, from)) => cookie::check(cookie, from),
        None => {
            let usual = |user: &PathBuf| cookie::usual_file(user, given.config_home.as_deref());
            let usual = given.user_home.as_ref().map(usual);
            let file = given.cookie_file.clone().or(usual).unwrap_or_else(|| home.join(".erlang.cookie"));
            cookie::read(&file)
        }
    }
}
