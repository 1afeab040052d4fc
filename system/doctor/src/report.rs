//! Findings for a person, and for a program.

use std::fmt::Write as _;

use crate::catalogue::Severity;
use crate::finding::Finding;

#[cfg(test)]
mod tests;

/// A JSON array of objects with the fields of [`Finding`].
pub fn json(findings: &[Finding]) -> String {
    serde_json::to_string_pretty(findings).unwrap_or_else(|_| "[]".to_owned())
}

/// The findings, each in a few lines, and a sum at the end; with a line's end.
pub fn text(findings: &[Finding], colour: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        let (paint, plain) = if colour { (paint(finding.severity), "\x1b[0m") } else { ("", "") };
        let _ = write!(text, "{paint}{}{plain} {}", finding.severity.name(), finding.id);
        if let Some(line) = &finding.line {
            let _ = write!(text, "  {line}  {}", line.option);
        }
        let _ = writeln!(text, "\n  {}.\n  why  {}.\n  fix  {}\n", finding.what, finding.why, finding.fix);
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    if findings.is_empty() {
        text.push_str("nothing to report\n");
    } else {
        let (critical, warnings) = (count(Severity::Critical), count(Severity::Warning));
        let plural = if warnings == 1 { "" } else { "s" };
        let advice = count(Severity::Advice);
        let _ = writeln!(text, "{critical} critical, {warnings} warning{plural}, {advice} advice");
    }
    text
}

fn paint(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "\x1b[1;31m",
        Severity::Warning => "\x1b[1;33m",
        Severity::Advice => "\x1b[1;36m",
    }
}

/// The exit code: 2 if something is critical, 1 if there is a warning, 0 if not; advice alone is 0.
pub fn verdict(findings: &[Finding]) -> u8 {
    match findings.iter().map(|finding| finding.severity).min() {
        Some(Severity::Critical) => 2,
        Some(Severity::Warning) => 1,
        Some(Severity::Advice) | None => 0,
    }
}
