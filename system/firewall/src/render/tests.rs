use std::io::Write as _;
use std::process::{Command, Stdio};

use nightjar_text::Text;

use super::*;
use crate::opening::{Endpoint, Ports, Protocol, Tls};

fn opening(zone: Zone, address: &str, ports: Ports, protocol: Protocol, module: &'static str) -> Opening {
    Opening {
        endpoint: Endpoint::Net { address: address.parse().unwrap(), ports, protocol },
        module: Text::new(module),
        speaks: "Words",
        tls: Tls::Direct,
        zone,
        line: None,
        served: true,
        note: String::new(),
    }
}

/// One of each kind.
fn openings() -> Vec<Opening> {
    let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
    let mut all = vec![
        opening(Zone::Public, "::", Ports::one(5222), tcp, "ejabberd_c2s"),
        opening(Zone::Public, "0.0.0.0", Ports::one(5269), tcp, "ejabberd_s2s_in"),
        opening(Zone::Public, "192.0.2.7", Ports::one(5443), tcp, "ejabberd_http"),
        opening(Zone::Public, "2001:db8::7", Ports::one(5443), tcp, "ejabberd_http"),
        opening(Zone::Public, "::", Ports::Range(49152, 65535), udp, "ejabberd_stun"),
        opening(Zone::Cluster, "::", Ports::one(4369), tcp, "epmd"),
        opening(Zone::Cluster, "10.0.0.1", Ports::Range(4200, 4210), tcp, "distribution"),
        opening(Zone::Cluster, "::", Ports::Random, tcp, "distribution"),
        opening(Zone::Local, "127.0.0.1", Ports::one(5280), tcp, "ejabberd_http"),
        opening(Zone::Public, "::", Ports::one(5060), tcp, "ejabberd_sip"),
    ];
    if let Some(last) = all.last_mut() {
        last.served = false;
    }
    all
}

fn text(format: Format, zone: Option<Zone>, cluster: &[&str]) -> String {
    let cluster = cluster.iter().map(|text| Network::parse(text).unwrap()).collect();
    render(&openings(), &Request { format, zone, cluster })
}

/// The lines that let in or keep out, without comments.
fn lines(format: Format, zone: Option<Zone>, cluster: &[&str]) -> Vec<String> {
    let text = text(format, zone, cluster);
    let rule = |line: &&str| {
        ["accept", "drop", "ACCEPT", "DROP", "ufw", "--add"].iter().any(|word| line.contains(word))
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter(rule).map(str::to_owned).collect()
}

const MACHINES: &[&str] = &["10.0.0.0/8", "2001:db8:1::/48"];

#[test]
fn nft_rules() {
    assert_eq!(
        lines(Format::Nft, None, MACHINES)[3..],
        [
            "tcp dport 5222 accept comment \"ejabberd_c2s Words\"",
            "meta nfproto ipv4 tcp dport 5269 accept comment \"ejabberd_s2s_in Words\"",
            "ip daddr 192.0.2.7 tcp dport 5443 accept comment \"ejabberd_http Words\"",
            "ip6 daddr 2001:db8::7 tcp dport 5443 accept comment \"ejabberd_http Words\"",
            "udp dport 49152-65535 accept comment \"ejabberd_stun Words\"",
            "ip saddr 10.0.0.0/8 tcp dport 4369 accept comment \"epmd Words\"",
            "ip6 saddr 2001:db8:1::/48 tcp dport 4369 accept comment \"epmd Words\"",
            "tcp dport 4369 drop comment \"epmd Words\"",
            "ip saddr 10.0.0.0/8 ip daddr 10.0.0.1 tcp dport 4200-4210 accept comment \"distribution Words\"",
            "ip daddr 10.0.0.1 tcp dport 4200-4210 drop comment \"distribution Words\"",
        ]
    );
}

#[test]
fn iptables_rules() {
    let comment = |module| format!("-m comment --comment \"{module} Words\"");
    let (epmd, dist) = (comment("epmd"), comment("distribution"));
    assert_eq!(
        lines(Format::Iptables, Some(Zone::Cluster), MACHINES),
        [
            format!("-4 -A NIGHTJAR -s 10.0.0.0/8 -p tcp -m tcp --dport 4369 {epmd} -j ACCEPT"),
            format!("-6 -A NIGHTJAR -s 2001:db8:1::/48 -p tcp -m tcp --dport 4369 {epmd} -j ACCEPT"),
            format!("-A NIGHTJAR ! -i lo -p tcp -m tcp --dport 4369 {epmd} -j DROP"),
            format!(
                "-4 -A NIGHTJAR -s 10.0.0.0/8 -d 10.0.0.1 -p tcp -m tcp --dport 4200:4210 {dist} -j ACCEPT"
            ),
            format!("-4 -A NIGHTJAR ! -i lo -d 10.0.0.1 -p tcp -m tcp --dport 4200:4210 {dist} -j DROP"),
        ]
    );
    assert_eq!(lines(Format::Iptables, Some(Zone::Public), MACHINES).len(), 5);
}

#[test]
fn ufw_rules() {
    assert_eq!(
        lines(Format::Ufw, None, MACHINES),
        [
            "ufw allow proto tcp from any to any port 5222 comment 'ejabberd_c2s Words'",
            "ufw allow proto tcp from 0.0.0.0/0 to any port 5269 comment 'ejabberd_s2s_in Words'",
            "ufw allow proto tcp from any to 192.0.2.7 port 5443 comment 'ejabberd_http Words'",
            "ufw allow proto tcp from any to 2001:db8::7 port 5443 comment 'ejabberd_http Words'",
            "ufw allow proto udp from any to any port 49152:65535 comment 'ejabberd_stun Words'",
            "ufw allow proto tcp from 10.0.0.0/8 to any port 4369 comment 'epmd Words'",
            "ufw allow proto tcp from 2001:db8:1::/48 to any port 4369 comment 'epmd Words'",
            "ufw allow proto tcp from 10.0.0.0/8 to 10.0.0.1 port 4200:4210 comment 'distribution Words'",
        ]
    );
}

#[test]
fn firewalld_rules() {
    let rich = |rest: &str| format!("firewall-cmd --permanent --add-rich-rule='rule family={rest} accept'");
    assert_eq!(
        lines(Format::Firewalld, None, &["10.0.0.0/8"]),
        [
            "firewall-cmd --permanent --add-port=5222/tcp".to_owned(),
            rich("\"ipv4\" port port=\"5269\" protocol=\"tcp\""),
            rich("\"ipv4\" destination address=\"192.0.2.7\" port port=\"5443\" protocol=\"tcp\""),
            rich("\"ipv6\" destination address=\"2001:db8::7\" port port=\"5443\" protocol=\"tcp\""),
            "firewall-cmd --permanent --add-port=49152-65535/udp".to_owned(),
            rich("\"ipv4\" source address=\"10.0.0.0/8\" port port=\"4369\" protocol=\"tcp\""),
            rich(
                "\"ipv4\" source address=\"10.0.0.0/8\" destination address=\"10.0.0.1\" \
                 port port=\"4200-4210\" protocol=\"tcp\""
            ),
        ]
    );
}

#[test]
fn without_named_machines_the_cluster_is_this_machine() {
    for format in [Format::Nft, Format::Iptables] {
        let kept_out = lines(format, Some(Zone::Cluster), &[]);
        let kept_out = kept_out.iter().filter(|line| line.to_lowercase().contains("drop"));
        assert_eq!(kept_out.count(), 2);
        assert!(text(format, None, &[]).contains("# No machine of the cluster was named"));
    }
    assert!(lines(Format::Ufw, Some(Zone::Cluster), &[]).is_empty());
    assert!(text(Format::Nft, None, MACHINES).contains("# Words has a random port"));
}

#[test]
fn the_table_tells_all() {
    let table = text(Format::Table, None, &[]);
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 9 + 2 + 1, "{table}");
    assert!(rows.iter().all(|row| row.matches('|').count() == 8), "{table}");
    assert!(table.contains("which this version does not serve"));
    let local = text(Format::Table, Some(Zone::Local), &[]);
    assert_eq!(local.lines().count(), 3);
    assert!(local.contains("| 5280 | tcp      | 127.0.0.1 | local |"), "{local}");
}

/// Runs a firewall's own check in a network namespace of its own.
fn accepts(program: &str, arguments: &[&str], rules: &str) {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).output().unwrap();
    if !found.status.success() {
        let required = ["NIGHTJAR_TEST_REQUIRE", "CI"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!required, "{program} is not installed");
        println!("skipped: {program} is not installed");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", program]).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{rules}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nft_loads_them() {
    for machines in [&[][..], MACHINES] {
        accepts("nft", &["--check", "--file", "-"], &text(Format::Nft, None, machines));
    }
}

#[test]
fn iptables_loads_them() {
    for program in ["iptables-restore", "ip6tables-restore"] {
        for machines in [&[][..], MACHINES] {
            accepts(program, &["--test", "--noflush"], &text(Format::Iptables, None, machines));
        }
    }
}
