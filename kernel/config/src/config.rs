//! A whole configuration, checked.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use nightjar_text::Text;

use crate::access::{Access, AccessRef, Call, Decision, Permissions};
use crate::node::Node;
use crate::options::Options;
use crate::pattern::Pattern;

#[cfg(test)]
mod tests;

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

/// What a listener is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// A port of an address.
    Port {
        /// The address.
        ip: IpAddr,
        /// The port.
        port: u16,
        /// TCP or UDP.
        transport: Transport,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Port { ip, port, transport } => {
                let address = std::net::SocketAddr::new(*ip, *port);
                write!(f, "{address}/{}", if *transport == Transport::Tcp { "tcp" } else { "udp" })
            }
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// One entry of `listen`.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerConfig {
    /// What speaks on it.
    pub module: Text,
    /// Port number; 0 for a UNIX socket.
    pub port: u16,
    /// Address.
    pub ip: IpAddr,
    /// TCP or UDP.
    pub transport: Transport,
    /// Path of the UNIX socket, when it is one.
    pub unix: Option<PathBuf>,
    /// Its options.
    pub options: Options,
}

impl ListenerConfig {
    /// What it is bound to.
    pub fn endpoint(&self) -> Endpoint {
        match &self.unix {
            Some(path) => Endpoint::Unix(path.clone()),
            None => Endpoint::Port { ip: self.ip, port: self.port, transport: self.transport },
        }
    }
}

/// What holds for one virtual host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostConfig {
    /// The host.
    pub name: Text,
    /// Top-level options, with `host_config` and `append_host_config` applied.
    pub options: Options,
    /// Modules that this server has, in the order of the file.
    pub modules: Vec<(Text, Options)>,
    /// Access lists, access rules and shapers.
    pub access: Arc<Access>,
}

impl HostConfig {
    /// The options of a module, if it is enabled.
    pub fn module(&self, name: &str) -> Option<&Options> {
        self.modules.iter().find(|(module, _)| *module == *name).map(|(_, options)| options)
    }
}

/// A configuration that passed every check.
#[derive(Clone, Debug)]
pub struct Config {
    /// Top-level options where no host is concerned.
    pub global: Options,
    /// Access lists, access rules and shapers where no host is concerned.
    pub access: Arc<Access>,
    /// Who may run commands.
    pub permissions: Arc<Permissions>,
    pub(crate) hosts: Vec<Text>,
    pub(crate) by_host: HashMap<Text, HostConfig>,
    pub(crate) listeners: Vec<ListenerConfig>,
    /// The global options and access rules under the name of no host.
    pub(crate) no_host: HostConfig,
    pub(crate) aliases: Vec<(Pattern, Text)>,
    /// Modules and listeners that the file names and this server does not have.
    pub(crate) missing: Vec<Text>,
    pub(crate) tree: Node,
}

impl Config {
    /// The virtual hosts in the order of the file; the first one is the default.
    pub fn hosts(&self) -> &[Text] {
        &self.hosts
    }

    /// What holds for a host. For a host that is not served, the global options and no modules.
    pub fn host(&self, name: &str) -> &HostConfig {
        self.by_host.get(name).unwrap_or(&self.no_host)
    }

    /// What holds for a host that is served.
    pub fn find_host(&self, name: &str) -> Option<&HostConfig> {
        self.by_host.get(name)
    }

    /// The host itself, or the one it is an alias of (`hosts_alias`).
    pub fn resolve_host<'a>(&'a self, name: &'a str) -> &'a str {
        if self.by_host.contains_key(name) {
            return name;
        }
        let alias = self.aliases.iter().find(|(pattern, _)| pattern.matches(name));
        alias.map_or(name, |(_, host)| host.as_str())
    }

    /// Listeners of modules that this server has, in the order of the file.
    pub fn listeners(&self) -> &[ListenerConfig] {
        &self.listeners
    }

    /// Modules and listeners that the file names and this server does not have.
    pub fn missing(&self) -> &[Text] {
        &self.missing
    }

    /// The access rules of a host, or those that hold where no host is concerned.
    pub fn access_of(&self, host: Option<&str>) -> &Access {
        match host {
            Some(host) => &self.host(host).access,
            None => &self.access,
        }
    }

    /// Whether somebody may run a command. `host` is the value of the command's only host argument, if it has
    /// one: an account may then run it only if the access rule `configure` of that host allows it.
    pub fn may_call(&self, call: &Call<'_>, caller_host: Option<&str>, host: Option<&str>) -> Decision {
        if let (Some(host), true) = (host, call.who.jid.is_some()) {
            let configure = self.access_of(Some(host)).decide(&AccessRef::named("configure"), &call.who);
            if !configure.allowed {
                return Decision::new(false, format!("{} on {host}", configure.reason));
            }
        }
        let access = self.access_of(host.and(caller_host));
        self.permissions.decide(call, access)
    }

    /// The tree that was read: files included, macros replaced, old names rewritten.
    pub fn tree(&self) -> &Node {
        &self.tree
    }
}
