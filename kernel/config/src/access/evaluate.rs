//! The rules of one host, and what they say about who asks.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use nightjar_jid::Jid;
use nightjar_text::Text;

use super::acl::Condition;
use super::rules::{AccessRef, AccessRule, Action, Rate, ShaperEntry, ShaperRef, ShaperRule, ShaperValue};

/// Answers whether an account is in a shared roster group; given by the feature that knows.
pub trait SharedGroups {
    /// Whether the account `account` is in `group` of `host`.
    fn contains(&self, group: &str, host: &str, account: &Jid) -> bool;
}

/// Nobody is in any group.
#[derive(Debug)]
pub struct NoGroups;

impl SharedGroups for NoGroups {
    fn contains(&self, _: &str, _: &str, _: &Jid) -> bool {
        false
    }
}

/// Who asks: an address, an IP address, or both.
#[derive(Clone, Copy)]
pub struct Who<'a> {
    /// The address; with its resource where one is known.
    pub jid: Option<&'a Jid>,
    /// The peer's IP address.
    pub ip: Option<IpAddr>,
    /// Membership of shared roster groups.
    pub groups: &'a dyn SharedGroups,
}

impl<'a> Who<'a> {
    /// Somebody of whom nothing is known.
    pub fn anyone() -> Who<'a> {
        Who { jid: None, ip: None, groups: &NoGroups }
    }

    /// An account or entity.
    pub fn jid(jid: &'a Jid) -> Who<'a> {
        Who { jid: Some(jid), ..Who::anyone() }
    }

    /// A peer that has not logged in.
    pub fn ip(ip: IpAddr) -> Who<'a> {
        Who { ip: Some(ip), ..Who::anyone() }
    }

    /// The same with a peer's IP address.
    pub fn with_ip(self, ip: IpAddr) -> Who<'a> {
        Who { ip: Some(ip), ..self }
    }

    /// The same with shared roster groups.
    pub fn with_groups(self, groups: &'a dyn SharedGroups) -> Who<'a> {
        Who { groups, ..self }
    }
}

/// A verdict and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Yes or no.
    pub allowed: bool,
    /// The rule that decided, for the log.
    pub reason: String,
}

impl Decision {
    /// A verdict with its reason.
    pub fn new(allowed: bool, reason: impl Into<String>) -> Decision {
        Decision { allowed, reason: reason.into() }
    }
}

/// The access lists, rules and shapers that hold for one host, or for none.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Access {
    pub(crate) hosts: Arc<HashSet<Text>>,
    pub(crate) acls: HashMap<Text, Vec<Condition>>,
    pub(crate) rules: HashMap<Text, AccessRule>,
    pub(crate) shaper_rules: HashMap<Text, ShaperRule>,
    pub(crate) shapers: HashMap<Text, ShaperValue>,
}

impl Access {
    /// Whether the rule allows it.
    pub fn allows(&self, rule: &AccessRef, who: &Who<'_>) -> bool {
        match rule {
            AccessRef::All => true,
            AccessRef::None => false,
            AccessRef::Named(name) => self.rules.get(name).is_some_and(|rule| self.rule_allows(rule, who)),
            AccessRef::Inline(rule) => self.rule_allows(rule, who),
        }
    }

    /// Whether the rule allows it, and which rule said so.
    pub fn decide(&self, rule: &AccessRef, who: &Who<'_>) -> Decision {
        let allowed = self.allows(rule, who);
        let verb = if allowed { "allows" } else { "denies" };
        Decision::new(
            allowed,
            match rule {
                AccessRef::All => "everyone is allowed".to_owned(),
                AccessRef::None => "nobody is allowed".to_owned(),
                AccessRef::Named(name) if !self.rules.contains_key(name) => {
                    format!("the access rule `{name}` is not defined")
                }
                AccessRef::Named(name) => format!("the access rule `{name}` {verb} it"),
                AccessRef::Inline(_) => format!("the option's access rule {verb} it"),
            },
        )
    }

    /// What the shaper rule yields. A rule or shaper that is not defined yields [`ShaperValue::None`].
    pub fn shaper_value(&self, rule: &ShaperRef, who: &Who<'_>) -> ShaperValue {
        let rule = match rule {
            ShaperRef::None => return ShaperValue::None,
            ShaperRef::Infinity => return ShaperValue::Infinity,
            ShaperRef::Named(name) => match self.shaper_rules.get(name) {
                Some(rule) => rule,
                None => return ShaperValue::None,
            },
            ShaperRef::Inline(rule) => rule,
        };
        let entry = rule.entries.iter().find(|(entry, conditions)| {
            // An entry that names an unknown shaper counts as not written, as in ejabberd.
            let known = !matches!(entry, ShaperEntry::Named(name) if !self.shapers.contains_key(name));
            known && self.all_hold(conditions, who)
        });
        match entry.map(|(entry, _)| entry) {
            None | Some(ShaperEntry::None) => ShaperValue::None,
            Some(ShaperEntry::Infinity) => ShaperValue::Infinity,
            Some(ShaperEntry::Number(number)) => ShaperValue::Rate(Rate { rate: *number, burst: *number }),
            Some(ShaperEntry::Named(name)) => self.shapers.get(name).copied().unwrap_or(ShaperValue::None),
        }
    }

    /// Whether the access list of this name holds whoever asks; `all` and `none` are built in.
    pub fn in_acl(&self, name: &str, who: &Who<'_>) -> bool {
        match name {
            "all" => true,
            "none" => false,
            name => self.acls.get(name).is_some_and(|list| list.iter().any(|one| self.holds(one, who))),
        }
    }

    /// Whether both have the same lists, rules and shapers, whatever hosts there are.
    pub(crate) fn same_rules(&self, other: &Access) -> bool {
        self.acls == other.acls
            && self.rules == other.rules
            && self.shaper_rules == other.shaper_rules
            && self.shapers == other.shapers
    }

    fn rule_allows(&self, rule: &AccessRule, who: &Who<'_>) -> bool {
        let entry = rule.entries.iter().find(|(_, conditions)| self.all_hold(conditions, who));
        entry.is_some_and(|(action, _)| *action == Action::Allow)
    }

    fn all_hold(&self, conditions: &[Condition], who: &Who<'_>) -> bool {
        !conditions.is_empty() && conditions.iter().all(|condition| self.holds(condition, who))
    }

    fn is_local(&self, host: &str) -> bool {
        self.hosts.contains(host)
    }

    /// Whether one condition is true. An address without a local part has the local part "", likewise the resource.
    pub(super) fn holds(&self, condition: &Condition, who: &Who<'_>) -> bool {
        match condition {
            Condition::Acl(name) => return self.in_acl(name, who),
            Condition::Ip(network) => return who.ip.is_some_and(|ip| network.contains(ip)),
            _ => {}
        }
        let Some(jid) = who.jid else { return false };
        let (local, domain) = (jid.local().unwrap_or_default(), jid.domain());
        let resource = jid.resource().unwrap_or_default();
        let on = |server: &Option<Text>| match server {
            Some(server) => *server == *domain,
            None => self.is_local(domain),
        };
        match condition {
            Condition::Acl(_) | Condition::Ip(_) => false,
            Condition::User { user, server } => *user == *local && on(server),
            Condition::Server(server) => *server == *domain,
            Condition::Resource(wanted) => *wanted == *resource,
            Condition::UserMatches { user, server } => on(server) && user.matches(local),
            Condition::ServerMatches(server) => server.matches(domain),
            Condition::ResourceMatches(pattern) => pattern.matches(resource),
            Condition::NodeMatches { user, server } => user.matches(local) && server.matches(domain),
            Condition::SharedGroup { group, host } => {
                who.groups.contains(group, host.as_deref().unwrap_or(domain), jid)
            }
        }
    }
}

impl fmt::Debug for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Who").field("jid", &self.jid.map(Jid::as_str)).field("ip", &self.ip).finish()
    }
}
