//! Topic names and topic filters (§4.7), shared subscriptions (§4.8.2).

mod pattern;

pub use pattern::{Pattern, PatternError, Who};

use crate::{Error, Reason};

/// Levels that a topic can have at all. What walks through topics by recursion relies on it.
pub const LEVELS_MAX: usize = 200;
const SHARE: &[u8] = b"$share/";

/// What a server lets topics be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels, at most [`LEVELS_MAX`].
    pub levels_max: usize,
    /// Bytes.
    pub length_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { levels_max: LEVELS_MAX, length_max: usize::from(u16::MAX) }
    }
}

impl Limits {
    fn hold(&self, topic: &[u8]) -> bool {
        let slashes = topic.iter().filter(|byte| **byte == b'/').count();
        // [MQTT-4.7.3-1], [MQTT-4.7.3-3]
        !topic.is_empty() && topic.len() <= self.length_max && slashes < self.levels_max.min(LEVELS_MAX)
    }
}

/// Whether a message can be published there.
pub fn check_name(name: &[u8], limits: &Limits) -> Result<(), Error> {
    // [MQTT-3.3.2-2]
    let wildcard = name.iter().any(|byte| matches!(byte, b'+' | b'#'));
    if wildcard || !limits.hold(name) {
        return Err(Error::new(Reason::TOPIC_NAME_INVALID, "a topic name that isn't allowed"));
    }
    Ok(())
}

/// Whether it can be subscribed to; with or without `$share/` in front.
pub fn check_filter(filter: &[u8], limits: &Limits) -> Result<(), Error> {
    const INVALID: Error = Error::new(Reason::TOPIC_FILTER_INVALID, "a topic filter that isn't allowed");
    let filter = match Shared::parse(filter) {
        Some(shared) => shared.filter,
        // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
        None if is_shared(filter) => return Err(INVALID),
        None => filter,
    };
    let mut levels = filter.split(|byte| *byte == b'/').peekable();
    while let Some(level) = levels.next() {
        let wildcard = level.iter().any(|byte| matches!(byte, b'+' | b'#'));
        // [MQTT-4.7.1-1], [MQTT-4.7.1-2]
        if wildcard && (level.len() > 1 || (level == b"#" && levels.peek().is_some())) {
            return Err(INVALID);
        }
    }
    if limits.hold(filter) { Ok(()) } else { Err(INVALID) }
}

/// Whether a filter says that it is a shared subscription, right or wrong.
pub fn is_shared(filter: &[u8]) -> bool {
    filter.starts_with(SHARE) || filter == b"$share"
}

/// The parts of `$share/group/filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Shared<'a> {
    pub group: &'a [u8],
    pub filter: &'a [u8],
}

impl<'a> Shared<'a> {
    /// `None` for a filter that isn't shared, or has no proper group or nothing behind it.
    pub fn parse(filter: &'a [u8]) -> Option<Self> {
        let rest = filter.strip_prefix(SHARE)?;
        let slash = rest.iter().position(|byte| *byte == b'/')?;
        let (group, filter) = (rest.get(..slash)?, rest.get(slash + 1..)?);
        let named = !group.is_empty() && !group.iter().any(|byte| matches!(byte, b'+' | b'#'));
        (named && !filter.is_empty()).then_some(Self { group, filter })
    }
}

/// Whether a filter (without `$share/`) matches a topic name.
pub fn matches(filter: &[u8], name: &[u8]) -> bool {
    // [MQTT-4.7.2-1]
    if name.first() == Some(&b'$') && matches!(filter.first(), Some(b'+' | b'#')) {
        return false;
    }
    let mut names = name.split(|byte| *byte == b'/');
    for level in filter.split(|byte| *byte == b'/') {
        if level == b"#" {
            return true;
        }
        match names.next() {
            Some(name) if level == b"+" || level == name => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

#[cfg(test)]
pub(crate) mod tests;
