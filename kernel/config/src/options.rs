//! Checked options with their defaults, and typed access to them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;

use crate::access::{AccessRef, ShaperRef};
use crate::node::{Content, Node, Position, Source};
use crate::value::Value;

#[cfg(test)]
mod tests;

/// One option: its value, and the tree it came from.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The checked value.
    pub value: Value,
    /// What was written, macros and keywords replaced; the default's text if nothing was.
    pub node: Node,
    /// The file says so; otherwise it is the default.
    pub set: bool,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Setting) -> bool {
        self.value == other.value
    }
}

/// The options of the top level, a module or a listener. Clone is one atomic increment.
///
/// The accessors cannot fail: every option of ejabberd and every declared one has a value of its type.
/// A name that is neither, or a type other than the declared one, is a programming error: it stops a debug
/// build and yields nothing (false, 0, "", no limit) in a release build. Options inside an option are
/// reached with a dot: `text("welcome_message.subject")`.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    scope: Text,
    settings: Arc<Settings>,
}

/// Settings by name; hosts share those that are the same.
pub(crate) type Settings = BTreeMap<Text, Arc<Setting>>;

impl Options {
    pub(crate) fn new(scope: impl Into<Text>, settings: Settings) -> Options {
        Options { scope: scope.into(), settings: Arc::new(settings) }
    }

    pub(crate) fn shared(&self) -> &Settings {
        &self.settings
    }

    /// The module or listener they belong to; empty for the top level.
    pub fn scope(&self) -> &Text {
        &self.scope
    }

    /// All options, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Setting)> {
        self.settings.iter().map(|(name, setting)| (name, &**setting))
    }

    /// The option as a whole.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.get(name).map(|setting| &**setting)
    }

    /// Whether the file sets it.
    pub fn is_set(&self, name: &str) -> bool {
        self.settings.get(name).is_some_and(|setting| setting.set)
    }

    /// The checked value; [`Value::Unset`] when it has none.
    pub fn typed(&self, name: &str) -> &Value {
        const UNSET: &Value = &Value::Unset;
        if let Some(setting) = self.settings.get(name) {
            return &setting.value;
        }
        let nested = name.split_once('.').and_then(|(option, path)| {
            let mut value = &self.settings.get(option)?.value;
            for step in path.split('.') {
                value = match value {
                    Value::Map(_) => value.get(step)?,
                    _ => UNSET,
                };
            }
            Some(value)
        });
        debug_assert!(nested.is_some(), "the option {}.{name} is declared nowhere", self.scope);
        nested.unwrap_or(UNSET)
    }

    /// What was written, for options that take anything.
    pub fn value(&self, name: &str) -> &Node {
        let node = self.settings.get(name).map(|setting| &setting.node);
        debug_assert!(node.is_some(), "the option {}.{name} is declared nowhere", self.scope);
        node.unwrap_or(&NULL)
    }

    fn wrong<T>(&self, name: &str, wanted: &str, instead: T) -> T {
        let value = self.typed(name);
        debug_assert!(
            *value == Value::Unset,
            "the option {}.{name} is no {wanted} but {value:?}",
            self.scope
        );
        instead
    }

    /// A boolean; false when unset.
    pub fn bool(&self, name: &str) -> bool {
        match self.typed(name) {
            Value::Bool(value) => *value,
            _ => self.wrong(name, "bool", false),
        }
    }

    /// A whole number; 0 when unset.
    pub fn int(&self, name: &str) -> i64 {
        self.opt_int(name).unwrap_or_default()
    }

    /// A whole number, if there is one.
    pub fn opt_int(&self, name: &str) -> Option<i64> {
        match self.typed(name) {
            Value::Int(value) => Some(*value),
            _ => self.wrong(name, "int", None),
        }
    }

    /// Any number; 0 when unset.
    pub fn number(&self, name: &str) -> f64 {
        match self.typed(name) {
            Value::Number(value) => *value,
            Value::Int(value) => *value as f64,
            _ => self.wrong(name, "number", 0.0),
        }
    }

    /// A string; empty when unset. A bool that stands among words is `true` or `false`.
    pub fn text(&self, name: &str) -> Text {
        self.opt_text(name).unwrap_or_default()
    }

    /// A string, if there is one.
    pub fn opt_text(&self, name: &str) -> Option<Text> {
        match self.typed(name) {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(value) => Some(if *value { "true" } else { "false" }.into()),
            Value::Jid(jid) => Some(jid.as_text().clone()),
            Value::Pattern(pattern) => Some(pattern.source().clone()),
            _ => self.wrong(name, "text", None),
        }
    }

    /// A duration; none is infinity, or no value.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.typed(name) {
            Value::Duration(duration) => Some(*duration),
            Value::Infinity => None,
            _ => self.wrong(name, "duration", None),
        }
    }

    /// A number that is not negative; none is infinity, or no value.
    pub fn limit(&self, name: &str) -> Option<u64> {
        match self.typed(name) {
            Value::Int(value) => Some(u64::try_from(*value).unwrap_or_default()),
            Value::Infinity => None,
            _ => self.wrong(name, "limit", None),
        }
    }

    /// The members of a list; an option that takes one or many is a list too.
    pub fn list(&self, name: &str) -> &[Value] {
        match self.typed(name) {
            Value::List(items) => items,
            _ => self.wrong(name, "list", &[]),
        }
    }

    /// The strings of a list.
    pub fn texts(&self, name: &str) -> Vec<Text> {
        self.list(name).iter().filter_map(|value| value.as_text().cloned()).collect()
    }

    /// The addresses of a list.
    pub fn jids(&self, name: &str) -> Vec<Jid> {
        let jid = |value: &Value| match value {
            Value::Jid(jid) => Some(jid.clone()),
            _ => None,
        };
        self.list(name).iter().filter_map(jid).collect()
    }

    /// The entries of a map.
    pub fn map(&self, name: &str) -> &[(Text, Value)] {
        match self.typed(name) {
            Value::Map(entries) => entries,
            _ => self.wrong(name, "map", &[]),
        }
    }

    /// An access rule; nobody when unset.
    pub fn access(&self, name: &str) -> AccessRef {
        match self.typed(name) {
            Value::Access(rule) => rule.clone(),
            _ => self.wrong(name, "access rule", AccessRef::None),
        }
    }

    /// A shaper rule; no shaping when unset.
    pub fn shaper(&self, name: &str) -> ShaperRef {
        match self.typed(name) {
            Value::Shaper(rule) => rule.clone(),
            _ => self.wrong(name, "shaper rule", ShaperRef::None),
        }
    }

    /// An IP address.
    pub fn ip(&self, name: &str) -> Option<IpAddr> {
        match self.typed(name) {
            Value::Ip(ip) => Some(*ip),
            _ => self.wrong(name, "ip", None),
        }
    }
}

static NULL: std::sync::LazyLock<Node> =
    std::sync::LazyLock::new(|| Node { content: Content::Null, at: Position::start_of(&Source::unnamed()) });
