//! The node's Erlang side, as the variables of ejabberdctl describe it.

use std::net::{IpAddr, Ipv4Addr};

#[cfg(test)]
mod tests;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const EPMD_PORT: u16 = 4369;

/// Where other nodes connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistributionPorts {
    /// `ERL_DIST_PORT`: this one, and no epmd.
    Fixed(u16),
    /// `FIREWALL_WINDOW`: one of these.
    Window(u16, u16),
    /// Any free one.
    Any,
}

/// The Erlang port mapper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epmd {
    /// `ERL_EPMD_ADDRESS`; loopback if nothing is said.
    pub addresses: Vec<IpAddr>,
    /// `ERL_EPMD_PORT`, 4369 if nothing is said.
    pub port: u16,
}

/// An Erlang node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erlang {
    /// Its name.
    pub node: String,
    /// `INET_DIST_INTERFACE`; loopback if nothing is said.
    pub interface: IpAddr,
    /// Where other nodes connect.
    pub ports: DistributionPorts,
    /// The port mapper; none with a fixed port.
    pub epmd: Option<Epmd>,
    /// Nodes speak TLS among themselves (`-proto_dist inet_tls`).
    pub tls: bool,
}

/// A variable that can't be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={value} can't be understood: {expected}")]
pub struct ErlangError {
    /// Its name.
    pub variable: &'static str,
    /// What it holds.
    pub value: String,
    /// What it should be.
    pub expected: &'static str,
}

impl Erlang {
    /// The node of this name with what the environment says. `variable` looks one up.
    ///
    /// # Errors
    /// The first variable that can't be understood.
    pub fn new(
        node: impl Into<String>,
        tls: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Erlang, ErlangError> {
        let given = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let address = |text: &str| text.trim().parse::<IpAddr>().ok();
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port != 0);
        let interface = read(&given, "INET_DIST_INTERFACE", "an IP address", address)?.unwrap_or(LOOPBACK);
        let fixed = read(&given, "ERL_DIST_PORT", "a port", port)?;
        let window = read(&given, "FIREWALL_WINDOW", "two ports, such as 4200-4210", |text| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (port(first)?, port(last)?);
            (first <= last).then_some((first, last))
        })?;
        let list = |text: &str| text.split(',').map(address).collect::<Option<Vec<_>>>();
        let addresses = read(&given, "ERL_EPMD_ADDRESS", "IP addresses, separated by commas", list)?;
        let epmd_port = read(&given, "ERL_EPMD_PORT", "a port", port)?.unwrap_or(EPMD_PORT);
        let ports = match (fixed, window) {
            (Some(port), _) => DistributionPorts::Fixed(port),
            (None, Some((first, last))) => DistributionPorts::Window(first, last),
            (None, None) => DistributionPorts::Any,
        };
        let addresses = addresses.unwrap_or_else(|| vec![LOOPBACK]);
        let epmd = fixed.is_none().then_some(Epmd { addresses, port: epmd_port });
        Ok(Erlang { node: node.into(), interface, ports, epmd, tls })
    }
}

fn read<T>(
    given: &dyn Fn(&str) -> Option<String>,
    variable: &'static str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ErlangError> {
    let Some(value) = given(variable) else { return Ok(None) };
    let parsed = parse(&value);
    parsed.map(Some).ok_or(ErlangError { variable, value, expected })
}
