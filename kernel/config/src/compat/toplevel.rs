//! Top-level options of old.

use super::{Rewriter, change_entries, rewrite_database};
use crate::diagnostic::Diagnostic;
use crate::node::{Content, Entry, Node, Place};
use nightjar_text::Text;

/// Options that were removed, and what replaces them.
pub(crate) const REMOVED: [(&str, Option<&str>); 15] = [
    ("log_rotate_date", None),
    ("log_rate_limit", None),
    ("ca_path", Some("ca_file")),
    ("iqdisc", None),
    ("access", Some("access_rules")),
    ("commands", Some("api_permissions")),
    ("ejabberdctl_access_commands", Some("api_permissions")),
    ("commands_admin_access", Some("api_permissions")),
    ("ldap_group_cache_size", Some("cache_size")),
    ("ldap_user_cache_size", Some("cache_size")),
    ("ldap_group_cache_validity", Some("cache_life_time")),
    ("ldap_user_cache_validity", Some("cache_life_time")),
    ("ldap_local_filter", None),
    ("extauth_cache", Some("auth_use_cache")),
    ("route_subdomains", Some("s2s_access")),
];

const RENAMED: [(&str, &str); 4] = [
    ("deref_aliases", "ldap_deref_aliases"),
    ("extauth_instances", "extauth_pool_size"),
    ("auth_password_types_hidden_in_scram1", "auth_password_types_hidden_in_sasl1"),
    ("new_sql_schema", "sql_schema_multihost"),
];

/// Names of the levels that older files give as numbers.
const LOG_LEVELS: [&str; 6] = ["none", "critical", "error", "warning", "info", "debug"];

const ACME_OLD: &str = "acme-v01.api.letsencrypt.org";
const ACME_NOW: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Seconds above which a timeout was probably meant in milliseconds.
const HUGE_TIMEOUT_SECONDS: i64 = 1000;

impl Rewriter<'_> {
    /// Options of the top level, or of one host.
    pub(super) fn toplevel(&mut self, entries: Vec<Entry>, host: Option<&Text>) -> Vec<Entry> {
        let place = match host {
            Some(_) => Place::TOP.key("host_config"),
            None => Place::TOP,
        };
        let place = match host {
            Some(host) => place.key(host),
            None => place,
        };
        entries.into_iter().filter_map(|entry| self.option(entry, host, &place)).collect()
    }

    fn option(&mut self, entry: Entry, host: Option<&Text>, place: &Place<'_>) -> Option<Entry> {
        let here = place.key(&entry.key);
        if let Some((_, instead)) = REMOVED.iter().find(|(name, _)| entry.key == **name) {
            self.removed(&entry, *instead, &here);
            return None;
        }
        if let Some((_, new)) = RENAMED.iter().find(|(name, _)| entry.key == **name) {
            return Some(self.renamed(entry.clone(), new, &here));
        }
        match &*entry.key {
            "host_config" | "append_host_config" if host.is_none() => Some(self.hosts(entry.clone())),
            "define_macro" if host.is_some() => {
                let message = "macros can't be defined for one host; these are not used";
                let warning = Diagnostic::warning(&entry.key_at, here, message);
                self.report.push(warning.suggest("use define_keyword"));
                None
            }
            "domain_certfile" | "c2s_certfile" | "s2s_certfile" => {
                self.renamed(entry.clone(), "certfiles", &here);
                self.certfiles.push(entry.value.clone());
                None
            }
            _ => Some(self.value(entry.clone(), host, &here)),
        }
    }

    /// An option whose name is current; its value may not be.
    fn value(&mut self, mut entry: Entry, host: Option<&Text>, place: &Place<'_>) -> Entry {
        match &*entry.key {
            "modules" => entry.value = self.modules(entry.value, place),
            "listen" => entry.value = self.listen(entry.value),
            "acme" => entry.value = self.acme(entry.value, place),
            "auth_method" | "default_db" | "default_ram_db" => rewrite_database(&mut entry.value),
            "loglevel" => number_to_level(&mut entry.value),
            "captcha_host" => {
                let warning = Diagnostic::warning(&entry.key_at, place, "this option is deprecated");
                self.report.push(warning.suggest("use `captcha_url`"));
            }
            "s2s_use_starttls" if entry.value.as_str() == Some("required_trusted") => {
                let message =
                    "`required_trusted` is now `required` without mod_s2s_dialback, which is removed";
                self.report.push(Diagnostic::warning(&entry.value.at, place, message).suggest(super::ADJUST));
                entry.value = Node::word("required", entry.value.at);
                self.without_dialback.push(host.cloned());
            }
            "outgoing_s2s_timeout" | "s2s_dns_timeout"
                if entry.value.as_int().is_some_and(|seconds| seconds >= HUGE_TIMEOUT_SECONDS) =>
            {
                let message = "this is a number of seconds, and a large one";
                let warning = Diagnostic::warning(&entry.value.at, place, message);
                self.report.push(warning.suggest("add the unit, for instance `10 s`"));
            }
            _ => {}
        }
        entry
    }

    fn hosts(&mut self, mut entry: Entry) -> Entry {
        entry.value = change_entries(entry.value, |hosts| {
            let rewrite = |mut host: Entry| {
                host.value = change_entries(host.value, |options| self.toplevel(options, Some(&host.key)));
                host
            };
            hosts.into_iter().map(rewrite).collect()
        });
        entry
    }

    fn acme(&mut self, node: Node, place: &Place<'_>) -> Node {
        change_entries(node, |mut entries| {
            for entry in &mut entries {
                if &*entry.key == "ca_url" && entry.value.as_str().is_some_and(|url| url.contains(ACME_OLD)) {
                    let message = format!("{ACME_OLD} no longer answers; {ACME_NOW} is used");
                    self.report.push(Diagnostic::warning(&entry.value.at, place.key("ca_url"), message));
                    entry.value = Node::string(ACME_NOW, entry.value.at.clone());
                }
            }
            entries
        })
    }

    /// Takes mod_s2s_dialback from the hosts that demanded trusted certificates.
    pub(super) fn remove_dialback(&mut self, entries: &mut [Entry]) {
        if self.without_dialback.contains(&None) {
            remove_dialback(entries);
        }
        let hosts =
            entries.iter_mut().filter(|entry| matches!(&*entry.key, "host_config" | "append_host_config"));
        for option in hosts {
            let Content::Map(hosts) = &mut option.value.content else { continue };
            for host in hosts {
                if let Content::Map(options) = &mut host.value.content
                    && self.without_dialback.contains(&Some(host.key.clone()))
                {
                    remove_dialback(options);
                }
            }
        }
    }
}

fn remove_dialback(entries: &mut [Entry]) {
    for entry in entries.iter_mut().filter(|entry| &*entry.key == "modules") {
        if let Content::Map(modules) = &mut entry.value.content {
            modules.retain(|module| &*module.key != "mod_s2s_dialback");
        }
    }
}

fn number_to_level(node: &mut Node) {
    let level = node.as_int().and_then(|number| usize::try_from(number).ok());
    if let Some(name) = level.and_then(|level| LOG_LEVELS.get(level)) {
        *node = Node::word(*name, node.at.clone());
    }
}
