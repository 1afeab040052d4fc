//! `define_macro`: values that stand wherever their name is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use nightjar_text::Text;

use crate::diagnostic::{Diagnostic, Report};
use crate::environment::{Environment, MACRO_PREFIX};
use crate::node::{Content, Entry, Node, Place, Scalar, Source};
use crate::yaml;

#[cfg(test)]
mod tests;

/// Most bytes and values that macros may become in one configuration: a few lines of macros that use each
/// other twice would otherwise become gigabytes.
const MAX_EXPANSION: usize = 8 << 20;
/// Longest chain of macros inside macros.
const MAX_CHAIN: usize = 64;

/// The name of the option.
pub(crate) const OPTION: &str = "define_macro";

/// Whether a word can be the name of a macro or keyword.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Takes the definitions out of the tree and puts their values in the place of their names.
pub(crate) fn expand(tree: Node, environment: &Environment, report: &mut Report) -> Node {
    let Content::Map(entries) = tree.content else { return tree };
    let (definitions, entries): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.key == *OPTION);
    let mut macros = BTreeMap::new();
    for definition in &definitions {
        collect(&definition.value, &mut macros, report);
    }
    from_environment(environment, &mut macros, report);
    let mut expander = Expander { macros: &macros, report, stack: Vec::new(), budget: MAX_EXPANSION };
    let entries = entries
        .into_iter()
        .map(|entry| Entry { value: expander.node(&entry.value, &Place::TOP.key(&entry.key)), ..entry })
        .collect();
    Node { content: Content::Map(entries), at: tree.at }
}

fn collect(node: &Node, macros: &mut BTreeMap<Text, Node>, report: &mut Report) {
    let place = Place::TOP.key(OPTION);
    if node.scalar().is_some() || !node.items().is_empty() {
        let error = Diagnostic::error(&node.at, place, format!("{} can't stand here", node.describe()));
        report.push(error.expected("a map of NAME to value"));
    }
    for entry in node.entries() {
        let here = place.key(&entry.key);
        if !is_name(&entry.key) {
            let error = Diagnostic::error(&entry.key_at, here, "this can't be the name of a macro");
            report.push(error.expected("capital letters, digits and underscores"));
        } else if macros.insert(entry.key.clone(), entry.value.clone()).is_some() {
            report.push(Diagnostic::error(&entry.key_at, here, "this macro is defined twice"));
        }
    }
}

fn from_environment(environment: &Environment, macros: &mut BTreeMap<Text, Node>, report: &mut Report) {
    for (name, value) in &environment.macros {
        let source =
            Arc::new(Source { name: format!("<environment {MACRO_PREFIX}{name}>"), text: value.clone() });
        match yaml::parse(&source) {
            Ok(node) if value.trim().is_empty() => {
                macros.insert(name.into(), Node::string("", node.at));
            }
            Ok(node) => {
                macros.insert(name.into(), node);
            }
            Err(error) => report.push(error.without_source()),
        }
    }
}

struct Expander<'a> {
    macros: &'a BTreeMap<Text, Node>,
    report: &'a mut Report,
    /// Names of the macros that are being expanded.
    stack: Vec<Text>,
    budget: usize,
}

impl Expander<'_> {
    fn node(&mut self, node: &Node, place: &Place<'_>) -> Node {
        let content = match &node.content {
            Content::Null => Content::Null,
            Content::Scalar(scalar) => return self.scalar(scalar, node, place),
            Content::List(items) => Content::List(
                items.iter().enumerate().map(|(index, item)| self.node(item, &place.index(index))).collect(),
            ),
            Content::Map(entries) => Content::Map(
                entries
                    .iter()
                    .map(|entry| {
                        let value = self.node(&entry.value, &place.key(&entry.key));
                        Entry { value, ..entry.clone() }
                    })
                    .collect(),
            ),
        };
        Node { content, at: node.at.clone() }
    }

    fn scalar(&mut self, scalar: &Scalar, node: &Node, place: &Place<'_>) -> Node {
        if let Some(value) = self.value(&scalar.text, node, place) {
            return value;
        }
        if !scalar.text.contains('@') {
            return node.clone();
        }
        let replaced = replace_marked(&scalar.text, |name| {
            self.value(name, node, place).and_then(|value| value.as_text().cloned())
        });
        match replaced {
            Some(text) if self.spend(text.len(), node, place) => Node {
                content: Content::Scalar(Scalar { text: text.into(), quoted: scalar.quoted }),
                at: node.at.clone(),
            },
            _ => node.clone(),
        }
    }

    /// The value of a macro, with the macros in it expanded.
    fn value(&mut self, name: &str, node: &Node, place: &Place<'_>) -> Option<Node> {
        let (name, value) = self.macros.get_key_value(name)?;
        if self.stack.contains(name) || self.stack.len() >= MAX_CHAIN {
            let message = format!("the macro {name} is defined by itself");
            self.report.push(Diagnostic::error(&node.at, place, message));
            return Some(Node { content: Content::Null, at: node.at.clone() });
        }
        if !self.spend(value.size() * size_of::<Node>(), node, place) {
            return Some(Node { content: Content::Null, at: node.at.clone() });
        }
        self.stack.push(name.clone());
        let expanded = self.node(value, place);
        self.stack.pop();
        Some(expanded)
    }

    fn spend(&mut self, bytes: usize, node: &Node, place: &Place<'_>) -> bool {
        if self.budget == 0 {
            return false;
        }
        self.budget = self.budget.saturating_sub(bytes);
        if self.budget == 0 {
            let message = format!("macros become more than {} MiB", MAX_EXPANSION >> 20);
            self.report.push(Diagnostic::error(&node.at, place, message));
        }
        self.budget > 0
    }
}

/// The text with each `@NAME@` for which there is a value replaced; nothing when there is none.
pub(crate) fn replace_marked(text: &str, mut value: impl FnMut(&str) -> Option<Text>) -> Option<String> {
    let mut output = String::new();
    let mut changed = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        output.push_str(before);
        let marked = after.split_once('@').filter(|(name, _)| is_name(name));
        match marked.and_then(|(name, tail)| Some((value(name)?, tail))) {
            Some((value, tail)) => {
                output.push_str(&value);
                changed = true;
                rest = tail;
            }
            None => {
                output.push('@');
                rest = after;
            }
        }
    }
    output.push_str(rest);
    changed.then_some(output)
}
