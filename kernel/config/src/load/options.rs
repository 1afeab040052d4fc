//! Options of the top level, a module or a listener, with their defaults.

use std::collections::BTreeMap;
use std::sync::Arc;

use nightjar_text::Text;

use super::{Layer, Loader};
use crate::catalogue::{Known, Options as KnownOptions};
use crate::compat::REMOVED;
use crate::diagnostic::Diagnostic;
use crate::keywords::Keywords;
use crate::kind::DefaultValue;
use crate::node::{Content, Entry, Node, Place, Position};
use crate::options::{Options, Setting, Settings};
use crate::value::Value;

/// Options whose values other parts of the loader read.
const ELSEWHERE: [&str; 12] = [
    "hosts",
    "listen",
    "modules",
    "host_config",
    "append_host_config",
    "include_config_file",
    "define_keyword",
    "acl",
    "access_rules",
    "shaper",
    "shaper_rules",
    "api_permissions",
];

/// Options that keywords do not reach.
const WITHOUT_KEYWORDS: [&str; 3] = ["hosts", "loglevel", "version"];

/// Longest chain of defaults that are the values of other options.
const MAX_DEFAULT_CHAIN: usize = 8;

impl Loader<'_> {
    /// The top-level options where no host is concerned.
    pub(super) fn toplevel(&mut self, entries: &[Entry], keywords: &Keywords) -> Options {
        let mut settings = BTreeMap::new();
        self.set_options(entries, keywords, &Place::TOP, &mut settings);
        self.default_options(keywords, &mut settings);
        Options::new("", settings)
    }

    /// The top-level options of a host that has some of its own. All others are shared with the global ones,
    /// except defaults that follow an option of the host.
    pub(super) fn host_options(
        &mut self,
        host: &Text,
        layer: &Layer,
        keywords: &Keywords,
        global: &Options,
    ) -> Options {
        let parent = Place::TOP.key("host_config");
        let place = parent.key(host);
        let mut settings = BTreeMap::new();
        self.set_options(&layer.own, keywords, &place, &mut settings);
        if layer.has_own(&["define_keyword"]) {
            // The global options may mean something else with the host's keywords.
            let shared = layer.shared.iter().filter(|entry| !settings.contains_key(&entry.key));
            let shared: Vec<Entry> = shared.cloned().collect();
            self.set_options(&shared, keywords, &Place::TOP, &mut settings);
        }
        let known = self.catalogue.toplevel.clone();
        for (name, setting) in global.shared() {
            let everywhere = known.get(name).is_some_and(|option| !option.per_host);
            if (setting.set || everywhere) && !settings.contains_key(name) {
                settings.insert(name.clone(), setting.clone());
            }
        }
        self.default_options(keywords, &mut settings);
        Options::new("", settings)
    }

    /// Options that the file sets.
    fn set_options(
        &mut self,
        entries: &[Entry],
        keywords: &Keywords,
        place: &Place<'_>,
        settings: &mut Settings,
    ) {
        let known = self.catalogue.toplevel.clone();
        for entry in entries {
            match known.get(&entry.key) {
                Some(option) => {
                    self.remark_unbuilt(option, entry, place, "");
                    let setting = self.toplevel_option(option, entry, keywords, place);
                    settings.insert(Text::new(option.name), Arc::new(setting));
                }
                None => self.unknown(entry, &known, place),
            }
        }
    }

    /// Options that are not set yet.
    fn default_options(&mut self, keywords: &Keywords, settings: &mut Settings) {
        let known = self.catalogue.toplevel.clone();
        for option in &known.list {
            if !settings.contains_key(option.name) {
                let setting = self.default(option, keywords, 0, settings);
                settings.insert(Text::new(option.name), setting);
            }
        }
        default_auth_method(settings);
    }

    fn toplevel_option(
        &mut self,
        option: &Known,
        entry: &Entry,
        keywords: &Keywords,
        place: &Place<'_>,
    ) -> Setting {
        if option.name == "define_macro" || ELSEWHERE.contains(&option.name) {
            let value = if option.name == "define_keyword" {
                self.check(option, &entry.value, &place.key(option.name))
            } else {
                Value::Unset
            };
            return Setting { value, node: entry.value.clone(), set: true };
        }
        let node = match WITHOUT_KEYWORDS.contains(&option.name) {
            true => entry.value.clone(),
            false => keywords.apply(&entry.value),
        };
        let value = self.check(option, &node, &place.key(option.name));
        Setting { value, node, set: true }
    }

    fn check(&mut self, option: &Known, node: &Node, place: &Place<'_>) -> Value {
        option.kind.check(node, place, self.report).unwrap_or(Value::Unset)
    }

    /// The default of a top-level option. Defaults that name another option take its value.
    fn default(
        &mut self,
        option: &Known,
        keywords: &Keywords,
        depth: usize,
        settings: &Settings,
    ) -> Arc<Setting> {
        let toplevel = self.catalogue.toplevel.clone();
        match &option.default {
            DefaultValue::Yaml(node) => Arc::new(self.yaml_default(option, node, keywords)),
            DefaultValue::Toplevel(name) if depth < MAX_DEFAULT_CHAIN => {
                match (settings.get(*name), toplevel.get(name)) {
                    (Some(setting), _) => followed(setting),
                    (None, Some(other)) => self.default(other, keywords, depth + 1, settings),
                    (None, None) => unset(option),
                }
            }
            _ => unset(option),
        }
    }

    fn yaml_default(&mut self, option: &Known, node: &Node, keywords: &Keywords) -> Setting {
        let node = keywords.apply(node);
        let value = self.check(option, &node, &Place::TOP.key(option.name));
        Setting { value, node, set: false }
    }

    /// The options of a module or listener: `given` is its map.
    pub(super) fn scoped(
        &mut self,
        scope: &str,
        known: &KnownOptions,
        given: &Node,
        keywords: &Keywords,
        toplevel: &Options,
        place: &Place<'_>,
    ) -> Options {
        let mut settings: Settings = BTreeMap::new();
        for entry in given.entries() {
            let Some(option) = known.get(&entry.key) else {
                self.unknown(entry, known, place);
                continue;
            };
            let here = place.key(option.name);
            if settings.contains_key(option.name) {
                self.error(&entry.key_at, &here, "this option is given twice");
                continue;
            }
            if known.built {
                self.remark_unbuilt(option, entry, place, scope);
            }
            let node = keywords.apply(&entry.value);
            let value = self.check(option, &node, &here);
            settings.insert(Text::new(option.name), Arc::new(Setting { value, node, set: true }));
        }
        for option in &known.list {
            if settings.contains_key(option.name) {
                continue;
            }
            let setting = match &option.default {
                DefaultValue::Yaml(node) => Arc::new(self.yaml_default(option, node, keywords)),
                DefaultValue::Toplevel(name) => match toplevel.shared().get(*name) {
                    Some(setting) => followed(setting),
                    None => unset(option),
                },
                DefaultValue::Unset => unset(option),
                DefaultValue::Required => {
                    let message = format!("the required option `{}` is missing", option.name);
                    let error = Diagnostic::error(&given.at, place, message);
                    self.report.push(error.expected(format!("{}: {}", option.name, option.kind)));
                    unset(option)
                }
            };
            settings.insert(Text::new(option.name), setting);
        }
        Options::new(scope, settings)
    }

    fn unknown(&mut self, entry: &Entry, known: &KnownOptions, place: &Place<'_>) {
        if self.report.is_full() {
            return;
        }
        let names = known.names().collect::<Vec<_>>();
        let here = place.key(&entry.key);
        let mut error = Diagnostic::error(&entry.key_at, here, format!("unknown option `{}`", entry.key));
        if names.is_empty() {
            error = error.expected("no options: there are none here");
        } else if names.len() <= 20 {
            error = error.expected(format!("one of {}", names.join(", ")));
        }
        let near = self.report.nearest(&entry.key, names);
        self.report.push(error.did_you_mean(near));
    }

    /// An option that ejabberd has and this server does not.
    fn remark_unbuilt(&mut self, option: &Known, entry: &Entry, place: &Place<'_>, scope: &str) {
        if !option.built && !REMOVED.iter().any(|(name, _)| *name == option.name) {
            let of = if scope.is_empty() { String::new() } else { format!(" of {scope}") };
            let what = format!("the option `{}`{of}", option.name);
            self.report.unsupported(&entry.key_at, place.key(option.name), &what, "; it has no effect");
        }
    }
}

/// The value of another option as a default.
fn followed(setting: &Arc<Setting>) -> Arc<Setting> {
    if setting.set { Arc::new(Setting { set: false, ..(**setting).clone() }) } else { setting.clone() }
}

fn unset(option: &Known) -> Arc<Setting> {
    let at = match &option.default {
        DefaultValue::Yaml(node) => node.at.clone(),
        _ => Position::start_of(&crate::node::Source::unnamed()),
    };
    Arc::new(Setting { value: Value::Unset, node: Node { content: Content::Null, at }, set: false })
}

/// `auth_method` is the value of `default_db` when nothing is said.
fn default_auth_method(settings: &mut Settings) {
    let Some(database) =
        settings.get("default_db").map(|setting| (setting.value.clone(), setting.node.clone()))
    else {
        return;
    };
    if let Some(method) = settings.get_mut("auth_method").filter(|method| method.value == Value::Unset) {
        let at = database.1.at.clone();
        *method = Arc::new(Setting {
            value: Value::List(vec![database.0]),
            node: Node { content: Content::List(vec![database.1]), at },
            set: false,
        });
    }
}
