//! What changed from one configuration to the next: what a reload has to do, and what it prints.

use std::fmt;

use nightjar_text::Text;

use crate::config::{Config, HostConfig, ListenerConfig};
use crate::dump::to_line;
use crate::options::{Options, Setting};

#[cfg(test)]
mod tests;

/// Options that are compared by what they mean rather than by how they are written.
const APART: [&str; 12] = [
    "hosts",
    "listen",
    "modules",
    "host_config",
    "append_host_config",
    "include_config_file",
    "define_keyword",
    "define_macro",
    "acl",
    "access_rules",
    "shaper_rules",
    "api_permissions",
];

/// One option's old and new value on one line each; secrets are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionChange {
    /// The option.
    pub name: Text,
    /// Before.
    pub old: String,
    /// After.
    pub new: String,
}

/// One difference between two configurations.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A host is new.
    HostAdded(Text),
    /// A host is gone.
    HostRemoved(Text),
    /// A listener is new.
    ListenerAdded(ListenerConfig),
    /// A listener is gone.
    ListenerRemoved(ListenerConfig),
    /// A listener on the same endpoint has another module or other options.
    ListenerChanged {
        /// As it was.
        old: ListenerConfig,
        /// As it is.
        new: ListenerConfig,
        /// Which options.
        options: Vec<OptionChange>,
    },
    /// A module is new on a host.
    ModuleStarted {
        /// The host.
        host: Text,
        /// The module.
        module: Text,
    },
    /// A module is gone from a host.
    ModuleStopped {
        /// The host.
        host: Text,
        /// The module.
        module: Text,
    },
    /// A module has other options.
    ModuleChanged {
        /// The host.
        host: Text,
        /// The module.
        module: Text,
        /// Which.
        options: Vec<OptionChange>,
    },
    /// A top-level option, of one host if it is named.
    Option {
        /// The host, if the change is its own.
        host: Option<Text>,
        /// Which, and how.
        change: OptionChange,
    },
    /// Access lists, access rules or shapers, of one host if it is named.
    Access {
        /// The host, if the change is its own.
        host: Option<Text>,
    },
    /// Who may run commands.
    Permissions,
}

/// Everything that differs, global things first, then host by host in the order of the new file.
pub fn diff(old: &Config, new: &Config) -> Vec<Change> {
    let mut changes = Vec::new();
    for host in new.hosts().iter().filter(|host| !old.hosts().contains(host)) {
        changes.push(Change::HostAdded(host.clone()));
    }
    for host in old.hosts().iter().filter(|host| !new.hosts().contains(host)) {
        changes.push(Change::HostRemoved(host.clone()));
    }
    for change in set_changes(&old.global, &new.global) {
        changes.push(Change::Option { host: None, change });
    }
    if !old.access.same_rules(&new.access) {
        changes.push(Change::Access { host: None });
    }
    if old.permissions != new.permissions {
        changes.push(Change::Permissions);
    }
    listener_changes(old.listeners(), new.listeners(), &mut changes);
    for host in new.hosts() {
        if let (Some(before), Some(after)) = (old.find_host(host), new.find_host(host)) {
            host_changes(old, new, before, after, &mut changes);
        }
    }
    changes
}

fn option_changes(old: &Options, new: &Options) -> Vec<OptionChange> {
    let mut changes = Vec::new();
    for (name, after) in new.iter().filter(|(name, _)| !APART.contains(&name.as_str())) {
        let before = old.setting(name);
        if before.is_none_or(|before| before != after) {
            let old = before.map_or_else(String::new, |before| show(name, before));
            changes.push(OptionChange { name: name.clone(), old, new: show(name, after) });
        }
    }
    changes
}

/// Changes of what a file says; defaults that follow other options change with those.
fn set_changes(old: &Options, new: &Options) -> Vec<OptionChange> {
    let mut changes = option_changes(old, new);
    changes.retain(|change| old.is_set(&change.name) || new.is_set(&change.name));
    changes
}

fn show(name: &str, setting: &Setting) -> String {
    let line = to_line(name, &setting.node);
    if line.is_empty() { "unset".to_owned() } else { line }
}

fn listener_changes(old: &[ListenerConfig], new: &[ListenerConfig], changes: &mut Vec<Change>) {
    for before in old {
        match new.iter().find(|after| after.endpoint() == before.endpoint()) {
            None => changes.push(Change::ListenerRemoved(before.clone())),
            Some(after) if after == before => {}
            Some(after) => changes.push(Change::ListenerChanged {
                old: before.clone(),
                new: after.clone(),
                options: option_changes(&before.options, &after.options),
            }),
        }
    }
    for after in new {
        if !old.iter().any(|before| before.endpoint() == after.endpoint()) {
            changes.push(Change::ListenerAdded(after.clone()));
        }
    }
}

fn host_changes(
    old: &Config,
    new: &Config,
    before: &HostConfig,
    after: &HostConfig,
    changes: &mut Vec<Change>,
) {
    let host = &after.name;
    for change in set_changes(&before.options, &after.options) {
        let differs = |options: &Options, global: &Options| {
            options.setting(&change.name) != global.setting(&change.name)
        };
        // A change that every host shares was told once.
        if differs(&before.options, &old.global) || differs(&after.options, &new.global) {
            changes.push(Change::Option { host: Some(host.clone()), change });
        }
    }
    let own = !before.access.same_rules(&old.access) || !after.access.same_rules(&new.access);
    if own && !before.access.same_rules(&after.access) {
        changes.push(Change::Access { host: Some(host.clone()) });
    }
    for (module, options) in &after.modules {
        match before.module(module) {
            None => changes.push(Change::ModuleStarted { host: host.clone(), module: module.clone() }),
            Some(known) if known == options => {}
            Some(known) => changes.push(Change::ModuleChanged {
                host: host.clone(),
                module: module.clone(),
                options: option_changes(known, options),
            }),
        }
    }
    for (module, _) in &before.modules {
        if after.module(module).is_none() {
            changes.push(Change::ModuleStopped { host: host.clone(), module: module.clone() });
        }
    }
}

impl fmt::Display for OptionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.old == self.new {
            write!(f, "{} changed", self.name)
        } else {
            write!(f, "{}: {} -> {}", self.name, self.old, self.new)
        }
    }
}

impl fmt::Display for Change {
    /// One line for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |host: &Option<Text>| host.as_ref().map_or_else(String::new, |host| format!("{host}: "));
        let list = |options: &[OptionChange]| {
            options.iter().map(OptionChange::to_string).collect::<Vec<_>>().join(", ")
        };
        match self {
            Change::HostAdded(host) => write!(f, "host {host} added"),
            Change::HostRemoved(host) => write!(f, "host {host} removed"),
            Change::ListenerAdded(new) => write!(f, "listener {} on {} added", new.module, new.endpoint()),
            Change::ListenerRemoved(old) => {
                write!(f, "listener {} on {} removed", old.module, old.endpoint())
            }
            Change::ListenerChanged { new, options, .. } => {
                write!(f, "listener {} on {}: {}", new.module, new.endpoint(), list(options))
            }
            Change::ModuleStarted { host, module } => write!(f, "{host}: {module} started"),
            Change::ModuleStopped { host, module } => write!(f, "{host}: {module} stopped"),
            Change::ModuleChanged { host, module, options } => {
                write!(f, "{host}: {module}: {}", list(options))
            }
            Change::Option { host, change } => write!(f, "{}{change}", of(host)),
            Change::Access { host } => write!(f, "{}access rules changed", of(host)),
            Change::Permissions => write!(f, "api_permissions changed"),
        }
    }
}
