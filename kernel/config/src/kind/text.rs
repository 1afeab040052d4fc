//! Checks of single strings.

use std::net::SocketAddr;

use nightjar_jid::{Jid, nameprep};
use nightjar_text::Text;

use super::TextKind;
use crate::pattern::Pattern;
use crate::units::{Network, ip};
use crate::value::Value;

/// Longest part of a domain name before its preparation; a longer one is no domain (RFC 7622 §3.2).
const MAX_DOMAIN_BYTES: usize = 1023;

/// A domain as accounts have it: prepared by nameprep, Punycode decoded.
pub(crate) fn domain(text: &str) -> Option<Text> {
    if text.is_empty() || text.len() > MAX_DOMAIN_BYTES || text.contains(['@', '/']) {
        return None;
    }
    let decoded = if text.to_ascii_lowercase().contains("xn--") {
        let (unicode, result) = idna::domain_to_unicode(text);
        result.ok()?;
        unicode
    } else {
        text.to_owned()
    };
    let prepared = nameprep(&decoded).ok()?;
    (!prepared.is_empty()).then(|| Text::from(prepared))
}

impl TextKind {
    /// The value a text stands for; otherwise the reason why not, which may be empty when it is plain.
    pub(super) fn check(&self, text: &Text) -> Result<Value, String> {
        let plain = || Ok(Value::Text(text.clone()));
        let refuse = || Err(String::new());
        match self {
            TextKind::Any => plain(),
            TextKind::Name | TextKind::Path if text.is_empty() => refuse(),
            TextKind::Name | TextKind::Path => plain(),
            TextKind::Matching(regex) if regex.is_match(text) => plain(),
            TextKind::UnixPath if text.strip_prefix("unix:").is_some_and(|path| !path.is_empty()) => plain(),
            TextKind::Matching(_) | TextKind::UnixPath => refuse(),
            TextKind::Url(schemes) => check_url(text, schemes).map(|()| Value::Text(text.clone())),
            TextKind::Domain => domain(text).map(Value::Text).ok_or_else(String::new),
            TextKind::Jid => Jid::parse(text).map(Value::Jid).map_err(|error| error.to_string()),
            TextKind::Ip => ip(text).map(Value::Ip).ok_or_else(String::new),
            TextKind::Ipv4 => ip(text).filter(|ip| ip.is_ipv4()).map(Value::Ip).ok_or_else(String::new),
            TextKind::Ipv6 => ip(text).filter(|ip| ip.is_ipv6()).map(Value::Ip).ok_or_else(String::new),
            TextKind::Network => Network::parse(text).map(Value::Network).ok_or_else(String::new),
            TextKind::Endpoint => match text.parse::<SocketAddr>() {
                Ok(endpoint) if endpoint.port() > 0 => Ok(Value::Text(endpoint.to_string().into())),
                _ => refuse(),
            },
            TextKind::Regexp => Pattern::regexp(text).map(Value::Pattern),
            TextKind::Glob => Pattern::glob(text).map(Value::Pattern),
            TextKind::Language if is_language(text) => plain(),
            TextKind::LdapFilter if is_balanced(text) => plain(),
            TextKind::SipUri if is_sip_uri(text) => plain(),
            TextKind::TopicFilter if is_topic_filter(text) => plain(),
            TextKind::Language | TextKind::LdapFilter | TextKind::SipUri | TextKind::TopicFilter => refuse(),
        }
    }
}

/// MQTT 5 §4.7.1.
fn is_topic_filter(text: &str) -> bool {
    let mut levels = text.split('/').rev();
    let is_level = |level: &str| level == "+" || !level.contains(['+', '#']);
    let is_last = levels.next().is_some_and(|last| last == "#" || is_level(last));
    is_last && !text.is_empty() && levels.all(is_level)
}

/// `scheme://host[:port][/…]`.
fn check_url(text: &str, schemes: &[Text]) -> Result<(), String> {
    let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
    if !schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return Err(format!("the scheme `{scheme}` is not supported"));
    }
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err("it contains blanks".to_owned());
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    match port {
        Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        Some(_) => Err("its port is no number from 1 to 65535".to_owned()),
        None => Ok(()),
    }
}

/// Well-formed as RFC 5646 §2.1 has it, not looked up in the registry.
fn is_language(text: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = text.split('-').next().unwrap_or_default();
    first.bytes().all(|b| b.is_ascii_alphabetic()) && text.split('-').all(part)
}

/// Parentheses close in order and never before they open (RFC 4515 §3; they are escaped inside values).
fn is_balanced(text: &str) -> bool {
    let mut depth = 0i32;
    for letter in text.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn is_sip_uri(text: &str) -> bool {
    let rest = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}
