//! firewalld: a script of commands for the default zone. firewalld refuses what no rule allows, so the cluster's
//! ports need no rule that drops.

use std::fmt::Write as _;

use super::rule::{Family, Rule, Rules};

pub(super) fn render(rules: &Rules) -> String {
    let mut text = "#!/bin/sh -e\n".to_owned();
    text.push_str(&rules.remarks());
    for rule in &rules.public {
        let ports = rule.ports('-');
        let protocol = rule.protocol.name();
        let command = match (rule.to, rule.family) {
            (None, Family::Both) => format!("firewall-cmd --permanent --add-port={ports}/{protocol}"),
            (_, family) => rich(family, "", rule),
        };
        let _ = writeln!(text, "# {}\n{command}", rule.comment);
    }
    for rule in &rules.cluster {
        for machine in rules.machines_of(rule) {
            let family = if machine.address.is_ipv4() { Family::V4 } else { Family::V6 };
            let source = format!(" source address=\"{machine}\"");
            let _ = writeln!(text, "# {}\n{}", rule.comment, rich(family, &source, rule));
        }
    }
    text.push_str("firewall-cmd --reload\n");
    text
}

fn rich(family: Family, source: &str, rule: &Rule) -> String {
    let family = if family == Family::V6 { "ipv6" } else { "ipv4" };
    let to = rule.to.map_or_else(String::new, |address| format!(" destination address=\"{address}\""));
    let (ports, protocol) = (rule.ports('-'), rule.protocol.name());
    format!(
        "firewall-cmd --permanent --add-rich-rule='rule family=\"{family}\"{source}{to} \
         port port=\"{ports}\" protocol=\"{protocol}\" accept'"
    )
}
