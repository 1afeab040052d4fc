//! Which node is meant and how it is started: from flags, `ejabberdctl.cfg`, the environment and the usual places, in
//! this order.

use std::path::{Path, PathBuf};

use super::flags::Flags;
use super::shell_file::{self, Lookup, Variables};
use crate::home::Home;

/// ejabberd's default name of a node.
pub(crate) const NODE: &str = "ejabberd@localhost";

/// The variables that a node is started with, beside those whose names begin with [`MACRO_PREFIX`].
const EXPORTED: &[&str] = &[
    "CTL_ON_CREATE",
    "CTL_ON_START",
    "EJABBERD_PID_PATH",
    "ERLANG_COOKIE",
    "ERL_DIST_PORT",
    "ERL_EPMD_ADDRESS",
    "FIREWALL_WINDOW",
    "INET_DIST_INTERFACE",
];
const MACRO_PREFIX: &str = "EJABBERD_MACRO_";

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The node's home (`SPOOL_DIR`).
    pub(crate) home: Home,
    /// The configuration file; none is the built-in configuration.
    pub(crate) config: Option<PathBuf>,
    /// `ejabberdctl.cfg`, whether it is there or not.
    pub(crate) ctl_config: Option<PathBuf>,
    /// The log file, if it is not the home's.
    pub(crate) log_file: Option<PathBuf>,
    /// The node's full name, if it was given: without one it has no Erlang distribution.
    pub(crate) node: Option<String>,
    /// `CTL_OVER_HTTP`
    pub(crate) http_socket: Option<PathBuf>,
    /// `INSTALLUSER`
    pub(crate) user: Option<String>,
    /// `EJABBERD_BYPASS_WARNINGS`
    pub(crate) bypass_warnings: bool,
    /// Environment variables for a node that is started.
    pub(crate) exported: Variables,
    /// Lines of `ejabberdctl.cfg` that are not followed.
    pub(crate) warnings: Vec<String>,
}

/// Where the program runs.
pub(crate) struct Surroundings<'a> {
    /// Whether it was called `ejabberdctl`, so that ejabberd's folders are looked into too.
    pub(crate) is_ejabberdctl: bool,
    /// The folder that absolute default paths are below; `/` but in tests.
    pub(crate) root: &'a Path,
    /// The host's short name.
    pub(crate) host: &'a str,
    /// The environment.
    pub(crate) environment: Lookup<'a>,
}

/// The name of the node that this process is.
pub(crate) fn own_name() -> String {
    let given = || std::env::var("ERLANG_NODE").ok().filter(|name| !name.is_empty());
    crate::erlang::own_name().map(str::to_owned).or_else(given).unwrap_or_else(|| NODE.to_owned())
}

impl Settings {
    /// Brings together what was said.
    pub(crate) fn resolve(flags: &Flags, around: &Surroundings<'_>) -> Self {
        let environment = |name: &str| (around.environment)(name).filter(|value| !value.is_empty());
        let path = |name: &str| environment(name).map(PathBuf::from);
        let config_dir = flags.config_dir.clone().or_else(|| path("CONFIG_DIR"));
        let config_dir = config_dir.or_else(|| usual_config_dir(around));
        let ctl_config = flags.ctl_config.clone().or_else(|| path("EJABBERDCTL_CONFIG_PATH"));
        let named = ctl_config.is_some();
        let ctl_config = ctl_config.or_else(|| Some(config_dir.as_ref()?.join("ejabberdctl.cfg")));
        let (set, warnings) = read(ctl_config.as_deref(), named, &environment);
        let get = |name: &str| {
            let own = set.get(name).filter(|value| !value.is_empty());
            own.cloned().or_else(|| environment(name))
        };
        let path = |name: &str| get(name).map(PathBuf::from);
        let config_dir = flags.config_dir.clone().or_else(|| path("CONFIG_DIR")).or(config_dir);
        let home = flags.home.clone().or_else(|| path("SPOOL_DIR")).or_else(|| path("NIGHTJAR_HOME"));
        let is_usual = home.is_none();
        let home = home.or_else(|| usual_home(around));
        let config = flags.config.clone().or_else(|| path("EJABBERD_CONFIG_PATH"));
        let logs = flags.logs.clone().or_else(|| path("LOGS_DIR"));
        let usual_logs = around.root.join("var/log/ejabberd");
        let is_ejabberds = home.as_ref().is_some_and(|home| *home == around.root.join(EJABBERD_HOME));
        let logs = logs.or_else(|| (is_usual && is_ejabberds && usual_logs.is_dir()).then_some(usual_logs));
        let in_config_dir = |name: &str| config_dir.as_ref().map(|folder| folder.join(name));
        let vm_args = path("VMARGS").or_else(|| in_config_dir("vm.args"));
        let node = flags.node.clone().or_else(|| get("ERLANG_NODE"));
        Self {
            home: Home::locate(home),
            config: config.or_else(|| in_config_dir("ejabberd.yml")),
            ctl_config,
            log_file: path("EJABBERD_LOG_PATH").or_else(|| logs.map(|folder| folder.join("ejabberd.log"))),
            node: node.map(|name| full_name(&name, around.host)),
            http_socket: path("CTL_OVER_HTTP"),
            user: get("INSTALLUSER"),
            bypass_warnings: get("EJABBERD_BYPASS_WARNINGS").as_deref() == Some("true"),
            exported: exported(&set, &get, vm_args.as_deref()),
            warnings,
        }
    }

    /// The node's name in messages.
    pub(crate) fn node_name(&self) -> &str {
        self.node.as_deref().unwrap_or(NODE)
    }
}

/// ejabberd's folder of data on Debian.
const EJABBERD_HOME: &str = "var/lib/ejabberd";

fn usual_config_dir(around: &Surroundings<'_>) -> Option<PathBuf> {
    let folders = ["etc/nightjar", "etc/ejabberd"].map(|folder| around.root.join(folder));
    let mut folders = folders.into_iter().filter(|_| around.is_ejabberdctl);
    folders.find(|folder| folder.join("ejabberd.yml").exists())
}

/// ejabberd's own folder, where nothing of Nightjar's is.
fn usual_home(around: &Surroundings<'_>) -> Option<PathBuf> {
    let ejabberds = around.root.join(EJABBERD_HOME);
    let taken = Home::locate(None).path().is_dir();
    (around.is_ejabberdctl && !taken && ejabberds.is_dir()).then_some(ejabberds)
}

fn read(path: Option<&Path>, named: bool, environment: Lookup<'_>) -> (Variables, Vec<String>) {
    let Some(path) = path else { return Default::default() };
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let (set, warnings) = shell_file::read(&text, environment);
            (set, warnings.iter().map(|warning| format!("{}: {warning}", path.display())).collect())
        }
        Err(error) if named || error.kind() != std::io::ErrorKind::NotFound => {
            (Variables::new(), vec![format!("{}: {error}", path.display())])
        }
        Err(_) => Default::default(),
    }
}

/// A name without a host is one of this host.
fn full_name(name: &str, host: &str) -> String {
    if name.contains('@') { name.to_owned() } else { format!("{name}@{host}") }
}

/// The words of `vm.args`: a line may end in a comment.
fn words_of(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Some(lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
}

fn exported(set: &Variables, get: Lookup<'_>, vm_args: Option<&Path>) -> Variables {
    let named = EXPORTED.iter().filter_map(|name| Some(((*name).to_owned(), get(name)?)));
    let macros = set.iter().filter(|(name, _)| name.starts_with(MACRO_PREFIX));
    let mut exported: Variables =
        named.chain(macros.map(|(name, value)| (name.clone(), value.clone()))).collect();
    // Words for the program itself, wherever they were written.
    let words = ["ERL_OPTIONS", "EJABBERD_OPTS"].map(get).into_iter().flatten();
    let words: Vec<String> = words.chain(vm_args.and_then(words_of)).collect();
    if !words.is_empty() {
        exported.insert("ERL_OPTIONS".to_owned(), words.join(" "));
    }
    exported
}

#[cfg(test)]
mod tests;
