//! `acl`, `access_rules`, `shaper`, `shaper_rules`, and whether what options refer to is there.

use std::collections::HashMap;

use nightjar_text::Text;

use super::{Layer, Loader};
use crate::access::{Access, AccessRef, ShaperEntry, ShaperRef};
use crate::access::{read_access_rule, read_acl, read_shaper_rule, read_shapers};
use crate::config::{HostConfig, ListenerConfig};
use crate::diagnostic::{Diagnostic, Report};
use crate::keywords::Keywords;
use crate::node::{Entry, Node, Place};
use crate::options::Options;
use crate::value::Value;

impl Loader<'_> {
    /// The access lists, rules and shapers of one layer.
    pub(super) fn access(&mut self, layer: &Layer, keywords: &Keywords) -> Access {
        let mut access = Access { hosts: self.host_set.clone(), ..Access::default() };
        access.acls = self.named(layer, "acl", keywords, read_acl);
        access.rules = self.named(layer, "access_rules", keywords, read_access_rule);
        access.shaper_rules = self.named(layer, "shaper_rules", keywords, read_shaper_rule);
        if let Some(node) = self.map_of(layer, "shaper", keywords) {
            let place = Place::TOP.key("shaper");
            access.shapers = read_shapers(&node, &place, self.report).into_iter().collect();
        }
        self.check_shapers(layer, &access);
        access
    }

    fn map_of(&mut self, layer: &Layer, option: &str, keywords: &Keywords) -> Option<Node> {
        let node = keywords.apply(&layer.get(option)?.value);
        self.is_map(&node, &Place::TOP.key(option)).then_some(node)
    }

    /// A map of names to rules. `all` and `none` mean what they say, so they can't be defined.
    fn named<T>(
        &mut self,
        layer: &Layer,
        option: &'static str,
        keywords: &Keywords,
        read: fn(&Node, &Place<'_>, &mut Report) -> T,
    ) -> HashMap<Text, T> {
        let place = Place::TOP.key(option);
        let mut rules = HashMap::new();
        let Some(node) = self.map_of(layer, option, keywords) else { return rules };
        for Entry { key, key_at, value } in node.entries() {
            let here = place.key(key);
            if is_reserved(option, key) {
                self.error(key_at, &here, format!("the name `{key}` is reserved"));
                continue;
            }
            // With append_host_config the host's rule of the same name comes last and counts.
            rules.insert(key.clone(), read(value, &here, self.report));
        }
        rules
    }

    /// Shaper rules that name unknown shapers.
    fn check_shapers(&mut self, layer: &Layer, access: &Access) {
        let Some(node) = layer.get("shaper_rules").map(|entry| entry.value.clone()) else { return };
        let place = Place::TOP.key("shaper_rules");
        for entry in node.entries() {
            let Some(rule) = access.shaper_rules.get(&entry.key) else { continue };
            for (shaper, _) in &rule.entries {
                let ShaperEntry::Named(name) = shaper else { continue };
                if !access.shapers.contains_key(name) {
                    let message = format!("the shaper `{name}` is not defined; this entry has no effect");
                    let near = self.report.nearest(name, access.shapers.keys().map(Text::as_str));
                    let warning = Diagnostic::warning(&entry.value.at, place.key(&entry.key), message);
                    self.report.push(warning.did_you_mean(near));
                }
            }
        }
    }

    /// Options that name rules which are defined nowhere. ejabberd takes them without a word and then denies
    /// everyone, which is seldom what was meant.
    pub(super) fn check_references(
        &mut self,
        global: &Options,
        access: &Access,
        listeners: &[ListenerConfig],
        hosts: &HashMap<Text, HostConfig>,
    ) {
        let mut checked: Vec<(String, &Options, Vec<&Access>)> = vec![(String::new(), global, vec![access])];
        for (index, listener) in listeners.iter().enumerate() {
            let all = std::iter::once(access).chain(hosts.values().map(|host| &*host.access)).collect();
            checked.push((format!("listen[{}].", index + 1), &listener.options, all));
        }
        for host in hosts.values() {
            checked.push((String::new(), &host.options, vec![&host.access]));
            for (module, options) in &host.modules {
                checked.push((format!("modules.{module}."), options, vec![&host.access]));
            }
        }
        for (prefix, options, rules) in checked {
            for (name, setting) in options.iter().filter(|(_, setting)| setting.set) {
                let Some((kind, rule, known)) = missing_rule(&setting.value, &rules) else { continue };
                let verb = if kind == "access rule" { "it allows nobody" } else { "it limits nothing" };
                let message = format!("the {kind} `{rule}` is not defined; {verb}");
                let warning = Diagnostic::warning(&setting.node.at, format!("{prefix}{name}"), message);
                let near = self.report.nearest(&rule, known);
                self.report.push(warning.did_you_mean(near));
            }
        }
    }
}

fn is_reserved(option: &str, name: &str) -> bool {
    match option {
        "shaper_rules" => name == "none" || crate::units::is_infinity(name),
        _ => matches!(name, "all" | "none"),
    }
}

/// The rule a value names that none of the given sets defines: its kind, its name, and names there are.
fn missing_rule<'a>(value: &Value, rules: &[&'a Access]) -> Option<(&'static str, Text, Vec<&'a str>)> {
    match value {
        Value::Access(AccessRef::Named(name)) => {
            let defined = rules.iter().any(|access| access.rules.contains_key(name));
            let known = || rules.iter().flat_map(|access| access.rules.keys().map(Text::as_str)).collect();
            (!defined).then(|| ("access rule", name.clone(), known()))
        }
        Value::Shaper(ShaperRef::Named(name)) => {
            let defined = rules.iter().any(|access| access.shaper_rules.contains_key(name));
            let known =
                || rules.iter().flat_map(|access| access.shaper_rules.keys().map(Text::as_str)).collect();
            (!defined).then(|| ("shaper rule", name.clone(), known()))
        }
        _ => None,
    }
}
