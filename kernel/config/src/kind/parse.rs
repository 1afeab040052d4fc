//! The notation of types, that of the parity tables: `int>0|infinity`, `[string]`, `map {domain: any}`.

use nightjar_text::Text;
use regex::Regex;

use super::{DefaultValue, Field, TextKind, Type};

/// A type's notation that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeError(pub String);

impl std::fmt::Display for TypeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is no type", self.0)
    }
}

const URL_SCHEMES: &str = "http,https";

/// Values that are more than one word.
const WORDS_WITH_BLANKS: [&str; 2] = ["commercial person", "private person"];

/// Keys of a vCard as options hold one (XEP-0054).
const VCARD_KEYS: [&str; 29] = [
    "version",
    "fn",
    "n",
    "nickname",
    "photo",
    "bday",
    "adr",
    "label",
    "tel",
    "email",
    "jabberid",
    "mailer",
    "tz",
    "geo",
    "title",
    "role",
    "logo",
    "org",
    "categories",
    "note",
    "prodid",
    "rev",
    "sort_string",
    "sound",
    "uid",
    "url",
    "class",
    "key",
    "desc",
];

impl Type {
    /// Reads a type's notation.
    pub fn parse(text: &str) -> Result<Type, TypeError> {
        let text = text.trim();
        if let Some(kind) = whole(text) {
            return Ok(kind);
        }
        if let Some(words) = text.strip_suffix(" or list of these").or_else(|| text.strip_suffix(" or list"))
        {
            return Ok(list(Type::parse(words)?, true));
        }
        let mut parts = Vec::new();
        for part in split(text, " or ") {
            for part in split(part, "|") {
                parts.push(part.trim());
            }
        }
        match parts.as_slice() {
            [only] => atom(only),
            [single, many] if brackets(many, '[', ']') == Some(single) => {
                Ok(list(Type::parse(single)?, true))
            }
            parts => either(parts),
        }
    }
}

/// Notations that do not follow from the rules below.
fn whole(text: &str) -> Option<Type> {
    Some(match text {
        "map; see auth_access.tsv" => Type::Any,
        "list" | "list of maps" | "list of maps or values" => list(Type::any_map(), false),
        "string|[string] joined with :" => Type::Joined(':'),
        "[string] joined with |" => Type::Joined('|'),
        "map {mode, owner, group}"
        | "list of host, connection_pool_size, connection_opts, basic_auth, path_prefix" => Type::any_map(),
        "map {default or format: webp|jpeg|png|gif subset built in}" => {
            Type::Map { key: Box::new(Type::TEXT), value: Box::new(words(["webp", "jpeg", "png", "gif"])) }
        }
        "[string|map {string: map {spam_source_domains_node: string}}]" => {
            let node = Field {
                name: "spam_source_domains_node".into(),
                kind: Type::TEXT,
                default: DefaultValue::Unset,
            };
            let map = Type::Map { key: Box::new(Type::TEXT), value: Box::new(Type::Fields(vec![node])) };
            list(Type::Either(vec![Type::TEXT, map]), false)
        }
        // Words that are types elsewhere.
        "ram|file" => words(["ram", "file"]),
        "username|jid" => words(["username", "jid"]),
        "[ipv4|ipv6]" => list(words(["ipv4", "ipv6"]), false),
        "ignore|[url or space-separated urls]" => {
            Type::Either(vec![words(["ignore"]), list(Type::TEXT, true)])
        }
        _ => return None,
    })
}

/// Several types; single words among them become one type of words.
fn either(parts: &[&str]) -> Result<Type, TypeError> {
    let mut kinds: Vec<Type> = Vec::new();
    let mut names: Vec<Text> = Vec::new();
    for part in parts {
        match atom(part)? {
            Type::Words(more) => names.extend(more),
            kind => kinds.push(kind),
        }
    }
    if !names.is_empty() {
        kinds.insert(0, Type::Words(names));
    }
    match kinds.as_slice() {
        [Type::Words(_)] => Ok(kinds.remove(0)),
        _ => Ok(Type::Either(kinds)),
    }
}

fn atom(text: &str) -> Result<Type, TypeError> {
    if let Some(rest) = text.strip_prefix("non-empty ") {
        return Ok(Type::NonEmpty(Box::new(Type::parse(rest)?)));
    }
    if let Some(inner) = brackets(text, '[', ']') {
        return Ok(list(Type::parse(inner)?, false));
    }
    if let Some(inner) = brackets(text, '{', '}') {
        return fields(inner);
    }
    if let Some(rest) = text.strip_prefix("map {").and_then(|rest| rest.strip_suffix('}')) {
        return map(rest);
    }
    if let Some(kind) = number(text) {
        return Ok(kind);
    }
    if let Some(kind) = named(text).or_else(|| string(text)) {
        return Ok(kind);
    }
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let word = (!text.is_empty() && text.bytes().all(letter)) || WORDS_WITH_BLANKS.contains(&text);
    if word { Ok(words([text])) } else { Err(TypeError(text.to_owned())) }
}

fn named(text: &str) -> Option<Type> {
    Some(match text {
        "any" => Type::Any,
        "bool" => Type::Bool,
        "octal" | "octal string" => Type::Octal,
        "0" => Type::Zero,
        "duration(s)" => Type::Duration,
        "infinity" | "infinite" | "unlimited" => Type::Infinity,
        "access rule" => Type::AccessRule,
        "shaper rule" => Type::ShaperRule,
        "map" | "map of options" => Type::any_map(),
        "options" => Type::any_map(),
        "vCard map" => Type::Fields(VCARD_KEYS.map(|key| field(key, Type::Any)).to_vec()),
        _ => return None,
    })
}

fn number(text: &str) -> Option<Type> {
    let (name, range) = text.split_once(' ').unwrap_or((text, ""));
    if let ("int" | "port", Some((min, max))) = (name, range.split_once("..")) {
        return Some(Type::Int { min: min.parse().ok()?, max: max.parse().ok()? });
    }
    let least = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.parse::<i64>().ok());
    if text == "int" {
        return Some(Type::INT);
    }
    if let Some(min) = least("int>=") {
        return Some(Type::Int { min, max: i64::MAX });
    }
    if let Some(above) = least("int>") {
        return Some(Type::Int { min: above.saturating_add(1), max: i64::MAX });
    }
    least("number>=").map(|min| Type::Number { min: min as f64 })
}

fn string(text: &str) -> Option<Type> {
    let kind = match text {
        "string"
        | "string (base64 ed25519 seed)"
        | "ejabberd version string"
        | "target image format"
        | "URL path"
        | "glob" => TextKind::Any,
        "name" | "module name" | "option name" | "listener module name" | "handler module" | "module" => {
            TextKind::Name
        }
        "file" | "file(write)" | "PEM file" | "dir" | "dir(write)" | "path of JWK file" => TextKind::Path,
        "string \"unix:PATH\"" => TextKind::UnixPath,
        "url" => TextKind::Url(schemes(URL_SCHEMES)),
        "domain" | "service domain" | "vhost-like domain" | "host" => TextKind::Domain,
        "jid" => TextKind::Jid,
        "ip" => TextKind::Ip,
        "ipv4" => TextKind::Ipv4,
        "ipv6" => TextKind::Ipv6,
        "ip_mask" => TextKind::Network,
        "ip:port" => TextKind::Endpoint,
        "regexp" => TextKind::Regexp,
        "language tag" => TextKind::Language,
        "MQTT topic filter" => TextKind::TopicFilter,
        "ldap filter" => TextKind::LdapFilter,
        "SIP URI" => TextKind::SipUri,
        "string~scheme:address" => TextKind::Matching(Regex::new("^[a-zA-Z]+:[^:]+$").ok()?),
        _ => {
            if let Some(list) = text.strip_prefix("url(").and_then(|rest| rest.strip_suffix(')')) {
                TextKind::Url(schemes(list))
            } else {
                TextKind::Matching(Regex::new(text.strip_prefix("string~")?).ok()?)
            }
        }
    };
    Some(Type::Text(kind))
}

fn schemes(list: &str) -> Vec<Text> {
    list.split(',').map(|scheme| Text::new(scheme.trim())).collect()
}

fn map(inner: &str) -> Result<Type, TypeError> {
    let (key, value) = inner.split_once(": ").ok_or_else(|| TypeError(inner.to_owned()))?;
    Ok(Type::Map { key: Box::new(Type::parse(key)?), value: Box::new(Type::parse(value)?) })
}

/// `message: int>=0|infinite, presence: …`; without types the fields take anything.
fn fields(inner: &str) -> Result<Type, TypeError> {
    let fields = split(inner, ",").into_iter().map(|part| match part.split_once(": ") {
        Some((name, kind)) => Ok(field(name.trim(), Type::parse(kind)?)),
        None => Ok(field(part.trim(), Type::Any)),
    });
    Ok(Type::Fields(fields.collect::<Result<_, _>>()?))
}

fn field(name: &str, kind: Type) -> Field {
    Field { name: name.into(), kind, default: DefaultValue::Unset }
}

fn list(item: Type, or_single: bool) -> Type {
    Type::List { item: Box::new(item), or_single }
}

fn words<const N: usize>(names: [&str; N]) -> Type {
    Type::Words(names.map(Text::new).to_vec())
}

/// What stands inside the brackets, when they enclose the whole text.
fn brackets(text: &str, open: char, close: char) -> Option<&str> {
    let inner = text.strip_prefix(open)?.strip_suffix(close)?;
    let mut depth = 0i32;
    for letter in inner.chars() {
        depth += i32::from(letter == open) - i32::from(letter == close);
        if depth < 0 {
            return None;
        }
    }
    Some(inner)
}

/// Splits where the separator stands outside brackets and quotes.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut start) = (0i32, false, 0);
    for (at, letter) in text.char_indices() {
        if depth == 0
            && !quoted
            && at >= start
            && text.get(at..).is_some_and(|rest| rest.starts_with(separator))
        {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + separator.len();
        }
        match letter {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth -= 1,
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}
