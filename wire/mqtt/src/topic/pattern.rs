//! The keys of `access_publish` and `access_subscribe`: topic filters in which a level may be `%u` (user), `%d` (domain),
//! `%c` (client identifier) or `%g` (a group of the user).

use super::{Limits, check_filter};

/// A pattern that was read from the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Box<[Level]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Literal(Box<[u8]>),
    /// `+`
    One,
    /// `#`
    Rest,
    User,
    Domain,
    Client,
    Group,
}

/// Why a pattern can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a topic filter")]
pub struct PatternError;

/// Who publishes or subscribes.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the words say it")]
pub struct Who<'a> {
    pub user: &'a str,
    pub domain: &'a str,
    pub client_id: &'a str,
    /// Whether the user is in the group of this name.
    pub in_group: &'a dyn Fn(&str) -> bool,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        check_filter(pattern.as_bytes(), &Limits::default()).map_err(|_| PatternError)?;
        let levels = pattern.split('/').map(|level| match level {
            "+" => Level::One,
            "#" => Level::Rest,
            "%u" => Level::User,
            "%d" => Level::Domain,
            "%c" => Level::Client,
            "%g" => Level::Group,
            literal => Level::Literal(literal.as_bytes().into()),
        });
        Ok(Self(levels.collect()))
    }

    /// Whether all that a topic name or a topic filter can mean lies within the pattern.
    ///
    /// A wildcard of the filter is covered by a wildcard of the pattern alone: a user or client whose name is `+` or `#`
    /// gains nothing by it, and a name with `/` in it equals no level.
    pub fn covers(&self, topic: &[u8], who: &Who<'_>) -> bool {
        let first_is_wildcard = matches!(self.0.first(), Some(Level::One | Level::Rest));
        if topic.first() == Some(&b'$') && first_is_wildcard {
            return false;
        }
        let mut names = topic.split(|byte| *byte == b'/');
        for level in &self.0 {
            if *level == Level::Rest {
                return true;
            }
            match names.next() {
                Some(name) if level.covers(name, who) => {}
                _ => return false,
            }
        }
        names.next().is_none()
    }
}

impl Level {
    fn covers(&self, name: &[u8], who: &Who<'_>) -> bool {
        match (self, name) {
            (Self::Rest, _) | (Self::One, b"+") => true,
            (_, b"+" | b"#") => false,
            (Self::One, _) => true,
            (Self::Literal(literal), _) => **literal == *name,
            (Self::User, _) => who.user.as_bytes() == name,
            (Self::Domain, _) => who.domain.as_bytes() == name,
            (Self::Client, _) => who.client_id.as_bytes() == name,
            (Self::Group, _) => core::str::from_utf8(name).is_ok_and(who.in_group),
        }
    }
}

#[cfg(test)]
mod tests;
