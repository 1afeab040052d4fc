//! Every option, module, listener and request handler that ejabberd 26.07 knows, from the parity tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use crate::declare::{CORE, CORE_LISTENER, Declarations, OptionSpec};
use crate::kind::{DefaultValue, Type};
use crate::node::{Node, Position, Source};
use crate::yaml;

#[cfg(test)]
mod tests;

/// An option by name and type.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Its type, nested options included.
    pub kind: Type,
    /// Its type as declared.
    pub notation: &'static str,
    /// Its default.
    pub default: DefaultValue,
    /// Its default as declared.
    pub default_text: &'static str,
    /// May stand in `host_config`.
    pub per_host: bool,
    /// This server has it.
    pub built: bool,
    /// What it does.
    pub doc: &'static str,
    /// Options inside it, in the notation of [`OptionSpec`].
    pub nested: Vec<OptionSpec>,
}

/// The options of one module, one listener, or of the top level.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// In the order of the manual.
    pub list: Vec<Known>,
    /// Whether this server has the module at all.
    pub built: bool,
    /// What it does.
    pub doc: &'static str,
    /// Modules without which it does not start, and the plugin that makes it so.
    pub needs: Vec<Need>,
}

/// A module that another one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The module.
    pub module: &'static str,
    /// Only when `plugins` names this one.
    pub plugin: Option<&'static str>,
}

/// Everything known, with what this server declares put over it.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Top-level options.
    pub toplevel: Arc<Options>,
    /// Modules.
    pub modules: BTreeMap<&'static str, Arc<Options>>,
    /// Listeners.
    pub listeners: BTreeMap<&'static str, Arc<Options>>,
    /// HTTP request handlers, and whether this server has them.
    pub handlers: BTreeMap<&'static str, bool>,
}

impl Options {
    /// The option of this name.
    pub fn get(&self, name: &str) -> Option<&Known> {
        self.list.iter().find(|known| known.name == name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.list.iter().map(|known| known.name)
    }

    /// Adds an option, or puts a nested one into the option it belongs to. Returns whether the notation of
    /// its type is right.
    fn add(&mut self, spec: OptionSpec, per_host: bool) -> bool {
        let kind = Type::parse(spec.kind);
        let good = kind.is_ok();
        let kind = kind.unwrap_or(Type::Any);
        let default = DefaultValue::parse(spec.default);
        let (name, path) = match spec.name.find(['.', '[']) {
            Some(end) => spec.name.split_at(end),
            None => (spec.name, ""),
        };
        match self.list.iter_mut().find(|known| known.name == name) {
            Some(known) if !path.is_empty() => {
                known.nested.push(spec);
                // `convert.*` describes the values of a map that has its type already.
                good && (path == ".*" || known.kind.attach(path, kind, default))
            }
            Some(known) => {
                // A declaration takes the place of what the table says, nested options too.
                let per_host = known.per_host;
                *known = known_option(spec, kind, default, per_host);
                good
            }
            None => {
                self.list.push(known_option(spec, kind, default, per_host));
                good && path.is_empty()
            }
        }
    }
}

fn known_option(spec: OptionSpec, kind: Type, default: DefaultValue, per_host: bool) -> Known {
    Known {
        name: spec.name,
        kind,
        notation: spec.kind,
        default,
        default_text: spec.default,
        per_host,
        built: false,
        doc: spec.doc,
        nested: Vec::new(),
    }
}

impl DefaultValue {
    /// Reads a default as declared.
    pub fn parse(text: &'static str) -> DefaultValue {
        if let Some(option) = text.strip_prefix("= toplevel ") {
            return DefaultValue::Toplevel(option);
        }
        match text {
            "" | "unset" => DefaultValue::Unset,
            "required" => DefaultValue::Required,
            // An at-sign can't begin a word of YAML.
            text if text.starts_with('@') => DefaultValue::Yaml(Node::string(text, nowhere(text))),
            text => match yaml::parse(&source(text)) {
                Ok(node) => DefaultValue::Yaml(node),
                Err(_) => DefaultValue::Yaml(Node::string(text, nowhere(text))),
            },
        }
    }
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source { name: "<default>".to_owned(), text: text.to_owned() })
}

fn nowhere(text: &str) -> Position {
    Position::start_of(&source(text))
}

/// The tables alone.
static TABLES: LazyLock<Catalogue> = LazyLock::new(read_tables);

const TOPLEVEL: &str = include_str!("../data/toplevel.tsv");
const MODULES: &str = include_str!("../data/modules.tsv");
const MODULE_OPTIONS: &str = include_str!("../data/module_options.tsv");
const LISTENERS: &str = include_str!("../data/listeners.tsv");
const HANDLERS: &str = include_str!("../data/http_handlers.tsv");

/// Rows of a table below its header.
pub(crate) fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).filter(|line| !line.is_empty()).map(|line| line.split('\t').collect())
}

fn cell(row: &[&'static str], index: usize) -> &'static str {
    row.get(index).copied().unwrap_or_default()
}

fn read_tables() -> Catalogue {
    let mut toplevel = Options { built: true, ..Options::default() };
    for row in rows(TOPLEVEL) {
        let spec = table_option("", &row, 0, cell(&row, 5));
        // The old name of sql_schema_multihost is handled where old names are.
        if cell(&row, 4).starts_with("obsoleted") {
            continue;
        }
        toplevel.add(spec, cell(&row, 3) == "host");
    }
    let mut modules: BTreeMap<&'static str, Options> = BTreeMap::new();
    for row in rows(MODULES) {
        let module = modules.entry(cell(&row, 0)).or_default();
        module.doc = cell(&row, 1);
        module.needs = needs(cell(&row, 4));
    }
    for row in rows(MODULE_OPTIONS) {
        let module = modules.entry(cell(&row, 0)).or_default();
        module.add(table_option(cell(&row, 0), &row, 1, cell(&row, 5)), true);
    }
    let mut listeners: BTreeMap<&'static str, Options> = BTreeMap::new();
    for row in rows(LISTENERS).filter(|row| cell(row, 4) != "legacy") {
        let listener = listeners.entry(cell(&row, 0)).or_default();
        listener.add(table_option(cell(&row, 0), &row, 1, cell(&row, 6)), false);
    }
    let shared = |map: BTreeMap<&'static str, Options>| {
        map.into_iter().map(|(name, options)| (name, Arc::new(options))).collect()
    };
    Catalogue {
        toplevel: Arc::new(toplevel),
        modules: shared(modules),
        listeners: shared(listeners),
        handlers: rows(HANDLERS).map(|row| (cell(&row, 0), false)).collect(),
    }
}

fn table_option(scope: &str, row: &[&'static str], first: usize, doc: &'static str) -> OptionSpec {
    let name = cell(row, first);
    let default = DEFAULTS.iter().find(|(place, option, _)| *place == scope && *option == name);
    OptionSpec {
        name,
        kind: cell(row, first + 1),
        default: default.map_or(cell(row, first + 2), |(_, _, default)| default),
        doc,
    }
}

/// `mod_adhoc (hard), mod_last (soft)`, `mod_caps (hard, when plugin pep)`.
fn needs(text: &'static str) -> Vec<Need> {
    let parts = text.split("), ").filter_map(|part| part.trim_end_matches(')').split_once(" ("));
    parts
        .filter(|(_, how)| how.starts_with("hard"))
        .map(|(module, how)| Need { module, plugin: how.strip_prefix("hard, when plugin ") })
        .collect()
}

/// Defaults that the tables describe in words, as values: scope (module or nothing), option, default.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("", "api_permissions", "unset"),
    ("", "auth_method", "unset"),
    ("", "ca_file", "unset"),
    ("", "fqdn", "unset"),
    ("", "ldap_port", "unset"),
    ("", "ldap_uids", "{uid: \"%u\"}"),
    ("", "oauth_expire", "4294 seconds"),
    ("", "rest_proxy_port", "unset"),
    ("", "rest_proxy", "unset"),
    ("", "sql_pool_size", "unset"),
    ("", "sql_port", "unset"),
    ("", "sql_schema_multihost", "unset"),
    ("", "version", "unset"),
    ("mod_invites", "templates_dir", "unset"),
    ("mod_multicast", "limits", "{}"),
    ("mod_muc", "default_room_options", "{}"),
    ("mod_muc", "default_room_options.lang", "unset"),
    ("mod_muc", "default_room_options.vcard", "unset"),
    ("mod_muc_log", "cssfile", "unset"),
    ("mod_providers", "languages", "unset"),
    ("mod_providers", "maximumHttpFileUploadStorageTime", "unset"),
    ("mod_providers", "maximumHttpFileUploadTotalSize", "unset"),
    ("mod_providers", "organization", "unset"),
    ("mod_providers", "passwordReset", "unset"),
    ("mod_pubsub_serverinfo", "pubsub_host", "unset"),
    ("mod_stun_disco", "services[].port", "unset"),
    ("mod_stun_disco", "services[].restricted", "unset"),
    ("mod_stun_disco", "services[].transport", "unset"),
    (
        "mod_vcard",
        "ldap_search_fields",
        "{User: \"%u\", Full Name: displayName, Given Name: givenName, Middle Name: initials, Family Name: sn, \
         Nickname: \"%u\", Birthday: birthDay, Country: c, City: l, Email: mail, Organization Name: o, \
         Organization Unit: ou}",
    ),
    ("mod_vcard", "ldap_vcard_map", "unset"),
];

impl Catalogue {
    /// What is known, with the declarations of this server put over it.
    pub fn new(declarations: &Declarations<'_>) -> Catalogue {
        let mut catalogue = TABLES.clone();
        let mut problems = Vec::new();
        catalogue.declare(declarations, &mut problems);
        debug_assert!(problems.is_empty(), "wrong declarations: {problems:#?}");
        catalogue
    }

    /// Types that mean nothing and defaults that their own option refuses, among the declarations.
    pub fn check(declarations: &Declarations<'_>) -> Vec<String> {
        let mut problems = Vec::new();
        TABLES.clone().declare(declarations, &mut problems);
        problems
    }

    fn declare(&mut self, declarations: &Declarations<'_>, problems: &mut Vec<String>) {
        let toplevel = Arc::make_mut(&mut self.toplevel);
        for spec in CORE.iter().chain(declarations.toplevel) {
            declare(toplevel, "", spec, problems);
        }
        for module in declarations.modules {
            let options = Arc::make_mut(self.modules.entry(module.name).or_default());
            options.built = true;
            options.doc = module.doc;
            for spec in module.options {
                declare(options, module.name, spec, problems);
            }
        }
        for listener in declarations.listeners {
            let common = [CORE_LISTENER, listener.options].concat();
            if self.handlers.contains_key(listener.name) && !self.listeners.contains_key(listener.name) {
                continue;
            }
            let options = Arc::make_mut(self.listeners.entry(listener.name).or_default());
            options.built = true;
            options.doc = listener.doc;
            for spec in &common {
                declare(options, listener.name, spec, problems);
            }
        }
        let declared: BTreeSet<&str> =
            declarations.modules.iter().chain(declarations.listeners).map(|spec| spec.name).collect();
        for (handler, built) in &mut self.handlers {
            *built = declared.contains(handler);
        }
    }
}

fn declare(options: &mut Options, scope: &str, spec: &OptionSpec, problems: &mut Vec<String>) {
    if !options.add(*spec, true) {
        problems.push(format!("{scope} {}: the type `{}` means nothing here", spec.name, spec.kind));
    }
    let known = options.list.iter_mut().find(|known| known.name == spec.name);
    let Some(known) = known else { return };
    known.built = true;
    if let DefaultValue::Yaml(node) = &known.default {
        let mut report = crate::diagnostic::Report::default();
        // What contains a keyword is checked when there is a host to put in its place.
        if !spec.default.contains('@') {
            known.kind.check(node, &crate::node::Place::TOP, &mut report);
        }
        if let Err(errors) = report.finish() {
            let errors: Vec<String> = errors.iter().map(|error| error.one_line()).collect();
            problems.push(format!("{scope} {}: the default is refused: {}", spec.name, errors.join("; ")));
        }
    }
}
