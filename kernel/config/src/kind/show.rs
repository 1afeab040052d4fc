//! How a message says what a type accepts.

use std::fmt;

use super::{TextKind, Type};

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => f.write_str("anything"),
            Type::Bool => f.write_str("true or false"),
            Type::Int { min, max } => show_int(*min, *max, f),
            Type::Number { min } => write!(f, "a number from {min}"),
            Type::Octal => f.write_str("permissions in octal such as \"0644\""),
            Type::Zero => f.write_str("0"),
            Type::Duration => f.write_str("a number of seconds or a duration such as `5 minutes`"),
            Type::Infinity => f.write_str("infinity"),
            Type::Words(words) => {
                let words: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
                f.write_str(&words.join(", "))
            }
            Type::Text(kind) => f.write_str(&kind.show()),
            Type::List { item, or_single: true } => write!(f, "one or a list of: {item}"),
            Type::List { item, or_single: false } => write!(f, "a list of: {item}"),
            Type::Joined(_) => f.write_str("a list of strings"),
            Type::Map { key, value } => match (&**key, &**value) {
                (_, Type::Any) => f.write_str("a map"),
                (key, value) => write!(f, "a map of {key} to {value}"),
            },
            Type::Fields(fields) => {
                let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                write!(f, "a map with {}", names.join(", "))
            }
            Type::NonEmpty(kind) => write!(f, "{kind} (not empty)"),
            Type::Either(kinds) => {
                let shown: Vec<String> = kinds.iter().map(Type::to_string).collect();
                f.write_str(&shown.join(", or "))
            }
            Type::AccessRule => f.write_str("the name of an access rule, or a rule such as [{allow: admin}]"),
            Type::ShaperRule => f.write_str("the name of a shaper rule, a number, or a rule"),
        }
    }
}

fn show_int(min: i64, max: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (min, max) {
        (i64::MIN, i64::MAX) => f.write_str("a whole number"),
        (min, i64::MAX) => write!(f, "a whole number from {min}"),
        (min, max) => write!(f, "a whole number from {min} to {max}"),
    }
}

impl TextKind {
    /// What it accepts, in a reader's words.
    pub fn show(&self) -> String {
        match self {
            TextKind::Any => "a string".to_owned(),
            TextKind::Name => "a name".to_owned(),
            TextKind::Matching(regex) => format!("a string that matches {regex}"),
            TextKind::Path => "a path".to_owned(),
            TextKind::UnixPath => "\"unix:\" and the path of a socket".to_owned(),
            TextKind::Url(schemes) => {
                let schemes: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
                format!("a URL that begins with {}", schemes.join(" or "))
            }
            TextKind::Domain => "a domain".to_owned(),
            TextKind::Jid => "an XMPP address such as user@example.org".to_owned(),
            TextKind::Ip => "an IP address".to_owned(),
            TextKind::Ipv4 => "an IPv4 address".to_owned(),
            TextKind::Ipv6 => "an IPv6 address".to_owned(),
            TextKind::Network => "an IP address or a network such as 10.0.0.0/8".to_owned(),
            TextKind::Endpoint => "an IP address with a port such as \"203.0.113.4:3478\"".to_owned(),
            TextKind::Regexp => "a regular expression".to_owned(),
            TextKind::Glob => "a glob".to_owned(),
            TextKind::Language => "a language tag such as en or pt-BR".to_owned(),
            TextKind::LdapFilter => "an LDAP filter such as \"(objectClass=person)\"".to_owned(),
            TextKind::TopicFilter => "an MQTT topic filter such as \"sensors/+/#\"".to_owned(),
            TextKind::SipUri => "a SIP URI such as \"sip:example.org\"".to_owned(),
        }
    }
}
