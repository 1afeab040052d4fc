//! Types of options: the notation they are declared in, what they accept, and how that is said.

mod attach;
mod check;
mod parse;
mod show;
mod text;

use nightjar_text::Text;
use regex::Regex;

use crate::node::Node;
use crate::value::Value;

pub use parse::TypeError;
pub(crate) use text::domain;

#[cfg(test)]
mod tests;

/// What an option accepts.
#[derive(Clone, Debug)]
pub enum Type {
    /// Anything.
    Any,
    /// true, on, yes, y, false, off, no, n.
    Bool,
    /// A whole number in a range, ends included.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A number, whole or not, not below this.
    Number {
        /// Smallest.
        min: f64,
    },
    /// File permissions in octal.
    Octal,
    /// The number 0, where a duration may stand.
    Zero,
    /// A number of seconds, or a number and a unit; at least a second.
    Duration,
    /// infinity, infinite, unlimited.
    Infinity,
    /// One of these words.
    Words(Vec<Text>),
    /// A single string of one of the kinds below.
    Text(TextKind),
    /// A list.
    List {
        /// Type of the members.
        item: Box<Type>,
        /// One member may stand without the list around it.
        or_single: bool,
    },
    /// A list of strings, or one, that becomes one string with this between.
    Joined(char),
    /// A map from anything to values of one type.
    Map {
        /// Type of the keys.
        key: Box<Type>,
        /// Type of the values.
        value: Box<Type>,
    },
    /// A map with known keys.
    Fields(Vec<Field>),
    /// What the other type accepts, except the empty list, map or string.
    NonEmpty(Box<Type>),
    /// The first of these that accepts the value.
    Either(Vec<Type>),
    /// The name of an access rule, or the rule.
    AccessRule,
    /// The name of a shaper rule, or the rule.
    ShaperRule,
}

/// Kinds of strings.
#[derive(Clone, Debug)]
pub enum TextKind {
    /// Any.
    Any,
    /// A name: not empty.
    Name,
    /// Matches a regular expression.
    Matching(Regex),
    /// A path: not empty. Whether it exists is asked when it is used.
    Path,
    /// `unix:` and a path.
    UnixPath,
    /// An absolute URL with one of these schemes.
    Url(Vec<Text>),
    /// A domain, prepared by nameprep.
    Domain,
    /// An XMPP address.
    Jid,
    /// An IP address.
    Ip,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// An IP address or network.
    Network,
    /// An IP address and a port, with brackets around an IPv6 address.
    Endpoint,
    /// A regular expression.
    Regexp,
    /// A glob.
    Glob,
    /// A language tag (RFC 5646).
    Language,
    /// An LDAP filter (RFC 4515), or nothing.
    LdapFilter,
    /// What MQTT clients subscribe to: `+` and `#` stand alone in their level, `#` in the last one.
    TopicFilter,
    /// A SIP URI (RFC 3261).
    SipUri,
}

/// A key of an option that is a map.
#[derive(Clone, Debug)]
pub struct Field {
    /// The key.
    pub name: Text,
    /// Its type.
    pub kind: Type,
    /// Its value when absent.
    pub default: DefaultValue,
}

/// What an option is when the file does not say.
#[derive(Clone, Debug)]
pub enum DefaultValue {
    /// Without a value.
    Unset,
    /// The file has to say.
    Required,
    /// The value of a top-level option.
    Toplevel(&'static str),
    /// A value as it would be written in the file.
    Yaml(Node),
}

impl Type {
    /// An integer of any size.
    pub const INT: Type = Type::Int { min: i64::MIN, max: i64::MAX };

    /// Any string.
    pub const TEXT: Type = Type::Text(TextKind::Any);

    /// A map that accepts anything.
    pub fn any_map() -> Type {
        Type::Map { key: Box::new(Type::TEXT), value: Box::new(Type::Any) }
    }

    /// A value of this type that stands for nothing, for the accessors' last resort.
    pub fn zero(&self) -> Value {
        match self {
            Type::Bool => Value::Bool(false),
            Type::Int { .. } | Type::Octal => Value::Int(0),
            Type::List { .. } => Value::List(Vec::new()),
            Type::Map { .. } | Type::Fields(_) => Value::Map(Vec::new()),
            _ => Value::Unset,
        }
    }
}
