//! What the process asks of the operating system before it does anything.

use nightjar_config::{Config, Value};
use nightjar_net_listen::budget::Limits;
use rustix::fs::Mode;
use rustix::process::{Resource, geteuid, getrlimit, setrlimit, umask};

/// Keeps new files from everybody else, and takes all the file descriptors there are: each connection needs one.
pub(crate) fn settle() {
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

/// Tells what should not be so.
pub(crate) fn warn() {
    if geteuid().is_root() {
        tracing::warn!("this runs as root, and needs no right that root has: use a user of its own");
    }
}
