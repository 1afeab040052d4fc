//! One thing that should not be so.

use nightjar_firewall::Line;
use serde::Serialize;

use crate::catalogue::{Severity, rule};

/// What was found, why it matters, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name; [`crate::RULES`] has all of them.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is so, one sentence without a full stop.
    pub what: String,
    /// Why it matters, one sentence without a full stop.
    pub why: &'static str,
    /// The line of the configuration that says so.
    pub line: Option<Line>,
    /// What to do: the line to write, or the command to run.
    pub fix: String,
}

impl Finding {
    /// A finding of the catalogue.
    pub(crate) fn new(id: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Finding {
        let rule = rule(id);
        let (severity, why) = (rule.severity, rule.why);
        Finding { id, severity, what: what.into(), why, line: None, fix: fix.into() }
    }

    /// The same with the line that says so.
    pub(crate) fn at(mut self, line: Option<Line>) -> Finding {
        self.line = line;
        self
    }
}
