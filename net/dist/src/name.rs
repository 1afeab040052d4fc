//! Names of nodes as an operator gives them: short or long, with or without a host.

use nightjar_erldist::{NameError as Malformed, NodeName};

/// Whether hosts of names have dots (`-name`) or not (`-sname`). The two kinds don't talk to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `-sname`
    Short,
    /// `-name`
    Long,
}

/// Why a name can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is no name at all.
    #[error("{0:?} can't name a node: {1}")]
    Malformed(String, Malformed),
    /// A short name with a host that has dots.
    #[error("{0:?} is no short name: its host has a dot; use --name")]
    Dot(String),
    /// A long name with a host that has none.
    #[error("{0:?} is no long name: its host must be a full domain name or an address; use --sname")]
    NoDot(String),
}

/// A name as `-sname` and `-name` take it; `host` gives this machine's name where the text has none.
///
/// # Errors
/// If it isn't a name of that kind.
pub fn node_name(text: &str, kind: Kind, host: impl FnOnce(Kind) -> String) -> Result<NodeName, NameError> {
    let full = if text.contains('@') { text.to_owned() } else { format!("{text}@{}", host(kind)) };
    let name = NodeName::parse(&full).map_err(|error| NameError::Malformed(text.to_owned(), error))?;
    match (kind, name.is_long()) {
        (Kind::Short, true) => Err(NameError::Dot(full)),
        (Kind::Long, false) => Err(NameError::NoDot(full)),
        _ => Ok(name),
    }
}

/// The kind of a name given as `ERLANG_NODE`: long if there is a dot in it.
pub fn kind_of(text: &str) -> Kind {
    if text.contains('.') { Kind::Long } else { Kind::Short }
}

/// This machine's name of a kind, from the kernel's name of it and the texts of `/etc/hosts` and `/etc/resolv.conf`:
/// a long one is the canonical name in the first, or has the domain of the second.
pub fn host_name(kernel: &str, kind: Kind, hosts: &str, resolver: &str) -> String {
    let short = kernel.split('.').next().unwrap_or(kernel);
    if kind == Kind::Short {
        return short.to_owned();
    }
    if kernel.contains('.') {
        return kernel.to_owned();
    }
    let canonical = hosts.lines().find_map(|line| {
        let mut names = line.split('#').next()?.split_whitespace().skip(1);
        let first = names.next()?;
        (first.contains('.') && names.any(|name| name == short)).then(|| first.to_owned())
    });
    let domain = || {
        let mut words = resolver.lines().map(str::split_whitespace);
        words.find_map(|mut line| matches!(line.next()?, "domain" | "search").then(|| line.next()).flatten())
    };
    canonical
        .or_else(|| domain().map(|domain| format!("{short}.{domain}")))
        .unwrap_or_else(|| short.to_owned())
}

/// This machine's name of a kind.
pub fn own_host(kind: Kind) -> String {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let kernel = rustix::system::uname().nodename().to_string_lossy().into_owned();
    host_name(&kernel, kind, &text("/etc/hosts"), &text("/etc/resolv.conf"))
}

#[cfg(test)]
mod tests;
