//! The ports that are bound on this machine, as the kernel lists them (proc_pid_net(5)).

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use nightjar_firewall::Protocol;

#[cfg(test)]
mod tests;

/// State of a stream that waits for connections.
const LISTEN: &str = "0A";
/// State of a datagram socket that isn't connected.
const UNCONNECTED: &str = "07";

/// A bound port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// TCP (waiting for connections) or UDP (not connected).
    pub protocol: Protocol,
    /// The address it is bound to.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The user who bound it.
    pub uid: u32,
    /// The processes that have it, as far as we may see; with their names.
    pub owners: Vec<(u32, String)>,
}

/// Reads the kernel's lists. `proc` is `/proc`. What can't be read is left out.
pub fn sockets(proc: &Path) -> Vec<Socket> {
    let owners = owners(proc);
    let mut found = Vec::new();
    for (file, protocol) in
        [("tcp", Protocol::Tcp), ("tcp6", Protocol::Tcp), ("udp", Protocol::Udp), ("udp6", Protocol::Udp)]
    {
        let text = fs::read_to_string(proc.join("net").join(file)).unwrap_or_default();
        for (mut socket, inode) in text.lines().skip(1).filter_map(|line| parse(line, protocol)) {
            socket.owners = owners.get(&inode).cloned().unwrap_or_default();
            found.push(socket);
        }
    }
    found
}

/// One line: number, local address, remote address, state, queues, timer, retransmissions, uid, timeout, inode.
fn parse(line: &str, protocol: Protocol) -> Option<(Socket, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let state = *fields.get(3)?;
    let wanted = if protocol == Protocol::Tcp { LISTEN } else { UNCONNECTED };
    if state != wanted {
        return None;
    }
    let (address, port) = fields.get(1)?.split_once(':')?;
    let socket = Socket {
        protocol,
        address: parse_address(address)?,
        port: u16::from_str_radix(port, 16).ok()?,
        uid: fields.get(7)?.parse().ok()?,
        owners: Vec::new(),
    };
    Some((socket, fields.get(9)?.parse().ok()?))
}

/// Words of 32 bits in the machine's order, in hexadecimal digits.
fn parse_address(text: &str) -> Option<IpAddr> {
    let words = text.as_bytes().chunks(8).map(|word| {
        let word = std::str::from_utf8(word).ok()?;
        Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
    });
    let words: Vec<[u8; 4]> = words.collect::<Option<_>>()?;
    match words.as_slice() {
        [word] => Some(IpAddr::V4(Ipv4Addr::from(*word))),
        words => {
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
    }
}

/// Inodes of sockets and the processes that have them open.
fn owners(proc: &Path) -> HashMap<u64, Vec<(u32, String)>> {
    let mut owners: HashMap<u64, Vec<(u32, String)>> = HashMap::new();
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else { continue };
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        for descriptor in descriptors.flatten() {
            let Ok(target) = fs::read_link(descriptor.path()) else { continue };
            let inode = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'));
            if let Some(inode) = inode.and_then(|inode| inode.parse().ok()) {
                owners.entry(inode).or_default().push((pid, name.trim().to_owned()));
            }
        }
    }
    owners
}
