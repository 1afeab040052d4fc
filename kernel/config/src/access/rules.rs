//! Access rules, shapers and shaper rules, and how they are written.

use std::sync::Arc;

use nightjar_text::Text;

use super::acl::{Condition, Part, flatten, read_conditions};
use crate::diagnostic::{Diagnostic, Report};
use crate::nearest::nearest;
use crate::node::{Content, Entry, Node, Place};
use crate::units::{integer, is_infinity};

/// What an access rule's entry says when all its conditions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Yes.
    Allow,
    /// No.
    Deny,
}

/// An access rule: the first entry whose conditions all hold decides; if none does, the answer is no.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessRule {
    /// The entries in order.
    pub entries: Vec<(Action, Vec<Condition>)>,
}

/// The value of an option of type access rule.
#[derive(Clone, Debug, PartialEq)]
pub enum AccessRef {
    /// Everyone.
    All,
    /// Nobody.
    None,
    /// The rule of this name; a rule that is defined nowhere allows nobody.
    Named(Text),
    /// The rule itself.
    Inline(Arc<AccessRule>),
}

impl AccessRef {
    /// A reference by name.
    pub fn named(name: &str) -> AccessRef {
        match name {
            "all" => AccessRef::All,
            "none" => AccessRef::None,
            name => AccessRef::Named(Text::new(name)),
        }
    }
}

/// Bytes a second, and how many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bytes a second (or a count, for rules that limit a number).
    pub rate: u64,
    /// Bytes that may come at once.
    pub burst: u64,
}

/// What a shaper rule yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaperValue {
    /// No shaping, or no rule said anything.
    None,
    /// Explicitly without limit.
    Infinity,
    /// A limit.
    Rate(Rate),
}

impl ShaperValue {
    /// The number, for rules that limit a count (`max_user_sessions`).
    pub fn number(self) -> Option<u64> {
        match self {
            ShaperValue::Rate(rate) => Some(rate.rate),
            ShaperValue::None | ShaperValue::Infinity => None,
        }
    }
}

/// What an entry of a shaper rule names.
#[derive(Clone, Debug, PartialEq)]
pub enum ShaperEntry {
    /// A shaper.
    Named(Text),
    /// A number by itself.
    Number(u64),
    /// No shaping.
    None,
    /// No limit.
    Infinity,
}

/// A shaper rule: the first entry whose conditions all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct ShaperRule {
    /// The entries in order.
    pub entries: Vec<(ShaperEntry, Vec<Condition>)>,
}

/// The value of an option of type shaper rule.
#[derive(Clone, Debug, PartialEq)]
pub enum ShaperRef {
    /// No shaping.
    None,
    /// No limit.
    Infinity,
    /// The shaper rule of this name.
    Named(Text),
    /// The rule itself.
    Inline(Arc<ShaperRule>),
}

/// An option's access rule: a name or the rule.
pub(crate) fn read_access(node: &Node, place: &Place<'_>, report: &mut Report) -> Option<AccessRef> {
    match node.as_text() {
        Some(name) if !name.is_empty() => Some(AccessRef::named(name)),
        Some(_) => {
            report.push(bad_rule(node, place));
            None
        }
        None => {
            let before = report.errors();
            let rule = read_access_rule(node, place, report);
            (report.errors() == before).then(|| AccessRef::Inline(Arc::new(rule)))
        }
    }
}

/// `{allow: …, deny: …}`, or a list of such maps and of the bare words `allow` and `deny`.
pub(crate) fn read_access_rule(node: &Node, place: &Place<'_>, report: &mut Report) -> AccessRule {
    let before = report.errors();
    let mut entries = Vec::new();
    if !matches!(node.content, Content::List(_) | Content::Map(_)) {
        report.push(bad_rule(node, place));
        return AccessRule { entries };
    }
    for part in flatten(node) {
        let (word, at) = match &part {
            Part::Entry(entry) => (&*entry.key, &entry.key_at),
            Part::Word(node) => (node.as_str().unwrap_or_default(), &node.at),
        };
        let action = match word {
            "allow" => Action::Allow,
            "deny" => Action::Deny,
            word => {
                let error = Diagnostic::error(at, place, format!("`{word}` is neither `allow` nor `deny`"));
                let error = error.expected("allow or deny and its conditions");
                report.push(error.did_you_mean(nearest(word, ["allow", "deny"])));
                continue;
            }
        };
        let conditions = match part {
            Part::Entry(Entry { value, .. }) => read_conditions(value, &place.key(word), report),
            Part::Word(_) => vec![Condition::Acl("all".into())],
        };
        entries.push((action, conditions));
    }
    if entries.is_empty() && report.errors() == before {
        report.push(bad_rule(node, place));
    }
    AccessRule { entries }
}

fn bad_rule(node: &Node, place: &Place<'_>) -> Diagnostic {
    Diagnostic::error(&node.at, place, format!("{} is no access rule", node.describe()))
        .expected("the name of an access rule, or a rule such as {allow: admin}")
}

/// An option's shaper rule: a name, a number or the rule.
pub(crate) fn read_shaper(node: &Node, place: &Place<'_>, report: &mut Report) -> Option<ShaperRef> {
    if let Some(name) = node.as_text().filter(|name| node.as_int().is_none() && !name.is_empty()) {
        return Some(match name.as_str() {
            "none" => ShaperRef::None,
            name if is_infinity(name) => ShaperRef::Infinity,
            _ => ShaperRef::Named(name.clone()),
        });
    }
    let before = report.errors();
    let rule = read_shaper_rule(node, place, report);
    (report.errors() == before).then(|| ShaperRef::Inline(Arc::new(rule)))
}

/// `{normal: all}`, a list of such maps, or a shaper's name or number alone, which means everyone.
pub(crate) fn read_shaper_rule(node: &Node, place: &Place<'_>, report: &mut Report) -> ShaperRule {
    let mut entries = Vec::new();
    for part in flatten(node) {
        let (name, at) = match &part {
            Part::Entry(entry) => (&*entry.key, &entry.key_at),
            Part::Word(node) => (node.as_str().unwrap_or_default(), &node.at),
        };
        let Some(value) = shaper_entry(name) else {
            let error = Diagnostic::error(at, place, format!("`{name}` names no shaper"));
            report.push(error.expected("the name of a shaper, a number greater than 0, none or infinity"));
            continue;
        };
        let conditions = match part {
            Part::Entry(entry) => read_conditions(&entry.value, &place.key(&entry.key), report),
            Part::Word(_) => vec![Condition::Acl("all".into())],
        };
        entries.push((value, conditions));
    }
    ShaperRule { entries }
}

fn shaper_entry(name: &str) -> Option<ShaperEntry> {
    match integer(name) {
        Some(number) => u64::try_from(number).ok().filter(|number| *number > 0).map(ShaperEntry::Number),
        None if name.is_empty() => None,
        None if name == "none" => Some(ShaperEntry::None),
        None if is_infinity(name) => Some(ShaperEntry::Infinity),
        None => Some(ShaperEntry::Named(name.into())),
    }
}

/// The map under `shaper`: a rate, infinity, or `{rate: …, burst_size: …}`.
pub(crate) fn read_shapers(node: &Node, place: &Place<'_>, report: &mut Report) -> Vec<(Text, ShaperValue)> {
    let mut shapers = Vec::new();
    for entry in node.entries() {
        let here = place.key(&entry.key);
        if entry.key == "none" || is_infinity(&entry.key) {
            report.push(Diagnostic::error(&entry.key_at, here, "this name is reserved"));
        } else if let Some(value) = read_rate(&entry.value, &here, report) {
            shapers.push((entry.key.clone(), value));
        }
    }
    shapers
}

fn read_rate(node: &Node, place: &Place<'_>, report: &mut Report) -> Option<ShaperValue> {
    let positive = |node: &Node| node.as_int().and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    if node.as_str().is_some_and(is_infinity) {
        return Some(ShaperValue::Infinity);
    }
    if let Some(rate) = positive(node) {
        return Some(ShaperValue::Rate(Rate { rate, burst: rate }));
    }
    for entry in node.entries() {
        let known = ["rate", "burst_size"];
        if !known.contains(&&*entry.key) {
            let error = Diagnostic::error(&entry.key_at, place, format!("unknown option `{}`", entry.key));
            report.push(error.expected("rate, burst_size").did_you_mean(nearest(&entry.key, known)));
            return None;
        }
    }
    let rate = node.get("rate").and_then(positive);
    let burst = match node.get("burst_size") {
        Some(burst) => positive(burst),
        None => rate,
    };
    let value = rate.zip(burst).map(|(rate, burst)| ShaperValue::Rate(Rate { rate, burst }));
    if value.is_none() {
        let error = Diagnostic::error(&node.at, place, format!("{} is no shaper", node.describe()));
        report.push(error.expected("bytes a second, infinity, or {rate: …, burst_size: …}"));
    }
    value
}
