use std::collections::BTreeSet;

use super::*;

#[test]
fn every_finding_has_one_rule() {
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(names.len(), RULES.len());
    assert!(RULES.iter().all(|rule| !rule.why.is_empty() && !rule.why.ends_with('.')));
}

#[test]
fn the_manual_lists_every_finding() {
    let manual = include_str!("../../../../docs/manual/operations.md");
    for rule in RULES {
        let row = format!("| `{}` | {} | {} |", rule.id, rule.severity.name(), rule.why);
        assert!(manual.contains(&row), "docs/manual/operations.md lacks the row\n{row}");
    }
    let rows = manual.lines().filter(|line| {
        RULES.iter().any(|rule| line.contains(&format!("| `{}` | {}", rule.id, rule.severity.name())))
    });
    assert_eq!(rows.count(), RULES.len());
}
