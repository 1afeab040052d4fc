//! The ports that are bound, beside those the configuration names.

use std::net::IpAddr;

use nightjar_firewall::{Endpoint, Opening, Ports, Protocol};

use crate::Examination;
use crate::finding::Finding;
use crate::process::NodeProcess;
use crate::sockets::Socket;

/// A port the configuration names.
struct Wanted<'a> {
    opening: &'a Opening,
    protocol: Protocol,
    address: IpAddr,
    port: u16,
}

pub(crate) fn check(examination: &Examination<'_>, found: &mut Vec<Finding>) {
    let wanted: Vec<Wanted<'_>> = examination.openings.iter().filter_map(wanted).collect();
    for one in &wanted {
        bound(examination, one, found);
    }
    if let Some(node) = examination.node {
        unknown(examination, node, found);
    }
}

/// A range (a TURN relay, the window of the distribution) is used as needed; epmd may be anybody's.
fn wanted(opening: &Opening) -> Option<Wanted<'_>> {
    let Endpoint::Net { address, ports: Ports::Range(first, last), protocol } = opening.endpoint else {
        return None;
    };
    let single = first == last && opening.served && opening.module != *"epmd";
    single.then_some(Wanted { opening, protocol, address, port: first })
}

fn bound(examination: &Examination<'_>, wanted: &Wanted<'_>, found: &mut Vec<Finding>) {
    let same = |socket: &&Socket| (socket.protocol, socket.port) == (wanted.protocol, wanted.port);
    let sockets: Vec<&Socket> = examination.sockets.iter().filter(same).collect();
    let place = std::net::SocketAddr::new(wanted.address, wanted.port);
    let place = format!("{place}/{}", wanted.protocol.name());
    let at = wanted.opening.line.clone();
    let module = &wanted.opening.module;
    let is_ours = |socket: &Socket| examination.node.is_some_and(|node| belongs(socket, node));
    let overlapping = |socket: &&&Socket| overlap(socket.address, wanted.address);
    if let Some(other) = sockets.iter().filter(overlapping).find(|socket| !is_ours(socket)) {
        let who = owner(other);
        let what = format!("{place}, where {module} is to listen, is taken by {who}");
        let fix = "stop that program, or change the port";
        found.push(Finding::new("port-taken", what, fix).at(at));
        return;
    }
    if examination.node.is_none() {
        return;
    }
    let ours: Vec<&Socket> = sockets.into_iter().filter(|socket| is_ours(socket)).collect();
    let Some(first) = ours.iter().find(|socket| overlap(socket.address, wanted.address)) else {
        let what = format!("the node runs, and nothing listens on {place} ({module})");
        let fix = "load the configuration: `nightjar ctl reload_config`, and look into the log";
        found.push(Finding::new("port-not-bound", what, fix).at(at));
        return;
    };
    if is_wider(first.address, wanted.address) {
        let what = format!("{module} is to listen on {place}, and listens on {}", first.address);
        let fix = "load the configuration: `nightjar ctl reload_config`, or restart the node";
        found.push(Finding::new("port-bound-wider", what, fix).at(at));
    }
}

/// Streams the node listens on and the configuration doesn't know.
fn unknown(examination: &Examination<'_>, node: &NodeProcess, found: &mut Vec<Finding>) {
    let random = |opening: &Opening| matches!(opening.endpoint, Endpoint::Net { ports: Ports::Random, .. });
    if examination.openings.iter().any(random) {
        return;
    }
    let known = |socket: &Socket| {
        examination.openings.iter().any(|opening| match &opening.endpoint {
            Endpoint::Net { ports, protocol, .. } => {
                *protocol == socket.protocol && ports.contain(socket.port)
            }
            Endpoint::Unix(_) => false,
        })
    };
    let ours = |socket: &&Socket| {
        socket.protocol == Protocol::Tcp && socket.owners.iter().any(|(pid, _)| *pid == node.pid)
    };
    for socket in examination.sockets.iter().filter(ours).filter(|socket| !known(socket)) {
        let place = std::net::SocketAddr::new(socket.address, socket.port);
        let what = format!("the node listens on {place}, which the configuration doesn't name");
        let fix = "load the configuration: `nightjar ctl reload_config`, or restart the node";
        found.push(Finding::new("port-not-configured", what, fix));
    }
}

/// By its processes where we may see them, otherwise by its user.
fn belongs(socket: &Socket, node: &NodeProcess) -> bool {
    if socket.owners.is_empty() {
        socket.uid == node.uid
    } else {
        socket.owners.iter().any(|(pid, _)| *pid == node.pid)
    }
}

fn owner(socket: &Socket) -> String {
    match socket.owners.first() {
        Some((pid, name)) => format!("{name} (process {pid})"),
        None => format!("a program of the user {}", socket.uid),
    }
}

fn overlap(bound: IpAddr, wanted: IpAddr) -> bool {
    let (bound, wanted) = (bound.to_canonical(), wanted.to_canonical());
    let dual = |address: IpAddr| address.is_ipv6() && address.is_unspecified();
    bound == wanted
        || dual(bound)
        || dual(wanted)
        || (bound.is_ipv4() == wanted.is_ipv4() && (bound.is_unspecified() || wanted.is_unspecified()))
}

fn is_wider(bound: IpAddr, wanted: IpAddr) -> bool {
    let dual = bound.is_ipv6() && wanted.is_ipv4();
    bound.is_unspecified() && (!wanted.is_unspecified() || dual)
}
