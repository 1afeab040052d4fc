//! epmd, the cookie and the distribution.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nightjar_firewall::{DistributionPorts, Erlang, Protocol};

use crate::Examination;
use crate::finding::Finding;

/// Cookies that everybody tries.
const KNOWN: [&str; 7] = ["ejabberd", "cookie", "secret", "test", "monster", "rabbit", "nocookie"];
/// Erlang makes a cookie of so many capitals, of a poor random number generator.
const CAPITALS: usize = 20;
const SHORTEST_COOKIE: usize = 24;

pub(crate) fn check(examination: &Examination<'_>, found: &mut Vec<Finding>) {
    let paths = examination.paths;
    paths.cookies.iter().filter(|path| path.exists()).for_each(|path| cookie(path, found));
    let Some(erlang) = examination.erlang else { return };
    epmd(examination, erlang, found);
    if erlang.interface.to_canonical().is_loopback() {
        return;
    }
    if !erlang.tls {
        let what = format!("the distribution of {} listens on {} without TLS", erlang.node, erlang.interface);
        let fix = "set INET_DIST_INTERFACE=127.0.0.1, or let nodes speak TLS (-proto_dist inet_tls)";
        found.push(Finding::new("distribution-unencrypted", what, fix));
    }
    if erlang.ports == DistributionPorts::Any {
        let what = format!("the distribution of {} takes any free port", erlang.node);
        let fix = "set ERL_DIST_PORT=5210, or FIREWALL_WINDOW=4200-4210";
        found.push(Finding::new("distribution-random-port", what, fix));
    }
}

fn cookie(path: &Path, found: &mut Vec<Finding>) {
    let shown = path.display();
    let open = fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if open {
        let what = format!("others may read {shown}");
        found.push(Finding::new("cookie-open", what, format!("chmod 0400 {shown}")));
    }
    let Ok(text) = fs::read_to_string(path) else { return };
    if let Some(reason) = weakness(text.trim()) {
        let what = format!("the Erlang cookie in {shown} is weak: {reason}");
        let fix = format!("remove {shown}: a better one is made at the next start, copy it to all nodes");
        found.push(Finding::new("cookie-weak", what, fix));
    }
}

/// Why a cookie can be guessed.
fn weakness(cookie: &str) -> Option<&'static str> {
    if KNOWN.contains(&cookie.to_ascii_lowercase().as_str()) {
        Some("everybody tries this one")
    } else if cookie.len() == CAPITALS && cookie.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Some("Erlang made it, and its way of making one can be repeated")
    } else if cookie.len() < SHORTEST_COOKIE {
        Some("it is short")
    } else {
        None
    }
}

fn epmd(examination: &Examination<'_>, erlang: &Erlang, found: &mut Vec<Finding>) {
    let Some(epmd) = &erlang.epmd else { return };
    let beyond = |address: std::net::IpAddr| !address.to_canonical().is_loopback();
    let meant = epmd.addresses.iter().copied().find(|address| beyond(*address));
    let bound = examination.sockets.iter().find(|socket| {
        (socket.protocol, socket.port) == (Protocol::Tcp, epmd.port) && beyond(socket.address)
    });
    if let Some(address) = meant.or_else(|| bound.map(|socket| socket.address)) {
        let what = format!("epmd listens on {address}, port {}", epmd.port);
        let fix =
            "set ERL_EPMD_ADDRESS=127.0.0.1, or ERL_DIST_PORT and need no epmd; see `nightjar firewall`";
        found.push(Finding::new("epmd-exposed", what, fix));
    }
}
