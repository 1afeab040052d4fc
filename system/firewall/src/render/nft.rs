//! nftables: a table of its own, which can be loaded again and again.

use std::fmt::Write as _;
use std::net::IpAddr;

use nightjar_config::units::Network;

use super::rule::{Family, Rule, Rules};

const HEAD: &str = "\
# Load with: nft -f FILE. Loading it again replaces it.
# It lets in what the server needs, and keeps everybody else from the ports of the cluster.
# A firewall that drops by default needs the accepting lines in its own chain: one chain's accept doesn't
# outweigh another one's drop.
";

pub(super) fn render(rules: &Rules) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&rules.remarks());
    // The first line makes sure that there is something to delete.
    text.push_str(
        "table inet nightjar\ndelete table inet nightjar\ntable inet nightjar {\n  chain input {\n",
    );
    text.push_str("    type filter hook input priority filter; policy accept;\n");
    text.push_str("    ct state established,related accept\n    iif \"lo\" accept\n");
    for rule in &rules.public {
        let _ = writeln!(text, "    {}{} accept comment \"{}\"", to(rule), ports(rule), rule.comment);
    }
    for rule in &rules.cluster {
        for machine in rules.machines_of(rule) {
            let (from, to, ports) = (from(machine), to_address(rule), ports(rule));
            let _ = writeln!(text, "    {from}{to}{ports} accept comment \"{}\"", rule.comment);
        }
        let _ = writeln!(text, "    {}{} drop comment \"{}\"", to(rule), ports(rule), rule.comment);
    }
    text.push_str("  }\n}\n");
    text
}

fn to(rule: &Rule) -> String {
    match (rule.to, rule.family) {
        (Some(_), _) => to_address(rule),
        (None, Family::V4) => "meta nfproto ipv4 ".to_owned(),
        (None, Family::V6) => "meta nfproto ipv6 ".to_owned(),
        (None, Family::Both) => String::new(),
    }
}

fn to_address(rule: &Rule) -> String {
    match rule.to {
        Some(IpAddr::V4(address)) => format!("ip daddr {address} "),
        Some(IpAddr::V6(address)) => format!("ip6 daddr {address} "),
        None => String::new(),
    }
}

fn from(machine: &Network) -> String {
    let family = if machine.address.is_ipv4() { "ip" } else { "ip6" };
    format!("{family} saddr {machine} ")
}

fn ports(rule: &Rule) -> String {
    format!("{} dport {}", rule.protocol.name(), rule.ports('-'))
}
