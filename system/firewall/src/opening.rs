//! One way into the machine.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use nightjar_config::Transport;
use nightjar_text::Text;

use crate::line::Line;

/// Port numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ports {
    /// The first to the last; the same for one port.
    Range(u16, u16),
    /// Any free port: no firewall can be told.
    Random,
}

impl Ports {
    /// One port; 0 is any free one.
    pub fn one(port: u16) -> Ports {
        if port == 0 { Ports::Random } else { Ports::Range(port, port) }
    }

    /// Whether a port is one of them.
    pub fn contain(self, port: u16) -> bool {
        matches!(self, Ports::Range(first, last) if (first..=last).contains(&port))
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ports::Range(first, last) if first == last => write!(f, "{first}"),
            Ports::Range(first, last) => write!(f, "{first}-{last}"),
            Ports::Random => f.write_str("random"),
        }
    }
}

/// What carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

impl Protocol {
    /// As firewalls write it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        }
    }
}

impl From<Transport> for Protocol {
    fn from(transport: Transport) -> Protocol {
        match transport {
            Transport::Tcp => Protocol::Tcp,
            Transport::Udp => Protocol::Udp,
        }
    }
}

/// What is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Ports of an address.
    Net {
        /// The address; `::` is every address of IPv6 and IPv4, `0.0.0.0` every one of IPv4.
        address: IpAddr,
        /// The ports.
        ports: Ports,
        /// TCP or UDP.
        protocol: Protocol,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

/// When what is said is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    None,
    /// If the peer asks for it.
    Optional,
    /// After a beginning in plain text, always.
    Required,
    /// From the first byte.
    Direct,
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Tls::None => "none",
            Tls::Optional => "STARTTLS optional",
            Tls::Required => "STARTTLS required",
            Tls::Direct => "direct TLS",
        })
    }
}

/// Who has to get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zone {
    /// Everybody.
    Public,
    /// Machines of the same operator: other nodes, components.
    Cluster,
    /// Nobody but this machine.
    Local,
}

impl Zone {
    /// All of them.
    pub const ALL: [Zone; 3] = [Zone::Public, Zone::Cluster, Zone::Local];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Zone::Public => "public",
            Zone::Cluster => "cluster",
            Zone::Local => "local",
        }
    }
}

/// One way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// What is bound.
    pub endpoint: Endpoint,
    /// ejabberd's name of what listens: `ejabberd_c2s`, `epmd`, …
    pub module: Text,
    /// What is spoken, in a person's words.
    pub speaks: &'static str,
    /// Encryption.
    pub tls: Tls,
    /// Who has to get through.
    pub zone: Zone,
    /// The line of the configuration.
    pub line: Option<Line>,
    /// Whether it is really served; the configuration may name what this server has not got.
    pub served: bool,
    /// What else to know; empty for nothing.
    pub note: String,
}

impl Opening {
    /// The zone of something bound to an address that is meant for `wider` beyond this machine.
    pub(crate) fn zone_of(address: IpAddr, wider: Zone) -> Zone {
        if address.to_canonical().is_loopback() { Zone::Local } else { wider }
    }
}
