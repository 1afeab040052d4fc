//! iptables: a chain of its own, in the format of `iptables-restore`. One file serves both families: a line
//! that begins with `-4` is passed over by `ip6tables-restore`, and the other way round.

use std::fmt::Write as _;

use super::rule::{Family, Rule, Rules};

const HEAD: &str = "\
# Load with: iptables-restore --noflush FILE; ip6tables-restore --noflush FILE
# and, once: iptables -I INPUT -j NIGHTJAR; ip6tables -I INPUT -j NIGHTJAR
";

pub(super) fn render(rules: &Rules) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&rules.remarks());
    text.push_str("*filter\n:NIGHTJAR - [0:0]\n");
    for rule in &rules.public {
        let _ = writeln!(text, "{}", line(rule.family, "", rule, "ACCEPT"));
    }
    for rule in &rules.cluster {
        for machine in rules.machines_of(rule) {
            let family = if machine.address.is_ipv4() { Family::V4 } else { Family::V6 };
            let from = format!(" -s {machine}");
            let _ = writeln!(text, "{}", line(family, &from, rule, "ACCEPT"));
        }
        let _ = writeln!(text, "{}", line(rule.family, " ! -i lo", rule, "DROP"));
    }
    text.push_str("COMMIT\n");
    text
}

fn line(family: Family, from: &str, rule: &Rule, verdict: &str) -> String {
    let family = match family {
        Family::Both => "",
        Family::V4 => "-4 ",
        Family::V6 => "-6 ",
    };
    let to = rule.to.map_or_else(String::new, |address| format!(" -d {address}"));
    let (protocol, ports, comment) = (rule.protocol.name(), rule.ports(':'), &rule.comment);
    format!(
        "{family}-A NIGHTJAR{from}{to} -p {protocol} -m {protocol} --dport {ports} \
         -m comment --comment \"{comment}\" -j {verdict}"
    )
}
