use std::collections::BTreeMap;
use std::path::Path;

use nightjar_config::{Config, Declarations, Environment, ModuleSpec, load_with};
use nightjar_stun::policy::{Policy, Refusal};
use nightjar_stun::server::Alternate;

use super::{STUN_SPEC, alternate, policy};

static HTTP: ModuleSpec = ModuleSpec { name: "ejabberd_http", doc: "Another listener.", options: &[] };
static CLIENTS: ModuleSpec = ModuleSpec { name: "ejabberd_c2s", doc: "Another listener.", options: &[] };

fn config(toplevel: &str, listeners: &str) -> Config {
    let yaml = format!(
        "hosts: [one.example]\n{toplevel}\nlisten:\n  - {{port: 3478, transport: udp, module: ejabberd_stun, \
         use_turn: true, turn_blacklist: [], turn_whitelist: [127.0.0.0/8, 10.0.0.0/8, \"::1/128\"]}}\n{listeners}"
    );
    let files = BTreeMap::from([("a.yml".into(), yaml.into_bytes())]);
    let declarations = Declarations { listeners: &[&STUN_SPEC, &HTTP, &CLIENTS], ..Declarations::default() };
    load_with(Path::new("a.yml"), &declarations, &Environment::default(), &files).unwrap().0
}

fn policy_of(toplevel: &str, listeners: &str) -> Policy {
    let config = config(toplevel, listeners);
    let stun = config.listeners().iter().find(|listener| listener.port == 3478).unwrap();
    policy(stun, &config, &["8.8.4.4".parse().unwrap(), "2a00::4".parse().unwrap()])
}

/// Row 72 of the hostile inputs: whatever the whitelist says, no relay reaches databases, directories, Redis and listeners
/// of this server.
#[test]
fn services_of_this_server_are_no_peers() {
    let toplevel = "sql_type: pgsql\nsql_server: 10.0.0.5\nsql_port: 6000\nldap_servers: [10.0.0.6]\n\
                    ldap_backups: [10.0.0.7]\nredis_server: 10.0.0.8";
    let listeners = "  - {port: 5280, ip: 127.0.0.1, module: ejabberd_http}\n  \
                     - {port: 5222, ip: \"::\", module: ejabberd_c2s}\n";
    let own = policy_of(toplevel, listeners);
    for peer in [
        "10.0.0.5:6000",
        "[::ffff:10.0.0.5]:6000",
        "10.0.0.6:389",
        "10.0.0.6:636",
        "10.0.0.7:389",
        "10.0.0.8:6379",
        "127.0.0.1:5280",
        "8.8.4.4:5222",
        "[2a00::4]:5222",
    ] {
        assert_eq!(own.check(peer.parse().unwrap()), Err(Refusal::OwnService), "{peer}");
    }
    // Relays of this server are peers as any other.
    for peer in ["10.0.0.5:6001", "127.0.0.1:50000", "8.8.4.4:50000", "8.8.4.4:3478", "10.0.0.9:6379"] {
        assert_eq!(own.check(peer.parse().unwrap()), Ok(()), "{peer}");
    }
}

#[test]
fn usual_places_are_refused_though_nothing_says_so() {
    let own = policy_of("", "");
    for port in [5432, 3306, 389, 6379] {
        assert_eq!(own.check(([127, 0, 0, 1], port).into()), Err(Refusal::OwnService), "{port}");
    }
}

fn alternate_of(options: &str) -> Result<Alternate, String> {
    let listener = format!("  - {{port: 3479, transport: udp, module: ejabberd_stun, {options}}}\n");
    let config = config("", &listener);
    let stun = config.listeners().iter().find(|listener| listener.port == 3479).unwrap();
    alternate(stun, None, None)
}

#[test]
fn another_server_has_one_address_of_each_family_and_is_another() {
    let address = |text: &str| Some(text.parse().unwrap());
    for (options, wanted) in [
        ("ip: 192.0.2.1", Alternate::default()),
        (
            "ip: 192.0.2.1, alternate_server: \"192.0.2.2:3479\"",
            Alternate { v4: address("192.0.2.2:3479"), ..Alternate::default() },
        ),
        (
            "ip: 192.0.2.1, alternate_server: [\"192.0.2.1:3478\", \"[2001:db8::1]:1\"], alternate_domain: a.example",
            Alternate {
                v4: address("192.0.2.1:3478"),
                v6: address("[2001:db8::1]:1"),
                domain: Some("a.example".to_owned()),
            },
        ),
    ] {
        assert_eq!(alternate_of(options), Ok(wanted), "{options}");
    }
    for (options, wanted) in [
        ("alternate_server: \"192.0.2.1:3479\"", "alternate_server 192.0.2.1:3479 is this listener itself"),
        ("alternate_server: [\"192.0.2.1:1\", \"192.0.2.2:1\"]", "two addresses of one family"),
    ] {
        let said = alternate_of(&format!("ip: 192.0.2.1, {options}")).unwrap_err();
        assert!(said.contains(wanted), "{said}");
    }
}
