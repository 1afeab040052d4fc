//! Modules and module options of old.

use super::{ADJUST, Rewriter, change_entries, rewrite_database};
use crate::diagnostic::Diagnostic;
use crate::node::{Content, Entry, Node, Place};

/// Options that every module had once, and what replaces them.
const REMOVED_EVERYWHERE: [(&str, Option<&str>); 5] = [
    ("iqdisc", None),
    ("ldap_group_cache_size", Some("cache_size")),
    ("ldap_user_cache_size", Some("cache_size")),
    ("ldap_group_cache_validity", Some("cache_life_time")),
    ("ldap_user_cache_validity", Some("cache_life_time")),
];

/// Options that one module had once, and what replaces them.
const REMOVED: [(&str, &str, Option<&str>); 7] = [
    ("mod_blocking", "db_type", None),
    ("mod_carboncopy", "ram_db_type", None),
    ("mod_carboncopy", "use_cache", None),
    ("mod_carboncopy", "cache_size", None),
    ("mod_carboncopy", "cache_missed", None),
    ("mod_carboncopy", "cache_life_time", None),
    ("mod_http_api", "admin_ip_access", Some("api_permissions")),
];

/// Modules that became one with a database, from when each database had a module of its own.
const WITH_SQL: [&str; 12] = [
    "mod_announce",
    "mod_blocking",
    "mod_caps",
    "mod_last",
    "mod_muc",
    "mod_offline",
    "mod_privacy",
    "mod_private",
    "mod_pubsub",
    "mod_roster",
    "mod_shared_roster",
    "mod_vcard",
];

/// Plugins of mod_pubsub that no longer exist.
const PUBSUB_PLUGINS: [&str; 10] =
    ["buddy", "club", "dag", "dispatch", "hometree", "mb", "mix", "online", "private", "public"];

impl Rewriter<'_> {
    pub(super) fn modules(&mut self, node: Node, place: &Place<'_>) -> Node {
        change_entries(node, |modules| {
            modules.into_iter().filter_map(|module| self.module(module, place)).collect()
        })
    }

    fn module(&mut self, mut entry: Entry, place: &Place<'_>) -> Option<Entry> {
        let parent = *place;
        let name = entry.key.clone();
        let place = parent.key(&name);
        match &*name {
            "mod_muc_occupantid" => return None,
            "mod_echo" => {
                self.removed(&entry, None, &place);
                return None;
            }
            "mod_http_bind" => entry = self.renamed(entry, "mod_bosh", &place),
            "mod_vcard_xupdate_odbc" => entry = self.renamed(entry, "mod_vcard_xupdate", &place),
            "mod_vcard_ldap" => entry = self.with_database(entry, "mod_vcard", "ldap", &place),
            old => {
                let new = old.strip_suffix("_odbc").filter(|new| WITH_SQL.contains(new));
                if let Some(new) = new {
                    entry = self.with_database(entry, new, "sql", &place);
                }
            }
        }
        let module = entry.key.clone();
        let place = parent.key(&module);
        entry.value = change_entries(entry.value, |options| {
            options.into_iter().filter_map(|option| self.module_option(&module, option, &place)).collect()
        });
        Some(entry)
    }

    fn with_database(&mut self, entry: Entry, new: &str, database: &str, place: &Place<'_>) -> Entry {
        let at = entry.key_at.clone();
        let mut entry = self.renamed(entry, new, place);
        entry.value = change_entries(entry.value, |mut options| {
            options.retain(|option| &*option.key != "db_type");
            let value = Node::word(database, at.clone());
            options.insert(0, Entry { key: "db_type".into(), key_at: at, value });
            options
        });
        entry
    }

    fn module_option(&mut self, module: &str, mut option: Entry, place: &Place<'_>) -> Option<Entry> {
        let here_name = option.key.clone();
        let here = place.key(&here_name);
        let removed = REMOVED_EVERYWHERE.iter().find(|(name, _)| option.key == **name).map(|(_, new)| *new);
        let removed = removed.or_else(|| {
            let one = REMOVED.iter().find(|(owner, name, _)| *owner == module && option.key == **name);
            one.map(|(_, _, new)| *new)
        });
        if let Some(instead) = removed {
            self.removed(&option, instead, &here);
            return None;
        }
        match (module, &*here_name) {
            (_, "db_type" | "ram_db_type") => rewrite_database(&mut option.value),
            (_, "deref_aliases") => return Some(self.renamed(option, "ldap_deref_aliases", &here)),
            ("mod_http_upload", "service_url") => {
                let warning = Diagnostic::warning(&option.key_at, here, "this option is deprecated");
                self.report.push(warning.suggest("use `external_secret`"));
            }
            ("mod_pubsub", "plugins") => self.pubsub_plugins(&mut option.value, &here),
            _ => {}
        }
        Some(option)
    }

    fn pubsub_plugins(&mut self, node: &mut Node, place: &Place<'_>) {
        let Content::List(plugins) = &mut node.content else { return };
        plugins.retain(|plugin| {
            let old = plugin.as_str().is_some_and(|name| PUBSUB_PLUGINS.contains(&name));
            if old {
                let message =
                    format!("the plugin `{}` no longer exists", plugin.as_str().unwrap_or_default());
                self.report.push(Diagnostic::warning(&plugin.at, place, message).suggest(ADJUST));
            }
            !old
        });
    }
}
