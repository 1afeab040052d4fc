//! Who the process is, and what it asks of the operating system before it does anything.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use nightjar_config::{Config, Endpoint, Transport, Value};
use nightjar_net_listen::budget::Limits;
use nightjar_net_listen::inherited;
use nightjar_sandbox::privileges::{self, User, become_user, first_free_port};
use nightjar_sandbox::{files, harden, systemd};
use rustix::fs::Mode;
use rustix::process::{Resource, getrlimit, setrlimit, umask};

use crate::home::Home;

/// Keeps new files from everybody else, and takes all the file descriptors there are:
/// each connection needs one.
pub(crate) fn settle() {
    harden::set_name(c"nightjar");
    umask(Mode::from_raw_mode(0o077));
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // The limit that was there holds then, and running out of it is told where it happens.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// The connections that all listeners may hold together, as configured or as the system's limits suggest.
pub(crate) fn connection_limits(config: &Config) -> Limits {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let mut limits = Limits::of_descriptors(descriptors).configured(&config.global);
    let proxies = config.global.setting("trusted_proxies").map(|setting| &setting.value);
    if let Some(Value::List(proxies)) = proxies {
        let network = |value: &Value| if let Value::Network(network) = value { Some(*network) } else { None };
        limits.proxies = proxies.iter().filter_map(network).collect();
    }
    limits
}

/// Takes the sockets that systemd, or this node before its restart, handed over. Nothing is open yet.
///
/// # Errors
/// If one of them isn't there or is no listening socket.
pub(crate) fn take_sockets() -> anyhow::Result<()> {
    let sockets = systemd::inherited().context("the sockets handed over at start")?;
    inherited::inherit(sockets).map_err(anyhow::Error::msg)
}

/// The user to become, or none to stay who we are.
///
/// # Errors
/// As root without a user, unless that was allowed or nothing is configured: then only this machine is served.
pub(crate) fn choose_user(
    named: Option<&str>,
    has_configuration: bool,
    allow_root: bool,
) -> anyhow::Result<Option<User>> {
    if let Some(named) = named {
        let user = User::find(named)?;
        return Ok((!user.is_current()).then_some(user));
    }
    if privileges::is_root() && has_configuration && !allow_root {
        bail!(
            "this runs as root, and needs no right that root has: add --user NAME (ports below 1024 are bound \
             before root's rights are given up), or --allow-root"
        );
    }
    Ok(None)
}

/// Does what only root can, and becomes the user for good: low ports are bound, a home that isn't there is made.
///
/// The rights go before anything else starts, rather than after all ports are bound: the kernel takes them from a
/// thread, not from a process, and there is one thread yet; files and the database are then made by the user who
/// owns them later; and no connection is ever served with root's rights.
///
/// # Errors
/// What didn't work.
pub(crate) fn become_ordinary(user: &User, config: &Config, home: &Home) -> anyhow::Result<()> {
    for address in low_ports(config, first_free_port()) {
        inherited::bind_ahead(address).with_context(|| format!("{address} can't be bound"))?;
    }
    make_home(user, home.path()).with_context(|| format!("the home {}", home.path().display()))?;
    become_user(user).with_context(|| format!("becoming {}", user.name()))
}

fn low_ports(config: &Config, first_free: u16) -> Vec<SocketAddr> {
    let low = |endpoint| match endpoint {
        Endpoint::Port { ip, port, transport: Transport::Tcp } if (1..first_free).contains(&port) => {
            Some(SocketAddr::new(ip, port))
        }
        _ => None,
    };
    config.listeners().iter().filter_map(|listener| low(listener.endpoint())).collect()
}

/// A home that isn't there, and the folders above it that aren't, are made and given to the user.
fn make_home(user: &User, home: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = home.ancestors().take_while(|folder| is_missing(folder)).collect();
    files::create_private_dir_if_missing(home)?;
    missing.into_iter().try_for_each(|folder| user.own(folder))
}

fn is_missing(folder: &Path) -> bool {
    !folder.as_os_str().is_empty() && !folder.exists()
}

/// Keeps secrets in memory, unless debuggers were allowed, and tells what should not be so.
pub(crate) fn warn(is_limited: bool) {
    if is_limited && let Err(why) = harden::no_dumps() {
        tracing::warn!("{why}");
    }
    if privileges::is_root() {
        tracing::warn!("this runs as root, and needs no right that root has: start it with --user");
    }
}

#[cfg(test)]
mod tests;
