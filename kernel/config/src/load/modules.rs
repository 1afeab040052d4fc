//! `modules` of one host.

use std::collections::HashMap;

use nightjar_text::Text;

use super::{Layer, Loader};
use crate::catalogue::{Known, Options as KnownOptions};
use crate::diagnostic::Diagnostic;
use crate::keywords::{Keywords, mentions_keyword};
use crate::kind::DefaultValue;
use crate::node::{Content, Entry, Node, Place};
use crate::options::Options;
use crate::value::Value;

/// Options of modules that are the same for all hosts without options of their own.
#[derive(Default)]
pub(super) struct Shared {
    options: HashMap<Text, Options>,
}

impl Loader<'_> {
    /// The modules of a host that this server has.
    pub(super) fn modules(
        &mut self,
        host: &Text,
        layer: &Layer,
        keywords: &Keywords,
        toplevel: &Options,
        mut shared: Option<&mut Shared>,
    ) -> Vec<(Text, Options)> {
        let Some(node) = layer.get("modules").map(|entry| entry.value.clone()) else { return Vec::new() };
        let place = Place::TOP.key("modules");
        if !self.is_map(&node, &place) {
            return Vec::new();
        }
        let keywords = keywords.clone().with_host(host, &node.at);
        let contributed = toplevel.texts("install_contrib_modules");
        let mut modules: Vec<(Text, Options)> = Vec::new();
        let mut built = Vec::new();
        for entry in node.entries() {
            let here = place.key(&entry.key);
            let Some(known) = self.known_module(entry, &contributed, &here) else { continue };
            if modules.iter().any(|(name, _)| *name == entry.key) {
                self.error(&entry.key_at, &here, "this module is given twice");
                continue;
            }
            let ready = shared.as_ref().and_then(|shared| shared.options.get(&entry.key)).cloned();
            let options = match ready {
                Some(options) => options,
                None => self.module(entry, &known, &keywords, toplevel, &here),
            };
            if let Some(shared) = &mut shared
                && !depends_on_host(&entry.value, &known)
            {
                shared.options.insert(entry.key.clone(), options.clone());
            }
            built.push(known.built);
            modules.push((entry.key.clone(), options));
        }
        self.check_needs(node.entries(), &modules, &place);
        let mut built = built.into_iter();
        modules.retain(|_| built.next().unwrap_or(false));
        modules
    }

    fn known_module(
        &mut self,
        entry: &Entry,
        contributed: &[Text],
        place: &Place<'_>,
    ) -> Option<std::sync::Arc<KnownOptions>> {
        if let Some(known) = self.catalogue.modules.get(&*entry.key).cloned() {
            if !known.built {
                let what = format!("the module `{}`", entry.key);
                self.report.unsupported(&entry.key_at, place, &what, "; it is not started");
                if !self.missing.contains(&entry.key) {
                    self.missing.push(entry.key.clone());
                }
            }
            return Some(known);
        }
        if contributed.contains(&entry.key) {
            let message =
                format!("the contributed module `{}` can't be loaded; it is not started", entry.key);
            self.report.push(Diagnostic::warning(&entry.key_at, place, message));
            return None;
        }
        let near = self.report.nearest(&entry.key, self.catalogue.modules.keys().copied());
        let error = Diagnostic::error(&entry.key_at, place, format!("there is no module `{}`", entry.key));
        self.report.push(match near {
            Some(_) => error.did_you_mean(near),
            None => error.suggest("modules of ejabberd-contrib can't be loaded; remove it"),
        });
        None
    }

    fn module(
        &mut self,
        entry: &Entry,
        known: &KnownOptions,
        keywords: &Keywords,
        toplevel: &Options,
        place: &Place<'_>,
    ) -> Options {
        let empty = Node { content: Content::Map(Vec::new()), at: entry.value.at.clone() };
        let given = if self.is_map(&entry.value, place) { &entry.value } else { &empty };
        let options = self.scoped(&entry.key, known, given, keywords, toplevel, place);
        for option in ["host", "hosts"] {
            let Some(setting) = options.setting(option) else { continue };
            let single = std::slice::from_ref(&setting.value);
            let names = if option == "host" { single } else { setting.value.items() };
            for name in names.iter().filter_map(Value::as_text) {
                if self.host_set.contains(name) {
                    let at = if setting.set { &setting.node.at } else { &entry.key_at };
                    let message =
                        format!("`{name}` is a virtual host already; a service can't have its name");
                    self.error(at, &place.key(option), message);
                }
            }
        }
        options
    }

    /// Modules that need others which are not there.
    fn check_needs(&mut self, entries: &[Entry], modules: &[(Text, Options)], place: &Place<'_>) {
        for (name, options) in modules {
            let Some(known) = self.catalogue.modules.get(name.as_str()).cloned() else { continue };
            for need in &known.needs {
                let wanted = need
                    .plugin
                    .is_none_or(|plugin| options.texts("plugins").iter().any(|one| *one == *plugin));
                let there = modules.iter().any(|(module, _)| *module == *need.module);
                let entry = entries.iter().find(|entry| entry.key == *name);
                if let (true, false, Some(entry)) = (wanted, there, entry) {
                    let message =
                        format!("`{name}` needs the module `{}`, which is not enabled", need.module);
                    let error = Diagnostic::error(&entry.key_at, place.key(name), message);
                    self.report.push(error.suggest(format!("add `{}: {{}}` to modules", need.module)));
                }
            }
        }
    }
}

/// Whether a module's options may differ from host to host though nothing was set for one host.
fn depends_on_host(given: &Node, known: &KnownOptions) -> bool {
    let default =
        |option: &Known| matches!(&option.default, DefaultValue::Yaml(node) if mentions_keyword(node));
    mentions_keyword(given) || known.list.iter().any(default)
}
