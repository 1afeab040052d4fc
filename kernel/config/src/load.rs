//! From files to a checked configuration, with every mistake reported at once.

mod access;
mod hosts;
mod listeners;
mod modules;
mod options;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use nightjar_text::Text;

use crate::access::{Access, Permissions, read_permissions};
use crate::catalogue::Catalogue;
use crate::compat;
use crate::config::{Config, HostConfig};
use crate::declare::Declarations;
use crate::diagnostic::{Diagnostic, Report};
use crate::environment::{Disk, Environment, Files};
use crate::include;
use crate::keywords::Keywords;
use crate::kind::{Type, domain};
use crate::macros;
use crate::node::{Content, Entry, Node, Place, Position};
use crate::options::Options;
use crate::pattern::Pattern;
use crate::value::Value;

#[cfg(test)]
mod tests;

/// A configuration and remarks about it, or all mistakes and remarks.
pub type Loaded = Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Reads a configuration from disk. Binds and writes nothing.
///
/// # Errors
/// Every mistake, and every remark.
pub fn load(path: &Path, declarations: &Declarations<'_>) -> Loaded {
    load_with(path, declarations, &Environment::default(), &Disk)
}

/// The configuration that holds when no file is given: a file with comments, to be read and copied.
pub const DEFAULT_FILE: &str = include_str!("../data/nightjar.yml");

/// The configuration of [`DEFAULT_FILE`], as far as this server has what it names.
///
/// # Errors
/// A macro of the environment that is not YAML, for instance.
pub fn default_config(declarations: &Declarations<'_>, environment: &Environment) -> Loaded {
    let path = Path::new("<built-in configuration>");
    let files = BTreeMap::from([(path.to_owned(), DEFAULT_FILE.as_bytes().to_vec())]);
    let mut report = Report::default();
    report.ignore_unsupported();
    let config = read(path, declarations, environment, &files, &mut report);
    finish(config, report)
}

/// Loads any bytes; for fuzzing. Nothing it is given makes it panic, or use more than a fixed multiple of the
/// memory of its input and of the limits in this crate.
pub fn fuzz_load(bytes: &[u8]) {
    let path = Path::new("fuzz.yml");
    let files = BTreeMap::from([(path.to_owned(), bytes.to_vec())]);
    match load_with(path, &Declarations::default(), &Environment::default(), &files) {
        Ok((_, diagnostics)) | Err(diagnostics) => {
            crate::diagnostic::render(&diagnostics, false);
            crate::diagnostic::render_json(&diagnostics);
        }
    }
}

/// Reads a configuration from anywhere. Binds and writes nothing.
///
/// # Errors
/// Every mistake, and every remark.
pub fn load_with(
    path: &Path,
    declarations: &Declarations<'_>,
    environment: &Environment,
    files: &dyn Files,
) -> Loaded {
    let mut report = Report::default();
    let config = read(path, declarations, environment, files, &mut report);
    finish(config, report)
}

fn finish(config: Option<Config>, report: Report) -> Loaded {
    let remarks = report.finish()?;
    match config {
        Some(config) => Ok((config, remarks)),
        None => Err(remarks),
    }
}

fn read(
    path: &Path,
    declarations: &Declarations<'_>,
    environment: &Environment,
    files: &dyn Files,
    report: &mut Report,
) -> Option<Config> {
    let tree = include::read(path, files, report)?;
    let tree = macros::expand(tree, environment, report);
    let tree = group(tree, report);
    let tree = compat::rewrite(tree, report);
    let catalogue = Catalogue::new(declarations);
    let hosts = read_hosts(&tree, report);
    let version = tree.get("version").and_then(Node::as_str).unwrap_or(&environment.version);
    let at = tree.at.clone();
    let mut keywords = Keywords::predefined(environment, version, path, &at);
    if let Some(definitions) = tree.get("define_keyword") {
        keywords = keywords.with(definitions);
    }
    let host_set = Arc::new(hosts.iter().cloned().collect());
    Loader { catalogue: &catalogue, report, hosts, host_set, keywords, missing: Vec::new() }.config(tree)
}

/// Options that are given twice: lists and maps are joined, as ejabberd does at the top level and in a host's
/// part of `host_config`; anything else is a mistake.
fn group(tree: Node, report: &mut Report) -> Node {
    let Content::Map(entries) = tree.content else { return tree };
    let mut grouped = join(entries, &Place::TOP, report);
    for entry in &mut grouped {
        if !matches!(&*entry.key, "host_config" | "append_host_config") {
            continue;
        }
        let place = Place::TOP.key(&entry.key);
        if let Content::Map(hosts) = &mut entry.value.content {
            *hosts = join(std::mem::take(hosts), &place, report);
            for host in hosts {
                let here = place.key(&host.key);
                if let Content::Map(options) = &mut host.value.content {
                    *options = join(std::mem::take(options), &here, report);
                }
            }
        }
    }
    Node { content: Content::Map(grouped), at: tree.at }
}

fn join(entries: Vec<Entry>, place: &Place<'_>, report: &mut Report) -> Vec<Entry> {
    let mut joined: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut known: HashMap<Text, usize> = HashMap::new();
    for entry in entries {
        let index = *known.entry(entry.key.clone()).or_insert(joined.len());
        let Some(first) = joined.get_mut(index) else {
            joined.push(entry);
            continue;
        };
        match (&mut first.value.content, entry.value.content) {
            (Content::List(first), Content::List(more)) => first.extend(more),
            (Content::Map(first), Content::Map(more)) => first.extend(more),
            _ => {
                let line = first.key_at.line;
                let error =
                    Diagnostic::error(&entry.key_at, place.key(&entry.key), "this option is given twice");
                report.push(error.suggest(format!("the first one stands in line {line}")));
            }
        }
    }
    joined
}

fn read_hosts(tree: &Node, report: &mut Report) -> Arc<[Text]> {
    let place = Place::TOP.key("hosts");
    let Some(node) = tree.get("hosts") else {
        let error = Diagnostic::error(&tree.at, "hosts", "the required option `hosts` is missing");
        report.push(error.expected("a list of domains").suggest("add `hosts: [example.org]`"));
        return Arc::new([]);
    };
    let kind = Type::parse("non-empty [domain]").unwrap_or(Type::Any);
    let hosts = kind.check(node, &place, report);
    let mut names: Vec<Text> = Vec::new();
    let mut seen: HashSet<Text> = HashSet::new();
    for (index, host) in hosts.iter().flat_map(Value::items).enumerate() {
        let Some(host) = host.as_text() else { continue };
        if !seen.insert(host.clone()) {
            let at = node.items().get(index).map_or(&node.at, |item| &item.at);
            report.push(Diagnostic::error(
                at,
                place.index(index),
                format!("the host `{host}` is given twice"),
            ));
        } else {
            names.push(host.clone());
        }
    }
    names.into()
}

/// State of one load.
struct Loader<'a> {
    catalogue: &'a Catalogue,
    report: &'a mut Report,
    hosts: Arc<[Text]>,
    host_set: Arc<HashSet<Text>>,
    /// Those that hold at the top level.
    keywords: Keywords,
    missing: Vec<Text>,
}

/// The entries of the top level, with those of a host put over them.
struct Layer {
    shared: Arc<[Entry]>,
    own: Vec<Entry>,
}

impl Layer {
    fn get(&self, option: &str) -> Option<&Entry> {
        self.own.iter().chain(self.shared.iter()).find(|entry| entry.key == *option)
    }

    /// Whether a host says something of its own about one of these.
    fn has_own(&self, options: &[&str]) -> bool {
        self.own.iter().any(|entry| options.contains(&&*entry.key))
    }

    fn set(&mut self, entry: Entry) {
        match self.own.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => *known = entry,
            None => self.own.push(entry),
        }
    }
}

impl Loader<'_> {
    fn config(mut self, tree: Node) -> Option<Config> {
        let global = Layer { shared: tree.entries().into(), own: Vec::new() };
        let options = self.toplevel(&global.shared, &self.keywords.clone());
        let access = Arc::new(self.access(&global, &self.keywords.clone()));
        let permissions = Arc::new(self.permissions(&global));
        let listeners = self.listeners(&global, &options);
        let layers = self.host_layers(&global);
        let mut by_host = HashMap::new();
        let mut shared = modules::Shared::default();
        for host in self.hosts.clone().iter() {
            let config = match layers.get(host) {
                None => {
                    let modules =
                        self.modules(host, &global, &self.keywords.clone(), &options, Some(&mut shared));
                    HostConfig {
                        name: host.clone(),
                        options: options.clone(),
                        modules,
                        access: access.clone(),
                    }
                }
                Some(layer) => self.host(host, layer, &options, &access),
            };
            by_host.insert(host.clone(), config);
        }
        self.check_references(&options, &access, &listeners, &by_host);
        let aliases = self.aliases(&options);
        let no_host = HostConfig {
            name: Text::empty(),
            options: options.clone(),
            modules: Vec::new(),
            access: access.clone(),
        };
        let hosts = self.hosts.to_vec();
        let missing = self.missing;
        let failed = self.report.failed();
        (!failed).then_some(Config {
            global: options,
            access,
            permissions,
            hosts,
            by_host,
            listeners,
            no_host,
            aliases,
            missing,
            tree,
        })
    }

    /// A host that has options of its own.
    fn host(&mut self, host: &Text, layer: &Layer, global: &Options, access: &Arc<Access>) -> HostConfig {
        let mut keywords = self.keywords.clone();
        if let Some(definitions) = layer.get("define_keyword") {
            keywords = keywords.with(&definitions.value);
        }
        let options = self.host_options(host, layer, &keywords, global);
        let access = match layer.has_own(&["acl", "access_rules", "shaper_rules", "define_keyword"]) {
            true => Arc::new(self.access(layer, &keywords)),
            false => access.clone(),
        };
        let modules = self.modules(host, layer, &keywords, &options, None);
        HostConfig { name: host.clone(), options, modules, access }
    }

    fn permissions(&mut self, global: &Layer) -> Permissions {
        let Some(entry) = global.get("api_permissions") else { return Permissions::when_absent() };
        let place = Place::TOP.key("api_permissions");
        let node = self.keywords.apply(&entry.value);
        if self.is_map(&node, &place) {
            read_permissions(&node, &place, self.report)
        } else {
            Permissions::when_absent()
        }
    }

    /// Whether it is a map (or empty); a mistake otherwise.
    fn is_map(&mut self, node: &Node, place: &Place<'_>) -> bool {
        let empty = matches!(&node.content, Content::List(items) if items.is_empty());
        let map = empty || matches!(node.content, Content::Map(_));
        if !map {
            self.report.push(Type::any_map().mismatch(node, place, ""));
        }
        map
    }

    fn aliases(&mut self, options: &Options) -> Vec<(Pattern, Text)> {
        let Value::Map(entries) = options.typed("hosts_alias") else { return Vec::new() };
        let pair =
            |(alias, host): &(Text, Value)| Some((Pattern::glob(alias).ok()?, host.as_text()?.clone()));
        entries.iter().filter_map(pair).collect()
    }

    fn error(&mut self, at: &Position, place: &Place<'_>, message: impl Into<String>) {
        self.report.push(Diagnostic::error(at, place, message));
    }
}

/// A host's name as it is in `hosts`.
fn host_name(text: &str) -> Option<Text> {
    domain(text)
}
