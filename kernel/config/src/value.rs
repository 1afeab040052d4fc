//! Values of options, checked and typed.

use std::net::IpAddr;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;

use crate::access::{AccessRef, ShaperRef};
use crate::node::{Content, Node};
use crate::pattern::Pattern;
use crate::units::Network;

/// A value that passed the check of its option's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The option has no value.
    Unset,
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Number(f64),
    /// Text, a name, a path, a URL or a domain (prepared by nameprep).
    Text(Text),
    /// A duration.
    Duration(Duration),
    /// No limit.
    Infinity,
    /// An IP address.
    Ip(IpAddr),
    /// A range of IP addresses.
    Network(Network),
    /// An XMPP address.
    Jid(Jid),
    /// A regular expression or glob.
    Pattern(Pattern),
    /// An access rule: its name or the rule itself.
    Access(AccessRef),
    /// A shaper rule: its name or the rule itself.
    Shaper(ShaperRef),
    /// A list.
    List(Vec<Value>),
    /// A map in the order of the file, or the fields of an option in the order of their declaration.
    Map(Vec<(Text, Value)>),
}

impl Value {
    /// The tree as values, where an option takes anything: numbers become numbers, all else text.
    pub fn untyped(node: &Node) -> Value {
        match &node.content {
            Content::Null => Value::Unset,
            Content::Scalar(scalar) => {
                node.as_int().map_or_else(|| Value::Text(scalar.text.clone()), Value::Int)
            }
            Content::List(items) => Value::List(items.iter().map(Value::untyped).collect()),
            Content::Map(entries) => Value::Map(
                entries.iter().map(|entry| (entry.key.clone(), Value::untyped(&entry.value))).collect(),
            ),
        }
    }

    /// The text of a text value.
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a text value.
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(Text::as_str)
    }

    /// A boolean, or a text that is one of the words for it.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The members of a list; nothing for any other value.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map; nothing for any other value.
    pub fn entries(&self) -> &[(Text, Value)] {
        match self {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries().iter().find(|(name, _)| *name == *key).map(|(_, value)| value)
    }
}
