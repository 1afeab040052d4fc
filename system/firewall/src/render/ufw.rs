//! ufw: a script of commands. ufw refuses what no rule allows, so the cluster's ports need no rule that drops.

use std::fmt::Write as _;

use super::rule::{Family, Rule, Rules};

pub(super) fn render(rules: &Rules) -> String {
    let mut text = "#!/bin/sh -e\n".to_owned();
    text.push_str(&rules.remarks());
    for rule in &rules.public {
        let from = match (rule.to, rule.family) {
            (None, Family::V4) => "0.0.0.0/0",
            (None, Family::V6) => "::/0",
            _ => "any",
        };
        let _ = writeln!(text, "{}", line(from, rule));
    }
    for rule in &rules.cluster {
        for machine in rules.machines_of(rule) {
            let _ = writeln!(text, "{}", line(&machine.to_string(), rule));
        }
    }
    text
}

fn line(from: &str, rule: &Rule) -> String {
    let to = rule.to.map_or_else(|| "any".to_owned(), |address| address.to_string());
    let (protocol, ports, comment) = (rule.protocol.name(), rule.ports(':'), &rule.comment);
    format!("ufw allow proto {protocol} from {from} to {to} port {ports} comment '{comment}'")
}
