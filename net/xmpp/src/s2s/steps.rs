//! What happens on the way to another server, step by step: for `s2s_probe` and the log.

/// A step and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// What was tried: `DNS`, `address`, `TLS`, `certificate`, `stream`, `SASL`, `dialback`.
    pub what: &'static str,
    /// What came of it.
    pub outcome: String,
    /// Whether it led on.
    pub ok: bool,
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = if self.ok { "ok  " } else { "FAIL" };
        write!(formatter, "{mark} {:<11} {}", self.what, self.outcome)
    }
}

/// The steps so far, where somebody wants to know them.
#[derive(Default)]
pub(super) struct Trace(Option<Vec<Step>>);

impl Trace {
    /// Steps are kept.
    pub fn kept() -> Self {
        Self(Some(Vec::new()))
    }

    /// An empty one that keeps steps if this one does.
    pub fn alike(&self) -> Self {
        Self(self.0.as_ref().map(|_| Vec::new()))
    }

    /// Adds what another one has noted.
    pub fn append(&mut self, other: Self) {
        if let Some(steps) = &mut self.0 {
            steps.extend(other.into_steps());
        }
    }

    /// Notes a step that led on.
    pub fn ok(&mut self, what: &'static str, outcome: impl FnOnce() -> String) {
        self.note(what, true, outcome);
    }

    /// Notes a step that didn't.
    pub fn failed(&mut self, what: &'static str, outcome: impl FnOnce() -> String) {
        self.note(what, false, outcome);
    }

    fn note(&mut self, what: &'static str, ok: bool, outcome: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step { what, outcome: outcome(), ok });
        }
    }

    /// What was noted.
    pub fn into_steps(self) -> Vec<Step> {
        self.0.unwrap_or_default()
    }
}
