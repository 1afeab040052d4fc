//! What the command line and the environment say about the Erlang node.

use std::net::IpAddr;
use std::path::PathBuf;

use nightjar_net_dist::name::{Kind, kind_of};
use nightjar_net_dist::words::{self, Words};
use nightjar_net_dist::{EpmdSettings, epmd};
use nightjar_sasl::Secret;

use super::Flags;

/// All of it. What is said twice counts as the command line says, then `ERL_OPTIONS`, then a variable of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// The node's name and its kind.
    pub(crate) name: Option<(String, Kind)>,
    /// The cookie, and where it was said.
    pub(crate) cookie: Option<(Secret, &'static str)>,
    pub(crate) cookie_file: Option<PathBuf>,
    pub(crate) user_home: Option<PathBuf>,
    pub(crate) config_home: Option<PathBuf>,
    pub(crate) protocol: Option<String>,
    pub(crate) interface: Option<IpAddr>,
    /// The window; 0 and 0 for any port.
    pub(crate) ports: (u16, u16),
    /// `ERL_DIST_PORT`
    pub(crate) fixed_port: Option<u16>,
    pub(crate) epmd: EpmdSettings,
}

impl Given {
    /// Brings it together.
    ///
    /// # Errors
    /// A sentence about a value that can't be understood.
    pub(crate) fn from_environment(
        flags: &Flags,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let options: Vec<String> = ["ERL_OPTIONS", "EJABBERD_OPTS"]
            .iter()
            .filter_map(|name| variable(name))
            .flat_map(|text| words::split(&text))
            .collect();
        let words =
            words::read(options.iter().map(String::as_str)).map_err(|why| format!("ERL_OPTIONS: {why}"))?;
        let number = |name: &str| match variable(name) {
            None => Ok(None),
            Some(text) => {
                text.trim().parse().map(Some).map_err(|_| format!("{name} must be a port, not {text:?}"))
            }
        };
        let interface = variable("INET_DIST_INTERFACE").map(|text| {
            words::address(&text)
                .ok_or_else(|| format!("INET_DIST_INTERFACE must be an address, not {text:?}"))
        });
        let window = variable("FIREWALL_WINDOW").map(|text| words::window(&text)).transpose()?;
        let addresses = variable("ERL_EPMD_ADDRESS").map(|text| epmd::addresses(&text)).transpose()?;
        Ok(Self {
            name: node_name(flags, &words, variable("ERLANG_NODE")),
            cookie: cookie(flags, &words, variable("ERLANG_COOKIE")),
            cookie_file: flags.cookie_file.clone(),
            user_home: variable("HOME").map(PathBuf::from),
            config_home: variable("XDG_CONFIG_HOME").map(PathBuf::from),
            protocol: flags.proto_dist.clone().or(words.protocol.clone()),
            interface: words.interface.or(interface.transpose()?),
            ports: window.unwrap_or_else(|| ports(&words)),
            fixed_port: words.fixed_port.or(number("ERL_DIST_PORT")?),
            epmd: EpmdSettings {
                port: number("ERL_EPMD_PORT")?.unwrap_or(EpmdSettings::default().port),
                addresses: addresses.unwrap_or_default(),
                start: words.start_epmd != Some(false),
            },
        })
    }
}

fn node_name(flags: &Flags, words: &Words, variable: Option<String>) -> Option<(String, Kind)> {
    let of = |short: &Option<String>, long: &Option<String>| {
        let long = long.clone().map(|name| (name, Kind::Long));
        short.clone().map(|name| (name, Kind::Short)).or(long)
    };
    let variable = || variable.map(|name| (name.clone(), kind_of(&name)));
    of(&flags.sname, &flags.name).or_else(|| of(&words.sname, &words.name)).or_else(variable)
}

fn cookie(flags: &Flags, words: &Words, variable: Option<String>) -> Option<(Secret, &'static str)> {
    let flag = flags.setcookie.as_deref().map(|cookie| (Secret::from(cookie), "--setcookie"));
    let word = words.cookie.clone().map(|cookie| (cookie, "-setcookie of ERL_OPTIONS"));
    flag.or(word).or_else(|| variable.map(|cookie| (Secret::from(cookie.as_str()), "ERLANG_COOKIE")))
}

/// As Erlang's kernel reads `inet_dist_listen_min` and `inet_dist_listen_max`.
fn ports(words: &Words) -> (u16, u16) {
    match (words.port_min, words.port_max) {
        (Some(min), Some(max)) => (min, max.max(min)),
        (Some(min), None) => (min, min),
        (None, _) => (0, 0),
    }
}
