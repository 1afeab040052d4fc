//! Where the configuration says something.

use std::fmt;

use nightjar_config::node::Position;
use serde::Serialize;

/// A line of a configuration file, and the option that stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The file as it was named.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// The way to the option: `listen.ejabberd_c2s.port`.
    pub option: String,
}

impl Line {
    /// The line of a position; none for a default, which stands in no file.
    pub fn new(at: &Position, option: impl Into<String>) -> Option<Line> {
        let file = at.source.name.clone();
        (!file.is_empty()).then(|| Line { file, line: at.line, option: option.into() })
    }
}

impl fmt::Display for Line {
    /// `file:line`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
