//! What is wrong with a configuration, and how it is shown.

use std::collections::HashSet;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

use crate::nearest::nearest;
use crate::node::{Position, Source};

#[cfg(test)]
mod tests;

/// More than this of either severity are counted but not kept: nobody reads on.
const MAX_KEPT: usize = 500;

/// Whether the configuration can be used in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration is used.
    Warning,
}

/// One mistake or remark.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The file as it was named.
    pub file: String,
    /// Line from 1; 0 when it is about the file as a whole.
    pub line: u32,
    /// Column in characters from 1; 0 when it is about the file as a whole.
    pub column: u32,
    /// The way to the option: `modules.mod_mam.default`.
    pub path: String,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What the option takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    #[serde(skip)]
    span: Option<(Arc<Source>, std::ops::Range<usize>)>,
}

impl Diagnostic {
    /// A mistake at a place of a file.
    pub fn error(at: &Position, path: impl ToString, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, at, path.to_string(), message.into())
    }

    /// A remark at a place of a file.
    pub fn warning(at: &Position, path: impl ToString, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, at, path.to_string(), message.into())
    }

    /// A mistake about a file as a whole: it can't be read, for instance.
    pub fn file_error(file: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: file.to_owned(),
            line: 0,
            column: 0,
            path: String::new(),
            message: message.into(),
            expected: None,
            suggestion: None,
            span: None,
        }
    }

    fn new(severity: Severity, at: &Position, path: String, message: String) -> Diagnostic {
        let span = at.start as usize..(at.end as usize).max(at.start as usize);
        Diagnostic {
            severity,
            file: at.source.name.clone(),
            line: at.line,
            column: at.column,
            path,
            message,
            expected: None,
            suggestion: None,
            span: Some((at.source.clone(), span)),
        }
    }

    /// Adds what the option takes.
    pub fn expected(mut self, expected: impl Into<String>) -> Diagnostic {
        self.expected = Some(expected.into());
        self
    }

    /// Adds what was probably meant, or what to do.
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Diagnostic {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds "did you mean …?" when a name is near enough.
    pub fn did_you_mean(mut self, name: Option<&str>) -> Diagnostic {
        if let Some(name) = name {
            self.suggestion = Some(format!("did you mean `{name}`?"));
        }
        self
    }

    /// Keeps the line of the file out of what is shown, because it holds a secret.
    pub fn without_source(mut self) -> Diagnostic {
        self.span = None;
        self
    }

    /// `file:line:column`, or the file alone.
    pub fn place(&self) -> String {
        if self.line == 0 {
            self.file.clone()
        } else {
            format!("{}:{}:{}", self.file, self.line, self.column)
        }
    }

    /// The whole of it in one line, for a log.
    pub fn one_line(&self) -> String {
        let mut line = format!("{}: ", self.place());
        if !self.path.is_empty() {
            line.push_str(&self.path);
            line.push_str(": ");
        }
        line.push_str(&self.message);
        for (label, text) in [("expected ", &self.expected), ("", &self.suggestion)] {
            if let Some(text) = text {
                line.push_str("; ");
                line.push_str(label);
                line.push_str(text);
            }
        }
        line
    }

    fn render(&self, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = match self.path.as_str() {
            "" => self.message.clone(),
            path => format!("{path}: {}", self.message),
        };
        let group = level.primary_title(title);
        let mut group = match &self.span {
            Some((source, span)) if valid_span(&source.text, span) => group.element(
                Snippet::source(source.text.as_str())
                    .path(source.name.as_str())
                    .annotation(annotation(span, self.expected.as_deref())),
            ),
            _ => {
                let mut group = group.element(annotate_snippets::Origin::path(self.place()));
                if let Some(expected) = &self.expected {
                    group = group.element(Level::NOTE.message(format!("expected {expected}")));
                }
                group
            }
        };
        if let Some(suggestion) = &self.suggestion {
            group = group.element(Level::HELP.message(suggestion.as_str()));
        }
        renderer.render(&[group])
    }
}

fn valid_span(text: &str, span: &std::ops::Range<usize>) -> bool {
    text.get(span.clone()).is_some()
}

fn annotation<'a>(
    span: &std::ops::Range<usize>,
    expected: Option<&str>,
) -> annotate_snippets::Annotation<'a> {
    let annotation = AnnotationKind::Primary.span(span.clone());
    match expected {
        Some(expected) => annotation.label(format!("expected {expected}")),
        None => annotation,
    }
}

/// Diagnostics with the lines they are about, as a person reads them on a terminal.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&diagnostic.render(&renderer));
        text.push_str("\n\n");
    }
    text
}

/// Diagnostics as a JSON array of objects with the fields of [`Diagnostic`].
pub fn render_json(diagnostics: &[Diagnostic]) -> String {
    serde_json::to_string_pretty(diagnostics).unwrap_or_else(|_| "[]".to_owned())
}

/// Collects what is wrong; the same remark about the same place is kept once,
/// because one line of the file is checked for every host it applies to.
#[derive(Default, Debug)]
pub struct Report {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    seen: HashSet<(String, u32, u32, String)>,
    error_count: usize,
    ignore_unsupported: bool,
}

impl Report {
    /// Takes a remark in.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let error = diagnostic.severity == Severity::Error;
        self.error_count += usize::from(error);
        let kept = if error { &mut self.errors } else { &mut self.warnings };
        if kept.len() >= MAX_KEPT {
            return;
        }
        let key = (diagnostic.file.clone(), diagnostic.line, diagnostic.column, diagnostic.message.clone());
        if self.seen.insert(key) {
            kept.push(diagnostic);
        }
    }

    /// Drops remarks about what is known and not supported yet.
    pub fn ignore_unsupported(&mut self) {
        self.ignore_unsupported = true;
    }

    /// Takes in that something is known and not supported yet.
    pub fn unsupported(&mut self, at: &Position, path: impl ToString, what: &str, consequence: &str) {
        if !self.ignore_unsupported {
            let message = format!("{what} is known and not supported yet{consequence}");
            self.push(Diagnostic::warning(at, path, message));
        }
    }

    /// Takes another report in.
    pub fn extend(&mut self, other: Report) {
        for diagnostic in other.errors.into_iter().chain(other.warnings) {
            self.push(diagnostic);
        }
    }

    /// Whether there was a mistake.
    pub fn failed(&self) -> bool {
        self.error_count > 0
    }

    /// Whether further mistakes would not be kept, so that finding out more about them is in vain.
    pub fn is_full(&self) -> bool {
        self.errors.len() >= MAX_KEPT
    }

    /// The nearest known name, unless nobody will see it.
    pub fn nearest<'a>(&self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        if self.is_full() { None } else { nearest(name, candidates) }
    }

    /// Number of mistakes so far, repeated ones included.
    pub fn errors(&self) -> usize {
        self.error_count
    }

    /// The remarks, when nothing was wrong; otherwise mistakes and remarks. In the order of the file.
    pub fn finish(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let failed = self.failed();
        let mut all = self.errors;
        all.extend(self.warnings);
        all.sort_by(|a, b| {
            (a.severity, &a.file, a.line, a.column).cmp(&(b.severity, &b.file, b.line, b.column))
        });
        if failed { Err(all) } else { Ok(all) }
    }
}
